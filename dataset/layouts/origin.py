"""Where a folder in a public layout comes from, if acq made it: what its manifest says.

Whoever reads such a folder as a published one asks here, so that simulated data stay simulated and
the sessions of one person stay one person's. `marks` has what a folder without its manifest says.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dataset.common.files import sha256_of

from .export_manifest import SCHEMA as PURE_SCHEMA
from .export_manifest import read_export_entries
from .manifest import MANIFEST
from .manifest_file import SCHEMA as UBFC_SCHEMA
from .manifest_file import read_manifest

_HEAD = 4096             # bytes of a manifest; its schema stands first


@dataclass(frozen=True)
class Origin:
    """What the manifest of an export says of one of its folders."""

    subject: str          # pseudonym
    simulated: bool
    session: str
    session_hash: str     # Session.content_hash


def find_origin(folder: Path, labels: Path) -> Origin | None:
    """Find a folder in the manifest of the export that it is from; None where there is none.

    The manifest lies beside the folder or one above, as acq writes it. The folder is found in it by
    the hash of its labels; where they were changed, by its name.

    Raises
    ------
    CurationError : there is a manifest of acq that cannot be read
    """
    folder = folder.absolute()
    for root in (folder.parent, folder.parent.parent):
        path = root / MANIFEST
        if path.is_file() and (origins := _origins(path, path.stat().st_mtime_ns)):
            labels_hash = sha256_of(labels) if labels.is_file() else ""
            return origins.get(labels_hash) or origins.get(folder.name)
    return None


@lru_cache(maxsize=4)
def _origins(path: Path, _mtime_ns: int) -> dict[str, Origin]:
    """Return the origin of each folder by its name, and by the hash of its labels."""
    schema, origins = _schema(path), dict[str, Origin]()
    if schema == UBFC_SCHEMA:
        for entry in read_manifest(path).entries:
            origin = Origin(
                entry.subject, entry.source.simulated, entry.session, entry.source.content_hash
            )
            origins |= {_name(entry.folder): origin, entry.labels.sha256: origin}
    elif schema == PURE_SCHEMA:
        for entry in read_export_entries(path.parent):
            origin = Origin(entry.subject, entry.simulated, entry.session, entry.session_hash)
            origins |= {_name(entry.folder): origin, entry.labels_sha256: origin}
    return origins


def _name(folder: str) -> str:
    return folder.rpartition("/")[2]


def _schema(path: Path) -> str:
    """Return what a JSON file says its schema is; "" where it is of somebody else."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return ""
    for schema in (UBFC_SCHEMA, PURE_SCHEMA):
        if f'"{schema}"'.encode() in head:
            return schema
    return ""
