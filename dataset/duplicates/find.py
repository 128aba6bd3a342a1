"""Recordings that are there twice: copied, trimmed, encoded anew, or with one stream exchanged.

A split by subject is worth nothing where the same seconds stand under two subjects. PPG and
pictures are compared apart, so that the same pulse with another video is found, and the other way
round. First come stretches of equal sample values, and of frames stored in equal numbers of bytes
or with equal checksums, some of which are then compared; those are copies beyond doubt. Then come
stretches that match without being equal (`dataset.duplicates.correlation`): of the PPG its course,
of the pictures how many bytes each takes losslessly. That number tells how much detail and grain a
frame has. It varies from frame to frame in a way that no other recording repeats, survives another
pixel format, a change of brightness and some noise, and costs no decoding.

Not found are pictures that went through a lossy codec or were scaled, pictures that are stored
uncompressed and match without being equal, and stretches below `shortest_s` that are not equal. Of
many equal copies each is paired with the one before, in the order of `paths`.
"""

import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import SessionError
from dataset.common.progress import OnProgress
from dataset.session.reader import Session

from .correlation import MatchCriteria, PreparedSignal, match_pair, prepare_signal, search_pairs
from .shared_runs import SharedRun, find_shared_runs

SHORTEST_S = 18.0            # the limit `duplicate`
EXACT_S = 5.0                # shortest stretch of equal numbers that is reported
PPG, PICTURES = "ppg", "pictures"

Pair = tuple[int, int]

_PPG_HZ = 25.0
_FRAME_HZ = 30.0             # frames are counted, not timed: a copy may carry other stamps
_LONGEST_GAP = 10            # times the usual interval: a clock that jumps a year adds no year
_SLOWEST_HZ = 5.0            # a slower sensor shows no pulse
_CRITERIA = {
    PPG: MatchCriteria(
        low_hz=0.5, high_hz=6.0, floor=0.01, is_white=False, window_s=5.0, window_r=0.98,
        search_r=0.4, min_deviations=0.0, min_gain_z=1.0,
    ),
    PICTURES: MatchCriteria(
        low_hz=0.3, high_hz=5.0, floor=0.0, is_white=True, window_s=10.0, window_r=0.2,
        search_r=0.25, min_deviations=6.5, min_gain_z=0.15,
    ),
}


@dataclass(frozen=True)
class Stretch:
    """A part of a recording."""

    path: Path
    session: str
    from_s: float            # after the session's start
    to_s: float


@dataclass(frozen=True)
class Duplicate:
    """Two recordings with a stretch in common."""

    first: Stretch
    second: Stretch
    stream: str              # PPG or PICTURES
    is_exact: bool           # the stored numbers are equal; False: they match
    r: float                 # correlation over the stretch; 1.0 where exact

    def other(self, path: Path) -> Stretch:
        """Return the stretch in the recording that is not `path`."""
        return self.second if path == self.first.path else self.first

    def in_words(self, path: Path) -> str:
        """Describe it for the recording at `path`, in one line."""
        text = "the PPG is {} that of" if self.stream == PPG else "the pictures are {} those of"
        how = "equal to" if self.is_exact else f"like (r = {self.r:.2f})"
        other = self.other(path)
        return f"{text.format(how)} {other.session} from {other.from_s:.1f} to {other.to_s:.1f} s"


@dataclass(frozen=True)
class Streams:
    """What is compared of a recording."""

    path: Path
    session: str
    ppg: np.ndarray          # (T,) sensor values
    ppg_s: np.ndarray        # (T,) after the session's start
    sizes: np.ndarray        # (N,) stored bytes of each frame; 0 where compressing saves none
    marks: np.ndarray        # (N,) equal for equal frames: the sizes, or a checksum where that is 0
    frame_s: np.ndarray      # (N,)
    frame: np.ndarray        # (N,) number of the frame; a lost one is skipped


