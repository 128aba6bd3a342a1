"""Subject-disjoint splits: who trains, who tests.

A network that has seen a person's other recordings has seen the person; so a split is by subject,
whole, and everyone who reads one checks that again. `data/split.json` also holds an identity and a
content hash for every session, so that a split cannot quietly be used on other recordings than
those it was made from.

The result depends on nothing but the sessions and what was asked: subjects and sessions are sorted,
who is tested is drawn by `dataset.selection.draw`, and the file carries no time of its own. What a
curator took out is not in it.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import SessionError, SplitError
from dataset.common.files import canonical_json
from dataset.common.progress import OnProgress
from dataset.session.hdf5 import was_never_closed
from dataset.session.reader import Session
from dataset.session.summary import mean_heart_rate

from .draw import deal_folds, draw_test_set
from .exclusions import read_exclusions

SCHEMA = "acq-split"
SCHEMA_VERSION = 2


@dataclass(frozen=True)
class SessionIdentity:
    """One recording as a split knows it."""

    session: str       # session id
    subject: str
    file: str          # path under the data folder, with forward slashes
    hash: str          # Session.content_hash
    simulated: bool
    complete: bool     # False: the recording was cut short; it is used, and said
    hr_bpm: float | None = None     # mean heart rate by the PPG; None where it cannot be told
    imported_from: str = ""         # a public data set; "" where acq recorded it


Range = tuple[float, float]         # lowest and highest


@dataclass(frozen=True)
class Fold:
    """Subjects on either side, sorted, and the range of their mean heart rates; None where none is
    known.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    train_hr_bpm: Range | None = None
    test_hr_bpm: Range | None = None


@dataclass(frozen=True)
class Split:
    """One or more folds over the same sessions."""

    folds: tuple[Fold, ...]
    sessions: tuple[SessionIdentity, ...]
    mix_simulated: bool

    @property
    def hash(self) -> str:
        """SHA-256 over the folds and the identity of every session."""
        return hashlib.sha256(canonical_json(asdict(self)).encode()).hexdigest()

    def side_of(self, subject: str, fold: int) -> str:
        """Give "train" or "test"; `fold` counts from 1."""
        return "test" if subject in self.folds[fold - 1].test else "train"


def identify_sessions(
    data: Path, *, on_progress: OnProgress | None = None
) -> list[SessionIdentity]:
    """Read the identity of every session under `data` that is not taken out, sorted by subject and
    session id.

    What is taken out is not opened: it may be damaged.

    Raises
    ------
    SessionError : files cannot be read; all of them are named
    SplitError : there are none, some were never closed, lie in another subject's folder, or share
        an id
    CurationError : the exclusions cannot be read
    """
    files, excluded = data_folder.session_files(data), read_exclusions(data)
    if not files:
        raise SplitError(
            f"expected recordings in {data_folder.sessions_dir(data)}/<subject>/, found none; acq "
            "record makes them"
        )
    files = [path for path in files if not excluded.is_out(path.stem)]
    if growing := [str(path) for path in files if path.is_file() and _is_open(path)]:
        raise SplitError(
            f"expected recordings that have ended, found never closed: {', '.join(growing)}; wait "
            "for those still recording, "
            "`acq recover` those that were killed, or `acq exclude` them"
        )
    found: list[SessionIdentity] = []
    unread: list[str] = []
    strayed: list[str] = []
    for at, path in enumerate(files):
        try:
            with Session(path) as session:
                if path.parent.name != session.subject:
                    strayed.append(f"one of {session.subject} in {path}")
                elif not excluded.is_out(session.session_id):
                    found.append(_identify(session, path.relative_to(data).as_posix()))
        except (SessionError, OSError) as error:
            unread.append(" ".join(str(error).split()))
        if on_progress:
            on_progress("reading sessions", at + 1, len(files))
    if unread:
        several = f"{len(unread)} recordings cannot be read: " if len(unread) > 1 else ""
        raise SessionError(f"{several}{' | '.join(unread)}; or take them out with `acq exclude`")
    if strayed:
        raise SplitError(
            f"expected each recording in its subject's folder, found {', '.join(strayed)}; move it "
            "to "
            f"{data_folder.sessions_dir(data)}/<subject>, or `acq exclude` it"
        )
    if not found:
        raise SplitError(
            f"expected recordings to use, found all of them taken out in {data}; acq exclude lists "
            "why"
        )
    found.sort(key=lambda s: (s.subject, s.session))
    by_id: dict[str, str] = {}
    for one in found:
        if one.session in by_id:
            both = f"{by_id[one.session]} and {one.file}"
            raise SplitError(
                f"expected each session once, found {one.session} in {both}; remove one"
            )
        by_id[one.session] = one.file
    return found


def _is_open(path: Path) -> bool:
    try:
        return was_never_closed(path)
    except OSError:
        return False                # `Session` says why it cannot be read


