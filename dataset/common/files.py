"""JSON in the one form that is hashed, hashes of files, and text in one line."""

import hashlib
import json
from pathlib import Path
from typing import Any

from acquire.documents import parse_json, read_bytes
from acquire.errors import AcqError, CurationError

CONTENT_HASH = "content_hash"        # the key in acq's own documents


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


def hash_of_content(body: dict[str, Any], key: str = CONTENT_HASH) -> str:
    """Return the SHA-256 over a document's content, but the key that holds this very hash."""
    content = {name: value for name, value in body.items() if name != key}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def check_content(path: Path, key: str = CONTENT_HASH) -> None:
    """Refuse a JSON document whose content is not what the hash in it is of.

    A document of an earlier version has none, and passes.

    Raises
    ------
    CurationError : it is not, or the document cannot be read
    """
    try:
        body = parse_json(read_bytes(path))
        kept = str(body.get(key, "")).removeprefix("sha256:") if isinstance(body, dict) else ""
        is_changed = kept != "" and kept != hash_of_content(body, key)
    except (OSError, ValueError) as error:
        raise CurationError(expected="JSON", found=error, where=path) from error
    if is_changed:
        raise CurationError(
            expected=f"the content whose hash it holds as {key!r}", found="another", where=path,
            fix="get it again from where it came, or make it anew from what it was made of",
        )


def one_line(error: BaseException) -> str:
    """Return an error's text without its line breaks; of the system what it refused, and where."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror} at {error.filename}"
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
