"""The recordings of a data folder as one BIDS data set, `data/bids`.

Every recording that is not excluded is there, whatever the split. BIDS 1.11.1 has a name for the
finger (`_physio`) and none yet for a video; so the video and the times of its frames lie beside it
as `_video.avi` and `_video.tsv`, the names that the next version is to have, and `.bidsignore`
lists them. What a curator cut out is in neither: its samples are rows `n/a`, its frames are left
out, and the times show that.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from acquire import data_folder
from acquire.atomic import atomic_folder
from acquire.errors import AcqError, CurationError, Fix, all_of
from acquire.writing import PURE as LOCK
from acquire.writing import holding
from dataset.common.files import hash_of_content, sha256_of
from dataset.common.progress import OnProgress
from dataset.common.workers import (
    Outcome,
    Places,
    Workers,
    reading_bytes,
    reading_s,
    work_through,
)
from dataset.convert.plan import check_free, estimate_footage
from dataset.layouts.bids_description import DESCRIPTION, FILES, OWN_HASH, as_excluded
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.session.find import files_by_id
from dataset.session.reader import most_frames

from .names import check_labels
from .session_folder import (
    RecordingOutline,
    RecordingTask,
    kept_frames,
    outline_recording,
    write_recording,
)

Made = TypeVar("Made")

BIDS_VERSION = "1.11.1"
_IGNORED = "*_video.avi\n*_video.tsv\n"
_README = """# Face video and finger PPG

