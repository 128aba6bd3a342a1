"""Documents read into typed values: what is wrong with one is named with its place in it."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from acquire.documents import Kind, parse_document, read_document, read_if_there
from acquire.errors import CurationError, Fix
from acquire.limits import DEEPEST, LARGEST_DOCUMENT_BYTES, MOST_VALUES


@dataclass(frozen=True)
class Note:
    text: str
    count: int
    scale: float | int = 1.0
    colour: Literal["red", "green"] = "red"
    parts: Annotated[int, Meta(ge=1, le=2**32 - 1)] = 1


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


@pytest.mark.parametrize("is_yaml", [False, True])
def test_the_mark_that_notepad_writes_changes_nothing(tmp_path, is_yaml):
    path = write(tmp_path / "note", "\ufeff" + json.dumps({**HEAD, "text": "a", "count": 3}))
    assert read_document(replace(KIND, is_yaml=is_yaml), path) == Note("a", 3)


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
        pytest.param([], "found a list instead of an object", id="a list"),
        pytest.param({}, "found no schema instead of 'test-note'", id="schema"),
        pytest.param({**HEAD, "schema_version": 3}, "of version 3 instead of", id="version"),
        pytest.param(HEAD, "found object missing required field text", id="a key lacks"),
        pytest.param(
            {**HEAD, "text": "a", "count": "3"}, "found text instead of a whole number at $.count",
            id="type",
        ),
        pytest.param("[" * 100_000, "found ", id="nested too deep"),
        pytest.param("", "expected a note, found an empty file in ", id="empty"),
        pytest.param(" \n", "expected a note, found an empty file in ", id="blank"),
        pytest.param(
            {**HEAD, "text": "a", "count": 3, "colour": "grey"},
            "found 'grey', which is not allowed, at $.colour in ", id="none of some values",
        ),
        pytest.param(
            {**HEAD, "text": "a", "count": 3, "parts": 0},
            "found a value that is not a whole number of at least 1 at $.parts in ", id="too small",
        ),
        pytest.param(
            {**HEAD, "text": "a", "count": 3, "parts": 2**32},
            "found a value that is not a whole number of at most 4294967295 at $.parts in ",
            id="too large",
        ),
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


def test_a_missing_document_is_refused(tmp_path):
    with pytest.raises(CurationError, match="found nothing at "):
        read_document(KIND, tmp_path / "none.json")


def test_a_document_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "note.json"
    with path.open("wb") as file:
        file.truncate(LARGEST_DOCUMENT_BYTES * 100)       # takes no room on the disk
    with pytest.raises(CurationError, match=r"found 6,710,886,400 bytes, of which at most 67,108,"):
        read_document(KIND, path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(os.mkfifo, "a pipe", id="a pipe"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "a device", id="zeros"),
        pytest.param(Path.mkdir, "found a folder", id="a folder"),
    ],
)
def test_only_files_are_read_as_documents(tmp_path, make, says):
    make(tmp_path / "note.json")
    with pytest.raises(CurationError, match=says):
        read_document(KIND, tmp_path / "note.json")


@pytest.mark.parametrize("kind", [KIND, replace(KIND, is_yaml=True)], ids=["JSON", "YAML"])
@pytest.mark.parametrize("form", ["[", '{"a":', '{"schema":[', "- [", "!x ["])
@pytest.mark.parametrize("depth", [DEEPEST + 1, 5_000])
def test_deep_nesting_is_refused_in_json_and_yaml(tmp_path, kind, form, depth):
    closing = {"[": "]", "{": "}"}
    end = "".join(closing.get(mark, "") for mark in reversed(form * depth))
    path = write(tmp_path / "note", form * depth + "1" + end)
    with pytest.raises(CurationError) as caught:
        read_document(kind, path)
    assert len(str(caught.value)) < 1000


def test_json_of_many_values_is_refused_before_it_is_parsed(tmp_path):
    path = write(tmp_path / "note.json", "[" + "[]," * MOST_VALUES + "[]]")
    with pytest.raises(CurationError, match=r"6,000,002 values, of which at most 3,000,000 are"):
        read_document(KIND, path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            "a0: &a0 [x, x]\n" + "".join(
                f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(40)
            ),
            "values, of which at most 50,000 are read", id="aliases of aliases",
        ),
        pytest.param(
            "a0: &a0 {k: v}\n" + "".join(
                f"a{i + 1}: &a{i + 1} {{<<: [*a{i}, *a{i}], k{i}: v}}\n" for i in range(40)
            ),
            "values, of which at most 50,000 are read", id="merges of merges",
        ),
        pytest.param("a: &a [*a]", "a list or a mapping that holds itself", id="it holds itself"),
        pytest.param("a: 2026-99-99", "found month must be in 1..12", id="no date"),
        pytest.param("? [a]\n: b", "found malformed YAML in line 1: unhashable key", id="no key"),
        pytest.param("a: " + "9" * 5000, "Exceeds the limit", id="a long number"),
        pytest.param("#" * 300_000, "300,000 bytes, of which at most 262,144 are read", id="large"),
    ],
)
def test_yaml_that_grows_when_it_is_read_is_refused(tmp_path, text, says):
    path = write(tmp_path / "note.yaml", text)
    with pytest.raises(CurationError, match=says):
        read_document(replace(KIND, is_yaml=True), path)


def test_a_key_that_stands_twice_in_yaml_is_refused_with_its_lines(tmp_path):
    path = write(tmp_path / "note.yaml", "a: {c: 1}\nb: [{c: 1,\n c: 2}]")
    with pytest.raises(CurationError, match="found the key c twice, in lines 2 and 3 in"):
        read_document(replace(KIND, is_yaml=True), path)


def test_a_key_that_stands_twice_in_json_is_refused(tmp_path):
    body = json.dumps({**HEAD, "text": 'a": b', "count": 3, "more": [{"text": 1}, {"text": 2}]})
    assert read_document(KIND, write(tmp_path / "note.json", body)) == Note('a": b', 3)
    for doubled in ('"text" : "c"', '"more": {"a": [{"b": 1, "b": 2}]}'):
        path = write(tmp_path / "note.json", f"\ufeff{body[:-1]}, {doubled}}}")
        with pytest.raises(CurationError, match=r"found the key (text|b) twice in one object"):
            read_document(KIND, path)


def test_a_link_that_leads_nowhere_is_no_absence(tmp_path):
    path = tmp_path / "note.json"
    assert read_if_there(KIND, path) is None
    for target, kind in (("gone.json", "to nothing"), ("note.json", "in a circle")):
        path.symlink_to(target)
        with pytest.raises(CurationError, match=f"found a link that leads {kind}"):
            read_if_there(KIND, path)
        path.unlink()


def test_yaml_with_a_few_aliases_is_read(tmp_path):
    text = "schema: test-note\nschema_version: 2\ntext: &text a\ncount: 3\nmore: [*text, *text]"
    path = write(tmp_path / "note.yaml", text)
    assert read_document(replace(KIND, is_yaml=True), path) == Note("a", 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("-3", -3), ("+12", 12), ("2e-5", 2e-5), ("1E3", 1000.0), ("0.5", 0.5),
        ("-.5", -0.5), ("3.", 3.0), (".inf", float("inf")), ("-.INF", float("-inf")),
        ("010", "010"), ("1:30", "1:30"), ("1_000", "1_000"), ("0x1f", "0x1f"), ("0b1", "0b1"),
        ("1:30.5", "1:30.5"), (".", "."), ("-.", "-."), ("1e", "1e"),
    ],
)
def test_numbers_of_yaml_are_those_that_people_write(text, value):
    kind = Kind(dict, "a note", CurationError, "write it again", is_yaml=True)
    assert parse_document(kind, f"a: {text}".encode(), Path("note.yaml")) == {"a": value}


def test_what_was_found_is_told_in_a_line_that_can_be_read(tmp_path):
    path = write(tmp_path / "note.json", {"schema": "x" * 10**6})
    with pytest.raises(CurationError) as caught:
        read_document(KIND, path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("is_yaml", [False, True], ids=["JSON", "YAML"])
@pytest.mark.parametrize(
    ("body", "json_says", "yaml_says"),
    [
        pytest.param(b"", "an empty file", "an empty file", id="empty"),
        pytest.param(
            b'{"text":\n "\xe9"}', "text that is not UTF-8, the byte 0xe9",
            "text that is not UTF-8, the byte 0xe9", id="Latin-1",
        ),
        pytest.param(
            b"text: a\n---\ntext: b\n", "malformed JSON", "a second document in line 2",
            id="two documents",
        ),
        pytest.param(b"text: a\n- b\n", "malformed JSON", "malformed YAML in line 2: ", id="mixed"),
    ],
)
def test_what_is_no_document_is_told_in_own_words(tmp_path, body, json_says, yaml_says, is_yaml):
    path = tmp_path / "note"
    path.write_bytes(body)
    with pytest.raises(CurationError) as caught:
        read_document(replace(KIND, is_yaml=is_yaml), path)
    says = yaml_says if is_yaml else json_says
    assert str(caught.value).startswith(f"expected a note, found {says}"), str(caught.value)
    assert "codec" not in str(caught.value)
    assert "byte string" not in str(caught.value)


def test_a_document_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    """`KIND` says to convert again, which would write over it."""
    path = write(tmp_path / "note.json", {**HEAD, "text": "a", "count": 3})

    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CurationError, match="found Permission denied at ") as caught:
        read_document(KIND, path)
    assert caught.value.fix is Fix.GET_PERMISSION
