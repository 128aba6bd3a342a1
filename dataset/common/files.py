"""JSON in the one form that is hashed, hashes of files, and text in one line."""

import hashlib
import json
from pathlib import Path
from typing import Any

from acquire.errors import AcqError, CurationError


def check_has_folder(path: Path) -> None:
    """Refuse a file that is named to be written where there is no folder: none is made for it.

    Raises
    ------
    AcqError : there is none
    """
    if not path.parent.is_dir():
        raise AcqError(
            expected=f"a folder for {path.name}",
            found="a file" if path.parent.exists() else "nothing", where=f"at {path.parent}",
            fix="make it, or name another file",
        )


def canonical_json(value: Any) -> str:
    """Return a value as JSON in the one form that is hashed."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def one_line(error: BaseException) -> str:
    """Return an error's text without its line breaks."""
    return " ".join(str(error).split())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex; CurationError where it cannot be read."""
    # a block that stays in the processor's cache between reading and hashing
    digest, block = hashlib.sha256(), bytearray(1 << 20)
    try:
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(block):
                digest.update(memoryview(block)[:count])
    except OSError as error:
        raise CurationError(expected="a file", found=error, where=f"at {path}") from error
    return digest.hexdigest()


def finite(value: Any) -> Any:
    """Return a value with NaN and infinity replaced by None and tuples by lists, nested too."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and value - value != 0 else value
