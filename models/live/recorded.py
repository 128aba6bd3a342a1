"""Frames that lie in a file, a video or a session, with their times and the finger beside them."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from acquire.camera.source import EndOfStream
from acquire.data_folder import SESSION_SUFFIX
from acquire.errors import CurationError, SessionError, suggest
from dataset.common.ahead import read_ahead
from dataset.common.wording import counted

if TYPE_CHECKING:
    from acquire.camera.replay import ReplayCamera
    from dataset.session.reader import Session

_LONG_AGO_NS = -10**18          # thirty years: longer than a video
_LOOKED_AT = slice(None, None, 16)      # rows and columns of a picture, to see whether it is grey
_COLOURED, _GREY_BELOW = 0.01, 8.0     # share of a picture whose colours differ by that, in 8 bits
_HDF5 = b"\x89HDF\r\n\x1a\n"


class Reference(Protocol):
    """What the heart rate of a face is held against."""

    @property
    def why_missing(self) -> str:
        """Why there is none, in words; "" where there is."""
        ...

    def check(self, seconds: float) -> None:
        """Refuse one that says nothing of a file of so many seconds; an `AcqError`."""
        ...

    def hr_bpm(self, first_s: float, last_s: float) -> float | None:
        """Return the heart rate from one time to another; None where it cannot be told."""
        ...


@dataclass(frozen=True)
class RecordedFrames:
    """The frames of a file, while it is open."""

    # (H, W, 3) uint8 RGB, which the next one may be written over; time [s] after the first
    frames: Iterator[tuple[np.ndarray, float]]
    total: int
    seconds: float                          # from the first frame to the last
    simulated: bool
    finger: Reference | None = None         # of a session
    # what is doubtful of the pictures, or was mended; that they are cut short or grey is known at
    # their end
    remarks: Sequence[str] = ()
    pictures: str = ""      # how a video's pictures are read, and where its times are from
    is_predicted: bool = False      # whether its pictures are coded as what changed since others


@contextmanager
def open_recorded(
    source: Path, *, times: Path | None = None, fps: float | None = None
) -> Iterator[RecordedFrames]:
    """Open a video or a session.

    Parameters
    ----------
    source : any file that FFmpeg decodes, or a session
    times : CSV of a video's frame times [s]
    fps : instead, the rate of evenly spaced frames [Hz]; without both, the times in the container

    Raises
    ------
    DeviceError : not a video, one without times, or times that cannot be used
    SessionError : not a session, or times given for one
    """
    if is_session(source):
        if times is not None or fps is not None:
            raise SessionError(
                expected="frame times for a video only",
                found=f"{'a frame rate' if times is None else 'times'} given for a session",
                where=source, fix="a session has its own",
            )
        from dataset.session.reader import Session

        with Session(source) as session, closing(_frames_of_session(session)) as frames:
            if not len(session.frames):
                raise SessionError(
                    expected="a session with frames", found="none", where=source,
                    fix="name another, or a video",
                )
            remarks = []
            yield RecordedFrames(
                _noting_grey(frames, remarks), len(session.frames), _seconds_of(session),
                session.simulated, finger=SessionFinger(session), remarks=remarks,
            )
        return
    from acquire.camera.replay import ReplayCamera

    with suggest("name a video that FFmpeg decodes, or a session by its file or its id"):
        camera = ReplayCamera(source, times=times, fps=fps)
    remarks = list(camera.info.remarks)
    with closing(camera), read_ahead(_frames_of_video(camera, remarks)) as frames:
        yield RecordedFrames(
            _noting_grey(frames, remarks), camera.frames, camera.seconds,
            camera.info.simulated, remarks=remarks, pictures=camera.info.pipeline,
            is_predicted=camera.is_predicted,
        )


def choose_reference(
    recorded: RecordedFrames, named: Reference | None, source: Path
) -> Reference | None:
    """Return what a file's heart rates are held against: a session's finger, or what is named.

    Raises
    ------
    SessionError : one is named for a session
    AcqError : the named one says nothing of this file
    """
    if named is None:
        return recorded.finger
    if recorded.finger is not None:
        raise SessionError(
            expected="a heart rate or a PPG for a video only", found="one given for a session",
            where=source, fix="a session has its own finger",
        )
    named.check(recorded.seconds)
    return named


def is_session(source: Path) -> bool:
    """Return whether a file is a session, or should be one by its name."""
    if not source.is_file():
        return False
    with source.open("rb") as file:
        return source.suffix == SESSION_SUFFIX or file.read(len(_HDF5)) == _HDF5


def _seconds_of(session: "Session") -> float:
    light_ns = session.frame_light_ns
    return float(light_ns[-1] - light_ns[0]) / 1e9 if len(light_ns) else 0.0


def _frames_of_session(session: "Session") -> Generator[tuple[np.ndarray, float], None, None]:
    """Yield the frames, decoded ahead; to turn them into RGB is left to who has less to do."""
    frames, light_ns = session.frames, session.frame_light_ns
    stored = map(frames.raw, range(len(frames)))
    with read_ahead(zip(stored, (light_ns - light_ns[:1]).tolist(), strict=True)) as ahead:
        image = np.empty((frames.height, frames.width, 3), np.uint8)
        for picture, time_ns in ahead:
            yield frames.convert_into(picture, image), time_ns / 1e9


def _frames_of_video(
    camera: "ReplayCamera", remarks: list[str]
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the frames that decode; `remarks` get how many are damaged or missing."""
    from acquire.camera.replay import CutShort

    from .sources import to_rgb

    camera.start(_LONG_AGO_NS)
    while True:
        try:
            frame = camera.read(0.2)
        except EndOfStream:
            remarks += _describe_damage(camera)
            return
        except CutShort:
            if not (read := camera.read_frames):
                raise
            remarks += _describe_damage(camera)
            remarks.append(
                f"the last {camera.frames - read} of {camera.frames} frames do not decode: it is "
                f"read up to {camera.seconds_at(read - 1):.1f} of {camera.seconds:.1f} s"
            )
            return
        if frame is not None:
            image = to_rgb(frame.image, camera.info.pixel_format)
            yield image, (frame.time_ns - _LONG_AGO_NS) / 1e9


