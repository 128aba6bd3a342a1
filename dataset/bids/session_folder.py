"""One recording in a BIDS data set: its folder with the finger, the video and their times.

A task is picklable, so that a process of its own, or of another machine, can do it. Recordings are
outlined first, without decoding a frame: two that BIDS has one name for are refused, and what the
videos will take is known.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import CurationError, Fix
from dataset.common.spans import is_inside
from dataset.layouts.avi import VideoWriter, check_video
from dataset.session.reader import Session

from .names import label, session_label, stem
from .physio import write_physio


@dataclass(frozen=True)
class RecordingTask:
    """One recording to be written."""

    session: str
    file: Path                                   # as this machine names it
    spans_s: tuple[tuple[float, float], ...]     # cut out, after the session's start
    codec: str
    part: Path                                   # where the data set is made


@dataclass(frozen=True)
class RecordingOutline:
    """What a task will make."""

    folder: Path               # under the root
    subject: str               # its label
    simulated: bool
    pixel_bytes: int           # of the frames that are kept


def outline_recording(task: RecordingTask) -> RecordingOutline:
    """Read what a recording is, without decoding a frame.

    Raises
    ------
    SessionError : it cannot be read
    CurationError : it has no frames, or all of them are cut out
    """
    with Session(task.file) as session:
        frames, kept = session.frames, kept_frames(task, session)
        if not len(kept):
            raise CurationError(
                expected="frames that are not cut out", found="none", where=session.path,
                fix=Fix.EXCLUDE, of=session.session_id,
            )
        return RecordingOutline(
            _folder(session), label(session.subject), session.simulated,
            len(kept) * frames.width * frames.height * 3,
        )


def kept_frames(task: RecordingTask, session: Session) -> np.ndarray:
    """Return the numbers of the frames that nobody cut out."""
    return np.flatnonzero(~is_inside(session.frame_light_ns, _spans_ns(task, session)))


def write_recording(task: RecordingTask) -> Path:
    """Write a recording into its folder, and return that, under the root.

    Raises
    ------
    SessionError : it cannot be read
    CurationError : samples without an even grid; a video that decodes to other pixels
    """
    with Session(task.file) as session:
        folder = _folder(session)
        (task.part / folder).mkdir(parents=True, exist_ok=True)   # a worker that died began it
        named = session_label(session.session_id, session.subject)
        start = task.part / folder / stem(label(session.subject), named)
        write_physio(session, start, is_inside(session.ppg_time_ns, _spans_ns(task, session)))
        _write_video(session, start, kept_frames(task, session), task.codec)
    return folder


def _folder(session: Session) -> Path:
    named = session_label(session.session_id, session.subject)
    return Path(f"sub-{label(session.subject)}") / f"ses-{named}" / "beh"


def _spans_ns(task: RecordingTask, session: Session) -> list[tuple[float, float]]:
    begun_ns = session.started_monotonic_ns
    return [(begun_ns + 1e9 * first, begun_ns + 1e9 * last) for first, last in task.spans_s]


def _write_video(session: Session, start: Path, kept: np.ndarray, codec: str) -> None:
    """Write the frames that are kept, and their times; decode the video again and compare."""
    frames, times_s = session.frames, session.frame_light_ns - int(session.frame_light_ns[0])
    bgr = np.empty((frames.height, frames.width, 3), np.uint8)
    path = start.with_name(f"{start.name}_video.avi")
    with VideoWriter(
        path, codec=codec, width=frames.width, height=frames.height, fps=session.fps or 1.0,
        simulated=session.simulated,
    ) as video:
        for index in kept.tolist():
            frames.read_into(index, bgr, bgr=True)
            video.add(bgr)
    check_video(path, video.pixels)
    rows = [f"{i}\t{times_s[at] / 1e9:.6f}\n" for i, at in enumerate(kept.tolist())]
    start.with_name(f"{start.name}_video.tsv").write_text("frame\ttime\n" + "".join(rows))