Recorded with acq. In each session's folder `beh/` lie the finger (`_physio.tsv.gz` and
`_physio.json`), the video (`_video.avi`, lossless) and the times of its frames (`_video.tsv`, in
seconds after the light of the first frame, as `StartTime` and the column `timestamp` of the finger
are). An AVI has one constant rate: use the times. BIDS {version} has no names for a video yet, so
`.bidsignore` lists these.
"""
_SIMULATED = "\n**SIMULATED: a part of these data, or all, shows virtual subjects, not people.**\n"


@dataclass(frozen=True)
class BidsExport:
    """What `export_bids` wrote."""

    root: Path
    sessions: Mapping[str, Path]        # by session: the folder that it lies in, under the root


@holding(LOCK, lambda data: (data_folder.bids_dir(data),))
def export_bids(
    data: Path,
    *,
    codec: str = "ffv1",
    force: bool = False,
    workers: Workers = Workers(),    # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> BidsExport:
    """Write every recording of a data folder that is not excluded, whole or not at all.

    Parameters
    ----------
    codec : of the video, one of `dataset.layouts.avi.CODECS`

    Raises
    ------
    CurationError : there is an export already and `force` is not set; no recording; subjects that
        BIDS takes for one; more than fits on the disk; samples without an even grid; a video that
        decodes to other pixels
    SessionError : a recording cannot be read
    """
    root = data_folder.bids_dir(data)
    if root.exists() and not force:
        raise CurationError(expected="no export yet", found=root, fix=Fix.REPLACE)
    if root.exists() and not (root / DESCRIPTION).is_file():
        raise CurationError(
            expected="a BIDS data set to replace", found=f"no {DESCRIPTION}", where=root,
            fix="move it away",
        )
    excluded = read_exclusions(data)
    files = {
        session: paths[0]
        for session, paths in sorted(files_by_id(data_folder.session_files(data)).items())
        if not excluded.is_excluded(session)
    }
    if not files:
        raise CurationError(expected="recordings", found="none", where=data, fix=Fix.RECORD)
    check_labels(path.parent.name for path in files.values())
    workers = workers.seeing(data)
    with atomic_folder(root) as part:
        whole = part.resolve()
        tasks = [
            RecordingTask(name, path.resolve(), tuple(excluded.spans_s(name)), codec, whole)
            for name, path in files.items()
        ]
        outlines = _do_all(outline_recording, tasks, workers.here(), None)
        _check_folders(tasks, outlines)
        _check_space(data, tasks, sum(one.pixel_bytes for one in outlines), codec)
        by_work = workers.for_work(
            len(tasks), reading_s(files.values()),
            process_bytes=reading_bytes(most_frames(files.values())),
        )
        folders = _do_all(write_recording, tasks, by_work, on_progress)
        _write_top(
            part, {one.subject for one in outlines}, as_excluded(_cut(excluded, files)),
            is_simulated=any(one.simulated for one in outlines),
        )
    return BidsExport(
        root, {name: root / folder for name, folder in zip(files, folders, strict=True)}
    )


def _do_all(
    work: Callable[[RecordingTask], Made], tasks: Sequence[RecordingTask], workers: Workers,
    on_progress: OnProgress | None,
) -> list[Made]:
    """Do `work` on each task; return what came of them, in their order.

    Raises
    ------
    SessionError, CurationError, AcqError : what is wrong with one of them, or with several
    """
    made: dict[int, Made] = {}
    failed: dict[int, AcqError] = {}
    if on_progress:
        on_progress("writing sessions", 0, len(tasks))
    through = work_through(work, tasks, workers=workers, places=_places)
    for count, (at, outcome) in enumerate(through, start=1):
        if outcome.value is None:
            failed[at] = _failure(tasks[at].session, outcome)
        else:
            made[at] = outcome.value
        if on_progress:
            on_progress("writing sessions", count, len(tasks))
    if failed:
        raise all_of([failed[at] for at in sorted(failed)], CurationError)
    return [made[at] for at in range(len(tasks))]


def _places(task: RecordingTask) -> Places:
    return Places((task.file,), task.part)


def _failure(session: str, outcome: Outcome[Any]) -> AcqError:
    """Return why a recording has no result, with its name where the error has no place."""
    cause = outcome.cause
    if cause is None:
        return AcqError(f"{session}: {outcome.error}")
    if cause.where:
        return cause
    return type(cause)(f"{session}: {cause.facts}", fix=cause.fix, of=cause.of)


def _check_folders(tasks: Sequence[RecordingTask], outlines: Sequence[RecordingOutline]) -> None:
    """Refuse recordings that BIDS has one name for.

    Raises
    ------
    CurationError : there are such
    """
    seen: set[Path] = set()
    for task, outline in zip(tasks, outlines, strict=True):
        if outline.folder in seen:
            raise CurationError(
                expected="sessions that differ in letters or digits",
                found=f"two of {outline.folder.parent}", fix=Fix.REMOVE_OR_EXCLUDE,
                of=task.session,
            )
        seen.add(outline.folder)


def _check_space(data: Path, tasks: Sequence[RecordingTask], pixels: int, codec: str) -> None:
    """Refuse what will not fit on the disk.

    Raises
    ------
    CurationError : it will not
    """
    footage = [(task.file, partial(kept_frames, task)) for task in tasks]
    size_bytes = pixels if codec == "rawvideo" else estimate_footage(footage, pixels, codec)[0]
    check_free(data, size_bytes, codec, fix="make room; ffv1 takes least")


def _cut(excluded: Exclusions, sessions: Iterable[str]) -> dict[str, list[tuple[Any, Any]]]:
    return {
        name: [(one.from_s, one.to_s) for one in excluded.of(name)] for name in sessions
    }


def _write_top(
    root: Path, subjects: set[str], excluded: dict[str, Any], *, is_simulated: bool
) -> None:
    readme = _README.format(version=BIDS_VERSION) + (_SIMULATED if is_simulated else "")
    (root / "README.md").write_text(readme)
    (root / ".bidsignore").write_text(_IGNORED)
    people = "".join(f"sub-{subject}\n" for subject in sorted(subjects))
    (root / "participants.tsv").write_text("participant_id\n" + people)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    about: dict[str, Any] = {
        "Name": "Face video and finger PPG" + (" (SIMULATED)" if is_simulated else ""),
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "acq", "Version": version("acq")}],
        **excluded,
        FILES: {path.relative_to(root).as_posix(): sha256_of(path) for path in files},
    }
    about[OWN_HASH] = hash_of_content(about, OWN_HASH)
    (root / DESCRIPTION).write_text(json.dumps(about, indent=2) + "\n")
