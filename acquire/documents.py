"""JSON and YAML documents read into typed values, with one form of error for all of them.

A kind of document is a dataclass: its types, and bounds written as `Annotated[int, Meta(ge=1)]`,
are what the file is checked against; keys that the class does not have are ignored. msgspec does
the checking, in a tenth of the start-up time of the alternatives.

A key that stands twice in a document is refused: of two values nobody knows which was meant. In
JSON of others the last one counts, as everywhere.

A document may be hostile. Its bytes, its values and its nesting are counted before they become
Python objects (`acquire.limits`), and what is no regular file is not read.
"""

import codecs
import errno
import json
import re
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from .data_folder import is_there, name_kind
from .errors import AcqError, Fix, fix_of
from .limits import (
    DEEPEST,
    LARGEST_DOCUMENT_BYTES,
    LARGEST_YAML_BYTES,
    MOST_VALUES,
    MOST_YAML_VALUES,
)

if TYPE_CHECKING:
    from yaml import Node

T = TypeVar("T")
_TOO_DEEP = "lists nested too deep"
_WHOLE = "(0|[1-9][0-9]*)"
_YAML_NUMBERS = {
    "tag:yaml.org,2002:int": rf"[-+]?{_WHOLE}$",
    "tag:yaml.org,2002:float":
        rf"([-+]?(\.[0-9]+|{_WHOLE}(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$",
}
_KEY_END = re.compile(rb'"\s*:')


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of document."""

    body: type[T]               # the dataclass
    called: str                 # such as "a manifest"; stands in errors
    error: type[AcqError]
    fix: Fix | str              # what to do with one that cannot be read
    schema: str = ""            # what the key `schema` has to say; "": the document has no such key
    version: int = 1            # and the key `schema_version`
    is_yaml: bool = False
    # brings the file's object into the form of `body`; raises ValueError where it cannot
    prepare: Callable[[Any], Any] | None = None
    # what a place in `body`, such as `$.entries[2].rows.frames`, is called in the file
    place: Callable[[str], str] | None = None


def read_document(kind: Kind[T], path: Path) -> T:
    """Read a JSON or YAML file as one kind of document.

    Raises
    ------
    AcqError : of the kind's own class: missing, too large, not JSON or YAML, of another schema, or
        with a value of the wrong type or out of its bounds, with its place in the document
    """
    try:
        text = read_bytes(path)
    except OSError as error:
        is_lost_link = path.is_symlink() and error.errno in (errno.ENOENT, errno.ELOOP)
        raise kind.error(
            expected=kind.called, found=name_kind(path) if is_lost_link else error, where=path,
            fix=fix_of(error, kind.fix),
        ) from error
    return parse_document(kind, text, path)


def read_if_there(kind: Kind[T], path: Path) -> T | None:
    """Read a document as `read_document` does; None where nothing has its name.

    Raises
    ------
    AcqError : as `read_document`, also for a link that leads nowhere
    """
    return read_document(kind, path) if is_there(path) else None


def parse_document(kind: Kind[T], text: bytes, path: Path) -> T:
    """Read the bytes of a document; `path` says where they are from, and whether they are YAML.

    Raises
    ------
    AcqError : as `read_document`
    """
    import msgspec

    try:
        if not text.strip():
            raise ValueError("an empty file")
        body = _parse_yaml(text) if kind.is_yaml else _parse_own_json(text)
        _check_schema(kind, body)
        if kind.prepare:
            body = kind.prepare(body)
        return msgspec.convert(body, kind.body)
    except ValueError as error:
        raise kind.error(
            expected=kind.called, found=_worded(error, kind.place), where=path, fix=kind.fix
        ) from error


def read_bytes(path: Path, *, most: int = LARGEST_DOCUMENT_BYTES) -> bytes:
    """Read a file that is not larger than it may be.

    Parameters
    ----------
    most : the largest size that is read [bytes]

    Raises
    ------
    OSError : it cannot be read, is larger, or is a device or a pipe, which may have no end
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, name_kind(path))
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, _too_many(path.stat().st_size, "bytes", most))
    return data


def read_text(path: Path) -> str:
    """Read a text file in UTF-8 that is not larger than it may be.

    Raises
    ------
    OSError : as `read_bytes`
    UnicodeDecodeError : it is not UTF-8
    """
    return read_bytes(path).decode()


