"""What a person said of the data set when its card was written before, read from that card."""

import re
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix

from .croissant import UNDATED
from .description import NO_LICENCE, AboutDataset

_MARK = re.compile(r" \((PARTLY )?SIMULATED\)$")
_MADE_CITATION = re.compile(r"Data hash [0-9a-f]{64}, curated with acq ")
_LAST_DAY = re.compile(r"^Recorded (?:\S+ to )?(\d{4}-\d\d-\d\d)\.$", re.MULTILINE)


@dataclass(frozen=True)
class _Person:
    name: str = ""


@dataclass(frozen=True)
class _Said:
    """What is read of a Croissant file, under Croissant's own keys."""

    name: str
    license: str
    citeAs: str
    datePublished: str
    url: str = ""
    creator: tuple[_Person, ...] = ()


_KIND = Kind(_Said, "the card as Croissant", CurationError, Fix.WRITE_CARD_AGAIN)


def read_former(data: Path) -> AboutDataset:
    """Read what a person said in the card that is there; the defaults where there is none.

    What the card made itself is left out: the mark of simulated data, the citation by data hash,
    the date of the newest recording. Whether reasons were told is not read: that is asked for each
    time, because they may tell of a person.

    Raises
    ------
    CurationError : the card cannot be read
    """
    path, markdown = data_folder.croissant_file(data), data_folder.card_file(data)
    if not path.exists():
        return AboutDataset()
    said = read_document(_KIND, path)
    text = markdown.read_text(encoding="utf-8", errors="replace") if markdown.exists() else ""
    last_day = _LAST_DAY.search(text)
    is_made = said.datePublished in (UNDATED, last_day and last_day[1])
    return AboutDataset(
        name=_MARK.sub("", said.name),
        licence=None if said.license in ("", NO_LICENCE) else said.license,
        creators=tuple(person.name for person in said.creator if person.name),
        url=said.url or None,
        cite=None if _MADE_CITATION.search(said.citeAs) else said.citeAs,
        published=None if is_made else said.datePublished,
    )
