"""The people that a network has learnt from, as its checkpoint and its run name them.

Whoever a network learnt from may not be tested with it, nor with one that started from its weights.
So every checkpoint names its people, with those of the network that it started from. There are
three kinds: real people, by their pseudonym; virtual people of simulated sessions, who are of a
pseudonym and a seed; and people drawn anew for each batch, who are of a seed alone and in no
session. What an earlier version wrote tells pseudonyms only, of people real or virtual.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from acquire.data_folder import read_as
from acquire.documents import Kind, parse_document
from acquire.errors import Fix, TrainingError

Nature = Literal["real", "virtual", "not known"]
_CALLED: dict[Nature, str] = {
    "real": "real", "virtual": "virtual", "not known": "real or virtual",
}


@dataclass(frozen=True, order=True)
class Person:
    """One person; names that are read as one name are one."""

    subject: str
    nature: Nature = "not known"
    seed: int | None = None         # of a virtual one; None: it is not known, or there is none

    def may_be(self, other: "Person") -> bool:
        """Return whether both can be one person; where that is not known, they can."""
        if read_as(self.subject) != read_as(other.subject):
            return False
        if "not known" in (self.nature, other.nature):
            return True
        if self.nature != other.nature:
            return False
        seeds = {self.seed, other.seed}
        return self.nature == "real" or None in seeds or len(seeds) == 1


@dataclass(frozen=True)
class Drawn:
    """Virtual people drawn anew for each batch of a training, who have no names."""

    seed: int
    batches: int | None = None      # how many were learnt from
    clips: int | None = None        # of each batch


@dataclass(frozen=True)
class LearntFrom:
    """Everybody whom a network, and what it started from, has learnt from."""

    named: tuple[Person, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    data_hashes: tuple[str, ...] = ()       # of the curated data in which those named were

    @property
    def subjects(self) -> tuple[str, ...]:
        """The pseudonyms of all who have one."""
        return tuple(sorted({person.subject for person in self.named}))

    def __add__(self, other: "LearntFrom") -> "LearntFrom":
        """Return the people of both."""
        return LearntFrom(
            tuple(sorted({*self.named, *other.named}, key=_by_name)),
            tuple(dict.fromkeys((*self.drawn, *other.drawn))),
            tuple(dict.fromkeys((*self.data_hashes, *other.data_hashes))),
        )

    def who_of(self, tested: Iterable[Person]) -> list[str]:
        """Return the pseudonyms of those tested who may be among these people."""
        return sorted({
            person.subject for person in tested if any(map(person.may_be, self.named))
        })

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in a checkpoint and in `metrics.json`."""
        return asdict(self)

    def __str__(self) -> str:
        """Return in words how many people they are, and of which kind."""
        words = []
        for nature, called in _CALLED.items():
            if count := len([person for person in self.named if person.nature == nature]):
                words.append(f"{count} {called} {'person' if count == 1 else 'people'}")
        if self.drawn:
            seeds = ", ".join(str(drawn.seed) for drawn in self.drawn)
            words.append(f"virtual people drawn anew for each batch (seed {seeds})")
        return " and ".join(words) or "nobody"


_KIND = Kind(
    LearntFrom, "the people that a network has learnt from", TrainingError, Fix.TRAIN_AGAIN
)


def read_learnt_from(about: dict[str, Any], path: Path, *, data_hash: str) -> LearntFrom | None:
    """Read whom a network has learnt from; None where its checkpoint does not say it.

    Parameters
    ----------
    about : of a checkpoint's header: `people`, or of an earlier version `subjects`
    path : the checkpoint, for errors
    data_hash : of the data that it was trained on

    Raises
    ------
    TrainingError : what it says cannot be read
    """
    if "people" in about:
        people = about["people"]
        if isinstance(people, dict) and isinstance(people.get("drawn"), dict):
            people = {**people, "drawn": [people["drawn"]]}
        return parse_document(_KIND, json.dumps(people).encode(), path)
    if names := about.get("subjects", {}).get("train"):
        return LearntFrom(tuple(map(Person, sorted(map(str, names)))), data_hashes=(data_hash,))
    return None


def _by_name(person: Person) -> tuple[str, str, int]:
    return person.subject, person.nature, -1 if person.seed is None else person.seed
