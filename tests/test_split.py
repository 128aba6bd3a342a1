"""A subject is on one side, whatever the data set looks like."""

import json
import re

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sessions import make_session

from acquire import layout
from acquire.errors import SplitError
from dataset.split import (
    Fold,
    SessionIdentity,
    Split,
    check_sessions,
    check_split,
    identify_sessions,
    read_split,
    split_by_subject,
    write_split,
)

subject_ids = st.from_regex(layout.SUBJECT, fullmatch=True)


def identities(*subjects, simulated=False):
    return [SessionIdentity(f"{s}-{i}", s, f"sessions/{s}/{i}.h5", f"{i}", simulated, True) for i, s in enumerate(subjects)]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_no_random_data_set_ever_shares_a_subject(draw):
    subjects = draw.draw(st.lists(subject_ids, min_size=2, max_size=30))
    sessions = draw.draw(st.permutations(identities(*subjects)))
    known = sorted(set(subjects))
    if draw.draw(st.booleans()) and len(known) > 1:
        made = split_by_subject(sessions, folds=draw.draw(st.integers(2, len(known))))
        assert sorted(s for fold in made.folds for s in fold.test) == known
        assert max(len(f.test) for f in made.folds) - min(len(f.test) for f in made.folds) <= 1
    else:
        holdout = draw.draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
        if len(holdout) == len(known):
            with pytest.raises(SplitError, match="found none to train"):
                split_by_subject(sessions, holdout=holdout)
            return
        made = split_by_subject(sessions, holdout=holdout)
        assert made.folds[0].test == tuple(sorted(holdout))
    for fold in made.folds:
        assert not set(fold.train) & set(fold.test)
        assert set(fold.train) | set(fold.test) == set(known)
        assert fold.train
        assert fold.test
    again = split_by_subject(sorted(sessions, key=lambda s: s.hash), holdout=made.folds[0].test)
    assert again.hash == split_by_subject(sessions, holdout=made.folds[0].test[::-1]).hash


def test_hash_is_the_same_on_every_machine():
    made = split_by_subject(identities("S02", "S01"), holdout=["S01"])
    assert made.hash == "2c4118414e988fff52f084ac9ea599cf863f4fb650b8a71452eeddb69b70024c"
    assert split_by_subject(identities("S02", "S01"), holdout=["S02"]).hash != made.hash


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        pytest.param({"holdout": ["S09"]}, "to name recorded subjects (S01, S02, S03), found S09", id="unknown"),
        pytest.param({"holdout": ["S01", "S02", "S03"]}, "found none to train", id="nobody to train on"),
        pytest.param({"folds": 4}, "expected 2 to 3 folds for --folds 4, found the subjects S01, S02, S03", id="too many folds"),
        pytest.param({"folds": 1}, "expected 2 to 3 folds", id="one fold"),
    ],
)
def test_impossible_splits(kwargs, says):
    with pytest.raises(SplitError, match=re.escape(says)):
        split_by_subject(identities("S01", "S02", "S03", "S01"), **kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"holdout": ["S01"], "folds": 2}])
def test_holdout_or_folds(kwargs):
    with pytest.raises(ValueError, match="not both"):
        split_by_subject(identities("S01", "S02"), **kwargs)


def test_real_and_simulated_are_not_mixed_unless_told():
    both = identities("S01", "S02") + identities("V01", simulated=True)
    with pytest.raises(SplitError, match=r"found simulated ones of V01 .* --mix-simulated"):
        split_by_subject(both, holdout=["S01"])
    assert split_by_subject(both, holdout=["S01"], mix_simulated=True).mix_simulated


@pytest.fixture
def data(tmp_path):
    for subject, number in (("S01", 1), ("S01", 2), ("S02", 1), ("S03", 1)):
        make_session(tmp_path, subject, number, seconds=0.3, complete=subject != "S02")
    return tmp_path


