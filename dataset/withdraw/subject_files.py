"""The files of a subject, as `find_files` finds them and `withdraw` removes them."""

import re
from dataclasses import dataclass
from pathlib import Path

from dataset.runs import TrainingRun

from .names import SubjectNames

DATASET_CARD, EXPORT, QUALITY_PAGE = "dataset card", "export", "quality page"
JOB_RECORD = "record of a job"
KNOWN_SESSIONS = "kept list of sessions"
QUALITY_OF_OTHERS = "quality of another recording that names it"

# What a killed writer leaves: `.NAME.<random>.part` of `acquire.atomic`, and the forms that earlier
# versions wrote, `.NAME.<pid>.part`, `NAME.<pid>.part`, `NAME.part` and `.NAME-xxxxxxxx`.
_UNFINISHED = re.compile(r".+\.part|\..+\.(?:json|md|html)-[a-z0-9_]{8}")


@dataclass(frozen=True)
class SubjectFile:
    """One file or folder to be removed."""

    label: str                         # what it is, for people
    path: Path
    size_bytes: int


@dataclass(frozen=True)
class SubjectFiles:
    """Everything of one subject in a data folder."""

    names: SubjectNames
    recording_count: int                    # session files
    curated: tuple[SubjectFile, ...]        # folders in the UBFC layout
    # frames, pages, cards, unfinished files: made of the recordings, and can be made again
    derived: tuple[SubjectFile, ...]
    recordings: tuple[SubjectFile, ...]     # with what lies beside them
    lists: tuple[Path, ...]                 # name it among others: manifest, split, exclusions
    runs: tuple[TrainingRun, ...]           # trained or tested on it
    data_hashes: frozenset[str]             # of curated data that held it
    mentions: tuple[Path, ...]              # other files that name it, for reasons unknown
    unchecked: tuple[str, ...]              # what could not be examined, one line each

    @property
    def removable(self) -> tuple[SubjectFile, ...]:
        """What a withdrawal removes, runs aside, in the order in which it does."""
        return self.curated + self.derived + self.recordings


def is_unfinished(name: str) -> bool:
    """Return whether a file or folder of this name was left by a writer that was killed."""
    return _UNFINISHED.fullmatch(name) is not None


def as_subject_file(label: str, path: Path) -> SubjectFile:
    """Describe a file or a folder, with its size; a link counts nothing."""
    if path.is_symlink():
        return SubjectFile(label, path, 0)
    files = path.rglob("*") if path.is_dir() else [path]
    size_bytes = sum(file.lstat().st_size for file in files if file.is_file())
    return SubjectFile(label, path, size_bytes)
