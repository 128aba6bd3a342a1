"""`data/split.json`: the split on disk, with a hash that shows any change by hand."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_document
from acquire.errors import Fix, SplitError

from .identities import SessionIdentity
from .split import Fold, Split, check_split

SCHEMA = "acq-split"
SCHEMA_VERSION = 2


@dataclass(frozen=True)
class SplitFile:
    """What stands in the file beside schema and version."""

    hash: str                   # Split.hash
    folds: tuple[Fold, ...]
    sessions: tuple[SessionIdentity, ...]
    mix_simulated: bool


KIND = Kind(
    SplitFile, "a split", SplitError, Fix.SPLIT_AGAIN, schema=SCHEMA, version=SCHEMA_VERSION
)


def write_split(split: Split, path: Path, *, force: bool = False) -> bool:
    """Write a split, and return True; False where the same one is there already.

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
                expected="no split or the same one", found="another", where=path, fix=Fix.REPLACE
            )
    write_text(path, text)
    return True


def read_split(path: Path) -> Split:
    """Read a split and check it.

    Raises
    ------
    SplitError : it is missing, not a split, was edited by hand, or leaks
    """
    if not data_folder.is_there(path):
        raise SplitError(expected="a split", found="no such file", where=path, fix=Fix.SPLIT)
    file = read_document(KIND, path)
    split = Split(file.folds, file.sessions, file.mix_simulated)
    sides = [side for fold in split.folds for side in (fold.train, fold.test)]
    subjects = {subject for side in sides for subject in side}
    subjects |= {session.subject for session in split.sessions}
    if invalid := [name for name in subjects if not data_folder.is_subject_id(name)]:
        raise SplitError(
            expected="subject ids", found=repr(min(invalid)), where=path, fix=Fix.SPLIT_AGAIN
        )
    check_split(split, path)
    if split.hash != file.hash:
        raise SplitError(
            expected="the split as it was written", found="one changed by hand", where=path,
            fix=Fix.SPLIT_AGAIN,
        )
    return split