def _noting_grey(
    frames: Iterator[tuple[np.ndarray, float]], remarks: list[str]
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the frames; `remarks` get, at their end, that none of them has a colour."""
    is_grey: bool | None = None
    for image, time_s in frames:
        if is_grey is not False:
            colour = np.ptp(image[_LOOKED_AT, _LOOKED_AT], axis=2)
            is_grey = bool(np.quantile(colour, 1 - _COLOURED) < _GREY_BELOW)
        yield image, time_s
    if is_grey:
        remarks.append(
            "its pictures have no colour, and the pulse is a change of colour: record in colour"
        )


def _describe_damage(camera: "ReplayCamera") -> list[str]:
    """Return a line each: which frames decode in part only, and which within it do not at all."""
    remarks = []
    if damaged := camera.damaged:
        are = f"{counted(len(damaged), 'frame')} {'is' if len(damaged) == 1 else 'are'}"
        remarks.append(
            f"{are} damaged, the first at {camera.seconds_at(damaged[0]):.2f} s: what does not "
            "decode in it was guessed, and frames after it are made from it"
        )
    if missing := camera.missing:
        do = f"{counted(len(missing), 'frame')} {'does' if len(missing) == 1 else 'do'}"
        remarks.append(
            f"{do} not decode, between {camera.seconds_at(max(missing[0] - 1, 0)):.2f} and "
            f"{camera.seconds_at(missing[-1] + 1):.2f} s: it is damaged there, and read on after it"
        )
    return remarks


class SessionFinger:
    """A session's PPG on its frames' times; a `Reference`."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        light_ns = session.frame_light_ns
        self._time_s = (light_ns - light_ns[:1]) / 1e9

    @property
    def why_missing(self) -> str:
        """Why there is none, in words; "" where there is."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[np.ndarray, str]:
        """The PPG of each frame, NaN where there is none, and why there is none at all."""
        from dataset.session.heart_rate import spans_without_finger
        from dataset.signals.align import ppg_on_frames

        session, light_ns, why = self._session, self._session.frame_light_ns, ""
        ppg = np.full(len(light_ns), np.nan)
        try:
            ppg = ppg_on_frames(
                session.ppg_values, session.ppg_time_ns, session.ppg_sequence, light_ns
            ).ppg
        except CurationError as error:
            why = str(error)
        for first_ns, last_ns in spans_without_finger(session):
            ppg[(light_ns >= first_ns) & (light_ns <= last_ns)] = np.nan
        return ppg, why

    def check(self, seconds: float) -> None:
        """Accept any: it is of the session itself. What it says is read here, or when asked."""
        _ = self._read

    def hr_bpm(self, first_s: float, last_s: float) -> float | None:
        """Return the heart rate from one time to another; None where it cannot be told."""
        from dataset.signals.align import BRIDGE_S
        from dataset.signals.pulse_rate import finger_rate
        from dataset.signals.windows import even_grid, to_even_grid

        # of times that do not rise there is no PPG, and no rate
        first = int(np.searchsorted(self._time_s, first_s - 1e-9))
        stop = int(np.searchsorted(self._time_s, last_s + 1e-9, side="right"))
        ppg, time_s = self._read[0][first:stop], self._time_s[first:stop]
        known = np.flatnonzero(np.isfinite(ppg))
        if not len(known) or time_s[known[0]] - time_s[0] > BRIDGE_S or (
            time_s[-1] - time_s[known[-1]] > BRIDGE_S
        ):
            return None
        # the first frame is mostly before the first sample
        ppg, time_s = (values[known[0] : known[-1] + 1] for values in (ppg, time_s))
        if len(ppg) < 2 or not np.isfinite(ppg).all() or np.ptp(ppg) == 0:
            return None
        fs_hz = even_grid(time_s)[1]
        rate = finger_rate(to_even_grid(ppg, time_s), fs_hz, filtered=True)
        return None if rate.why_not else rate.bpm