def find_duplicates(
    streams: Sequence[Streams], *, shortest_s: float = SHORTEST_S,
    on_progress: OnProgress = lambda stage, done, total: None,
) -> list[Duplicate]:
    """Find all pairs of recordings that share a stretch.

    Parameters
    ----------
    shortest_s : the shortest match that is reported; below 18 s heartbeats match by chance

    Returns
    -------
    sorted by the first path, then the second, PPG before pictures
    """
    if len(streams) < 2:            # and scipy is not loaded, which takes half a second
        return []
    duplicates = _equal_pairs(streams)
    for stream in (PPG, PICTURES):
        for pair, duplicate in _matches(streams, stream, shortest_s, on_progress):
            duplicates.setdefault((pair, stream), duplicate)
    return _in_order(duplicates)


def find_equal_stretches(streams: Sequence[Streams]) -> list[Duplicate]:
    """Find the pairs of recordings that share a stretch of equal numbers, sorted as above.

    What matches without being equal is not looked for, which takes most of the time.
    """
    return _in_order(_equal_pairs(streams))


def _equal_pairs(streams: Sequence[Streams]) -> dict[tuple[Pair, str], Duplicate]:
    equal = {(pair, PPG): duplicate for pair, duplicate in _equal_ppg(streams)}
    return equal | {(pair, PICTURES): duplicate for pair, duplicate in _equal_pictures(streams)}


def _in_order(duplicates: dict[tuple[Pair, str], Duplicate]) -> list[Duplicate]:
    ordered = sorted(duplicates, key=lambda key: (key[0], key[1] != PPG))
    return [duplicates[key] for key in ordered]


def read_compared_streams(path: Path) -> Streams:
    """Read what is compared, without decoding a frame.

    Raises
    ------
    SessionError : see `Session`
    """
    with Session(path) as session:
        start_ns = session.started_monotonic_ns
        sizes = session.stored_frame_bytes()
        sizes = np.where(sizes < int(np.prod(session.frames.stored_shape)), sizes, 0)
        steps = np.diff(session.frame_sequence, prepend=session.frame_sequence[:1])
        steps = np.clip(steps, 0, _LONGEST_GAP)
        steps[1:] = np.maximum(steps[1:], 1)
        return Streams(
            path, session.session_id, session.ppg, (session.ppg_time_ns - start_ns) / 1e9,
            sizes, _mark_frames(session, sizes), (session.frame_time_ns - start_ns) / 1e9,
            np.cumsum(steps),
        )


def _mark_frames(session: Session, sizes: np.ndarray) -> np.ndarray:
    """Return the sizes, with a checksum of its pixels for each frame that has none."""
    marks = sizes.astype(np.int64)
    for index in np.flatnonzero(sizes == 0).tolist():
        with suppress(SessionError):               # a damaged frame is like no other
            marks[index] = -1 - zlib.crc32(session.frames.raw(index).tobytes())
    return marks


def _equal_ppg(streams: Sequence[Streams]) -> Iterator[tuple[Pair, Duplicate]]:
    columns = [recording.ppg for recording in streams]
    for run in find_shared_runs(columns, shortest=round(EXACT_S * _PPG_HZ)):
        yield _exact(run, streams, [recording.ppg_s for recording in streams], PPG)


