"""Every hash that acq keeps, computed again; what is found is a list of `dataset.quality.findings`.

Files are read in blocks and videos frame by frame, so nothing here grows with the data.
"""

import json
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, CurationError, SplitError
from dataset.common.files import sha256_of
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.quality.curves import read_curves
from dataset.quality.result import read_quality
from dataset.runs import read_training_runs
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.identities import SessionIdentity
from dataset.selection.split_file import read_split
from dataset.session.reader import Session
from dataset.session.subject import read_subject
from dataset.withdraw.find_files import UNDER_WAY
from dataset.withdraw.withdraw import read_withdrawals

from .folders import check_folders, check_frames, check_pure
from .result import Known, Verification


def verify(data: Path, *, on_progress: OnProgress | None = None) -> Verification:
    """Compute every hash under a data folder again and hold it against what was noted; nothing is
    changed.

    Raises
    ------
    CurationError : there is neither a recording nor a curated folder
    """
    if not data_folder.session_files(data) and not (data_folder.ubfc_dir(data) / MANIFEST).exists():
        raise CurationError(
            f"expected recordings or curated folders in {data}, found neither; name another folder "
            "with --data"
        )
    done, known = Verification(), Known()
    progress = on_progress or (lambda *_: None)
    _lists(data, done, known)
    _sessions(data, done, known, progress)
    check_folders(data, done, known, progress)
    check_pure(data, done, known)
    check_frames(data, done, known)
    _runs(data, done, known)
    _card(data, done, known)
    return done


def _lists(data: Path, done: Verification, known: Known) -> None:
    """Read the files that list what there is; each checks its own hash."""
    path = data_folder.split_file(data)
    if path.exists():
        try:
            known.split = read_split(path)
        except SplitError as error:
            done.add("broken", path, error)
    else:
        done.add(
            "unchecked", path,
            f"no split at {path}: nothing says what the recordings should be; acq split makes one",
        )
    for path, read in (
        (data_folder.exclusions_file(data), read_exclusions),
        (data_folder.withdrawals_file(data), read_withdrawals),
    ):
        try:
            found = read(data)
        except CurationError as error:
            done.add("broken", path, error)
        else:
            known.exclusions = found if isinstance(found, Exclusions) else known.exclusions
    if (data / UNDER_WAY).exists():
        where = data / UNDER_WAY
        done.add(
            "broken", where,
            f"a withdrawal was interrupted: {where} names whose; acq withdraw completes it",
        )


def _sessions(data: Path, done: Verification, known: Known, progress: OnProgress) -> None:
    noted = {one.session: one for one in known.split.sessions} if known.split else {}
    files = data_folder.session_files(data)
    for at, path in enumerate(files):
        _session(path, noted.get(path.stem), done, known)
        progress("hashing sessions", at + 1, len(files))
    there = {path.relative_to(data).as_posix() for path in files}
    for one in noted.values():
        if one.file not in there:
            where = data / one.file
            done.add(
                "broken",
                where,
                f"expected a recording of the split, found nothing at {where}; restore it from a "
                "copy, or "
                "acq split --force",
            )
    for folder in sorted(
        path for path in data_folder.sessions_dir(data).glob("*") if path.is_dir()
    ):
        try:
            read_subject(data, folder.name)
        except AcqError as error:
            done.add("broken", folder, error)


