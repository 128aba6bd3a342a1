"""Sessions in the PURE layout, for the tools that read it: `data/pure/{train,test}/NN-MM`, and a
manifest beside them.

NN counts the split's subjects and MM a subject's sessions, or their parts. Rows are those of the
UBFC export: the PPG stands at the times of the frames, and stamps are on the wall clock, as the
set's are. All of it is made under a temporary name, every picture is decoded and compared, and only
then does it take the place of what was there. acq itself trains on `data/ubfc`.
"""

import json
import re
import shutil
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError
from dataset.common.files import sha256_of
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers, work_through
from dataset.layouts.avi import PixelHash
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.pure import PureWriter
from dataset.selection.exclusions import Exclusion, read_exclusions
from dataset.selection.split import SessionIdentity, check_sessions, identify_sessions, read_split
from dataset.session.reader import Session

from .rows import Part, excluded_parts, lay_out
from .settings import FILTER, Settings, choose_fold, settle

SCHEMA, SCHEMA_VERSION = "acq-pure-manifest", 1
PARTIAL = ".pure-partial"
_AGAIN = "acq convert --to pure --force makes it anew"
_FOLDER = re.compile(r"(train|test)/[0-9]{2}-[0-9]{2,}")


@dataclass(frozen=True)
class PureExport:
    """What `export_pure` did."""

    entries: tuple[dict, ...]    # as in the manifest
    # one line for each session that could not be written; nothing is put into place then
    failed: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    session: SessionIdentity
    file: Path
    settings: Settings
    exclusions: tuple[Exclusion, ...]
    subject_number: int
    first_number: int            # of the first part
    folder: Path
    side: str


