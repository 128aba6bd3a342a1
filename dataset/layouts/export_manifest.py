"""The manifest of an export: `data/pure/manifest.json`, and that of each tool.

Who verifies an export, and who withdraws a subject, reads from it whose each folder is.
"""

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix, suggest
from dataset.common.files import CONTENT_HASH, hash_of_content, sha256_of

from .avi import read_bgr
from .manifest import MANIFEST, ExcludedPart, FrameSpan
from .pixel_hash import PixelHash
from .places import LAYOUTS, PURE, UBFC, labels_file, pictures_place
from .pure import read_pictures

SCHEMA, SCHEMA_VERSION = "acq-pure-manifest", 1
_NAMES = {UBFC: r"subject[1-9][0-9]{0,8}"}
_NAME_OF_PURE = r"[0-9]{2}-[0-9]{2,}"
# some tools want a folder of the set's name around
_AROUND = r"(train|test)/((UBFC|PURE)/)?"


@dataclass(frozen=True)
class ExportEntry:
    """One folder of an export, with its keys in the order of the file."""

    folder: str                         # "train/01-02" or "train/UBFC/subject1", under the root
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
    labels_sha256: str                  # of the file of labels
    trimmed: tuple[FrameSpan, ...]      # frames of the session shown nowhere; all in its part 1


@dataclass(frozen=True)
class ExportManifest:
    """Everything that is noted of an export; an earlier version noted no layout and no tool."""

    acq_version: str
    split_hash: str
    fold: int                           # from 1
    folds: int
    filter: dict[str, Any]
    fps: str                            # "native", or the rate of the even grid, such as "30"
    holes: str                          # "keep", "repeat" or "cut"
    entries: tuple[ExportEntry, ...]
    layout: str = PURE                  # one of `dataset.layouts.places.LAYOUTS`
    tool: str = ""                      # the tool that it is made for; "" for `data/pure`


_KIND = Kind(
    ExportManifest, "the manifest of an export", CurationError, "",
    schema=SCHEMA, version=SCHEMA_VERSION,
)


def export_again(tool: str, layout: str, *, split: bool = False) -> tuple[Fix, str]:
    """Return what makes an export anew in its layout, and what that is applied to.

    Parameters
    ----------
    tool : the tool that it is made for, which keeps its layout; "" for none
    split : whether the sessions have to be split anew before
    """
    if tool:
        return (Fix.EXPORT_FOR_AGAIN, Fix.SPLIT_AND_EXPORT_FOR_AGAIN)[split], tool
    return (Fix.EXPORT_PURE_AGAIN, Fix.SPLIT_AND_EXPORT_PURE_AGAIN)[split], layout


def write_export_manifest(manifest: ExportManifest, root: Path) -> None:
    """Write `manifest.json` under `root`, whole or not at all."""
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(manifest)}
    body[CONTENT_HASH] = hash_of_content(body)
    write_text(root / MANIFEST, json.dumps(body, indent=2, allow_nan=False) + "\n")


def read_export_entries(root: Path) -> tuple[ExportEntry, ...]:
    """Read the entries of an export's manifest; see `read_export_manifest`."""
    return read_export_manifest(root).entries


def read_export_manifest(root: Path) -> ExportManifest:
    """Read the manifest of an export under `root`.

    Raises
    ------
    CurationError : it is missing or not one, or names a layout, a folder or a subject that cannot
        be one
    """
    path = root / MANIFEST
    is_of_a_tool = root.parent == data_folder.tools_dir(root.parent.parent)
    kind = replace(_KIND, fix="move that export away") if is_of_a_tool else _KIND
    with suggest(Fix.EXPORT_PURE_AGAIN, of=PURE):
        manifest = read_document(kind, path)
    layout = manifest.layout if manifest.layout in LAYOUTS else PURE
    fix, of = export_again(manifest.tool, layout)
    if manifest.layout not in LAYOUTS:
        raise CurationError(
            expected=" or ".join(LAYOUTS), found=repr(manifest.layout), where=path, fix=fix, of=of,
        )
    folder = re.compile(_AROUND + _NAMES.get(manifest.layout, _NAME_OF_PURE))
    for entry in manifest.entries:
        if not folder.fullmatch(entry.folder) or not data_folder.is_subject_id(entry.subject):
            name = "subject<int>" if manifest.layout == UBFC else "NN-MM"
            raise CurationError(
                expected=f"a folder train|test/{name} and a subject id",
                found=f"{entry.folder!r} of {entry.subject!r}", where=path, fix=fix, of=of,
            )
    return manifest


def check_export_folder(root: Path, entry: ExportEntry, manifest: ExportManifest) -> int:
    """Check one folder of an export against its entry; return the number of pictures decoded.

    Raises
    ------
    CurationError : pictures or labels are missing, or not those that were written
    """
    folder = root / entry.folder
    labels = labels_file(folder, manifest.layout)
    place, pixels = pictures_place(folder, manifest.layout), PixelHash()
    with suggest(*export_again(manifest.tool, manifest.layout)):
        if sha256_of(labels) != entry.labels_sha256:
            raise CurationError(
                expected="the labels as written", found="others", where=labels
            )
        for bgr in read_bgr(place) if manifest.layout == UBFC else read_pictures(place):
            pixels.add(bgr)
        if pixels.hexdigest != entry.pixels_hash:
            raise CurationError(
                expected=f"{entry.frames} pictures as written", found="others", where=folder
            )
    return len(pixels.after)