def parse_json(text: bytes | str) -> Any:
    """Parse JSON from any source; NaN and infinity are none.

    Raises
    ------
    ValueError : it is not JSON, or it is too large, has too many values or is nested too deep
    """
    import msgspec

    check_json_size(text)
    if isinstance(text, bytes):
        text = text.removeprefix(codecs.BOM_UTF8)       # Notepad writes it
    try:
        body = msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    level = [body]
    for _ in range(DEEPEST):
        lists = (node.values() if isinstance(node, dict) else node for node in level
                 if isinstance(node, dict | list))
        level = [value for values in lists for value in values if isinstance(value, dict | list)]
        if not level:
            return body
    raise ValueError(_TOO_DEEP)


def _parse_own_json(text: bytes) -> Any:
    """Parse JSON, and refuse an object with one key twice."""
    body = parse_json(text)
    # each key is followed by a colon, and so is hardly anything else
    if len(_KEY_END.findall(text)) != _count_keys(body):
        json.loads(text.removeprefix(codecs.BOM_UTF8), object_pairs_hook=_refuse_doubled_key)
    return body


def _count_keys(node: Any) -> int:
    if isinstance(node, dict):
        return len(node) + sum(map(_count_keys, node.values()))
    return sum(map(_count_keys, node)) if isinstance(node, list) else 0


def _refuse_doubled_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    doubled = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if doubled:
        raise ValueError(f"the key {doubled[0]} twice in one object")
    return dict(pairs)


def check_json_size(text: bytes | str) -> None:
    """Refuse JSON that would take too much memory, by its bytes alone.

    Raises
    ------
    ValueError : see above
    """
    if len(text) > LARGEST_DOCUMENT_BYTES:
        raise ValueError(_too_many(len(text), "bytes", LARGEST_DOCUMENT_BYTES))
    # each value but the first follows one of these; in strings they count as well
    marks: Any = (b",", b"[", b"{") if isinstance(text, bytes) else (",", "[", "{")
    if (values := sum(text.count(mark) for mark in marks)) > MOST_VALUES:
        raise ValueError(_too_many(values, "values", MOST_VALUES))


def check_word_count(text: bytes) -> None:
    """Refuse a text of numbers that would take too much memory, by its bytes alone.

    Raises
    ------
    ValueError : it has more than `MOST_VALUES` words between spaces, commas and semicolons
    """
    import numpy as np

    marks = np.frombuffer(text, np.uint8)
    is_between = (marks <= ord(" ")) | (marks == ord(",")) | (marks == ord(";"))
    words = int(np.count_nonzero(is_between[:-1] & ~is_between[1:])) + 1
    if words > MOST_VALUES:
        raise ValueError(_too_many(words, "words", MOST_VALUES))


def compose_yaml(text: bytes | str) -> "Node | None":
    """Parse YAML into its nodes, which know their line; None where it is empty.

    Raises
    ------
    ValueError : it is too large, has too many values with its aliases written out, or is nested
        too deep
    yaml.YAMLError : it is not YAML
    """
    import yaml

    if len(text) > LARGEST_YAML_BYTES:
        raise ValueError(_too_many(len(text), "bytes", LARGEST_YAML_BYTES))
    try:
        root = yaml.compose(text, Loader=_yaml_loader())
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if root is not None and (values := _count_nodes(root, {}, 1)) > MOST_YAML_VALUES:
        raise ValueError(_too_many(values, "values", MOST_YAML_VALUES))
    return root