def export_pure(
    data: Path,
    *,
    fold: int | None = None,
    ppg: str | None = None,
    fps: str | None = None,
    holes: str | None = None,
    force: bool = False,
    workers: Workers = Workers(),    # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> PureExport:
    """Write every session of a fold of the split into `data/pure`; settings as in
    `dataset.convert.to_ubfc.convert_sessions`.

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    CurationError : there is an export already and `force` is not set; a session cannot be used;
        more than 99 subjects
    """
    root, partial = data_folder.pure_dir(data), (data / PARTIAL).resolve()
    is_there = root.is_dir() and any(root.iterdir())
    if is_there and not force:
        raise CurationError(f"expected no export yet, found {root}; say --force to replace it")
    if is_there and not (root / MANIFEST).is_file():
        raise CurationError(
            f"expected an export of acq to replace, found no {MANIFEST} in {root}; move it away"
        )
    split = read_split(data_folder.split_file(data))
    fold = choose_fold(split, fold)
    settings = replace(settle(None, codec=None, ppg=ppg, fps=fps, holes=holes), codec="png")
    check_sessions(
        split, identify_sessions(data, on_progress=on_progress), data_folder.split_file(data)
    )
    exclusions, tasks = read_exclusions(data), []
    subjects = sorted({one.subject for one in split.sessions})
    taken = dict.fromkeys(subjects, 0)
    for one in split.sessions:
        path, out = (data / one.file).resolve(), exclusions.of(one.session)
        side = split.side_of(one.subject, fold)
        number = subjects.index(one.subject) + 1
        tasks.append(
            _Task(one, path, settings, out, number, taken[one.subject] + 1, partial / side, side)
        )
        with Session(path) as session:
            taken[one.subject] += len(lay_out(session, settings, out).parts)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    entries, failed = [], []
    try:
        for at, (place, outcome) in enumerate(
            work_through(_write_session, tasks, workers=workers), start=1
        ):
            if outcome.value is None:
                failed.append(f"{tasks[place].session.session}: {outcome.error}")
            else:
                entries += outcome.value
            if on_progress:
                on_progress("writing sessions", at, len(tasks))
        entries.sort(key=lambda entry: entry["folder"])
        if not failed:
            head = {
                "schema": SCHEMA, "schema_version": SCHEMA_VERSION, "acq_version": version("acq"),
                "split_hash": split.hash, "fold": fold, "folds": len(split.folds),
                "filter": FILTER[settings.ppg], "fps": settings.fps, "holes": settings.holes,
                "entries": entries,
            }
            write_text(
                partial / MANIFEST, json.dumps(head, indent=2, allow_nan=False) + "\n"
            )
            if root.exists():
                shutil.rmtree(root)
            partial.rename(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return PureExport(tuple(entries), tuple(failed))


def read_export(root: Path) -> tuple[dict, ...]:
    """Read the entries of an export's manifest.

    Raises
    ------
    CurationError : it is missing, or names a folder, a subject or a session that is none
    """
    path = root / MANIFEST
    again = f"in {path}; {_AGAIN}"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(body["entries"])
        if (body["schema"], body["schema_version"]) != (SCHEMA, SCHEMA_VERSION):
            raise ValueError(f"schema {body['schema']!r} of version {body['schema_version']!r}")
        for one in entries:
            if not _FOLDER.fullmatch(one["folder"]) or not data_folder.is_subject_id(
                one["subject"]
            ):
                raise ValueError(f"{one['folder']!r} of {one['subject']!r}")
            if not all(
                isinstance(one[name], str)
                for name in ("session", "session_hash", "pixels_hash", "labels_sha256")
            ):
                raise TypeError(f"a name or a hash of {one['folder']} that is no text")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CurationError(
            f"expected the manifest of a PURE export, got: {error!r}, {again}"
        ) from error
    return entries


def check_part(root: Path, entry: dict) -> int:
    """Hold one folder of an export against its entry, every picture decoded; give the number of
    pictures.

    Raises
    ------
    CurationError : pictures or labels are missing, or not those that were written
    """
    folder = root / entry["folder"]
    name = folder.name
    if sha256_of(folder / f"{name}.json") != entry["labels_sha256"]:
        raise CurationError(
            f"expected the labels as written, found others in {folder / name}.json; {_AGAIN}"
        )
    pixels = PixelHash()
    for path in sorted((folder / name).iterdir()):
        bgr = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if bgr is None:
            raise CurationError(f"expected a picture, found something else at {path}; {_AGAIN}")
        pixels.add(bgr)
    if pixels.hexdigest != entry["pixels_hash"]:
        raise CurationError(
            f"expected {entry['frames']} pictures as written, found others in {folder}; {_AGAIN}"
        )
    return len(pixels.after)


def _write_session(task: _Task) -> list[dict]:
    with Session(task.file) as session:
        timeline = lay_out(session, task.settings, task.exclusions)
        return [
            _write_part(task, session, part, number)
            | {"trimmed": timeline.trimmed if number == 1 else []}
            for number, part in enumerate(timeline.parts, start=1)
        ]


def _write_part(task: _Task, session: Session, part: Part, number: int) -> dict:
    time_ns = part.time_ns + session.started_unix_ns - session.started_monotonic_ns
    bgr, pixels = np.empty((session.frames.height, session.frames.width, 3), np.uint8), PixelHash()
    session_number = task.first_number + number - 1
    with PureWriter(
        task.folder, subject_number=task.subject_number, session_number=session_number
    ) as writer:
        for index, at_ns in zip(part.index.tolist(), time_ns.tolist(), strict=True):
            session.frames.read_into(index, bgr, bgr=True)
            pixels.add(bgr)
            writer.add(bgr, at_ns)
        writer.finish(part.ppg, time_ns, part.hr_bpm)
    name = f"{task.subject_number:02d}-{session_number:02d}"
    folder = task.folder / name
    _check_pictures(folder / name, pixels)
    return {
        "folder": f"{task.side}/{name}", "side": task.side, "subject": session.subject,
        "session": session.session_id, "session_hash": task.session.hash, "part": number,
        "simulated": session.simulated, "imported_from": session.imported_from,
        "frames": len(part.index), "repeated": part.repeated,
        "excluded": excluded_parts(task.exclusions), "pixels_hash": pixels.hexdigest,
        "labels_sha256": sha256_of(folder / f"{name}.json"),
    }


def _check_pictures(folder: Path, pixels: PixelHash) -> None:
    found = PixelHash()
    for path in sorted(folder.iterdir()):
        bgr = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if bgr is None or len(found.after) == len(pixels.after):
            raise CurationError(
                f"expected the {len(pixels.after)} pictures as written, found another at {path}; "
                "convert again"
            )
        found.add(bgr)
        if found.after[-1] != pixels.after[len(found.after) - 1]:
            raise CurationError(
                f"expected the pictures as written, found {path} different; convert again"
            )
    if len(found.after) != len(pixels.after):
        raise CurationError(
            f"expected {len(pixels.after)} pictures, found {len(found.after)} in {folder}; convert "
            "again"
        )
