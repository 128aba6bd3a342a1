"""`data/exclusions.json`: what a curator excluded, on disk."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_if_there
from acquire.errors import CurationError

from .exclusions import Exclusion, Exclusions, sort_exclusions

SCHEMA = "acq-exclusions"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ExclusionsFile:
    """What stands in the file beside schema and version."""

    exclusions: tuple[Exclusion, ...]


KIND = Kind(
    ExclusionsFile, "exclusions", CurationError,
    "correct the file, or move it away and exclude again", schema=SCHEMA, version=SCHEMA_VERSION,
)


def read_exclusions(data: Path) -> Exclusions:
    """Read what is excluded; nothing where there is no such file.

    Raises
    ------
    CurationError : the file cannot be read, or is not such a file
    """
    document = read_if_there(KIND, data_folder.exclusions_file(data))
    return Exclusions() if document is None else Exclusions(sort_exclusions(document.exclusions))


def write_exclusions(data: Path, exclusions: Exclusions) -> Path:
    """Write what is excluded, and return the file's path."""
    path = data_folder.exclusions_file(data)
    body = {
        "schema": SCHEMA, "schema_version": SCHEMA_VERSION,
        "exclusions": [asdict(exclusion) for exclusion in exclusions.listed],
    }
    write_text(path, json.dumps(body, indent=2, allow_nan=False) + "\n")
    return path
