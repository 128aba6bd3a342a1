"""What is written is read; what was changed by hand is refused."""

import json
import re

import pytest

from acquire import data_folder
from acquire.errors import Fix, SplitError
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import read_split, write_split


def test_write_read_write(data):
    made = split_by_subject(identify_sessions(data), holdout=["S03"])
    path = data_folder.split_file(data)
    assert write_split(made, path)
    assert read_split(path) == made
    assert not write_split(made, path)
    other = split_by_subject(identify_sessions(data), holdout=["S02"])
    with pytest.raises(SplitError, match="found another in") as caught:
        write_split(other, path)
    assert caught.value.fix is Fix.REPLACE
    assert read_split(path) == made
    assert write_split(other, path, force=True)
    assert read_split(path) == other
    assert [p.name for p in data.iterdir() if p.name != "sessions"] == ["split.json"]
    assert [s.complete for s in other.sessions] == [True, True, False, True]


def edit(change):
    def apply(body):
        change(body)
        return json.dumps(body)

    return apply


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(
            edit(lambda b: b["folds"][0]["train"].append("S03")), "found S03 on both in fold 1",
            id="leak",
        ),
        pytest.param(
            edit(lambda b: b["folds"][0]["test"].clear()), "found none to test", id="empty side"
        ),
        pytest.param(
            edit(lambda b: b["folds"][0]["train"].remove("S02")), "found S02 missing or added",
            id="subject dropped",
        ),
        pytest.param(
            edit(lambda b: b["folds"][0]["train"].append("S99")), "found S99 missing or added",
            id="subject invented",
        ),
        pytest.param(
            edit(lambda b: b["folds"][0]["train"].append("../x")),
            "expected subject ids, found '../x'", id="hostile subject",
        ),
        pytest.param(
            edit(lambda b: b["sessions"].append(b["sessions"][0])), "found one twice",
            id="session twice",
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(hash="0")), "changed by hand", id="hash edited"
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(simulated=True)), "found both",
            id="simulated among real",
        ),
        pytest.param(
            edit(lambda b: b["folds"][0].update(test_hr_bpm=[1.0, 2.0])), "found others in fold 1",
            id="rates edited",
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(hr_bpm="x")),
            "found text instead of a number or null", id="rate a text",
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(hr_bpm=float("nan"))),
            "found malformed JSON", id="rate NaN",
        ),
        pytest.param(edit(lambda b: b["folds"].clear()), "found none", id="no fold"),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(session=["x"])), "found a list instead of text",
            id="session a list",
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(hash=float("nan"))), "found malformed JSON",
            id="hash NaN",
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(complete=float("nan"))),
            "found malformed JSON", id="NaN",
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(complete=1)),
            "a whole number instead of true or false",
            id="a number for true",
        ),
        pytest.param(
            edit(lambda b: b["folds"][0].update(train=[["S01"]])),
            "a list instead of text at $.folds[0].train[0]", id="subject a list",
        ),
        pytest.param(edit(lambda b: b.pop("folds")), "missing required field folds", id="no folds"),
        pytest.param(
            edit(lambda b: b.update(schema="x")), "instead of 'acq-split' of version 2", id="schema"
        ),
        pytest.param(
            edit(lambda b: b.update(schema_version=1)), "version 1 instead of",
            id="version",
        ),
        pytest.param(
            lambda b: "{", "expected a split, found JSON that is cut short", id="not JSON"
        ),
        pytest.param(lambda b: "[]", "a list instead of an object", id="a list"),
    ],
)
def test_a_split_edited_by_hand_is_refused(data, damage, says):
    path = data_folder.split_file(data)
    write_split(split_by_subject(identify_sessions(data), holdout=["S03"]), path)
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.raises(SplitError, match=re.escape(says)) as caught:
        read_split(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
