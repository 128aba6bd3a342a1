"""docs/format.md describes the files that acq writes, field by field with their types."""

import re
import types
from dataclasses import is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from acquire import data_folder, layout
from acquire.calibration import rig_file
from dataset.layouts import export_manifest, manifest, manifest_file
from dataset.quality import result as quality
from dataset.selection import exclusions, exclusions_file, identities, split, split_file
from dataset.session import subject
from dataset.withdraw import record


@pytest.fixture(scope="module")
def sections(repo):
    """Text under each heading."""
    parts = re.split(r"^#+ (.+)$", (repo / "docs/format.md").read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text):
    """Names in the first column of the tables, in order, and what the second column says."""
    second_of = {}
    for cells in re.findall(r"^\| (`.+?) \| (.*?) \|", text, flags=re.M):
        for name in re.findall(r"`([^`]+)`", cells[0]):
            second_of[name] = cells[1]
    return second_of


WORDS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def type_in_words(hint):
    """Return a type as the tables name it."""
    if hint in WORDS:
        return WORDS[hint]
    if is_dataclass(hint):
        words = re.findall("[A-Z][a-z]+", hint.__name__)
        return "session" if hint is identities.SessionIdentity else " ".join(words).lower()
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "string"
    if origin in (Union, types.UnionType):
        parts = sorted({type_in_words(argument) for argument in arguments})
        if {"integer", "number"} <= set(parts):
            parts.remove("integer")
        return " or ".join(sorted(parts, key=lambda part: part == "null"))
    if origin is dict:
        key, value = arguments
        assert key is str
        return "object" if value is Any else f"object of {type_in_words(value)}"
    assert origin is tuple
    if arguments[-1] is Ellipsis:
        return f"list of {type_in_words(arguments[0])}"
    assert len(set(arguments)) == 1
    return f"list of {len(arguments)} {type_in_words(arguments[0])}s"


def types_of(kind):
    """Name and type of every field of a dataclass."""
    return {name: type_in_words(hint) for name, hint in get_type_hints(kind).items()}


HEAD = {"schema": "string", "schema_version": "integer"}


@pytest.mark.parametrize(
    ("title", "module", "tables"),
    [
        pytest.param("data/rig.json", rig_file, {"": rig_file.Calibration}, id="rig"),
        pytest.param(
            "data/exclusions.json", exclusions_file,
            {"": exclusions_file.ExclusionsFile, "An exclusion": exclusions.Exclusion},
            id="exclusions",
        ),
        pytest.param(
            "data/split.json", split_file,
            {"": split_file.SplitFile, "A fold": split.Fold,
             "A session": identities.SessionIdentity},
            id="split",
        ),
        pytest.param(
            "data/withdrawals.json", record,
            {"": record.WithdrawalsFile, "A withdrawal": record.Withdrawal}, id="withdrawals",
        ),
        pytest.param(
            "data/sessions/<subject>/<session>.qc.json", quality,
            {"": quality.SessionQuality, "A flag": quality.Flag}, id="quality",
        ),
        pytest.param(
            "data/pure/manifest.json", export_manifest,
            {"": export_manifest.ExportManifest, "An export entry": export_manifest.ExportEntry},
            id="pure",
        ),
    ],
)
def test_tables_of_dataclasses(sections, title, module, tables):
    text = sections[f"`{title}`, version {module.SCHEMA_VERSION}"]
    assert f"`{module.SCHEMA}`" in text
    parts = re.split(r"^(An? [a-z ]+):$", text, flags=re.M)
    documented = dict(zip(["", *parts[1::2]], map(rows, parts[0::2]), strict=True))
    expected = {name: types_of(kind) for name, kind in tables.items()}
    expected[""] = HEAD | expected[""]
    if module is export_manifest:
        expected[""]["content_hash"] = "string"
    assert documented == expected


def test_subject(sections):
    text = sections[f"`data/sessions/<subject>/subject.json`, version {subject.SCHEMA_VERSION}"]
    assert rows(text) == {**HEAD, "subject": "string", **types_of(subject.Subject)}


def test_manifest(sections):
    text = sections[f"`data/ubfc/manifest.json`, version {manifest_file.SCHEMA_VERSION}"]
    head, entry, span, part = re.split(r"^An? (?:[a-z ]+):$", text, flags=re.M)
    assert rows(head) == {**HEAD, **types_of(manifest.Manifest), "data_hash": "string",
                          "content_hash": "string"}
    groups = get_type_hints(manifest.Entry)
    flat = {}
    for key, attribute in manifest.ATTRIBUTE_OF_KEY.items():
        group, _, name = attribute.rpartition(".")
        kind = groups[group] if group else manifest.Entry
        flat[key] = types_of(kind)[name]
    assert rows(entry) == flat
    assert rows(span) == types_of(manifest.FrameSpan)
    assert rows(part) == types_of(manifest.ExcludedPart)


def test_datasets(sections):
    found = rows(sections["Datasets"])
    assert list(found) == [
        layout.FRAMES, *layout.COLUMNS, layout.READING, layout.PUBLISHED, layout.EXCHANGES,
        layout.CLOCKS, layout.SUSPENSIONS, layout.EVENTS,
    ]
    for name, dtype in layout.COLUMNS.items():
        assert found[name].startswith(f"{dtype.name} (")
    for dtype in (
        layout.EXCHANGE_DTYPE, layout.CLOCK_DTYPE, layout.SUSPENSION_DTYPE, layout.EVENT_DTYPE,
        layout.PUBLISHED_DTYPE,
    ):
        assert dtype.names is not None
        for name in dtype.names:
            assert f"`{name}`" in sections["Datasets"]


def test_streams_of_other_programs(sections):
    text = sections["Streams of other programs"]
    assert list(rows(text)) == [layout.stream_samples("<name>"), layout.stream_offsets("<name>")]
    fields = [name for name, _ in layout.STREAM_FIELDS]
    for name in (*fields, *(layout.OFFSET_DTYPE.names or ()), *layout.STREAM_ATTRS):
        assert f"`{name}`" in text


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        (
            "Attributes of the file",
            (*layout.ATTRS, *layout.LOSS_ATTRS, layout.RECOVERED_ATTR, layout.IMPORTED_ATTR),
        ),
        ("Attributes of `video/frames`", (*layout.VIDEO_ATTRS, *layout.LIGHT_ATTRS)),
        ("Attributes of `ppg`", layout.PPG_ATTRS),
        (
            "Sessions of a sensor without a clock",
            (*layout.ARRIVAL_ATTRS, *layout.SCALE_ATTRS),
        ),
    ],
)
def test_attributes(sections, heading, names):
    assert sorted(rows(sections[heading])) == sorted(names)


def test_versions(sections):
    assert layout.SCHEMA in sections["Attributes of the file"]
    assert f"The session file, version {layout.SCHEMA_VERSION}" in sections
    assert data_folder.SUBJECT_ID.pattern in sections["Attributes of the file"]
