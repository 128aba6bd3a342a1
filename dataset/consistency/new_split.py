"""A new split of the recordings of a data folder, or everything that stands in its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, Fix, SplitError, all_of
from dataset.common.progress import OnProgress
from dataset.selection.choose import refuse_mixed, split_by_subject
from dataset.selection.identities import FoundSessions, find_sessions
from dataset.selection.split import Split

from .copies import find_copies_across_subjects


@dataclass(frozen=True)
class NewSplit:
    """A split, and what was excluded when the folder was looked at for it."""

    split: Split
    left_out: Mapping[str, str]     # reasons, by the name of the recording's file


def make_split(
    data: Path,
    *,
    holdout: Sequence[str] = (),
    folds: int | None = None,
    test_fraction: float | None = None,
    seed: int = 0,
    mix_simulated: bool = False,
    on_progress: OnProgress | None = None,
) -> NewSplit:
    """Split all sessions under `data` that are not excluded; nothing is written.

    Parameters
    ----------
    holdout, folds, test_fraction, seed, mix_simulated : as in
        `dataset.selection.choose.split_by_subject`

    Raises
    ------
    AcqError : recordings cannot be used, two subjects share content, real and simulated sessions
        stand together without leave, or a side would be empty; where there are several problems,
        `causes` holds an error for each
    ValueError : as `split_by_subject`
    """
    found = find_sessions(data, on_progress=on_progress)
    problems = list(found.problems)
    problems += find_missing_holdout(found, holdout)
    if not mix_simulated:
        try:
            refuse_mixed(found.identities)
        except SplitError as error:
            problems.append(error)
    try:
        problems += find_copies_across_subjects(data, found.identities, on_progress=on_progress)
    except AcqError as error:
        problems.append(error)
    if problems:
        raise all_of(problems, SplitError)
    split = split_by_subject(
        found.identities, holdout=holdout, folds=folds, test_fraction=test_fraction, seed=seed,
        mix_simulated=mix_simulated,
    )
    return NewSplit(split, _left_out(found, data))


def _left_out(found: FoundSessions, data: Path) -> dict[str, str]:
    """Return why each recording is left out that is: by its file's name, or by the id in it."""
    used, left_out = {data / session.file for session in found.identities}, dict[str, str]()
    for path in found.files:
        if path not in used:
            whole = [one.reason for one in found.exclusions.of(path.stem) if one.is_whole]
            left_out[path.stem] = "; ".join(whole) or "the session in it is excluded"
    return left_out


def find_missing_holdout(found: FoundSessions, holdout: Sequence[str]) -> list[SplitError]:
    """Return an error for subjects to hold out that are excluded, and one for those not there.

    The second names a subject whose name is read the same. A subject whose recordings cannot be
    used is let pass: those are told of as they are.
    """
    in_use, is_out = sorted({session.subject for session in found.identities}), dict[str, bool]()
    for path in found.files:
        is_out[path.parent.name] = (
            is_out.get(path.parent.name, True) and found.exclusions.is_excluded(path.stem)
        )
    missing = []
    if gone := [name for name in holdout if is_out.get(name) and name not in in_use]:
        missing.append(SplitError(
            expected=f"sessions of {', '.join(gone)} to hold out", found="all of them excluded",
            fix=Fix.INCLUDE,
        ))
    if unknown := sorted(set(holdout) - set(in_use) - set(is_out)):
        missing.append(SplitError(
            expected=f"recorded subjects ({', '.join(in_use) or 'none'}) to hold out",
            found=", ".join(_with_near_name(name, in_use) for name in unknown),
            fix="record them, or name others",
        ))
    return missing


def _with_near_name(name: str, subjects: Sequence[str]) -> str:
    near = data_folder.near_names(name, subjects)
    shown = name if data_folder.is_subject_id(name) else repr(name)     # a space is seen
    return f"{shown} (is {' or '.join(near)} meant?)" if near else shown
