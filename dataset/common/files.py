"""JSON in the one way that is hashed, and text files that are never half written."""

import hashlib
import json
from pathlib import Path
from typing import Any

from acquire.errors import CurationError


def canonical_json(value: Any) -> str:
    """Write a value as JSON in the one way that is hashed."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def one_line(error: BaseException) -> str:
    """Give an error's text without its line breaks."""
    return " ".join(str(error).split())


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file's bytes, in hex."""
    # stays in the processor's cache between reading and hashing
    digest, block = hashlib.sha256(), bytearray(1 << 20)
    try:
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(block):
                digest.update(memoryview(block)[:count])
    except OSError as error:
        raise CurationError(expected="a file", found=error, where=f"at {path}") from error
    return digest.hexdigest()


def finite(value: Any) -> Any:
    """Replace NaN and infinity by null, and tuples by lists, all the way down."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and value - value != 0 else value
