"""Recordings that are another one over again: copied under another name, trimmed, encoded anew, or
with one stream exchanged.

A split by subject is worth nothing where the same seconds stand under two subjects. PPG and
pictures are compared apart, so that the same pulse with another video is found, and the other way
round. First, stretches of equal sample values, and of frames stored in equal numbers of bytes (then
looked at); those are copies beyond doubt. Then what is alike but not equal
(`dataset.duplicates.correlation`): of the PPG its course, of the pictures how many bytes each takes
losslessly. That number says how much there is to see in a frame and how grainy it is, wavers from
frame to frame in a way no other recording repeats, outlives another pixel format, a change of
brightness and some noise, and costs no decoding.

What it does not see: pictures that went through a lossy codec or were scaled, or that were stored
uncompressed, and a stretch below `shortest_s` that is not equal. Of many equal copies each is told
with the one before, in the order of `paths`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from dataset.common.progress import OnProgress
from dataset.session.reader import Session

from .correlation import Likeness, make_ready, measure, search
from .shared_runs import shared_runs

SHORTEST_S = 18.0            # the limit `duplicate`
EXACT_S = 5.0                # stretches of equal numbers are told from this length on
PPG, PICTURES = "ppg", "pictures"

Pair = tuple[int, int]

_PPG_HZ = 25.0
_FRAME_HZ = 30.0             # frames are counted, not timed: a copy may carry other stamps
_LONGEST_GAP = 10  # of the usual interval: a clock that jumped a year makes no trace of a year
_SLOWEST_HZ = 5.0            # a sensor below tells no pulse
_LIKE = {
    PPG: Likeness(
        low_hz=0.5, high_hz=6.0, floor=0.01, whiten=False, window_s=5.0, alike=0.98, found=0.4,
        sigmas=0.0, apart=1.0,
    ),
    PICTURES: Likeness(
        low_hz=0.3, high_hz=5.0, floor=0.0, whiten=True, window_s=10.0, alike=0.2, found=0.25,
        sigmas=6.5, apart=0.15,
    ),
}


@dataclass(frozen=True)
class Stretch:
    """Where in a recording."""

    path: Path
    session: str
    from_s: float            # after the session's start
    to_s: float


@dataclass(frozen=True)
class Duplicate:
    """Two recordings with a stretch in common."""

    first: Stretch
    second: Stretch
    by: str                  # PPG or PICTURES
    exact: bool              # the stored numbers are equal; False: alike
    alike: float             # correlation over the stretch; 1.0 where exact

    def other(self, path: Path) -> Stretch:
        """Give the stretch in the recording that is not `path`."""
        return self.second if path == self.first.path else self.first

    def in_words(self, path: Path) -> str:
        """Say it of the recording at `path`, in one line."""
        of_both = "the PPG is {} that of" if self.by == PPG else "the pictures are {} those of"
        how = "equal to" if self.exact else f"like (r = {self.alike:.2f})"
        other = self.other(path)
        return (
            f"{of_both.format(how)} {other.session} from {other.from_s:.1f} to {other.to_s:.1f} s"
        )


@dataclass(frozen=True)
class Streams:
    """What is compared of a recording."""

    path: Path
    session: str
    ppg: np.ndarray          # (T,) sensor values
    ppg_s: np.ndarray        # (T,) after the session's start
    sizes: np.ndarray        # (N,) stored bytes of each frame; 0 where it was stored uncompressed
    frame_s: np.ndarray      # (N,)
    frame: np.ndarray        # (N,) number of the frame; a lost one is skipped


def find_duplicates(
    paths: Sequence[Path], *, shortest_s: float = SHORTEST_S,
    on_progress: OnProgress = lambda stage, done, total: None,
) -> list[Duplicate]:
    """Find all pairs of recordings that share a stretch.

    Parameters
    ----------
    paths : session files
    shortest_s : what is alike but not equal is told from this length on; below 18 s heartbeats are
        alike by chance

    Returns
    -------
    sorted by the first path, then the second, PPG before pictures

    Raises
    ------
    SessionError : a file cannot be read; it is named
    """
    recordings = []
    for at, path in enumerate(paths):
        recordings.append(read_streams(path))
        on_progress("reading sessions", at + 1, len(paths))
    return compare(recordings, shortest_s=shortest_s, on_progress=on_progress)


def compare(
    recordings: Sequence[Streams], *, shortest_s: float = SHORTEST_S,
    on_progress: OnProgress = lambda stage, done, total: None,
) -> list[Duplicate]:
    """Find all pairs that share a stretch, as `find_duplicates` does, in what was read."""
    found = {(pair, PPG): duplicate for pair, duplicate in _equal_ppg(recordings)}
    found |= {(pair, PICTURES): duplicate for pair, duplicate in _equal_pictures(recordings)}
    for by in (PPG, PICTURES):
        for pair, duplicate in _alike(recordings, by, shortest_s, on_progress):
            found.setdefault((pair, by), duplicate)
    return [
        duplicate
        for _, duplicate in sorted(found.items(), key=lambda one: (one[0][0], one[0][1] != PPG))
    ]


def read_streams(path: Path) -> Streams:
    """Read what is compared, without decoding a frame.

    Raises
    ------
    SessionError : see `Session`
    """
    with Session(path) as session:
        start = session.started_monotonic_ns
        sizes = session.stored_frame_bytes()
        uncompressed = int(np.prod(session.frames.stored_shape))
        steps = np.clip(
            np.diff(session.frame_sequence, prepend=session.frame_sequence[:1]), 0, _LONGEST_GAP
        )
        steps[1:] = np.maximum(steps[1:], 1)
        return Streams(
            path, session.session_id, session.ppg, (session.ppg_time_ns - start) / 1e9,
            np.where(sizes < uncompressed, sizes, 0), (session.frame_time_ns - start) / 1e9,
            np.cumsum(steps),
        )


def _equal_ppg(recordings: Sequence[Streams]) -> Iterator[tuple[Pair, Duplicate]]:
    for run in shared_runs([one.ppg for one in recordings], shortest=round(EXACT_S * _PPG_HZ)):
        places = (run.first, run.first_at), (run.second, run.second_at)
        first, second = (
            _stretch(recordings[i], recordings[i].ppg_s, at, at + run.length) for i, at in places
        )
        yield (run.first, run.second), Duplicate(first, second, PPG, exact=True, alike=1.0)


def _equal_pictures(recordings: Sequence[Streams]) -> Iterator[tuple[Pair, Duplicate]]:
    for run in shared_runs([one.sizes for one in recordings], shortest=round(EXACT_S * _FRAME_HZ)):
        places = (run.first, run.first_at), (run.second, run.second_at)
        first, second = (
            _stretch(recordings[i], recordings[i].frame_s, at, at + run.length) for i, at in places
        )
        looked_at = (0, run.length // 2, run.length - 1)
        with Session(first.path) as one, Session(second.path) as other:
            pictures = [
                (one.frames.raw(run.first_at + i), other.frames.raw(run.second_at + i))
                for i in looked_at
            ]
        if all(np.array_equal(*pair) for pair in pictures):
            yield (run.first, run.second), Duplicate(first, second, PICTURES, exact=True, alike=1.0)


def _alike(
    recordings: Sequence[Streams], by: str, shortest_s: float, on_progress: OnProgress
) -> Iterator[tuple[Pair, Duplicate]]:
    like = _LIKE[by]
    made = [_ppg_trace(one) if by == PPG else _picture_trace(one) for one in recordings]
    ready = [
        (i, times, trace)
        for i, (values, hz, times) in enumerate(made)
        if (trace := make_ready(values, hz, like))
    ]
    traces = [trace for _, _, trace in ready]
    for one, other, delay in search(
        traces, like, shortest_s=shortest_s,
        on_tile=lambda done, total: on_progress(f"comparing {by}", done, total),
    ):
        a, b, delay_s = (one, other, delay) if one < other else (other, one, -delay)
        match = measure(traces[a], traces[b], delay_s, like, shortest_s=shortest_s)
        if match is None:
            continue
        first, second = (
            _stretch(
                recordings[i], times, round(begin_s * trace.fs_hz),
                round((begin_s + match.length_s) * trace.fs_hz),
            )
            for (i, times, trace), begin_s in (
                (ready[a], match.first_s), (ready[b], match.second_s),
            )
        )
        yield (
            (ready[a][0], ready[b][0]),
            Duplicate(first, second, by, exact=False, alike=match.alike),
        )


def _stretch(one: Streams, times_s: np.ndarray, begin: int, end: int) -> Stretch:
    return Stretch(
        one.path, one.session, float(times_s[begin]), float(times_s[min(end, len(times_s)) - 1])
    )


def _ppg_trace(one: Streams) -> tuple[np.ndarray, float, np.ndarray]:
    """Give the PPG at a constant rate, the rate, and the time of each value."""
    steps = np.diff(one.ppg_s)
    usual = max(float(np.median(steps)), 1e-3) if len(steps) else math.inf
    if usual > 1 / _SLOWEST_HZ:
        return np.empty(0), _PPG_HZ, np.empty(0)
    at = np.concatenate([[0.0], np.cumsum(np.clip(steps, 1e-6, _LONGEST_GAP * usual))])
    smooth = uniform_filter1d(one.ppg.astype(float), max(1, round(1 / _PPG_HZ / usual)))
    grid = np.arange(0.0, at[-1], 1 / _PPG_HZ)
    return np.interp(grid, at, smooth), _PPG_HZ, np.interp(grid, at, one.ppg_s)


def _picture_trace(one: Streams) -> tuple[np.ndarray, float, np.ndarray]:
    """Give the frames' sizes at a constant rate, outliers cut, the rate, and the time of each."""
    there = np.flatnonzero(one.sizes)
    if len(there) < 2:
        return np.empty(0), _FRAME_HZ, np.empty(0)
    every = np.arange(one.frame[-1] + 1)
    sizes = np.interp(every, one.frame[there], one.sizes[there])
    around = median_filter(sizes, 31, mode="nearest")
    waver = sizes - around
    # five standard deviations, were it Gaussian
    most = 5 * float(np.median(np.abs(waver))) / 0.6745
    return np.clip(waver, -most, most), _FRAME_HZ, np.interp(every, one.frame, one.frame_s)
