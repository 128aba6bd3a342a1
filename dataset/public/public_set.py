"""What the importer has to know of a public set: where its recordings lie, and whose they are.

Each file of `dataset.public.readers` states its sets in this form.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dataset.common.files import sha256_of

from .folders import find_file, innermost
from .published import PublishedRecording


@dataclass(frozen=True)
class FoundRecording:
    """A recording of a set that was found and not yet read."""

    path: Path               # its folder or its file; a file that lacks is named when it is read
    subject: str             # as the set tells its people apart


def one_recording(folder: Path, subject: str) -> list[FoundRecording]:
    """Return the one recording of a set whose folders hold one each."""
    return [FoundRecording(folder, subject)]


@dataclass(frozen=True)
class PublicSet:
    """How a public set is laid out."""

    title: str
    folder: re.Pattern[str]                            # names under its root; group 1: the subject
    folder_text: str                                   # the same for people
    prefix: str                                        # of subjects
    read: Callable[[Path], PublishedRecording]         # of a recording's path
    sources: Callable[[Path], list[tuple[str, str]]]   # names and SHA-256 of a recording's files
    # the recordings of one of its folders; none: it is no folder of this set
    find: Callable[[Path, str], list[FoundRecording]] = one_recording
    holds_text: str = "a recording"                    # what such a folder holds, for people
    suffix: str = ""                                   # of files right under its root; "": folders
    simulated: bool = False                            # its people are virtual


def hash_files(*names: str) -> Callable[[Path], list[tuple[str, str]]]:
    """Return a function that hashes files of these names in a folder, those that are there."""
    return lambda folder: [
        (name, sha256_of(path)) for name in names
        if (path := find_file(innermost(folder), name)).is_file()
    ]
