"""The manifest beside an export in the PURE layout: `data/pure/manifest.json`.

Who verifies an export, and who withdraws a subject, reads from it whose each folder is.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix, suggest
from dataset.common.files import sha256_of

from .manifest import MANIFEST, ExcludedPart, FrameSpan
from .pixel_hash import PixelHash
from .pure import read_pictures

SCHEMA, SCHEMA_VERSION = "acq-pure-manifest", 1
_FOLDER = re.compile(r"(train|test)/[0-9]{2}-[0-9]{2,}")


@dataclass(frozen=True)
class PureEntry:
    """One folder of an export, with its keys in the order of the file."""

    folder: str                         # "train/01-02", under the root
    side: str                           # "train" or "test"
    subject: str
    session: str
    session_hash: str                   # Session.content_hash
    part: int                           # 1, unless the session is cut into several
    simulated: bool
    imported_from: str                  # the public data set; "" where acq recorded it
    frames: int
    repeated: tuple[FrameSpan, ...]     # pictures that belong to another moment
    excluded: tuple[ExcludedPart, ...]
    pixels_hash: str                    # SHA-256 of the BGR pixels, picture after picture
    labels_sha256: str                  # of the JSON of labels
    trimmed: tuple[FrameSpan, ...]      # frames of the session shown nowhere; all in its part 1


@dataclass(frozen=True)
class PureManifest:
    """Everything that is noted of an export."""

    acq_version: str
    split_hash: str
    fold: int                           # from 1
    folds: int
    filter: dict[str, Any]
    fps: str                            # "native", or the rate of the even grid, such as "30"
    holes: str                          # "keep", "repeat" or "cut"
    entries: tuple[PureEntry, ...]


_KIND = Kind(
    PureManifest, "the manifest of a PURE export", CurationError, Fix.EXPORT_PURE_AGAIN,
    schema=SCHEMA, version=SCHEMA_VERSION,
)


def write_pure_manifest(manifest: PureManifest, root: Path) -> None:
    """Write `manifest.json` under `root`, whole or not at all."""
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(manifest)}
    write_text(root / MANIFEST, json.dumps(body, indent=2, allow_nan=False) + "\n")


def read_pure_entries(root: Path) -> tuple[PureEntry, ...]:
    """Read the entries of an export's manifest; see `read_pure_manifest`."""
    return read_pure_manifest(root).entries


def read_pure_manifest(root: Path) -> PureManifest:
    """Read the manifest of an export under `root`.

    Raises
    ------
    CurationError : it is missing or not one, or names a folder or a subject that cannot be one
    """
    path = root / MANIFEST
    manifest = read_document(_KIND, path)
    for entry in manifest.entries:
        if not _FOLDER.fullmatch(entry.folder) or not data_folder.is_subject_id(entry.subject):
            raise CurationError(
                expected="a folder train|test/NN-MM and a subject id",
                found=f"{entry.folder!r} of {entry.subject!r}", where=path,
                fix=Fix.EXPORT_PURE_AGAIN,
            )
    return manifest


def check_pure_folder(root: Path, entry: PureEntry) -> int:
    """Check one folder of an export against its entry; return the number of pictures decoded.

    Raises
    ------
    CurationError : pictures or labels are missing, or not those that were written
    """
    folder = root / entry.folder
    labels = folder / f"{folder.name}.json"
    pixels = PixelHash()
    with suggest(Fix.EXPORT_PURE_AGAIN):
        if sha256_of(labels) != entry.labels_sha256:
            raise CurationError(
                expected="the labels as written", found="others", where=labels
            )
        for bgr in read_pictures(folder / folder.name):
            pixels.add(bgr)
        if pixels.hexdigest != entry.pixels_hash:
            raise CurationError(
                expected=f"{entry.frames} pictures as written", found="others", where=folder
            )
    return len(pixels.after)
