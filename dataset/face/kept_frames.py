"""The description beside kept face frames: which video they are of."""

from dataclasses import dataclass
from pathlib import Path

from acquire.documents import Kind, read_document
from acquire.errors import CurationError


@dataclass(frozen=True)
class KeptOf:
    """What face frames were made of; the face box beside it is for `frames` alone."""

    video_sha256: str       # of a session: of its content and the frames shown
    video: str = ""         # name of its file, such as "vid.avi", or that of a session


_KIND = Kind(
    KeptOf, "the description of face frames", CurationError,
    "remove it and the frames beside it: they are made again when they are needed",
)


def read_kept_of(description: Path) -> KeptOf:
    """Read what face frames were made of.

    Raises
    ------
    CurationError : the description cannot be read
    """
    return read_document(_KIND, description)
