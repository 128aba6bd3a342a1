"""The page of the data set: who is in, who tests, what is out of date, and the card."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from acq.advice import word_fix
from acq.web.answers import as_json
from acquire import data_folder
from acquire.errors import AcqError, Fix
from dataset.catalogue.listing import Listing
from dataset.catalogue.row import IN, OUT
from dataset.consistency.of_today import Today, find_outdated
from dataset.consistency.unsplit import find_unsplit
from dataset.layouts.manifest import MANIFEST, Manifest
from dataset.layouts.manifest_file import read_manifest
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.identities import subject_heart_rates
from dataset.selection.split import HeartRateRange, Split
from dataset.selection.split_file import read_split

from .sessions_page import Progress
from .shared import Shared

_MOST_STALE = 40
_MARGIN_BPM = 5.0


@dataclass
class Person:
    """One subject: what of its sessions is used."""

    subject: str
    sessions: int = 0
    excluded: int = 0
    parts: int = 0                        # sessions of which a part is excluded
    hours: float = 0.0
    grades: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hr_bpm: float | None = None           # mean over its sessions that are used
    sides: list[str] = field(default_factory=list)     # one a fold: "train" or "test"


@dataclass(frozen=True)
class Side:
    """The subjects of one side of a fold, as they are drawn."""

    name: str                             # "train" or "test"
    fold: int                             # from 1
    subjects: tuple[tuple[str, float | None], ...]     # with heart rates [bpm]
    hr_bpm: HeartRateRange | None


@dataclass(frozen=True)
class Doubt:
    """What is missing or out of date, and what mends it."""

    words: str
    mend: str
    verb: str                             # of the job that mends it; "": none of the page's


class DatasetPages:
    """The page of the data set."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        return [Route("/dataset", self.show), Route("/dataset/card", self.card)]

    def show(self, request: Request) -> Response:
        """Show the data set; it takes as long as its lists do, no recording is read."""
        data, doubts = self._shared.data, list[Doubt]()
        split = _read(lambda: _split_of(data), doubts, "split")
        manifest = _read(lambda: _manifest_of(data), doubts, "convert")
        _read(lambda: doubts.extend(find_doubts(data, split, manifest)), doubts, "")
        listed = self._shared.sessions.read()
        people = [] if isinstance(listed, Progress) else list_people(listed, split)
        card = data_folder.card_file(data)
        return self._shared.page(
            "dataset.html.j2", here="/dataset", people=people, doubts=doubts[:_MOST_STALE],
            more=max(0, len(doubts) - _MOST_STALE), split=split, manifest=manifest,
            sides=sides_of(split) if split else [], scale=_scale(split) if split else None,
            progress=listed if isinstance(listed, Progress) else None,
            card=_as_html(card.read_text("utf-8", "replace")) if card.exists() else None,
        )

    def card(self, request: Request) -> Response:
        """Return the card as it would be written now, which reads and hashes the recordings."""
        from dataset.card.facts import gather_facts
        from dataset.card.former import read_former
        from dataset.card.markdown import card_markdown

        data = self._shared.data
        text = card_markdown(gather_facts(data), read_former(data))
        card = data_folder.card_file(data)
        is_there = card.exists() and card.read_text("utf-8", "replace") == text
        return as_json({"html": str(_as_html(text)), "is_written": is_there})


def _split_of(data: Path) -> Split | None:
    path = data_folder.split_file(data)
    return read_split(path) if data_folder.is_there(path) else None


def _manifest_of(data: Path) -> Manifest | None:
    path = data_folder.ubfc_dir(data) / MANIFEST
    return read_manifest(path) if data_folder.is_there(path) else None


def _read(read: Any, doubts: list[Doubt], verb: str) -> Any:
    """Return what is read; where it cannot be, note why, and return None."""
    try:
        return read()
    except (AcqError, OSError) as error:
        doubts.append(_doubt(error, verb))
        return None


def _doubt(error: AcqError | OSError, verb: str) -> Doubt:
    if not isinstance(error, AcqError):
        return Doubt(str(error), "", verb)
    mend = word_fix(error.fix, "studio") if isinstance(error.fix, Fix) else error.fix
    return Doubt(error.facts, mend, verb)


def find_doubts(data: Path, split: Split | None, manifest: Manifest | None) -> list[Doubt]:
    """Return what is missing or out of date, as far as lists tell it; no recording is hashed."""
    doubts = [_doubt(error, "split") for error in find_unsplit(data)] if split else []
    if manifest is not None:
        today = Today(split, read_exclusions(data), session_hashes={})
        doubts += [_doubt(one.error, "convert") for one in find_outdated(data, manifest, today)]
        if not manifest.complete:
            doubts.append(Doubt("some sessions of the split have no curated folder",
                                "write the folders again", "convert"))
    return doubts


def list_people(listing: Listing, split: Split | None) -> list[Person]:
    """Return every subject of a catalogue, sorted; copies and what cannot be read do not count."""
    people: dict[str, Person] = {}
    rates: dict[str, list[float]] = defaultdict(list)
    for row in (row for row in listing.rows if row.is_session):
        person = people.setdefault(row.subject, Person(row.subject))
        person.sessions += 1
        person.excluded += row.use == OUT
        person.parts += row.use not in (IN, OUT)
        person.hours += 0.0 if row.use == OUT else (row.duration_s or 0.0) / 3600
        if row.use != OUT and row.hr_bpm is not None:
            rates[row.subject].append(row.hr_bpm)
        if row.grade:
            person.grades[row.grade] += 1
    split_up = {identity.subject for identity in split.sessions} if split else set()
    for name, person in people.items():
        person.hr_bpm = fmean(rates[name]) if rates[name] else None
        if split is not None and name in split_up:
            folds = range(1, len(split.folds) + 1)
            person.sides = [split.side_of(name, fold) for fold in folds]
    return [people[name] for name in sorted(people)]


def sides_of(split: Split) -> list[Side]:
    """Return both sides of every fold, with the heart rates of their subjects."""
    rates = subject_heart_rates(split.sessions)
    return [
        Side(name, number, tuple((subject, rates[subject]) for subject in subjects), hr_bpm)
        for number, fold in enumerate(split.folds, start=1)
        for name, subjects, hr_bpm in (
            ("train", fold.train, fold.train_hr_bpm), ("test", fold.test, fold.test_hr_bpm),
        )
    ]


def _scale(split: Split) -> tuple[float, float]:
    """Return the lowest and the highest heart rate that the picture has [bpm]."""
    ends = [end for side in sides_of(split) if side.hr_bpm for end in side.hr_bpm]
    if not ends:
        return 40.0, 120.0
    step = 2 * _MARGIN_BPM
    low, high = min(ends) - _MARGIN_BPM, max(ends) + _MARGIN_BPM
    return low // step * step, (high // step + 1) * step


def _as_html(markdown: str) -> Any:
    """Return Markdown as HTML; HTML in it stays text, and links lead nowhere but to the web."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    # what is no CommonMark link (javascript: and the like) stays text, too
    text = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return Markup(text.replace('style="text-align:right"', 'class="n"')
                  .replace('style="text-align:left"', "")
                  .replace('style="text-align:center"', ""))
