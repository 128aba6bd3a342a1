"""The data set as a page: who is in, who tests, what is out of date, and the card."""

import re
import time

import pytest

from acq.studio.dataset_page import find_doubts, list_people, sides_of
from dataset.catalogue.listing import list_sessions
from dataset.convert.to_ubfc import convert_sessions
from dataset.layouts.manifest_file import read_manifest
from dataset.selection import decide
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from dataset.selection.split_file import write_split
from tests.support.made_sessions import make_session
from tests.support.studio import visitor

FIRST = "S01-20260101T090001Z"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    make_session(folder, seconds=12.0, bpm=66.0)
    make_session(folder, number=2, seconds=12.0, bpm=72.0, frame_offset_s=0.1)
    make_session(folder, "S02", seconds=12.0, bpm=90.0)
    path = folder / f"sessions/S01/{FIRST}.h5"
    decide.exclude(folder, [make_exclusion(path, from_s=None, to_s=None, reason="졸림")])
    split = split_by_subject(identify_sessions(folder), holdout=["S02"])
    write_split(split, folder / "split.json")
    convert_sessions(folder)
    return folder


def page(browser, address):
    """Return a page, once the sessions have been read."""
    until = time.monotonic() + 60
    while 'id="progress"' in (text := browser.get(address).text):
        assert time.monotonic() < until
    return text


def test_who_is_in_with_what_is_used_and_at_which_heart_rate(data):
    split = split_by_subject(identify_sessions(data), holdout=["S02"])
    first, second = list_people(list_sessions(data), split)
    assert (first.subject, first.sessions, first.excluded, first.sides) == ("S01", 2, 1, ["train"])
    assert first.hours == pytest.approx(12 / 3600, rel=0.02)
    assert first.hr_bpm == pytest.approx(72.0, abs=1.0)      # the excluded session does not count
    assert (second.subject, second.sides) == ("S02", ["test"])
    train, test = sides_of(split)
    assert (train.name, [name for name, _ in train.subjects]) == ("train", ["S01"])
    assert test.hr_bpm == pytest.approx((90.0, 90.0), abs=1.0)


def test_the_split_is_drawn_with_a_dot_a_subject_where_its_heart_rate_is(data):
    text = page(visitor(data), "/dataset")
    dots = {
        side: (float(x), float(bpm))
        for x, side, bpm in re.findall(
            r'<circle cx="([\d.]+)" .* class="(\w+)"><title>\w+, \w+: ([\d.]+) bpm', text
        )
    }
    assert set(dots) == {"train", "test"}
    assert dots["train"][0] < dots["test"][0]
    assert dots["test"][1] == pytest.approx(90, abs=1)
    assert "Yes, as far as split, exclusions and manifest tell." in text


def test_what_a_decision_made_out_of_date_is_named_without_reading_a_recording(data, monkeypatch):
    split = split_by_subject(identify_sessions(data), holdout=["S02"])
    manifest = read_manifest(data / "ubfc/manifest.json")
    monkeypatch.setattr("h5py.File", None)
    assert find_doubts(data, split, manifest) == []
    decide.include(data, [FIRST], (None, None))
    try:
        (doubt,) = find_doubts(data, split, manifest)
    finally:
        path = data / f"sessions/S01/{FIRST}.h5"
        monkeypatch.undo()
        decide.exclude(data, [make_exclusion(path, from_s=None, to_s=None, reason="졸림")])
    assert FIRST in doubt.words
    assert doubt.verb == "split"


def test_the_card_is_shown_as_it_would_be_written_and_no_text_of_it_is_markup(data):
    browser = visitor(data)
    card = browser.get("/dataset/card").json()
    assert not card["is_written"]
    assert "<table>" in card["html"]
    assert "style=" not in card["html"]
    (data / "ubfc/card.md").write_text("# <b>Our</b> [set](javascript:alert(1)) 데이터")
    text = page(browser, "/dataset")
    (data / "ubfc/card.md").unlink()
    assert "&lt;b&gt;Our&lt;/b&gt;" in text
    assert "데이터" in text
    assert 'href="javascript' not in text
