"""One session into its folders in the PURE layout, each picture decoded again and compared."""

import numpy as np

from dataset.common.files import sha256_of
from dataset.layouts.pixel_hash import PixelHash
from dataset.layouts.pure import PureWriter, check_pictures
from dataset.layouts.pure_manifest import PureEntry
from dataset.session.reader import Session

from .rows import SessionRows, excluded_parts, plan_rows
from .tasks import SessionTask


def write_pure_session(task: SessionTask) -> tuple[PureEntry, ...]:
    """Write the parts of one session, decode and compare them; return their manifest entries.

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used, a folder cannot be written, or decodes to other pixels
    """
    with Session(task.file) as session:
        rows = plan_rows(session, task.settings, task.exclusions)
        return tuple(
            _write_part(task, session, rows, number)
            for number, _ in enumerate(zip(rows.parts, task.folders, strict=True), start=1)
        )


def _write_part(
    task: SessionTask, session: Session, rows: SessionRows, number: int
) -> PureEntry:
    part, name = rows.parts[number - 1], task.folders[number - 1]
    unix_ns = part.time_ns + session.started_unix_ns - session.started_monotonic_ns
    bgr, pixels = np.empty((session.frames.height, session.frames.width, 3), np.uint8), PixelHash()
    subject_number, session_number = map(int, name.rpartition("/")[2].split("-"))
    with PureWriter(
        task.partial / task.side, subject_number=subject_number, session_number=session_number,
        simulated=session.simulated,
    ) as writer:
        for index, time_ns in zip(part.frame_index.tolist(), unix_ns.tolist(), strict=True):
            session.frames.read_into(index, bgr, bgr=True)
            pixels.add(bgr)
            writer.add(bgr, time_ns)
        writer.finish(part.ppg, unix_ns, part.hr_bpm)
    check_pictures(writer.folder / writer.name, pixels)
    return PureEntry(
        folder=name, side=task.side, subject=session.subject, session=session.session_id,
        session_hash=task.session.hash, part=number, simulated=session.simulated,
        imported_from=session.imported_from, frames=len(part.frame_index), repeated=part.repeated,
        excluded=excluded_parts(task.exclusions, reasons=task.reasons),
        pixels_hash=pixels.hexdigest,
        labels_sha256=sha256_of(writer.folder / f"{writer.name}.json"),
        trimmed=rows.trimmed if number == 1 else (),
    )
