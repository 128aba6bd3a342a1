"""Documents read into typed values: what is wrong with one is named with its place in it."""

import json
from dataclasses import dataclass, replace

import pytest

from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix


@dataclass(frozen=True)
class Note:
    text: str
    count: int
    scale: float | int = 1.0


def _nest(body):
    if "note" not in body:
        raise ValueError("no note")
    return body["note"]


KIND = Kind(Note, "a note", CurationError, Fix.CONVERT, schema="test-note", version=2)
NESTED = Kind(
    Note, "a note", CurationError, Fix.CONVERT, schema="test-note", version=2, prepare=_nest
)
HEAD = {"schema": "test-note", "schema_version": 2}


def write(path, body):
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path


def test_a_document_becomes_its_class_and_other_keys_are_ignored(tmp_path):
    path = write(tmp_path / "note.json", {**HEAD, "text": "a", "count": 3, "scale": 2, "more": 1})
    note = read_document(KIND, path)
    assert note == Note("a", 3, 2)
    assert type(note.scale) is int


def test_yaml_is_read_where_the_kind_says_so(tmp_path):
    lines = ("schema: test-note", "schema_version: 2", "text: a", "count: 3")
    path = write(tmp_path / "note.yaml", "\n".join(lines))
    assert read_document(replace(KIND, is_yaml=True), path) == Note("a", 3)


def test_an_object_may_be_brought_into_form_first(tmp_path):
    path = write(tmp_path / "note.json", {**HEAD, "note": {"text": "a", "count": 3}})
    assert read_document(NESTED, path) == Note("a", 3)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param("{", "expected a note, found JSON that is cut short in ", id="cut short"),
        pytest.param("{x}", "expected a note, found malformed JSON: ", id="malformed"),
        pytest.param([], "found list instead of an object", id="a list"),
        pytest.param({}, "found schema None of version None instead of 'test-note'", id="schema"),
        pytest.param({**HEAD, "schema_version": 3}, "of version 3 instead of", id="version"),
        pytest.param(HEAD, "found object missing required field text", id="a key lacks"),
        pytest.param(
            {**HEAD, "text": "a", "count": "3"}, "found str instead of int at $.count", id="type"
        ),
        pytest.param("[" * 100_000, "found ", id="nested too deep"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, body, says):
    path = write(tmp_path / "note.json", body)
    with pytest.raises(CurationError) as caught:
        read_document(KIND, path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.fix is Fix.CONVERT


def test_a_form_that_cannot_be_brought_about_is_named(tmp_path):
    path = write(tmp_path / "note.json", HEAD)
    with pytest.raises(CurationError, match="expected a note, found no note in"):
        read_document(NESTED, path)


def test_a_missing_and_a_large_document_are_refused(tmp_path):
    with pytest.raises(CurationError, match="found No such file or directory"):
        read_document(KIND, tmp_path / "none.json")
    small = Kind(Note, "a note", CurationError, Fix.CONVERT, largest_bytes=10)
    with pytest.raises(CurationError, match="expected a note of at most 0 MB"):
        read_document(small, write(tmp_path / "note.json", HEAD))
