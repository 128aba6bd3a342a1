"""Subject-disjoint splits: who trains, who tests.

A network that has seen a person's other recordings has seen the person; so a split is by subject, whole, and everyone who reads
one checks that again. `data/split.json` also holds an identity and a content hash for every session, so that a split
cannot quietly be used on other recordings than those it was made from.

The result depends on nothing but the sessions: subjects and sessions are sorted, folds are dealt to the sorted subjects in turn,
and the file carries no time of its own.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acquire import layout
from acquire.errors import SplitError

from .session import Session

SCHEMA = "acq-split"
SCHEMA_VERSION = 1

OnProgress = Callable[[str, int, int], None]   # stage, done, total


@dataclass(frozen=True)
class SessionIdentity:
    """One recording as a split knows it."""

    session: str       # session id
    subject: str
    file: str          # path under the data folder, with forward slashes
    hash: str          # Session.content_hash
    simulated: bool
    complete: bool     # False: the recording was cut short; it is used, and said


@dataclass(frozen=True)
class Fold:
    """Subjects on either side, sorted."""

    train: tuple[str, ...]
    test: tuple[str, ...]


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


def identify_sessions(data: Path, *, on_progress: OnProgress | None = None) -> list[SessionIdentity]:
    """Read the identity of every session under `data`, sorted by subject and session id.

    Raises
    ------
    SessionError : a file cannot be read; it is named
    SplitError : there are none, or two sessions share an id
    """
    files = layout.session_files(data)
    if not files:
        raise SplitError(f"expected recordings in {layout.sessions_dir(data)}/<subject>/, found none; acq record makes them")
    found: list[SessionIdentity] = []
    for at, path in enumerate(files):
        with Session(path) as session:
            where = path.relative_to(data).as_posix()
            if path.parent.name != session.subject:
                raise SplitError(
                    f"expected a recording of {path.parent.name}, found one of {session.subject} in {path}; "
                    f"move it to {layout.sessions_dir(data) / session.subject}"
                )
            found.append(SessionIdentity(
                session.session_id, session.subject, where, session.content_hash(), session.simulated, session.complete
            ))
        if on_progress:
            on_progress("reading sessions", at + 1, len(files))
    found.sort(key=lambda s: (s.subject, s.session))
    by_id: dict[str, str] = {}
    for one in found:
        if one.session in by_id:
            both = f"{by_id[one.session]} and {one.file}"
            raise SplitError(f"expected each session once, found {one.session} in {both}; remove one")
        by_id[one.session] = one.file
    return found


def split_by_subject(
    sessions: Iterable[SessionIdentity],
    *,
    holdout: Sequence[str] = (),
    folds: int | None = None,
    mix_simulated: bool = False,
) -> Split:
    """Split sessions so that each subject is on one side.

    Parameters
    ----------
    holdout : subjects kept for test; one fold
    folds : deal the subjects into this many test sets instead

    Raises
    ------
    SplitError : an unknown holdout, an empty side, more folds than subjects, or real and simulated sessions together
    ValueError : neither or both of `holdout` and `folds` are given
    """
    if bool(holdout) == (folds is not None):
        raise ValueError("expected holdout or folds, and not both")
    known = tuple(sorted(sessions, key=lambda s: (s.subject, s.session)))
    subjects = sorted({s.subject for s in known})
    listed = ", ".join(subjects) or "none"
    if unknown := sorted(set(holdout) - set(subjects)):
        raise SplitError(
            f"expected --holdout to name recorded subjects ({listed}), found {', '.join(unknown)}; record them, or name others"
        )
    kinds = {s.simulated for s in known}
    if len(kinds) > 1 and not mix_simulated:
        made_up = ", ".join(sorted({s.subject for s in known if s.simulated}))
        raise SplitError(
            f"expected sessions all real or all simulated, found simulated ones of {made_up} among {listed}; "
            "say --mix-simulated to use both"
        )
    if folds is None:
        tests = [sorted(set(holdout))]
    else:
        if not 2 <= folds <= len(subjects):
            most = f"2 to {len(subjects)} folds" if len(subjects) > 1 else "at least two subjects"
            raise SplitError(f"expected {most} for --folds {folds}, found the subjects {listed}; record more, or ask for fewer")
        tests = [subjects[at::folds] for at in range(folds)]
    made = tuple(Fold(tuple(s for s in subjects if s not in test), tuple(test)) for test in tests)
    split = Split(made, known, mix_simulated)
    check_split(split, "the new split")
    return split


def check_split(split: Split, where: Path | str) -> None:
    """Refuse a split that leaks.

    Raises
    ------
    SplitError : a subject on both sides, an empty side, a subject without sessions or on no side, a session twice
    """
    subjects = {s.subject for s in split.sessions}
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
            raise SplitError(f"expected each subject on one side, found {names} on both in fold {number} {again}")
        if not train or not test:
            empty = "test" if train else "train"
            raise SplitError(f"expected subjects on both sides, found none to {empty} in fold {number} {again}")
        if odd := sorted((train | test) ^ subjects):
            names = ", ".join(odd)
            raise SplitError(f"expected exactly the recorded subjects, found {names} missing or added in fold {number} {again}")
    if len({s.simulated for s in split.sessions}) > 1 and not split.mix_simulated:
        raise SplitError(f"expected sessions all real or all simulated, found both {again}, with --mix-simulated")


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
            raise SplitError(f"expected no split or the same one, found another in {path}; say --force to replace it")
    write_text_atomically(path, text)
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
        raise SplitError(f"expected a split, found nothing at {path}; acq split --holdout SUBJECT makes one") from error
    except (OSError, ValueError) as error:
        raise SplitError(f"expected a split as JSON, got: {error}, {again}") from error
    split = _parse(body, path)
    check_split(split, path)
    if split.hash != body.get("hash"):
        raise SplitError(f"expected the split as acq wrote it, found one changed by hand {again}")
    return split


def check_sessions(split: Split, found: Iterable[SessionIdentity], where: Path) -> None:
    """Refuse a split that was made from other sessions than those that are there.

    Raises
    ------
    SplitError : a session is new, gone, or no longer the same
    """
    was = {s.session: s for s in split.sessions}
    now = {s.session: s for s in found}
    new, gone = sorted(now.keys() - was.keys()), sorted(was.keys() - now.keys())
    changed = sorted(key for key in now.keys() & was.keys() if now[key] != was[key])
    said = [f"{', '.join(names)} {verb}" for names, verb in ((new, "new"), (gone, "gone"), (changed, "changed")) if names]
    if said:
        raise SplitError(
            f"expected the sessions that {where} was made from, found {'; '.join(said)}; run acq split again with --force"
        )


def _again(path: Path) -> str:
    return f"in {path}; acq split --holdout SUBJECT --force makes a new one"


def _parse(body: Any, path: Path) -> Split:
    again = _again(path)
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise SplitError(f"expected schema {SCHEMA}, found something else {again}")
    if body.get("schema_version") != SCHEMA_VERSION:
        raise SplitError(f"expected split format {SCHEMA_VERSION}, found {body.get('schema_version')} {again}")
    try:
        split = Split(
            folds=tuple(Fold(tuple(fold["train"]), tuple(fold["test"])) for fold in body["folds"]),
            sessions=tuple(SessionIdentity(**one) for one in body["sessions"]),
            mix_simulated=bool(body["mix_simulated"]),
        )
        for one in split.sessions:
            if not all(isinstance(value, str) for value in (one.session, one.subject, one.file, one.hash)):
                raise ValueError("a name that is no text")
            if not isinstance(one.simulated, bool) or not isinstance(one.complete, bool):
                raise ValueError("neither true nor false")
        names = {name for fold in split.folds for name in fold.train + fold.test} | {s.subject for s in split.sessions}
        if not all(layout.is_subject_id(name) for name in names):
            raise ValueError("a subject id that is none")
    except (KeyError, TypeError, ValueError) as error:
        raise SplitError(f"expected folds and sessions, got: {type(error).__name__} {error}, {again}") from error
    return split


def canonical_json(value: Any) -> str:
    """Write a value as JSON in the one way that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a file under a temporary name beside it, then rename: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
