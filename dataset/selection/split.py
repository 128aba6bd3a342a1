"""A split into train and test subjects, and the checks that it does not leak.

A network that was trained on one recording of a person knows the person. So a subject is on one
side only, with all its sessions, and everyone who reads a split checks that again. A split also
holds an identity and a content hash of each session, so that it cannot be used with other
recordings unnoticed.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from acquire.errors import Fix, SplitError
from dataset.common.files import canonical_json

from .identities import SessionIdentity, subject_heart_rates

HeartRateRange = tuple[float, float]         # lowest and highest [bpm]


@dataclass(frozen=True)
class Fold:
    """The subjects of both sides, sorted, and the range of their mean heart rates."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    train_hr_bpm: HeartRateRange | None = None      # None: no subject of this side has a rate
    test_hr_bpm: HeartRateRange | None = None


@dataclass(frozen=True)
class Split:
    """One or more folds over the same sessions."""

    folds: tuple[Fold, ...]
    sessions: tuple[SessionIdentity, ...]
    mix_simulated: bool         # True: real and simulated sessions may be together

    @property
    def hash(self) -> str:
        """SHA-256 over the folds and the identity of every session."""
        return hashlib.sha256(canonical_json(asdict(self)).encode()).hexdigest()

    def side_of(self, subject: str, fold: int) -> str:
        """Return "train" or "test"; `fold` counts from 1."""
        return "test" if subject in self.folds[fold - 1].test else "train"


def make_fold(
    train: Sequence[str], test: Sequence[str], hr_bpm: Mapping[str, float | None]
) -> Fold:
    """Make a fold of sorted subjects, with the range of their heart rates on each side."""

    def rate_range(subjects: Sequence[str]) -> HeartRateRange | None:
        known = [rate for subject in subjects if (rate := hr_bpm[subject]) is not None]
        return (min(known), max(known)) if known else None

    return Fold(tuple(train), tuple(test), rate_range(train), rate_range(test))


def without_subject(split: Split, subject: str) -> Split | None:
    """Return a split without one of its subjects; None where a side of a fold would be empty."""
    sessions = tuple(session for session in split.sessions if session.subject != subject)
    hr_bpm = subject_heart_rates(sessions)
    folds = []
    for fold in split.folds:
        train, test = (
            [other for other in side if other != subject] for side in (fold.train, fold.test)
        )
        if not train or not test:
            return None
        folds.append(make_fold(train, test, hr_bpm))
    return replace(split, folds=tuple(folds), sessions=sessions)


def check_split(split: Split, where: Path | str) -> None:
    """Refuse a split that leaks; `where` it was found stands in the error.

    Raises
    ------
    SplitError : a subject on both sides, an empty side, a subject without sessions or on no side, a
        session twice, real and simulated sessions without leave, or heart rates that are not those
        of the sessions
    """
    hr_bpm = subject_heart_rates(split.sessions)
    if len({session.session for session in split.sessions}) < len(split.sessions):
        raise _refusal("each session once", "one twice", where)
    if not split.folds:
        raise _refusal("at least one fold", "none", where)
    for number, fold in enumerate(split.folds, start=1):
        _check_fold(fold, number, hr_bpm, where)
    if len({session.simulated for session in split.sessions}) > 1 and not split.mix_simulated:
        raise SplitError(
            expected="sessions all real or all simulated", found="both", where=where,
            fix=Fix.ALLOW_MIXED,
        )


def _check_fold(
    fold: Fold, number: int, hr_bpm: Mapping[str, float | None], where: Path | str
) -> None:
    train, test, subjects = set(fold.train), set(fold.test), set(hr_bpm)
    if shared := train & test:
        raise _refusal(
            "each subject on one side", f"{_listed(shared)} on both in fold {number}", where
        )
    if not train or not test:
        empty = "test" if train else "train"
        raise _refusal("subjects on both sides", f"none to {empty} in fold {number}", where)
    if different := (train | test) ^ subjects:
        raise _refusal(
            f"exactly the recorded subjects ({_listed(subjects)})",
            f"{_listed(different)} missing or added in fold {number}", where,
        )
    if fold != make_fold(fold.train, fold.test, hr_bpm):
        raise _refusal("the heart rates of the sessions", f"others in fold {number}", where)


def _refusal(expected: str, found: str, where: Path | str) -> SplitError:
    return SplitError(expected=expected, found=found, where=where, fix=Fix.SPLIT_AGAIN)


def _listed(subjects: Iterable[str]) -> str:
    return ", ".join(sorted(subjects))


def check_sessions(split: Split, found: Iterable[SessionIdentity], where: Path) -> None:
    """Refuse a split that was made from other sessions than those that were found.

    The content hash decides whether a recording is the same. Its heart rate is not compared:
    another version of acq may compute it differently.

    Raises
    ------
    SplitError : a session is new, gone, or no longer the same
    """
    before = {session.session: replace(session, hr_bpm=None) for session in split.sessions}
    now = {session.session: replace(session, hr_bpm=None) for session in found}
    differences = {
        "new": now.keys() - before.keys(),
        "gone": before.keys() - now.keys(),
        "changed": {key for key in now.keys() & before.keys() if now[key] != before[key]},
    }
    texts = [f"{_listed(ids)} {change}" for change, ids in differences.items() if ids]
    if texts:
        raise SplitError(
            expected=f"the sessions that {where} was made from", found="; ".join(texts),
            fix=Fix.SPLIT_AGAIN,
        )
