"""One session into the folders of an export, each picture decoded again and compared."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from dataset.common.files import sha256_of
from dataset.convert.rows import Part, SessionRows, excluded_parts, plan_rows
from dataset.convert.tasks import SessionTask
from dataset.convert.ubfc_folder import partial_name, write_ubfc_parts
from dataset.layouts.export_manifest import ExportEntry
from dataset.layouts.pixel_hash import PixelHash
from dataset.layouts.places import UBFC
from dataset.layouts.pure import PureWriter
from dataset.session.reader import Session

WriteSession = Callable[[SessionTask], tuple[ExportEntry, ...]]


def session_writer(layout: str) -> WriteSession:
    """Return what writes a session in a layout, picklable for the process of a worker."""
    return _write_ubfc if layout == UBFC else partial(_write_pure, layout=layout)


def _write_ubfc(task: SessionTask) -> tuple[ExportEntry, ...]:
    """Write the parts of one session as curated UBFC folders; return their manifest entries.

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used, a folder cannot be written, or decodes to other pixels
    """
    entries = write_ubfc_parts(task)
    for entry in entries:
        place = task.partial / entry.folder
        place.parent.mkdir(parents=True, exist_ok=True)
        (task.partial / partial_name(entry.folder)).rename(place)
    return tuple(
        ExportEntry(
            folder=entry.folder, side=entry.side, subject=entry.subject, session=entry.session,
            session_hash=entry.source.content_hash, part=entry.part,
            simulated=entry.source.simulated, imported_from=entry.source.imported_from,
            frames=entry.frames, repeated=entry.rows.repeated, excluded=entry.rows.excluded,
            pixels_hash=entry.video.pixels_hash, labels_sha256=entry.labels.sha256,
            trimmed=entry.rows.trimmed,
        )
        for entry in entries
    )


def _write_pure(task: SessionTask, layout: str) -> tuple[ExportEntry, ...]:
    """Write the parts of one session in a form of PURE; return their manifest entries.

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used, a folder cannot be written, or decodes to other pixels
    """
    with Session(task.file) as session:
        rows = plan_rows(session, task.settings, task.exclusions)
        return tuple(
            _write_part(task, session, rows, number, layout)
            for number, _ in enumerate(zip(rows.parts, task.folders, strict=True), start=1)
        )


@dataclass(frozen=True)
class _Samples:
    """What stands in for the oximeter's samples."""

    ppg: np.ndarray        # (S,) float64
    time_ns: np.ndarray    # (S,) int64, rising
    hr_bpm: np.ndarray     # (S,) float64


def _samples_of(part: Part) -> _Samples:
    """Return the rows' PPG, and that between them: PURE's oximeter has two samples a frame."""
    if part.between is None:
        return _Samples(part.ppg, part.time_ns, part.hr_bpm)
    count = 2 * len(part.ppg) - 1
    ppg, time_ns, hr_bpm = np.empty(count), np.empty(count, np.int64), np.empty(count)
    ppg[::2], time_ns[::2], hr_bpm[::2] = part.ppg, part.time_ns, part.hr_bpm
    between = part.between
    ppg[1::2], time_ns[1::2], hr_bpm[1::2] = between.ppg, between.time_ns, between.hr_bpm
    return _Samples(ppg, time_ns, hr_bpm)


def _write_part(
    task: SessionTask, session: Session, rows: SessionRows, number: int, layout: str
) -> ExportEntry:
    part, name = rows.parts[number - 1], task.folders[number - 1]
    to_unix_ns = session.started_unix_ns - session.started_monotonic_ns
    shape, pixels = (session.frames.height, session.frames.width, 3), PixelHash()
    around, _, numbers = name.rpartition("/")
    subject_number, session_number = map(int, numbers.split("-"))
    with PureWriter(
        task.partial / around, subject_number=subject_number, session_number=session_number,
        simulated=session.simulated, layout=layout,
    ) as writer:
        unix_ns = (part.time_ns + to_unix_ns).tolist()
        for index, time_ns in zip(part.frame_index.tolist(), unix_ns, strict=True):
            session.frames.read_into(index, bgr := np.empty(shape, np.uint8), bgr=True)
            pixels.add(bgr)
            writer.add(bgr, time_ns)
        samples = _samples_of(part)
        writer.finish(samples.ppg, samples.time_ns + to_unix_ns, samples.hr_bpm)
    return ExportEntry(
        folder=name, side=task.side, subject=session.subject, session=session.session_id,
        session_hash=task.session.hash, part=number, simulated=session.simulated,
        imported_from=session.imported_from, frames=len(part.frame_index), repeated=part.repeated,
        excluded=excluded_parts(task.exclusions, reasons=task.reasons),
        pixels_hash=pixels.hexdigest, labels_sha256=sha256_of(writer.labels),
        trimmed=rows.trimmed if number == 1 else (),
    )
