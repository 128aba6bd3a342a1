"""Curated rows without curated folders: entries, labels and pictures, read from a session itself.

The rows, the labels with the digits of their file, and the pictures are those that
`dataset.convert.to_ubfc` would write by its usual settings; only the AVI between is left out.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dataset.face.frames import SIZE, FaceFrames, OnFrames, Pictures, average_faces
from dataset.layouts.manifest import Entry, VideoFile
from dataset.layouts.ubfc import labels_text, parse_labels
from dataset.session.reader import Session, rate_hz

from .rows import Part, plan_rows
from .settings import NATIVE, Settings
from .tasks import SessionTask
from .ubfc_folder import entry_of, seconds_of

NO_VIDEO = "none"                                    # in the place of a codec
USUAL = Settings(NO_VIDEO, "filtered", NATIVE, "keep")


@dataclass(frozen=True, eq=False)
class SessionVideo:
    """The pictures of N curated rows."""

    file: Path                     # of the session
    frame_index: np.ndarray        # (N,) int64
    digest: str                    # SHA-256 of the session's content and the frames shown

    def read(self) -> Iterator[np.ndarray]:
        """Yield each picture, (H, W, 3) uint8 BGR; the next one overwrites it."""
        with Session(self.file) as session:
            bgr = np.empty((session.frames.height, session.frames.width, 3), np.uint8)
            last = -1
            for index in self.frame_index.tolist():
                if index != last:
                    session.frames.read_into(index, bgr, bgr=True)
                    last = index
                yield bgr

    def face_frames(
        self, cache: Path | None, *, size: int = SIZE, on_frames: OnFrames | None = None
    ) -> FaceFrames:
        """Find the face and average it, or take the result from the cache.

        Raises
        ------
        CurationError : no face, or not two frames
        """
        pictures = Pictures(self.read, self.file, self.digest)
        return average_faces(pictures, cache=cache, size=size, on_frames=on_frames)


@dataclass(frozen=True, eq=False)
class SessionRecording:
    """One curated recording: N rows."""

    entry: Entry                   # as in the manifest, with the codec `NO_VIDEO`
    ppg: np.ndarray                # (N,) float64
    time_s: np.ndarray             # (N,) float64
    video: SessionVideo


def read_curated_rows(task: SessionTask) -> SessionRecording:
    """Read what a session's curated folder would hold, without decoding a frame.

    Parameters
    ----------
    task : with the settings `USUAL` and one folder

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used
    """
    with Session(task.file) as session:
        rows = plan_rows(session, task.settings, task.exclusions)
        (part,) = rows.parts                          # where holes are kept, nothing is cut
        text = labels_text(part.ppg, hr_bpm=part.hr_bpm, time_s=seconds_of(part)).encode()
        ppg, _, time_s = parse_labels(text, task.file)
        digest = _digest(task, part)
        video = VideoFile(
            session.frames.width, session.frames.height, rate_hz(part.time_ns), NO_VIDEO, digest, 0,
            digest,
        )
        entry = entry_of(task, session, rows, 1, video, hashlib.sha256(text).hexdigest())
    return SessionRecording(entry, ppg, time_s, SessionVideo(task.file, part.frame_index, digest))


def keep_face_frames(task: SessionTask, *, cache: Path) -> None:
    """Make the face frames of a session in the cache: the unit of work where many are made."""
    read_curated_rows(task).video.face_frames(cache)


def number_folders(tasks: list[SessionTask]) -> list[SessionTask]:
    """Return the tasks with the folders that a first conversion would make."""
    return [
        replace(task, folders=(f"{task.side}/subject{number}",))
        for number, task in enumerate(tasks, start=1)
    ]


def _digest(task: SessionTask, part: Part) -> str:
    shown = hashlib.sha256(np.ascontiguousarray(part.frame_index, "<i8").tobytes()).hexdigest()
    return hashlib.sha256(f"{task.session.hash} {shown}".encode()).hexdigest()
