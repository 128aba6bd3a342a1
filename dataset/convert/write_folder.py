"""One session into its curated folders: a unit of work that a process of its own, or of another
machine, can do.

It writes under partial names, decodes again, compares, and gives the manifest's entries; nobody but
`dataset.convert.to_ubfc` renames a folder into place or writes the manifest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset.layouts.avi import VideoWriter, check_video
from dataset.layouts.manifest import Entry
from dataset.layouts.ubfc import VIDEO, write_labels
from dataset.quality.result import read_quality
from dataset.selection.exclusions import Exclusion
from dataset.selection.split import SessionIdentity
from dataset.session.reader import Session, rate_hz

from .rows import Part, Timeline, excluded_parts, lay_out
from .settings import FILTER, NATIVE, Settings

Step = Callable[[str, int], None]      # stage, frames more
WRITING, CHECKING = "writing frames", "checking frames"


@dataclass(frozen=True)
class Task:
    """One session to be converted; picklable."""

    session: SessionIdentity
    file: Path                          # the same on every machine that works
    settings: Settings
    exclusions: tuple[Exclusion, ...]   # of this session
    folders: tuple[str, ...] = ()       # "train/subject1", one for each part
    partial: Path = Path()              # where the folders are made, under `partial_name`


@dataclass(frozen=True)
class Outline:
    """What a task will make."""

    rows: tuple[int, ...]               # of each part
    frame_bytes: int                    # of BGR pixels

    @property
    def frames(self) -> int:
        """All rows."""
        return sum(self.rows)


def partial_name(folder: str) -> str:
    """Name a folder while it is being made."""
    return folder.replace("/", "-")


def outline(task: Task) -> Outline:
    """Say how many parts a session makes, without decoding a frame.

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used
    """
    with Session(task.file) as session:
        parts = lay_out(session, task.settings, task.exclusions).parts
        return Outline(
            tuple(len(part.index) for part in parts),
            session.frames.width * session.frames.height * 3,
        )


def write_session(task: Task, on_step: Step | None = None) -> tuple[Entry, ...]:
    """Write the parts of one session, decode them again and compare; give their manifest entries.

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used, a folder cannot be written, or decodes to other pixels
    """
    step = on_step or (lambda stage, count: None)
    with Session(task.file) as session:
        timeline = lay_out(session, task.settings, task.exclusions)
        return tuple(
            _write_part(task, session, timeline, number, part, folder, step)
            for number, (part, folder) in enumerate(
                zip(timeline.parts, task.folders, strict=True), start=1
            )
        )


def _write_part(
    task: Task, session: Session, timeline: Timeline, number: int, part: Part, name: str, step: Step
) -> Entry:
    folder, settings, frames = task.partial / partial_name(name), task.settings, session.frames
    folder.mkdir()
    path, fps = folder / VIDEO, rate_hz(part.time_ns)
    bgr, last = np.empty((frames.height, frames.width, 3), np.uint8), -1
    with VideoWriter(
        path, codec=settings.codec, width=frames.width, height=frames.height, fps=fps
    ) as video:
        for index in part.index.tolist():
            if index != last:
                frames.read_into(index, bgr, bgr=True)
                last = index
            video.add(bgr)
            step(WRITING, 1)
    video_sha256 = check_video(path, video.pixels, on_frame=lambda _: step(CHECKING, 1))
    time_s = (part.time_ns - part.time_ns[0]) / 1e9
    labels_hash = write_labels(folder, part.ppg, hr_bpm=part.hr_bpm, time_s=time_s)
    first = number == 1
    return Entry(
        folder=name, side=name.partition("/")[0], subject=session.subject,
        session=session.session_id, session_hash=task.session.hash, simulated=session.simulated,
        session_complete=session.complete, frames=len(part.index), width=frames.width,
        height=frames.height, fps=fps, duration_s=float(time_s[-1]),
        hr_bpm=round(float(part.hr_bpm.mean()), 3), ppg_rate_hz=timeline.ppg_rate_hz,
        sync_bound_ms=session.sync_bound_ms,
        light_offset_ms=None if session.light_offset_ns is None else session.light_offset_ns / 1e6,
        lost_frames=session.lost_frames, lost_samples=session.lost_samples,
        trimmed=timeline.trimmed if first else [], codec=settings.codec,
        filter=FILTER[settings.ppg], video_hash=video.pixels.hexdigest,
        video_bytes=path.stat().st_size, video_sha256=video_sha256, labels_hash=labels_hash,
        part=number, imported_from=session.imported_from, fps_asked=settings.fps,
        holes=settings.holes, repeated=part.repeated, unused=timeline.unused if first else 0,
        picture_shift_ms=None if settings.fps == NATIVE else part.picture_shift_ms,
        excluded=excluded_parts(task.exclusions), grade=grade_of(task.file, task.session.hash),
    )


def grade_of(session_file: Path, session_hash: str) -> str | None:
    """Give what `acq qc` said of this very recording; None where it was not asked.

    Raises
    ------
    CurationError : its answer cannot be read
    """
    quality = read_quality(session_file)
    return quality.grade if quality and quality.session_hash == session_hash else None
