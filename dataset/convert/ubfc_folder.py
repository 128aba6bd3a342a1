"""One session into its curated folders, in the UBFC layout.

Folders are made under partial names, decoded again and compared; their manifest entries are
returned. Only `dataset.convert.to_ubfc` renames a folder into place or writes the manifest.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dataset.layouts.avi import VideoWriter, check_video
from dataset.layouts.manifest import (
    Entry,
    LabelFile,
    RowSelection,
    SourceSession,
    Timing,
    VideoFile,
)
from dataset.layouts.ubfc import VIDEO, write_labels
from dataset.quality.result import read_grade
from dataset.session.reader import Session, rate_hz

from .rows import Part, SessionRows, excluded_parts, plan_rows
from .settings import FILTER, NATIVE
from .tasks import SessionTask

OnStep = Callable[[str, int], None]      # stage, frames more
WRITING, CHECKING = "writing frames", "checking frames"


def partial_name(folder: str) -> str:
    """Return the name of a folder while it is being made."""
    return folder.replace("/", "-")


def write_ubfc_parts(task: SessionTask, on_step: OnStep | None = None) -> tuple[Entry, ...]:
    """Write the parts of one session, decode and compare them; return their manifest entries.

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used, a folder cannot be written, or decodes to other pixels
    """
    step = on_step or (lambda stage, count: None)
    with Session(task.file) as session:
        rows = plan_rows(session, task.settings, task.exclusions)
        return tuple(
            _write_part(task, session, rows, number, step)
            for number, _ in enumerate(zip(rows.parts, task.folders, strict=True), start=1)
        )


def _write_part(
    task: SessionTask, session: Session, rows: SessionRows, number: int, step: OnStep
) -> Entry:
    part, name = rows.parts[number - 1], task.folders[number - 1]
    folder = task.partial / partial_name(name)
    folder.mkdir()
    video = _write_video(folder / VIDEO, session, part, task.settings.codec, step)
    time_s = seconds_of(part)
    labels_sha256 = write_labels(folder, part.ppg, hr_bpm=part.hr_bpm, time_s=time_s)
    return entry_of(task, session, rows, number, video, labels_sha256)


def seconds_of(part: Part) -> np.ndarray:
    """Return the seconds of each row since the first, (N,) float64."""
    return (part.time_ns - part.time_ns[0]) / 1e9


def entry_of(
    task: SessionTask, session: Session, rows: SessionRows, number: int, video: VideoFile,
    labels_sha256: str,
) -> Entry:
    """Return the manifest entry of a part of a session, from 1."""
    part, name = rows.parts[number - 1], task.folders[number - 1]
    offset, is_native = session.camera.light_offset, task.settings.fps == NATIVE
    return Entry(
        folder=name, side=task.side, subject=session.subject, session=session.session_id,
        part=number, frames=len(part.frame_index), source=_source(task, session), video=video,
        labels=LabelFile(
            labels_sha256, _mean_rate(part.hr_bpm), FILTER[task.settings.ppg]
        ),
        timing=Timing(
            duration_s=float(seconds_of(part)[-1]), ppg_rate_hz=rows.ppg_rate_hz,
            sync_bound_ms=session.sync_bound_ms,
            light_offset_ms=offset.offset_ns / 1e6 if offset else None,
            picture_shift_ms=None if is_native else part.picture_shift_ms,
            sync_one_sided=session.sync_one_sided or None,
        ),
        rows=RowSelection(
            task.settings.fps, task.settings.holes,
            trimmed=rows.trimmed if number == 1 else (), repeated=part.repeated,
            unused=rows.unused if number == 1 else 0,
            excluded=excluded_parts(task.exclusions, reasons=task.reasons),
            untrusted=part.untrusted,
        ),
    )


def _mean_rate(hr_bpm: np.ndarray) -> float:
    """Return the mean of the rates, to 0.001 bpm; 0 where there is none."""
    return round(float(hr_bpm[hr_bpm > 0].mean()), 3) if (hr_bpm > 0).any() else 0.0


def _source(task: SessionTask, session: Session) -> SourceSession:
    return SourceSession(
        content_hash=task.session.hash, simulated=session.simulated, complete=session.complete,
        imported_from=session.imported_from, lost_frames=session.lost_frames,
        lost_samples=session.lost_samples, grade=read_grade(task.file, task.session.hash),
        virtual_seed=session.camera.virtual_seed,
    )


def _write_video(path: Path, session: Session, part: Part, codec: str, step: OnStep) -> VideoFile:
    """Write the frames of a part, decode them again and compare."""
    frames, fps = session.frames, rate_hz(part.time_ns)
    bgr, last = np.empty((frames.height, frames.width, 3), np.uint8), -1
    with VideoWriter(
        path, codec=codec, width=frames.width, height=frames.height, fps=fps,
        simulated=session.simulated,
    ) as video:
        for index in part.frame_index.tolist():
            if index != last:
                frames.read_into(index, bgr, bgr=True)
                last = index
            video.add(bgr)
            step(WRITING, 1)
    file_sha256 = check_video(path, video.pixels, on_frame=lambda _: step(CHECKING, 1))
    return VideoFile(
        frames.width, frames.height, fps, codec, video.pixels.hexdigest, path.stat().st_size,
        file_sha256,
    )
