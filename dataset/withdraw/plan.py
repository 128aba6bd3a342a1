"""What a withdrawal will remove, written down before it begins, so that it can be completed.

`data/.withdrawal.json` is there while a withdrawal is under way. It holds what a second search
could no longer find, because the lists that named it are rewritten first.
"""

import json
import re
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_if_there
from acquire.errors import CurationError, Fix, SplitError
from dataset.common.progress import OnProgress
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split import Split, without_subject
from dataset.selection.split_file import read_split

from .find_files import PLAN, find_subject_files, read_curated
from .find_recordings import owner_of_session
from .names import SubjectNames
from .record import Withdrawal, read_withdrawals
from .subject_files import EXPORT, SubjectFiles

_FOLDER = re.compile(r"(ubfc|pure)/(train|test)/[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True)
class Plan:
    """What the plan's file holds; its keys are those of the file."""

    subject: str
    noted: Withdrawal                  # the line that will be recorded
    sessions: tuple[str, ...]          # ids
    folders: tuple[str, ...]           # curated, under data
    data_hashes: tuple[str, ...]
    models: bool                       # True: its runs are removed, too
    split_removed: bool                # it does not hold without the subject

    def __post_init__(self) -> None:
        if not data_folder.is_subject_id(self.subject):
            raise ValueError(f"{self.subject!r} instead of a subject id")
        if wrong := [name for name in self.folders if not _FOLDER.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} instead of a curated folder")

    def folders_under(self, root: Path, data: Path) -> set[str]:
        """Return the folders that lie under one root, relative to it."""
        prefix = f"{root.relative_to(data).as_posix()}/"
        return {name.removeprefix(prefix) for name in self.folders if name.startswith(prefix)}


@dataclass(frozen=True)
class WithdrawalOutcome:
    """What a withdrawal did, or would do."""

    files: SubjectFiles
    record: Withdrawal
    split_removed: bool                # it does not hold without the subject
    runs_left: tuple[Path, ...]        # to be deleted or trained again


_KIND = Kind(
    Plan, "what an interrupted withdrawal wrote down", CurationError,
    "remove that file and withdraw again",
)


def plan_withdrawal(
    data: Path, subject: str, *, models: bool = False, on_progress: OnProgress | None = None
) -> WithdrawalOutcome:
    """Return what `withdraw` would do, and change nothing.

    Raises
    ------
    CurationError : there is nothing of the subject, another withdrawal was interrupted, a list
        cannot be read, or a link is among the files
    SubjectError : a recording among its own is somebody else's, or is being written
    """
    return make_plan(data, subject, models=models, on_progress=on_progress)[0]


def make_plan(
    data: Path, subject: str, *, models: bool, on_progress: OnProgress | None
) -> tuple[WithdrawalOutcome, Plan]:
    """Find the files of a subject, and plan their removal or the rest of it.

    Raises
    ------
    CurationError, SubjectError : see `plan_withdrawal`
    """
    earlier = read_plan(data)
    if earlier and earlier.subject != subject:
        raise CurationError(
            expected="no other withdrawal under way",
            found=f"that of {earlier.subject} interrupted", where=data / PLAN,
            fix=Fix.COMPLETE_WITHDRAWAL, of=earlier.subject,
        )
    _check_lists(data)
    files = find_subject_files(
        data, subject, sessions=earlier.sessions if earlier else (),
        folders=earlier.folders if earlier else (),
        data_hashes=earlier.data_hashes if earlier else (), on_progress=on_progress,
    )
    models = models or bool(earlier and earlier.models)
    if not earlier:
        _refuse_other_name(data, files)
        _refuse_unknown_subject(data, files, models=models)
    record = earlier.noted if earlier else _new_record(files)
    record = replace(record, models_removed=record.models if models else 0)
    split_removed = (
        earlier.split_removed if earlier
        else data_folder.is_there(data_folder.split_file(data))
        and split_without(data, files.names) is None
    )
    folders = {file.path.relative_to(data).as_posix() for file in files.curated}
    folders |= set(earlier.folders if earlier else ())
    plan = Plan(
        subject, record, tuple(sorted(files.names.sessions)), tuple(sorted(folders)),
        tuple(sorted(files.data_hashes)), models, split_removed,
    )
    runs_left = () if models else tuple(run.folder for run in files.runs)
    return WithdrawalOutcome(files, record, split_removed, runs_left), plan


def write_plan(data: Path, plan: Plan) -> None:
    """Write down what a withdrawal is about to do."""
    write_text(data / PLAN, json.dumps(asdict(plan), indent=2) + "\n")


def read_plan(data: Path) -> Plan | None:
    """Read the plan of an interrupted withdrawal; None where none was interrupted.

    Raises
    ------
    CurationError : the file cannot be read
    """
    return read_if_there(_KIND, data / PLAN)


def _check_lists(data: Path) -> None:
    """Refuse what cannot be written at the end, before anything is removed.

    Raises
    ------
    CurationError : the record of withdrawals cannot be read, or a folder lies in a file's place
    """
    read_withdrawals(data)
    path = data_folder.split_file(data)
    if path.is_dir():
        raise CurationError(
            expected="a split", found="a folder", where=f"at {path}",
            fix="move it away, then withdraw again",
        )


def _refuse_other_name(data: Path, files: SubjectFiles) -> None:
    """Refuse the id of a session, and another way to write a subject's name, of which none is."""
    names = files.names
    if files.recording_count or names.sessions:
        return
    if (owner := owner_of_session(data, read_curated(data), names.subject)) not in (
        "", names.subject,
    ):
        raise CurationError(
            expected="the pseudonym of a subject", found=f"a session of {owner}", where=data,
            fix=Fix.WITHDRAW_SUBJECT, of=owner,
        )
    same = [
        name for name in data_folder.subjects_in(data)
        if name != names.subject and data_folder.read_as(name) == data_folder.read_as(names.subject)
    ]
    texts = [*(file.path for file in files.derived), *files.lists]
    if same and texts and not _is_listed(data, files):
        raise CurationError(
            expected=f"something of {names.subject}",
            found=f"no more than its name in the text of {texts[0]}",
            fix=f"did you mean {' or '.join(same)}?",
        )


def _is_listed(data: Path, files: SubjectFiles) -> bool:
    """Return whether a folder, a list or a run is the subject's, and not a text alone."""
    path = data_folder.split_file(data)
    try:
        split = read_split(path) if data_folder.is_there(path) else None
    except SplitError:
        split = None
    return bool(
        files.recordings or files.curated or files.runs
        or any(file.label == EXPORT for file in files.derived)
        or any(files.names.include(one.session) for one in read_exclusions(data).listed)
        or (split and any(one.subject == files.names.subject for one in split.sessions))
    )


def _refuse_unknown_subject(data: Path, files: SubjectFiles, *, models: bool) -> None:
    if files.removable or files.lists or (models and files.runs):
        return
    expected = f"something of {files.names.subject}"
    if files.runs:
        runs = ", ".join(run.folder.name for run in files.runs)
        raise CurationError(
            expected=expected, found=f"nothing but the runs {runs}", where=data,
            fix=Fix.WITHDRAW_MODELS,
        )
    there = data_folder.subjects_in(data)
    asked = data_folder.ask_if_meant(files.names.subject, there)
    raise CurationError(
        expected=expected, found="nothing", where=data,
        fix=asked or f"there are {', '.join(there) or 'no subjects'}",
    )


def _new_record(files: SubjectFiles) -> Withdrawal:
    today = datetime.now(timezone.utc).date().isoformat()
    return Withdrawal(
        str(uuid.uuid4()), today, files.recording_count, len(files.curated), len(files.runs), 0,
        version("acq"),
    )


def split_without(data: Path, names: SubjectNames) -> Split | None:
    """Return the split without a subject.

    None where there is none, none that would hold, or one that still names the subject, as in the
    place of another's recording that was moved since.
    """
    path = data_folder.split_file(data)
    try:
        split = read_split(path)
    except SplitError:
        return None
    left = without_subject(split, names.subject)
    return left if left and not names.are_in(json.dumps(asdict(left))) else None
