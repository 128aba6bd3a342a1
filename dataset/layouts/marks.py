"""Marks of simulated sessions inside the files of an export, for folders that lose their manifest.

A comment in the AVI (`acquire.camera.video_mark`), a key of its own in PURE's JSON, a text chunk in
each PNG. Published readers of the layouts pass over all three: they index the JSON by its two keys,
and decode pictures and videos.
"""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from acquire.camera.video_mark import SIMULATED_MARK
from acquire.documents import parse_json, read_bytes

MARK_KEY = "/acq"                        # in PURE's JSON, beside its own two
_CHUNK = b"acq\0" + SIMULATED_MARK.encode("latin-1")
_BEHIND_IHDR = 33                        # the signature, and PNG's first chunk


def mark_png(png: bytes) -> bytes:
    """Return a PNG with the mark of a simulated picture as its first text chunk."""
    checksum = zlib.crc32(b"tEXt" + _CHUNK)
    chunk = struct.pack(">I", len(_CHUNK)) + b"tEXt" + _CHUNK + struct.pack(">I", checksum)
    return png[:_BEHIND_IHDR] + chunk + png[_BEHIND_IHDR:]


def is_marked_png(path: Path) -> bool:
    """Return whether a picture has the mark where `mark_png` puts it."""
    try:
        with path.open("rb") as file:
            return b"tEXt" + _CHUNK in file.read(4096)
    except OSError:
        return False


def is_marked_pure(labels: Path, pictures: Sequence[Path]) -> bool:
    """Return whether the JSON or the first picture of a PURE recording has the mark."""
    if pictures and is_marked_png(pictures[0]):
        return True
    try:
        body = parse_json(read_bytes(labels))
        mark = body.get(MARK_KEY) if isinstance(body, dict) else None
    except (OSError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("simulated") is True
