"""What verbs print is told in words, and what is no such document tells nothing."""

import json

import pytest
from typer.testing import CliRunner

from acq.jobs.told import MOST_LINES, words_of
from acq.main import app
from tests.support.made_sessions import make_session


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    for subject in ("S01", "S02"):
        make_session(folder, subject, seconds=6.0)
    return folder


def told(verb, *words, data):
    """Return what a verb did, by what it printed."""
    done = CliRunner().invoke(app, [verb, *words, "--data", str(data), "--json"])
    assert done.stdout, done.output
    return words_of(verb, json.loads(done.stdout))


def test_each_verb_is_told_by_what_it_printed(data):
    about, sides = told("split", "--holdout", "S02", data=data)
    assert about.startswith("2 sessions, hash ")
    assert sides == "S01 train, S02 tested"
    (folders,) = told("convert", data=data)
    assert folders.startswith("2 folders written, 0 as before; data hash ")
    assert told("convert", data=data)[0].startswith("0 folders written, 2 as before")
    (export,) = told("convert", "--to", "pure", data=data)
    assert export == f"2 recordings in {data}/pure"
    card, *limits = told("card", data=data)
    assert card == f"wrote {data}/ubfc/card.md and croissant.json"
    assert limits
    state, checked, *_ = told("verify", data=data)
    assert state == "as it was made"
    assert checked.startswith("checked 2 sessions, 4 curated folders, 0 runs, ")
    next((data / "ubfc").rglob("vid.avi")).write_bytes(b"changed")
    broken = told("verify", data=data)
    assert broken[0] == "not as it was made"
    assert any(line.startswith("broken: ") for line in broken[2:])
    gone = told("withdraw", "S02", "--yes", data=data)
    assert gone[0].startswith("deleted: 1 recording, 1 curated folder and what was made of them, ")
    for words in ("the split is deleted", "the dataset card is deleted", "the export pure is"):
        assert any(line.startswith(words) for line in gone)
    assert "cannot be reached from here" in gone[-1]


def test_grades_and_rates_are_told_in_numbers():
    rows = [{"session": f"S0{at}", "grade": grade} for at, grade in enumerate(["good", "bad"])]
    assert words_of("qc", {"sessions": rows, "measured": 1}) == (
        "2 sessions, 1 measured now: 1 bad, 1 good", "bad: S01",
    )
    rates = [(70.0, 72.0), (60.0, 59.0), (61.0, None), (None, 70.0)]
    rows = [{"time_s": 1.0, "hr_bpm": hr, "finger_bpm": finger} for hr, finger in rates]
    (line,) = words_of("predict", {"rows": rows})
    assert line == "3 heart rates read, 1.5 bpm off the finger on average in 2"


@pytest.mark.parametrize("document", [None, [], {}, {"told": ["qc"]}, {"sessions": "x"}])
def test_what_is_no_such_document_tells_nothing(document):
    for verb in ("qc", "split", "convert", "card", "verify", "predict", "withdraw", "other"):
        assert words_of(verb, document) == ()


def test_a_long_story_is_cut_and_says_by_how_much():
    findings = [{"kind": "broken", "text": str(at)} for at in range(100)]
    lines = words_of("verify", {"ok": False, "checked": {}, "findings": findings})
    assert (len(lines), lines[-1]) == (MOST_LINES + 1, f"and {102 - MOST_LINES} more")
