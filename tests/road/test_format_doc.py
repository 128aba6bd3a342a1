"""docs/format.md says what the code says."""

import json
import re
from dataclasses import fields

import pytest

from acquire import data_folder, layout
from acquire.calibration import rig_file as rig
from dataset.layouts import manifest
from dataset.selection import exclusions, split
from dataset.session.subject import FIELDS
from dataset.withdraw import withdraw
from tests.support.made_sessions import make_session


@pytest.fixture(scope="module")
def sections(repo):
    """Text under each heading."""
    parts = re.split(r"^#+ (.+)$", (repo / "docs/format.md").read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text):
    """Names in the first column of the tables, in order; what is in the second beside them."""
    found = {}
    for cells in re.findall(r"^\| (`.+?) \| (.*?) \|", text, flags=re.M):
        for name in re.findall(r"`([^`]+)`", cells[0]):
            found[name] = cells[1]
    return found


def test_datasets(sections):
    found = rows(sections["Datasets"])
    assert list(found) == [
        layout.FRAMES, *layout.COLUMNS, layout.PUBLISHED, layout.EXCHANGES, layout.CLOCKS,
        layout.EVENTS,
    ]
    for name, dtype in layout.COLUMNS.items():
        assert found[name].startswith(f"{dtype.name} (")
    for dtype in (
        layout.EXCHANGE_DTYPE, layout.CLOCK_DTYPE, layout.EVENT_DTYPE, layout.PUBLISHED_DTYPE,
    ):
        assert dtype.names is not None
        for name in dtype.names:
            assert f"`{name}`" in sections["Datasets"]


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        (
            "Attributes of the file",
            (*layout.ATTRS, *layout.LOSS_ATTRS, layout.RECOVERED_ATTR, layout.IMPORTED_ATTR),
        ),
        ("Attributes of `video/frames`", (*layout.VIDEO_ATTRS, *layout.LIGHT_ATTRS)),
        ("Attributes of `ppg`", layout.PPG_ATTRS),
    ],
)
def test_attributes(sections, heading, names):
    assert sorted(rows(sections[heading])) == sorted(names)


def test_versions(sections):
    assert layout.SCHEMA in sections["Attributes of the file"]
    assert f"The session file, version {layout.SCHEMA_VERSION}" in sections
    assert f"`data/split.json`, version {split.SCHEMA_VERSION}" in sections
    assert f"`data/ubfc/manifest.json`, version {manifest.SCHEMA_VERSION}" in sections
    assert data_folder.SUBJECT_ID.pattern in sections["Attributes of the file"]


def test_subject(sections):
    assert list(rows(sections["`data/sessions/<subject>/subject.json`, version 1"])) == [
        "schema", "schema_version", "subject", *FIELDS,
    ]


def test_split(sections, tmp_path):
    for subject in ("S01", "S02"):
        make_session(tmp_path, subject, seconds=0.2)
    split.write_split(
        split.split_by_subject(split.identify_sessions(tmp_path), folds=2), tmp_path / "split.json"
    )
    body = json.loads((tmp_path / "split.json").read_text())
    text = sections["`data/split.json`, version 2"]
    assert list(rows(text)) == list(body)
    for name in (*body["sessions"][0], *body["folds"][0]):
        assert f"`{name}`" in text


def test_exclusions(sections):
    text = sections[f"`data/exclusions.json`, version {exclusions.SCHEMA_VERSION}"]
    assert list(rows(text)) == ["schema", "schema_version", "exclusions"]
    assert all(f"`{field.name}`" in text for field in fields(exclusions.Exclusion))


def test_rig(sections):
    found = rows(sections["`data/rig.json`, version 1"])
    assert set(found) == {"schema", "schema_version"} | {
        field.name for field in fields(rig.Calibration)
    }
    assert rig.SCHEMA_VERSION == 1


def test_manifest(sections):
    head, entry = sections["`data/ubfc/manifest.json`, version 2"].split("An entry:")
    own = {"schema", "schema_version", "data_hash"}
    assert set(rows(head)) == own | {field.name for field in fields(manifest.Manifest)}
    assert list(rows(entry)) == list(manifest.ATTRIBUTE_OF_KEY)


def test_withdrawals(sections):
    head, one = sections[f"`data/withdrawals.json`, version {withdraw.SCHEMA_VERSION}"].split(
        "A withdrawal:"
    )
    assert list(rows(head)) == ["schema", "schema_version", "withdrawals"]
    assert withdraw.SCHEMA in head
    assert list(rows(one)) == [field.name for field in fields(withdraw.Withdrawal)]
