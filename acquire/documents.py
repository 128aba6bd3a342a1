"""JSON and YAML documents read into typed values, with one form of error for all of them.

A kind of document is a dataclass: its types, and bounds written as `Annotated[int, Meta(ge=1)]`,
are what the file is checked against; keys that the class does not have are ignored. msgspec does
the checking, in a tenth of the start-up time of the alternatives.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from .errors import AcqError, Fix

T = TypeVar("T")
LARGEST_BYTES = 256 * 2**20     # of a document; the manifest of 10,000 folders has 20 MB


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of document."""

    body: type[T]               # the dataclass
    called: str                 # such as "a manifest"; stands in errors
    error: type[AcqError]
    fix: Fix | str              # what to do with one that cannot be read
    schema: str = ""            # what the key `schema` has to say; "": the document has no such key
    version: int = 1            # and the key `schema_version`
    largest_bytes: int = LARGEST_BYTES
    is_yaml: bool = False
    # brings the file's object into the form of `body`; raises ValueError where it cannot
    prepare: Callable[[Any], Any] | None = None


def read_document(kind: Kind[T], path: Path) -> T:
    """Read a JSON or YAML file as one kind of document.

    Raises
    ------
    AcqError : of the kind's own class: missing, too large, not JSON or YAML, of another schema, or
        with a value of the wrong type or out of its bounds, with its place in the document
    """
    try:
        if (size := path.stat().st_size) > kind.largest_bytes:
            raise kind.error(
                expected=f"{kind.called} of at most {kind.largest_bytes >> 20} MB",
                found=f"{size >> 20} MB", where=path, fix=kind.fix,
            )
        text = path.read_bytes()
    except OSError as error:
        raise kind.error(
            expected=kind.called, found=error, where=path, fix=kind.fix
        ) from error
    return parse_document(kind, text, path)


def parse_document(kind: Kind[T], text: bytes, path: Path) -> T:
    """Read the bytes of a document; `path` says where they are from, and whether they are YAML.

    Raises
    ------
    AcqError : as `read_document`
    """
    import msgspec

    try:
        if kind.is_yaml:
            import yaml

            try:
                body = yaml.safe_load(text)
            except yaml.YAMLError as error:
                raise ValueError(error) from error
        else:
            body = msgspec.json.decode(text)
        _check_schema(kind, body)
        if kind.prepare:
            body = kind.prepare(body)
        return msgspec.convert(body, kind.body)
    except (ValueError, RecursionError) as error:
        found = "lists nested too deep" if isinstance(error, RecursionError) else _worded(error)
        raise kind.error(expected=kind.called, found=found, where=path, fix=kind.fix) from error


def _check_schema(kind: Kind[Any], body: Any) -> None:
    if not kind.schema:
        return
    if not isinstance(body, dict):
        raise ValueError(f"{type(body).__name__} instead of an object")
    found = body.get("schema"), body.get("schema_version")
    if found != (kind.schema, kind.version):
        raise ValueError(
            f"schema {found[0]!r} of version {found[1]!r} instead of {kind.schema!r} of version "
            f"{kind.version}"
        )


def _worded(error: ValueError) -> str:
    """Return msgspec's "Expected `int`, got `str` - at `$.a`" in words that follow "found"."""
    text = " ".join(str(error).split()).replace("`", "").replace(" - at $", " at $")
    if match := re.fullmatch(r"Expected (.+), got (\S+)( at \$.*)?", text):
        return f"{match[2]} instead of {match[1]}{match[3] or ''}"
    text = text.replace("Expected ", "a value that is not ", 1)
    text = text.replace("Input data was truncated", "JSON that is cut short")
    text = text.replace("JSON is malformed", "malformed JSON")
    return text[0].lower() + text[1:] if text.startswith("Object") else text
