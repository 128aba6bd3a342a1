"""What `acq verify` finds, and of which kind.

Broken: something is not what was written, or is missing. Stale: it is whole, but was made of
another state of what it stands for, and the verb that made it makes it anew. Unchecked: there is
nothing to hold it against.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from dataset.layouts.manifest import Manifest
from dataset.selection.exclusions import Exclusions
from dataset.selection.split import Split

KINDS = ("broken", "stale", "unchecked")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    kind: str      # one of KINDS
    place: str     # the file or folder
    text: str      # one line


@dataclass
class Verification:
    """What was looked at, and what was found."""

    findings: list[Finding] = field(default_factory=list)
    # "sessions", "folders", "frames", "bytes" and so on
    checked: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """True where nothing is broken."""
        return not any(one.kind == "broken" for one in self.findings)

    def add(self, kind: str, place: Path, text: object) -> None:
        """Take in a finding."""
        self.findings.append(Finding(kind, str(place), " ".join(str(text).split())))


@dataclass
class Known:
    """What the first steps found, for the later ones."""

    split: Split | None = None
    exclusions: Exclusions = field(default_factory=Exclusions)
    manifest: Manifest | None = None
    # session id: content hash, of those that could be read
    hashes: dict[str, str] = field(default_factory=dict)
