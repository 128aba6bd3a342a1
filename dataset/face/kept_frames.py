"""The description beside kept face frames: which video they are of."""

from dataclasses import dataclass
from pathlib import Path

from acquire.documents import Kind, read_document
from acquire.errors import CurationError


@dataclass(frozen=True)
class _Description:
    """What is read of it here; the face box in it is for `frames` alone."""

    video_sha256: str


_KIND = Kind(
    _Description, "the description of face frames", CurationError,
    "remove it and the frames beside it: they are made again when they are needed",
)


def read_video_sha256(description: Path) -> str:
    """Read the SHA-256 of the video that face frames were made of.

    Raises
    ------
    CurationError : the description cannot be read
    """
    return read_document(_KIND, description).video_sha256
