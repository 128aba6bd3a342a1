"""What a verification finds.

Broken: something is missing, or not what was written. Stale: it is whole, but was made from another
state of its source, and can be made anew. Unchecked: there is nothing to compare it with.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from acquire.errors import AcqError, CurationError
from dataset.consistency.of_today import Today
from dataset.layouts.manifest import Manifest
from dataset.selection.exclusions import Exclusions
from dataset.selection.split import Split

FindingKind = Literal["broken", "stale", "unchecked"]
FINDING_KINDS: tuple[FindingKind, ...] = ("broken", "stale", "unchecked")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    kind: FindingKind
    place: str              # the file or folder
    error: AcqError         # what is wrong, and what mends it

    @property
    def text(self) -> str:
        """What is wrong, in one line."""
        return str(self.error)


@dataclass
class Verification:
    """What was examined, and what was found."""

    findings: list[Finding] = field(default_factory=list)
    # "sessions", "folders", "frames", "bytes" and so on
    checked: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """True where nothing is broken."""
        return not any(finding.kind == "broken" for finding in self.findings)

    def add(self, kind: FindingKind, place: Path, error: AcqError | OSError) -> None:
        """Add a finding."""
        if isinstance(error, OSError) and not isinstance(error, AcqError):
            error = CurationError(expected="to read a file", found=error, where=place)
        self.findings.append(Finding(kind, str(place), error))


@dataclass
class References:
    """What files are compared with: filled by the first steps, read by the later ones."""

    split: Split | None = None
    exclusions: Exclusions = field(default_factory=Exclusions)
    manifest: Manifest | None = None
    # session id: content hash, of those that could be read
    session_hashes: dict[str, str] = field(default_factory=dict)

    @property
    def today(self) -> Today:
        """What derived data are compared with."""
        return Today(self.split, self.exclusions, self.session_hashes)
