"""Choose who is tested, and make the split.

The result depends only on the sessions and on the request: subjects and sessions are sorted, who is
tested is drawn by `draw`, and the split holds no time of its own.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from acquire.errors import Fix, SplitError

from .draw import draw_folds, draw_test_set
from .identities import SessionIdentity, subject_heart_rates
from .split import Split, check_split, make_fold


def split_by_subject(
    sessions: Iterable[SessionIdentity],
    *,
    holdout: Sequence[str] = (),
    folds: int | None = None,
    test_fraction: float | None = None,
    seed: int = 0,
    mix_simulated: bool = False,
) -> Split:
    """Split sessions so that each subject is on one side.

    Parameters
    ----------
    holdout : subjects kept for test; one fold
    folds : instead: this many folds; each subject is tested in one of them, and every test set
        covers the whole range of heart rates
    test_fraction : instead: one fold that tests this part of the subjects, over the whole range of
        heart rates; at least one subject, and not all
    seed : which subjects of similar heart rate are drawn, for `folds` and `test_fraction`
    mix_simulated : allow real and simulated sessions together

    Raises
    ------
    SplitError : an unknown subject, too few subjects, an empty side, or real and simulated
        sessions together
    ValueError : not exactly one of `holdout`, `folds` and `test_fraction` is given, or
        `test_fraction` is not between 0 and 1
    """
    if bool(holdout) + (folds is not None) + (test_fraction is not None) != 1:
        raise ValueError("expected one of holdout, folds and test_fraction, and not both")
    if test_fraction is not None and not 0 < test_fraction < 1:
        raise ValueError(f"expected a test_fraction between 0 and 1, got {test_fraction}")
    known = tuple(sorted(sessions, key=lambda session: (session.subject, session.session)))
    hr_bpm = subject_heart_rates(known)
    if not mix_simulated:
        refuse_mixed(known)
    if folds is not None:
        test_sets = _choose_folds(hr_bpm, folds, seed)
    elif test_fraction is not None:
        test_sets = [_choose_fraction(hr_bpm, test_fraction, seed)]
    else:
        test_sets = [_choose_holdout(hr_bpm, holdout)]
    chosen = tuple(
        make_fold([subject for subject in hr_bpm if subject not in test], test, hr_bpm)
        for test in test_sets
    )
    split = Split(chosen, known, mix_simulated)
    check_split(split, "in the new split")
    return split


def _choose_folds(hr_bpm: Mapping[str, float | None], folds: int, seed: int) -> list[list[str]]:
    if not 2 <= folds <= len(hr_bpm):
        raise SplitError(
            expected="at least 2 folds, and a subject for each of them",
            found=f"{folds} and the subjects {_listed(hr_bpm)}",
            fix="record more subjects, or ask for another number of folds",
        )
    return draw_folds(hr_bpm, folds, seed=seed)


def _choose_fraction(
    hr_bpm: Mapping[str, float | None], test_fraction: float, seed: int
) -> list[str]:
    if len(hr_bpm) < 2:
        raise SplitError(
            expected="at least two subjects to test a part of them", found=_listed(hr_bpm),
            fix="record more subjects",
        )
    rounded = math.floor(test_fraction * len(hr_bpm) + 0.5)
    return draw_test_set(hr_bpm, min(max(rounded, 1), len(hr_bpm) - 1), seed=seed)


def _choose_holdout(hr_bpm: Mapping[str, float | None], holdout: Sequence[str]) -> list[str]:
    if unknown := set(holdout) - set(hr_bpm):
        raise SplitError(
            expected=f"recorded subjects ({_listed(hr_bpm)}) to hold out", found=_listed(unknown),
            fix="record them, or name others",
        )
    if set(hr_bpm) == set(holdout):
        raise SplitError(
            expected="subjects on both sides", found=f"none to train, {_listed(hr_bpm)} to test",
            fix="hold out fewer subjects, or record more",
        )
    return sorted(set(holdout))


def refuse_mixed(sessions: Sequence[SessionIdentity]) -> None:
    """Refuse real and simulated sessions together.

    Raises
    ------
    SplitError : both are there
    """
    simulated = {session.subject for session in sessions if session.simulated}
    if simulated and not all(session.simulated for session in sessions):
        subjects = {session.subject for session in sessions}
        raise SplitError(
            expected="sessions all real or all simulated",
            found=f"simulated ones of {_listed(simulated)} among {_listed(subjects)}",
            fix=Fix.ALLOW_MIXED,
        )


def _listed(subjects: Iterable[str]) -> str:
    return ", ".join(sorted(subjects)) or "none"
