"""The public sets that can be imported, and how each of them is laid out."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acquire.errors import CurationError, Fix
from dataset.common.files import sha256_of
from dataset.layouts.ubfc import LABELS, VIDEO

from . import read_pure as pure
from .folders import MOST_NESTED, UNPACK, describe_places, find_file, innermost, list_places
from .published import PublishedRecording
from .read_ubfc import DUMP, read_dataset_1, read_dataset_2


@dataclass(frozen=True)
class PublicSet:
    """How a public set is laid out."""

    title: str
    folder: re.Pattern[str]                            # names of its folders; group 1: the subject
    folder_text: str                                   # the same for people
    prefix: str                                        # of subjects
    read: Callable[[Path], PublishedRecording]
    sources: Callable[[Path], list[tuple[str, str]]]   # names and SHA-256 of a folder's files


def _hash_files(*names: str) -> Callable[[Path], list[tuple[str, str]]]:
    return lambda folder: [
        (name, sha256_of(path)) for name in names
        if (path := find_file(innermost(folder), name)).is_file()
    ]


def _hash_pure_files(folder: Path) -> list[tuple[str, str]]:
    labels, pictures = pure.label_file(folder), pure.picture_files(folder)
    listed = "".join(f"{sha256_of(path)} {path.name}\n" for path in pictures)
    of_pictures = f"{len(pictures)} pictures", hashlib.sha256(listed.encode()).hexdigest()
    of_labels = [(labels.name, sha256_of(labels))] if labels.is_file() else []
    return [*of_labels, of_pictures]


SETS = {
    "ubfc1": PublicSet(
        "UBFC-rPPG DATASET_1", re.compile(r"([0-9]{1,9})-gt"), "<int>-gt", "UBFC1-", read_dataset_1,
        _hash_files(VIDEO, DUMP),
    ),
    "ubfc2": PublicSet(
        "UBFC-rPPG DATASET_2", re.compile(r"subject([0-9]{1,9})"), "subject<int>", "UBFC2-",
        read_dataset_2, _hash_files(VIDEO, LABELS),
    ),
    "pure": PublicSet("PURE", pure.FOLDER, "NN-NN", "PURE-", pure.read_pure, _hash_pure_files),
}


def find_set(root: Path) -> str:
    """Find which set lies under `root`, by the names of its folders: a key of `SETS`.

    Raises
    ------
    CurationError : it is no folder, or its folders are of no set or of several
    """
    keys = _sets_in(root)
    if len(keys) != 1:
        known = ", ".join(f"{known.folder_text} ({key})" for key, known in SETS.items())
        raise CurationError(
            expected=f"folders of one set, {known}", found=describe_places(root), where=root,
            fix=_where_else(root) or Fix.CHOOSE_SET,
        )
    return keys[0]


def check_set(root: Path, key: str) -> None:
    """Check that a set's folders lie under `root`.

    Raises
    ------
    CurationError : it is no folder, or holds none of them
    """
    if key not in _sets_in(root):
        public_set = SETS[key]
        raise CurationError(
            expected=f"folders {public_set.folder_text} of {public_set.title}",
            found=describe_places(root), where=root, fix=_where_else(root) or Fix.CHOOSE_SET,
        )


def _sets_in(root: Path) -> list[str]:
    """Return which sets have folders under `root`, as keys of `SETS`."""
    names = [place.path.name for place in list_places(root)]
    return [
        key for key, public_set in SETS.items()
        if any(public_set.folder.fullmatch(name) for name in names)
    ]


def _where_else(root: Path) -> str:
    """Return the advice to name another folder, which holds a set, or to unpack; or ""."""
    places, below = list_places(root), root
    if any(public_set.folder.fullmatch(root.name) for public_set in SETS.values()):
        return f"name {root.absolute().parent}, which holds it"
    for _ in range(MOST_NESTED):
        inside = [place.path for place in list_places(below) if not place.defect]
        holds = [path for path in inside if _sets_in(path)]
        if len(holds) == 1:
            return f"name {holds[0]}, which holds them"
        if len(inside) != 1:
            break
        below = inside[0]
    return UNPACK if any(place.fix == UNPACK for place in places) else ""