@cache
def _yaml_loader() -> type:
    """Return PyYAML's safe loader, with the numbers of YAML 1.2, which are those that people write.

    In YAML 1.1 `2e-5` is text, `010` is 8 and `1:30` is 90.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: ClassVar = {
            first: [(tag, form) for tag, form in resolvers if tag not in _YAML_NUMBERS]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    for tag, form in _YAML_NUMBERS.items():
        Loader.add_implicit_resolver(tag, re.compile(form), list("-+.0123456789"))
    return Loader


def _count_nodes(node: Any, counted: dict[int, int | None], depth: int) -> int:
    """Count the values of a YAML node with every alias written out."""
    if isinstance(node.value, str):
        return 1
    if depth > DEEPEST:
        raise ValueError(_TOO_DEEP)
    if id(node) in counted:
        if (before := counted[id(node)]) is None:
            raise ValueError("a list or a mapping that holds itself")
        return before
    counted[id(node)] = None
    parts = (part for item in node.value for part in (item if isinstance(item, tuple) else (item,)))
    count = 1 + sum(_count_nodes(part, counted, depth + 1) for part in parts)
    counted[id(node)] = count
    return count


def _parse_yaml(text: bytes) -> Any:
    """Parse YAML to plain values; ValueError where it is none."""
    import yaml

    try:
        root = compose_yaml(text)
        if root is None:
            return None
        _refuse_doubled_keys(root, set())
        return yaml.SafeLoader("").construct_document(root)
    except yaml.YAMLError as error:
        raise ValueError(_word_yaml_error(error)) from error


def _word_yaml_error(error: Any) -> str:
    """Return what PyYAML found and in which line, without its picture of the place."""
    if getattr(error, "encoding", None) == "utf-8":
        return f"text that is not UTF-8, the byte {error.character:#04x}"
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    place = f" in line {mark.line + 1}" if mark else ""
    if problem == "but found another document":
        return f"a second document{place}"
    return f"malformed YAML{place}: {problem.removeprefix('found ')}"


def _refuse_doubled_keys(node: Any, seen: set[int]) -> None:
    """Refuse a mapping with one key twice: of two values nobody knows which was meant."""
    if isinstance(node.value, str) or id(node) in seen:
        return
    seen.add(id(node))
    lines: dict[str, int] = {}
    for item in node.value:
        key, value = item if isinstance(item, tuple) else (None, item)
        if key is not None and isinstance(key.value, str):
            line = key.start_mark.line + 1
            if key.value in lines:
                raise ValueError(
                    f"the key {key.value} twice, in lines {lines[key.value]} and {line}"
                )
            lines[key.value] = line
        _refuse_doubled_keys(value, seen)


def _too_many(found: int, what: str, most: int) -> str:
    return f"{found:,} {what}, of which at most {most:,} are read"


def _check_schema(kind: Kind[Any], body: Any) -> None:
    if not kind.schema:
        return
    if not isinstance(body, dict):
        raise ValueError(f"{name_type(body)} instead of an object")
    schema, version = body.get("schema"), body.get("schema_version")
    if (schema, version) != (kind.schema, kind.version):
        found = "no schema" if schema is None else f"schema {schema!r} of version {version!r}"
        raise ValueError(f"{found} instead of {kind.schema!r} of version {kind.version}")


# types by their names in msgspec and in Python, as people call them
_TYPES = {
    "object": "an object", "dict": "an object", "array": "a list", "list": "a list", "str": "text",
    "int": "a whole number", "float": "a number", "bool": "true or false", "null": "null",
    "NoneType": "null",
}
_LIMITS = {">=": "of at least", ">": "above", "<=": "of at most", "<": "below"}


def name_type(value: object) -> str:
    """Return what a value of a JSON document is, such as "a list"."""
    name = type(value).__name__
    return _TYPES.get(name, name)


def _worded(error: ValueError, place: Callable[[str], str] | None = None) -> str:
    """Return msgspec's "Expected `int`, got `str` - at `$.a`" in words that follow "found"."""
    if isinstance(error, UnicodeDecodeError):
        return f"text that is not UTF-8, the byte {error.object[error.start]:#04x}"
    text = " ".join(str(error).split()).replace("`", "").replace(" - at $", " at $")
    if place is not None and (at := re.search(r" at (\$\S*)$", text)):
        text = text[:at.start()] + f" at {place(at[1])}"
    if match := re.fullmatch(r"Expected (.+), got (\S+)( at \$.*)?", text):
        wanted = " or ".join(_TYPES.get(name, name) for name in match[1].split(" | "))
        return f"{_TYPES.get(match[2], match[2])} instead of {wanted}{match[3] or ''}"
    if match := re.fullmatch(r"Expected (int|float) ([<>]=?) (\S+)( at \$.*)?", text):
        limit = f"{_TYPES[match[1]]} {_LIMITS[match[2]]} {float(match[3]):.15g}"
        return f"a value that is not {limit}{match[4] or ''}"
    text = re.sub(r"^Invalid enum value (.*?)(?= at \$|$)", r"\1, which is not allowed,", text)
    text = text.replace("Expected ", "a value that is not ", 1)
    text = text.replace("Input data was truncated", "JSON that is cut short")
    text = text.replace("JSON is malformed", "malformed JSON")
    return text[0].lower() + text[1:] if text.startswith("Object") else text