def _equal_pictures(streams: Sequence[Streams]) -> Iterator[tuple[Pair, Duplicate]]:
    columns = [recording.marks for recording in streams]
    for run in find_shared_runs(columns, shortest=round(EXACT_S * _FRAME_HZ)):
        with Session(streams[run.first].path) as first, Session(streams[run.second].path) as second:
            pictures = [
                (first.frames.raw(run.first_at + i), second.frames.raw(run.second_at + i))
                for i in (0, run.length // 2, run.length - 1)
            ]
        if all(np.array_equal(*pair) for pair in pictures):
            yield _exact(run, streams, [recording.frame_s for recording in streams], PICTURES)


def _exact(
    run: SharedRun, streams: Sequence[Streams], times_s: Sequence[np.ndarray], stream: str
) -> tuple[Pair, Duplicate]:
    first, second = (
        _stretch(streams[i], times_s[i], at, at + run.length)
        for i, at in ((run.first, run.first_at), (run.second, run.second_at))
    )
    return (run.first, run.second), Duplicate(first, second, stream, is_exact=True, r=1.0)


@dataclass(frozen=True)
class _Signal:
    """One stream of a recording, prepared for the search."""

    recording: int           # its place in the list
    times_s: np.ndarray      # of each value
    prepared: PreparedSignal


def _matches(
    streams: Sequence[Streams], stream: str, shortest_s: float, on_progress: OnProgress
) -> Iterator[tuple[Pair, Duplicate]]:
    criteria = _CRITERIA[stream]
    signals = []
    for at, recording in enumerate(streams):
        values, fs_hz, times_s = (_ppg_signal if stream == PPG else _size_signal)(recording)
        if prepared := prepare_signal(values, fs_hz, criteria):
            signals.append(_Signal(at, times_s, prepared))
    for i, j, delay in search_pairs(
        [signal.prepared for signal in signals], criteria, shortest_s=shortest_s,
        on_tile=lambda done, total: on_progress(f"comparing {stream}", done, total),
    ):
        a, b, delay_s = (i, j, delay) if i < j else (j, i, -delay)
        first, second = signals[a], signals[b]
        match = match_pair(
            first.prepared, second.prepared, delay_s, criteria, shortest_s=shortest_s
        )
        if match is None:
            continue
        first_part, second_part = (
            _stretch(
                streams[signal.recording], signal.times_s, round(begin_s * signal.prepared.fs_hz),
                round((begin_s + match.length_s) * signal.prepared.fs_hz),
            )
            for signal, begin_s in ((first, match.first_s), (second, match.second_s))
        )
        pair = first.recording, second.recording
        yield pair, Duplicate(first_part, second_part, stream, is_exact=False, r=match.r)


def _stretch(recording: Streams, times_s: np.ndarray, begin: int, end: int) -> Stretch:
    last = min(end, len(times_s)) - 1
    return Stretch(recording.path, recording.session, float(times_s[begin]), float(times_s[last]))


def _ppg_signal(recording: Streams) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the PPG at a constant rate, the rate, and the time of each value."""
    from scipy.ndimage import uniform_filter1d

    steps = np.diff(recording.ppg_s)
    usual = max(float(np.median(steps)), 1e-3) if len(steps) else math.inf
    if usual > 1 / _SLOWEST_HZ:
        return np.empty(0), _PPG_HZ, np.empty(0)
    at = np.concatenate([[0.0], np.cumsum(np.clip(steps, 1e-6, _LONGEST_GAP * usual))])
    smooth = uniform_filter1d(recording.ppg.astype(float), max(1, round(1 / _PPG_HZ / usual)))
    grid = np.arange(0.0, at[-1], 1 / _PPG_HZ)
    return np.interp(grid, at, smooth), _PPG_HZ, np.interp(grid, at, recording.ppg_s)


def _size_signal(recording: Streams) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the frames' sizes at a constant rate, outliers cut, the rate, and each one's time."""
    from scipy.ndimage import median_filter

    there = np.flatnonzero(recording.sizes)
    if len(there) < 2:
        return np.empty(0), _FRAME_HZ, np.empty(0)
    every = np.arange(recording.frame[-1] + 1)
    sizes = np.interp(every, recording.frame[there], recording.sizes[there])
    deviation = sizes - median_filter(sizes, 31, mode="nearest")
    most = 5 * float(np.median(np.abs(deviation))) / 0.6745    # 5 standard deviations, if Gaussian
    times_s = np.interp(every, recording.frame, recording.frame_s)
    return np.clip(deviation, -most, most), _FRAME_HZ, times_s