def _identify(session: Session, file: str) -> SessionIdentity:
    hr_bpm = mean_heart_rate(session)
    return SessionIdentity(
        session.session_id, session.subject, file, session.content_hash(), session.simulated,
        session.complete, None if hr_bpm is None else round(hr_bpm, 1), session.imported_from,
    )


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
    folds : instead: this many folds, each subject tested in one, every test set over the whole
        range of heart rates
    test_fraction : instead: one fold that tests this part of the subjects, over the whole range of
        heart rates; at least one subject, and not all
    seed : which of the subjects of like heart rate, for `folds` and `test_fraction`

    Raises
    ------
    SplitError : an unknown holdout, an empty side, more folds than subjects, or real and simulated
        sessions together
    ValueError : not exactly one of `holdout`, `folds` and `test_fraction` is given, or
        `test_fraction` is not between 0 and 1
    """
    if bool(holdout) + (folds is not None) + (test_fraction is not None) != 1:
        raise ValueError("expected one of holdout, folds and test_fraction, and not both")
    if test_fraction is not None and not 0 < test_fraction < 1:
        raise ValueError(f"expected a test_fraction between 0 and 1, got {test_fraction}")
    known = tuple(sorted(sessions, key=lambda s: (s.subject, s.session)))
    hr_bpm = subject_heart_rates(known)
    subjects = list(hr_bpm)
    listed = ", ".join(subjects) or "none"
    if unknown := sorted(set(holdout) - set(subjects)):
        raise SplitError(
            f"expected --holdout to name recorded subjects ({listed}), found {', '.join(unknown)}; "
            "record them, or name others"
        )
    kinds = {s.simulated for s in known}
    if len(kinds) > 1 and not mix_simulated:
        made_up = ", ".join(sorted({s.subject for s in known if s.simulated}))
        raise SplitError(
            f"expected sessions all real or all simulated, found simulated ones of {made_up} among "
            f"{listed}; "
            "say --mix-simulated to use both"
        )
    if folds is not None:
        if not 2 <= folds <= len(subjects):
            most = f"2 to {len(subjects)} folds" if len(subjects) > 1 else "at least two subjects"
            raise SplitError(
                f"expected {most} for --folds {folds}, found the subjects {listed}; record more, "
                "or ask for fewer"
            )
        tests = deal_folds(hr_bpm, folds, seed=seed)
    elif test_fraction is not None:
        if len(subjects) < 2:
            raise SplitError(
                f"expected at least two subjects for --test-fraction, found {listed}; record more"
            )
        count = min(max(math.floor(test_fraction * len(subjects) + 0.5), 1), len(subjects) - 1)
        tests = [draw_test_set(hr_bpm, count, seed=seed)]
    else:
        tests = [sorted(set(holdout))]
    made = tuple(_fold([s for s in subjects if s not in test], test, hr_bpm) for test in tests)
    split = Split(made, known, mix_simulated)
    check_split(split, "the new split")
    return split


def subject_heart_rates(sessions: Iterable[SessionIdentity]) -> dict[str, float | None]:
    """Give each subject's mean heart rate over its sessions [bpm], to 0.1, sorted by subject; None
    where none is known.
    """
    rates: dict[str, list[float]] = {}
    for one in sessions:
        rates.setdefault(one.subject, []).extend([] if one.hr_bpm is None else [one.hr_bpm])
    return {
        subject: round(math.fsum(known) / len(known), 1) if known else None
        for subject, known in sorted(rates.items())
    }


def _fold(train: Sequence[str], test: Sequence[str], hr_bpm: dict[str, float | None]) -> Fold:
    def span(subjects: Sequence[str]) -> Range | None:
        known = [rate for subject in subjects if (rate := hr_bpm[subject]) is not None]
        return (min(known), max(known)) if known else None

    return Fold(tuple(train), tuple(test), span(train), span(test))


def without_subject(split: Split, subject: str) -> Split | None:
    """Give a split without one of its subjects; None where a side of a fold would be empty."""
    sessions = tuple(one for one in split.sessions if one.subject != subject)
    hr_bpm = subject_heart_rates(sessions)
    sides = [
        [[one for one in side if one != subject] for side in (fold.train, fold.test)]
        for fold in split.folds
    ]
    if not all(train and test for train, test in sides):
        return None
    return replace(
        split, folds=tuple(_fold(train, test, hr_bpm) for train, test in sides), sessions=sessions
    )


def check_split(split: Split, where: Path | str) -> None:
    """Refuse a split that leaks.

    Raises
    ------
    SplitError : a subject on both sides, an empty side, a subject without sessions or on no side, a
        session twice, real and simulated sessions unasked, or heart rates that are not those of the
        sessions
    """
    hr_bpm = subject_heart_rates(split.sessions)
    subjects = set(hr_bpm)
    listed = ", ".join(sorted(subjects)) or "none"
    again = f"in {where}; acq split --holdout SUBJECT --force makes a new one; there are the subjects {listed}"
    if len({s.session for s in split.sessions}) < len(split.sessions):
        raise SplitError(f"expected each session once, found one twice {again}")
    if not split.folds:
        raise SplitError(f"expected at least one fold, found none {again}")
    for number, fold in enumerate(split.folds, start=1):
        train, test = set(fold.train), set(fold.test)
        if shared := sorted(train & test):
            names = ", ".join(shared)
            raise SplitError(
                f"expected each subject on one side, found {names} on both in fold {number} {again}"
            )
        if not train or not test:
            empty = "test" if train else "train"
            raise SplitError(
                f"expected subjects on both sides, found none to {empty} in fold {number} {again}"
            )
        if odd := sorted((train | test) ^ subjects):
            names = ", ".join(odd)
            raise SplitError(
                f"expected exactly the recorded subjects, found {names} missing or added in fold "
                f"{number} {again}"
            )
        if fold != _fold(fold.train, fold.test, hr_bpm):
            raise SplitError(
                f"expected the heart rates of the sessions, found others in fold {number} {again}"
            )
    if len({s.simulated for s in split.sessions}) > 1 and not split.mix_simulated:
        raise SplitError(
            f"expected sessions all real or all simulated, found both {again}, with --mix-simulated"
        )


def write_split(split: Split, path: Path, *, force: bool = False) -> bool:
    """Write a split; False where the same one is there already.

    Raises
    ------
    SplitError : another split is there and `force` is not set
    """
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "hash": split.hash, **asdict(split)}
    text = json.dumps(body, indent=2) + "\n"
    if path.exists():
        if path.read_text(errors="replace") == text:
            return False
        if not force:
            raise SplitError(
                f"expected no split or the same one, found another in {path}; say --force to "
                "replace it"
            )
    write_text(path, text)
    return True


def read_split(path: Path) -> Split:
    """Read a split and check it.

    Raises
    ------
    SplitError : it is missing, not a split, was edited by hand, or leaks
    """
    again = _again(path)
    try:
        body = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise SplitError(
            f"expected a split, found nothing at {path}; acq split --holdout SUBJECT makes one"
        ) from error
    except (OSError, ValueError) as error:
        raise SplitError(f"expected a split as JSON, got: {error}, {again}") from error
    split = _parse(body, path)
    check_split(split, path)
    if split.hash != body.get("hash"):
        raise SplitError(f"expected the split as acq wrote it, found one changed by hand {again}")
    return split


def check_sessions(split: Split, found: Iterable[SessionIdentity], where: Path) -> None:
    """Refuse a split that was made from other sessions than those that are there.

    The hash says whether a recording is the same: its heart rate may come out otherwise in another
    version of acq.

    Raises
    ------
    SplitError : a session is new, gone, or no longer the same
    """
    was = {s.session: s for s in split.sessions}
    now = {s.session: s for s in found}
    new, gone = sorted(now.keys() - was.keys()), sorted(was.keys() - now.keys())
    changed = sorted(
        key
        for key in now.keys() & was.keys()
        if replace(now[key], hr_bpm=None) != replace(was[key], hr_bpm=None)
    )
    said = [
        f"{', '.join(names)} {verb}"
        for names, verb in ((new, "new"), (gone, "gone"), (changed, "changed"))
        if names
    ]
    if said:
        raise SplitError(
            f"expected the sessions that {where} was made from, found {'; '.join(said)}; run acq "
            "split again with --force"
        )


def _again(path: Path) -> str:
    return f"in {path}; acq split --holdout SUBJECT --force makes a new one"


def _parse(body: Any, path: Path) -> Split:
    again = _again(path)
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise SplitError(f"expected schema {SCHEMA}, found something else {again}")
    if body.get("schema_version") != SCHEMA_VERSION:
        raise SplitError(
            f"expected split format {SCHEMA_VERSION}, found {body.get('schema_version')} {again}"
        )
    try:
        split = Split(
            folds=tuple(_parse_fold(fold) for fold in body["folds"]),
            sessions=tuple(SessionIdentity(**one) for one in body["sessions"]),
            mix_simulated=bool(body["mix_simulated"]),
        )
        for one in split.sessions:
            texts = (one.session, one.subject, one.file, one.hash, one.imported_from)
            if not all(isinstance(value, str) for value in texts):
                raise ValueError("a name that is no text")
            if one.hr_bpm is not None and not (
                type(one.hr_bpm) is float and math.isfinite(one.hr_bpm)
            ):
                raise ValueError("a heart rate that is none")
            if not isinstance(one.simulated, bool) or not isinstance(one.complete, bool):
                raise ValueError("neither true nor false")
        names = {name for fold in split.folds for name in fold.train + fold.test} | {
            s.subject for s in split.sessions
        }
        if not all(data_folder.is_subject_id(name) for name in names):
            raise ValueError("a subject id that is none")
    except (KeyError, TypeError, ValueError) as error:
        raise SplitError(
            f"expected folds and sessions, got: {type(error).__name__} {error}, {again}"
        ) from error
    return split


def _parse_fold(body: Any) -> Fold:
    spans = (
        None if span is None else tuple(span)
        for span in (body["train_hr_bpm"], body["test_hr_bpm"])
    )
    return Fold(tuple(body["train"]), tuple(body["test"]), *spans)
