"""The files whose path or text names a subject."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from acquire import data_folder
from dataset.layouts.manifest import SIDES

from .names import SubjectNames

# a picture inside a page: sooner or later its letters spell any short name
_PICTURE = re.compile(r";base64,[A-Za-z0-9+/=]+")

# of pixels, samples and weights: their text is not searched
_BINARY = {data_folder.SESSION_SUFFIX, ".killed", ".avi", ".npy", ".npz", ".png", ".safetensors"}


def find_mentions(data: Path, names: SubjectNames, *, skip: set[Path]) -> Iterator[Path]:
    """Yield the files that name a subject, sorted by folder; those in curated folders are left out.

    Parameters
    ----------
    skip : files and folders that need not be searched
    """
    for folder, folders, files in os.walk(data):
        here = Path(folder)
        has_curated_folders = here.name in SIDES and here.parent.parent == data
        folders[:] = [] if has_curated_folders else sorted(
            name for name in folders if here / name not in skip
        )
        for name in sorted(files):
            path = here / name
            if path not in skip and _names_subject(path, names, data):
                yield path


def _names_subject(path: Path, names: SubjectNames, data: Path) -> bool:
    if names.are_in(path.relative_to(data).as_posix()):
        return True
    if path.suffix in _BINARY:
        return False
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:    # reads any bytes
            return any(names.are_in(_PICTURE.sub("", line)) for line in file)
    except OSError:
        return False