def test_write_read_write(data):
    made = split_by_subject(identify_sessions(data), holdout=["S03"])
    path = layout.split_file(data)
    assert write_split(made, path)
    assert read_split(path) == made
    assert not write_split(made, path)
    other = split_by_subject(identify_sessions(data), holdout=["S02"])
    with pytest.raises(SplitError, match="say --force"):
        write_split(other, path)
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
        pytest.param(edit(lambda b: b["folds"][0]["train"].append("S03")), "found S03 on both in fold 1", id="leak"),
        pytest.param(edit(lambda b: b["folds"][0]["test"].clear()), "found none to test", id="empty side"),
        pytest.param(edit(lambda b: b["folds"][0]["train"].remove("S02")), "found S02 missing or added", id="subject dropped"),
        pytest.param(edit(lambda b: b["folds"][0]["train"].append("S99")), "found S99 missing or added", id="subject invented"),
        pytest.param(edit(lambda b: b["folds"][0]["train"].append("../x")), "a subject id that is none", id="hostile subject"),
        pytest.param(edit(lambda b: b["sessions"].append(b["sessions"][0])), "found one twice", id="session twice"),
        pytest.param(edit(lambda b: b["sessions"][0].update(hash="0")), "changed by hand", id="hash edited"),
        pytest.param(edit(lambda b: b["sessions"][0].update(simulated=True)), "found both", id="simulated among real"),
        pytest.param(edit(lambda b: b["folds"].clear()), "found none", id="no fold"),
        pytest.param(edit(lambda b: b["sessions"][0].update(session=["x"])), "a name that is no text", id="session a list"),
        pytest.param(edit(lambda b: b["sessions"][0].update(hash=float("nan"))), "a name that is no text", id="hash NaN"),
        pytest.param(edit(lambda b: b["sessions"][0].update(complete=float("nan"))), "neither true nor false", id="NaN"),
        pytest.param(edit(lambda b: b["folds"][0].update(train=[["S01"]])), "expected folds and sessions", id="subject a list"),
        pytest.param(edit(lambda b: b.pop("folds")), "KeyError", id="no folds"),
        pytest.param(edit(lambda b: b.update(schema="x")), "expected schema acq-split", id="schema"),
        pytest.param(edit(lambda b: b.update(schema_version=2)), "expected split format 1, found 2", id="version"),
        pytest.param(lambda b: "{", "as JSON", id="not JSON"),
        pytest.param(lambda b: "[]", "expected schema", id="a list"),
    ],
)
def test_a_split_edited_by_hand_is_refused(data, damage, says):
    path = layout.split_file(data)
    write_split(split_by_subject(identify_sessions(data), holdout=["S03"]), path)
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.raises(SplitError, match=re.escape(says)) as caught:
        read_split(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sessions_that_changed_since(data):
    made = split_by_subject(identify_sessions(data), holdout=["S03"])
    make_session(data, "S04", seconds=0.3)
    (data / made.sessions[1].file).unlink()
    with h5py.File(data / made.sessions[0].file, "r+") as file:
        file[layout.PPG_VALUE][0] = 1
    with pytest.raises(SplitError) as caught:
        check_sessions(made, identify_sessions(data), layout.split_file(data))
    first, second = made.sessions[0].session, made.sessions[1].session
    assert f"S04-20260101T090001Z new; {second} gone; {first} changed" in str(caught.value)


def test_check_split_refuses_a_leak_that_was_made_in_memory():
    with pytest.raises(SplitError, match="on both"):
        check_split(Split((Fold(("S01", "S02"), ("S02",)),), tuple(identities("S01", "S02")), False), "x")


def test_an_empty_folder(tmp_path):
    with pytest.raises(SplitError, match="found none; acq record makes them"):
        identify_sessions(tmp_path)


def test_a_recording_in_the_wrong_folder_could_leak(tmp_path):
    make_session(tmp_path, "S01", seconds=0.3, folder="S02")
    with pytest.raises(SplitError, match="expected a recording of S02, found one of S01"):
        identify_sessions(tmp_path)


def test_two_sessions_of_one_name(tmp_path):
    path = make_session(tmp_path, "S01", seconds=0.3)
    path.with_name("copy.h5").write_bytes(path.read_bytes())
    with pytest.raises(SplitError, match="expected each session once"):
        identify_sessions(tmp_path)


def test_command(acq, data):
    done = acq("split", "--data", data, "--holdout", "S03", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "train S01, S02; test S03" in done.stdout
    assert "cut short, but used: S02-20260101T090001Z" in done.stdout
    assert "already in" in acq("split", "--data", data, "--holdout", "S03", "--quiet").stdout
    refused = acq("split", "--data", data, "--holdout", "S09", "--quiet")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "S01, S02, S03" in refused.stderr
    folds = acq("split", "--data", data, "--folds", "3", "--force", "--quiet", "--json")
    assert [fold["test"] for fold in json.loads(folds.stdout)["folds"]] == [["S01"], ["S02"], ["S03"]]
    assert acq("split", "--data", data, "--quiet").returncode == 2
