"""`manifest.json`: written whole, read with every check that a reader relies on.

Names of folders from the file become paths, so each is held against `train|test/subject<int>`
here; what the types of `Manifest` cannot say is checked here too.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix
from dataset.common.files import CONTENT_HASH, canonical_json

from .manifest import (
    ATTRIBUTE_OF_KEY,
    SIDES,
    Entry,
    Manifest,
    canonical_entries,
    nested_entry,
)

SCHEMA = "acq-ubfc-manifest"
SCHEMA_VERSION = 2
_FOLDER = re.compile(r"subject([1-9][0-9]{0,8})")
_NEW_MANIFEST = Fix.MOVE_CURATED_AWAY


@dataclass(frozen=True)
class _File:
    """What the file holds beside its schema."""

    manifest: Manifest
    data_hash: str


def _nested(body: dict[str, Any]) -> dict[str, Any]:
    entries = body.get("entries")
    if not isinstance(entries, list) or not all(isinstance(flat, dict) for flat in entries):
        raise ValueError("entries that are not a list of objects")
    nested = [nested_entry(flat) for flat in entries]
    return {"manifest": {**body, "entries": nested}, "data_hash": body.get("data_hash")}


def _place(place: str) -> str:
    """Return a place as the file has it: its entries are flat."""
    place = place.replace("$.manifest", "$", 1)
    match = re.fullmatch(r"(\$\.entries\[.*?\])\.(.+)", place)
    if match is None:
        return place
    for key, attribute in ATTRIBUTE_OF_KEY.items():
        if match[2] == attribute or match[2].startswith((f"{attribute}.", f"{attribute}[")):
            return f"{match[1]}.{key}{match[2].removeprefix(attribute)}"
    return place


_KIND = Kind(
    _File, "a manifest", CurationError, _NEW_MANIFEST, schema=SCHEMA,
    version=SCHEMA_VERSION, prepare=_nested, place=_place,
)


def is_subject_folder(name: str) -> bool:
    """Return whether `name` is `subject<int>`, without leading zeros."""
    return _FOLDER.fullmatch(name) is not None


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest, whole or not at all."""
    head = {
        "schema": SCHEMA, "schema_version": SCHEMA_VERSION, **manifest.head(),
        "data_hash": manifest.data_hash,
    }
    canonical = {name: canonical_json(value) for name, value in head.items()}
    canonical["entries"] = canonical_entries(manifest.entries)
    content = ",".join(f"{canonical_json(name)}:{canonical[name]}" for name in sorted(canonical))
    head[CONTENT_HASH] = sha256(f"{{{content}}}".encode()).hexdigest()
    entries = ",\n".join(entry.indented for entry in manifest.entries)
    listed = f"[\n{entries}\n  ]" if entries else "[]"
    # the entries last: the header is what a person looks for
    text = json.dumps(head, indent=2, allow_nan=False).removesuffix("\n}")
    write_text(path, f'{text},\n  "entries": {listed}\n}}\n')


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check it, without looking at the folders.

    Raises
    ------
    CurationError : it is missing or not a manifest, was edited, names a path that is not
        `train|test/subject<int>`, or leaks
    """
    if not path.exists():
        raise CurationError(
            expected="a manifest", found="nothing", where=f"at {path}", fix=Fix.CONVERT
        )
    file = read_document(_KIND, path)
    manifest = file.manifest
    for entry in manifest.entries:
        _check_entry(entry, path)
    _check_sides(manifest.entries, path)
    _check_numbers(manifest, path)
    if file.data_hash != manifest.data_hash:
        raise _error("the manifest as acq wrote it", "one changed by hand", path)
    return manifest


def _error(expected: str, found: object, path: Path) -> CurationError:
    return CurationError(expected=expected, found=found, where=path, fix=_NEW_MANIFEST)


def _is_folder(path: str) -> bool:
    """Return whether `path` is `train/subject<int>` or `test/subject<int>`."""
    side, _, name = path.partition("/")
    return side in SIDES and is_subject_folder(name)


def _check_entry(entry: Entry, path: Path) -> None:
    if not _is_folder(entry.folder) or entry.folder.partition("/")[0] != entry.side:
        raise _error(f"a folder {' or '.join(SIDES)}/subject<int>", repr(entry.folder), path)
    if not data_folder.is_subject_id(entry.subject):
        raise _error("a subject id", repr(entry.subject), path)
    if entry.part < 1 or entry.frames < 1:
        raise _error(
            "a part number and a count of frames from 1", f"{entry.part} and {entry.frames}", path
        )
    listed = {"repeated": entry.rows.repeated, "untrusted": entry.rows.untrusted or ()}
    for name, span in ((name, span) for name, spans in listed.items() for span in spans):
        if span.first < 0 or span.frames < 1 or span.first + span.frames > entry.frames:
            found = f"{span.frames} from frame {span.first} on as {name}"
            raise _error(f"some of {entry.frames} frames", found, path)


def _check_sides(entries: Sequence[Entry], path: Path) -> None:
    for name, values in (
        ("folder number", [str(entry.number) for entry in entries]),
        ("session", [entry.key for entry in entries]),
    ):
        if repeated := sorted(value for value, times in Counter(values).items() if times > 1):
            raise _error(f"each {name} once", f"{', '.join(repeated)} twice", path)
    train, test = ({entry.subject for entry in entries if entry.side == side} for side in SIDES)
    if shared := sorted(train & test):
        raise _error("each subject on one side", f"{', '.join(shared)} on both", path)


def _check_numbers(manifest: Manifest, path: Path) -> None:
    numbers = manifest.numbers
    if (
        any(number < 1 for number in numbers.values())
        or len(set(numbers.values())) < len(numbers)
        or any(numbers.get(entry.key) != entry.number for entry in manifest.entries)
    ):
        raise _error("one folder number for each session", numbers, path)
    if wrong := [folder for folder in manifest.stale if not _is_folder(folder)]:
        raise _error("train/subject<int> or test/subject<int> as stale", repr(wrong[0]), path)
