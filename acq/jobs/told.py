"""What a verb did, in words, read from the document that it printed.

Every page tells a job in these words. A document of another version of acq, or of none, tells
nothing; it can still be read as it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acq.advice import in_data
from dataset.common.wording import counted
from dataset.withdraw.subject_files import (
    DATASET_CARD,
    EXPORT,
    QUALITY_OF_OTHERS,
    QUALITY_PAGE,
)

MOST_LINES = 40
_MOST_NAMED = 10
ELSEWHERE = (
    "what was copied elsewhere, data or models, cannot be reached from here: ask for it to be "
    "deleted there"
)


@dataclass(frozen=True)
class _Graded:
    session: str
    grade: str


@dataclass(frozen=True)
class _Grades:
    sessions: tuple[_Graded, ...]
    measured: int


@dataclass(frozen=True)
class _Fold:
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class _Split:
    folds: tuple[_Fold, ...]
    sessions: tuple[Any, ...]
    hash: str


@dataclass(frozen=True)
class _Folders:
    written: tuple[str, ...]
    kept: tuple[str, ...]
    data_hash: str


@dataclass(frozen=True)
class _Exported:
    root: str
    entries: tuple[Any, ...]


@dataclass(frozen=True)
class _Card:
    card: str
    croissant: str
    limits: tuple[str, ...]


@dataclass(frozen=True)
class _Finding:
    kind: str
    text: str


@dataclass(frozen=True)
class _Verified:
    ok: bool
    checked: dict[str, int]
    findings: tuple[_Finding, ...]


@dataclass(frozen=True)
class _Rates:
    hr_bpm: float | None
    finger_bpm: float | None


@dataclass(frozen=True)
class _Predicted:
    rows: tuple[_Rates, ...]


@dataclass(frozen=True)
class _Removed:
    what: str
    path: str
    bytes: int


@dataclass(frozen=True)
class _Withdrawn:
    recordings: int
    folders: int
    models_removed: int
    split_removed: bool
    removed: tuple[_Removed, ...]
    runs_left: tuple[str, ...]
    named: tuple[str, ...]
    not_looked_at: tuple[str, ...]


def words_of(verb: str, document: Any) -> tuple[str, ...]:
    """Return what a job did, a line each; none where its document does not tell."""
    import msgspec

    for kind, in_words in _IN_WORDS.get(verb, ()):
        try:
            lines = list(in_words(msgspec.convert(document, kind)))
        except msgspec.ValidationError:
            continue
        more = len(lines) - MOST_LINES
        return tuple(lines) if more <= 0 else (*lines[:MOST_LINES], f"and {more} more")
    return ()


def words_of_rest(
    runs: Iterable[str], named: Iterable[str], not_looked_at: Iterable[str]
) -> list[str]:
    """Return what of a subject a withdrawal leaves."""
    return [
        *(f"this run saw the subject, and its files still name it: {run}; "
          f"{in_data(f'acq runs --remove {Path(run).name}')}, in a terminal, removes it"
          for run in runs),
        *(f"names it, and is not touched: {path}" for path in named),
        *(f"not looked at: {line}" for line in not_looked_at),
        ELSEWHERE,
    ]


def _of_grades(done: _Grades) -> Iterable[str]:
    grades = Counter(one.grade for one in done.sessions)
    each = ", ".join(f"{count} {grade}" for grade, count in sorted(grades.items()))
    yield f"{counted(len(done.sessions), 'session')}, {done.measured} measured now: {each}"
    if bad := [one.session for one in done.sessions if one.grade == "bad"]:
        yield f"bad: {_some(bad)}"


def _of_split(done: _Split) -> Iterable[str]:
    yield f"{counted(len(done.sessions), 'session')}, hash {done.hash[:12]}"
    for number, fold in enumerate(done.folds, start=1):
        of = f"fold {number}: " if len(done.folds) > 1 else ""
        yield f"{of}{_some(fold.train)} train, {_some(fold.test)} tested"


def _of_folders(done: _Folders) -> Iterable[str]:
    yield (
        f"{counted(len(done.written), 'folder')} written, {len(done.kept)} as before; data hash "
        f"{done.data_hash[:12]}"
    )


def _of_export(done: _Exported) -> Iterable[str]:
    yield f"{counted(len(done.entries), 'recording')} in {done.root}"


def _of_card(done: _Card) -> Iterable[str]:
    yield f"wrote {done.card} and {Path(done.croissant).name}"
    yield from done.limits


def _of_verification(done: _Verified) -> Iterable[str]:
    seen = Counter(done.checked)
    yield "as it was made" if done.ok else "not as it was made"
    yield (
        f"checked {counted(seen['sessions'], 'session')}, "
        f"{counted(seen['folders'], 'curated folder')}, {counted(seen['runs'], 'run')}, "
        f"{seen['bytes'] / 1e9:.2f} GB"
    )
    yield from (f"{one.kind}: {one.text}" for one in done.findings)


def _of_prediction(done: _Predicted) -> Iterable[str]:
    rates = [(row.hr_bpm, row.finger_bpm) for row in done.rows]
    off = [abs(hr - finger) for hr, finger in rates if hr is not None and finger is not None]
    read = sum(hr is not None for hr, _ in rates)
    beside = f", {sum(off) / len(off):.1f} bpm off the finger on average in {len(off)}" if off \
        else ", none beside a finger's rate"
    yield f"{counted(read, 'heart rate')} read{beside}"


def _of_withdrawal(done: _Withdrawn) -> Iterable[str]:
    runs = f", {counted(done.models_removed, 'run')}" if done.models_removed else ""
    size_mb = sum(one.bytes for one in done.removed) / 1e6
    yield (
        f"deleted: {counted(done.recordings, 'recording')}, "
        f"{counted(done.folders, 'curated folder')}{runs} and what was made of them, "
        f"{size_mb:.3f} MB; noted in withdrawals.json, without a name"
    )
    labels = {one.what for one in done.removed}
    if done.split_removed:
        yield (
            "the split is deleted, as it does not hold without the subject: split, then write the "
            "folders"
        )
    if DATASET_CARD in labels:
        yield "the dataset card is deleted: Write the card, under Data set, writes it anew"
    for root in (Path(one.path).name for one in done.removed if one.what == EXPORT):
        yield f"the export {root} is deleted as a whole: Convert, export… writes it anew"
    if labels & {QUALITY_PAGE, QUALITY_OF_OTHERS}:
        yield "pages of grades that named it are deleted: Grade writes them anew"
    yield from words_of_rest(done.runs_left, done.named, done.not_looked_at)


def _some(names: Iterable[str]) -> str:
    named = list(names)
    more = len(named) - _MOST_NAMED
    return ", ".join(named[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "") or "nobody"


_IN_WORDS: dict[str, tuple[tuple[Any, Callable[[Any], Iterable[str]]], ...]] = {
    "qc": ((_Grades, _of_grades),), "split": ((_Split, _of_split),),
    "convert": ((_Folders, _of_folders), (_Exported, _of_export)),
    "card": ((_Card, _of_card),), "verify": ((_Verified, _of_verification),),
    "predict": ((_Predicted, _of_prediction),), "withdraw": ((_Withdrawn, _of_withdrawal),),
}
