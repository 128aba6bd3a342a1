"""Withdraw a subject: remove everything of it under a data folder, and record that without a name.

What is to be removed is first written to `data/.withdrawal.json`. Then it is removed, in an order
in which the data of the other subjects stay usable at every moment. Then `data/withdrawals.json`
gets its entry, and the first file is removed. Every step may be done twice, so an interrupted
withdrawal is completed by asking for it again.

The order: the manifest stops listing the folders, and lists them as stale, so that they are known
to be acq's; then the folders and what was made of them; then split and exclusions; the recordings
last, because they show that there is something to withdraw. A folder number is never given again:
the manifest keeps it under a key that is no session's.
"""

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from acquire.writing import OF_SUBJECTS, WITHDRAWAL, hold, recordings_of, refuse_while_read
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import MANIFEST

from .find_files import PLAN, find_subject_files
from .lists import (
    forget_removed_folders,
    remove_from_changes,
    remove_from_exclusions,
    remove_from_manifest,
    replace_split,
)
from .plan import Plan, WithdrawalOutcome, make_plan, split_without, write_plan
from .record import record_withdrawal

OnStep = Callable[[str], None]      # called before each step, with its name
_MOST_NAMED = 3


def withdraw(
    data: Path, subject: str, *, models: bool = False, on_progress: OnProgress | None = None,
    on_step: OnStep | None = None,
) -> WithdrawalOutcome:
    """Remove a subject from a data folder, or complete an interrupted removal.

    Parameters
    ----------
    models : remove the runs that were trained or tested on it, too

    Raises
    ------
    CurationError, SubjectError : see `plan_withdrawal`; nothing was removed
    CurationError : a file of the subject was written meanwhile, or one cannot be removed; the same
        call completes the rest
    BusyError : another process writes what may be of the subject, or trains on it; nothing was
        removed
    """
    with ExitStack() as held:
        for writing in (WITHDRAWAL, *OF_SUBJECTS, recordings_of(subject)):
            held.enter_context(hold(data, writing))
        refuse_while_read(data)
        outcome, plan = make_plan(data, subject, models=models, on_progress=on_progress)
        try:
            _carry_out(data, subject, outcome, plan, on_step or (lambda _: None))
        except OSError as error:
            raise _failed(data, subject, outcome, plan, error) from error
    return outcome


def _failed(
    data: Path, subject: str, outcome: WithdrawalOutcome, plan: Plan, error: OSError
) -> CurationError | OSError:
    """Return what to raise where a withdrawal cannot go on: what is removed, and what is not."""
    if not (data / PLAN).exists():
        words = f"{error.strerror or error}; nothing of {subject} is removed"
        return OSError(error.errno, words, error.filename)
    paths = [file.path for file in outcome.files.removable]
    paths += [run.folder for run in outcome.files.runs] if plan.models else []
    left = [str(path) for path in paths if os.path.lexists(path)]
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    rest = f"left are {', '.join(left[:_MOST_NAMED])}{more}" if left else "that is not noted yet"
    return CurationError(
        expected=f"to remove all of {subject}",
        found=f"the withdrawal half done: {error.strerror or error}",
        where=f"at {error.filename or data}; of {len(paths)} files and folders "
              f"{len(paths) - len(left)} are removed, and {rest}",
        fix=Fix.MAKE_ROOM_AND_WITHDRAW if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else Fix.COMPLETE_WITHDRAWAL, of=subject,
    )


def _carry_out(
    data: Path, subject: str, outcome: WithdrawalOutcome, plan: Plan, step: OnStep
) -> None:
    """Remove what was planned; may be done twice."""
    files = outcome.files
    step("plan")
    write_plan(data, plan)
    split = split_without(data, files.names)
    for file in files.derived:
        if file.path.parent == data_folder.home_frames_cache():
            _remove(file.path, step)     # found by the manifest, which is about to forget them
    has_manifest = (data_folder.ubfc_dir(data) / MANIFEST).exists()
    if has_manifest:
        step("manifest without entries")
        remove_from_manifest(data, plan, files.names, split)
    for file in files.curated:
        _remove(file.path, step)
    if has_manifest:
        step("manifest without folders")
        forget_removed_folders(data, plan)
    for file in files.derived:
        _remove(file.path, step)
    step("split")
    replace_split(data, split)
    step("exclusions")
    remove_from_exclusions(data, files.names)
    remove_from_changes(data, files.names)
    for file in files.recordings:
        _remove(file.path, step)
    if plan.models:
        for run in files.runs:
            _remove(run.folder, step)
    step("search again")
    _refuse_new_files(data, subject, plan.sessions)
    step("record")
    record_withdrawal(data, plan.noted)
    step("end")
    (data / PLAN).unlink()


def _remove(path: Path, step: OnStep) -> None:
    """Remove a file, or a folder file by file; one that is gone already is no error."""
    if path.is_dir() and not path.is_symlink():
        # a manifest last: it says whose the other files are
        for inside in sorted(path.iterdir(), key=lambda inside: (inside.name == MANIFEST, inside)):
            _remove(inside, step)
        step(f"remove {path}")
        path.rmdir()
    else:
        step(f"remove {path}")
        path.unlink(missing_ok=True)


def _refuse_new_files(data: Path, subject: str, sessions: tuple[str, ...]) -> None:
    files = find_subject_files(data, subject, sessions=sessions)
    if left := [*(file.path for file in files.removable), *files.lists]:
        raise CurationError(
            expected=f"nothing of {subject} any more", found=f"{left[0]} again",
            fix="end what writes it, then withdraw again",
        )