def _session(path: Path, noted: SessionIdentity | None, done: Verification, known: Known) -> None:
    out = known.exclusions.is_excluded(path.stem)
    try:
        with Session(path) as session:
            found, complete = session.content_hash(), session.complete
    except (AcqError, OSError) as error:
        done.add(
            "unchecked" if out else "broken", path, f"{error}{' (it is excluded)' if out else ''}"
        )
        return
    known.hashes[path.stem] = found
    done.checked.update(sessions=1, bytes=path.stat().st_size)
    if noted is None:
        if known.split and not out:
            done.add(
                "stale", path, f"the split does not know {path}; acq split --force takes it in"
            )
        elif not known.split:
            done.add("unchecked", path, f"no hash of {path} is noted")
    elif noted.hash != found:
        done.add(
            "broken",
            path,
            f"expected the recording that the split was made from, found another at {path}; "
            "restore it from "
            "a copy, or acq split --force where acq resync or acq recover changed it",
        )
    elif out:
        done.add(
            "stale", path,
            f"the split has {path}, which is excluded; acq split --force leaves it out",
        )
    if not complete:
        done.checked.update(incomplete=1)
    try:
        quality = read_quality(path)
    except CurationError as error:
        done.add("broken", data_folder.quality_file(path), error)
        return
    if quality is not None:
        done.checked.update(qualities=1)
        if quality.session_hash != found:
            where = data_folder.quality_file(path)
            done.add(
                "stale", where,
                f"{where} is of an earlier state of the recording; acq qc measures it again",
            )
        try:
            read_curves(path, quality.session_hash)
        except CurationError as error:
            done.add("broken", data_folder.quality_curves_file(path), error)


def _runs(data: Path, done: Verification, known: Known) -> None:
    runs = read_training_runs(data)
    for run in runs:
        for problem in run.problems:
            done.add("broken", run.folder, problem)
        for name, data_hash in run.checkpoints.items():
            if run.data_hash and data_hash != run.data_hash:
                where = run.folder / name
                done.add(
                    "broken",
                    where,
                    f"expected data hash {run.data_hash[:12]} of its run, found {data_hash[:12]} "
                    "in "
                    f"{where}; it is not this run's",
                )
        if known.manifest and run.data_hash and run.data_hash != known.manifest.data_hash:
            done.add(
                "stale", run.folder,
                f"{run.folder} was trained on other data than the manifest has now",
            )
        done.checked.update(runs=1, checkpoints=len(run.checkpoints))
    if any(run.checkpoints for run in runs):
        where = data_folder.runs_dir(data)
        done.add(
            "unchecked", where,
            f"weights in {where}: no hash of them is kept, only headers and lengths were looked at",
        )


def _card(data: Path, done: Verification, known: Known) -> None:
    card, described = data_folder.card_file(data), data_folder.croissant_file(data)
    if not card.exists() and not described.exists():
        return
    try:
        listed = json.loads(described.read_text())["distribution"]
        files = {str(one["contentUrl"]): str(one["sha256"]) for one in listed if "sha256" in one}
    except (OSError, ValueError, KeyError, TypeError) as error:
        done.add(
            "broken", described,
            f"expected the card as Croissant, got: {error}, at {described}; acq card --force",
        )
        return
    done.checked.update(cards=1)
    if not card.exists() or sha256_of(card) != files.get(data_folder.CARD):
        done.add(
            "broken",
            card,
            f"expected the card that {described} knows, found none or another at {card}; acq card "
            "--force",
        )
    manifest = data_folder.ubfc_dir(data) / MANIFEST
    if not manifest.exists() or sha256_of(manifest) != files.get(MANIFEST):
        done.add(
            "stale", described,
            f"{described} describes another state of the folders; acq card --force",
        )
    elif known.manifest:
        noted = {
            f"{entry.folder}/{name}": sha256 for entry in known.manifest.entries
            for name, sha256 in ((VIDEO, entry.video_sha256), (LABELS, entry.labels_hash))
        }
        _compare_card(files, noted, described, done)


def _compare_card(
    files: dict[str, str], noted: dict[str, str], described: Path, done: Verification
) -> None:
    odd = sorted(set(files) - {data_folder.CARD, MANIFEST} ^ set(noted)) + [
        name for name in sorted(noted) if name in files and files[name] != noted[name]
    ]
    for name in odd:
        done.add(
            "broken",
            described,
            f"expected the manifest's hash of {name}, found another in {described}; acq card "
            "--force",
        )
