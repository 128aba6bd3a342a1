"""A subject is on one side, whatever the data set looks like."""

import json
import random
import re
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder, layout
from acquire.errors import Fix, SessionError, SplitError
from dataset.quality.result import SessionQuality, write_quality
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import SessionIdentity, identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from dataset.selection.split import Fold, Split, check_sessions, check_split
from dataset.selection.split_file import read_split, write_split
from tests.support.made_sessions import make_session


def identities(*subjects, simulated=False):
    return [
        SessionIdentity(f"{s}-{i}", s, f"sessions/{s}/{i}.h5", f"{i}", simulated, True)
        for i, s in enumerate(subjects)
    ]


PEOPLE = [f"S{number:02}" for number in range(12)]


@settings(deadline=None, max_examples=10_000)
@given(
    st.integers(0, 2**64 - 1), st.sampled_from(["holdout", "folds", "test_fraction"]), st.booleans()
)
def test_no_random_data_set_ever_shares_a_subject(number, how, mix):
    # one draw of hypothesis a data set: ten thousand of them in seconds
    draw = random.Random(number)
    made_up = draw.choice([[False], [True], [False, True]])
    sessions = [
        SessionIdentity(
            f"s{at}", draw.choice(PEOPLE[: draw.randint(1, 12)]), f"{at}", "", draw.choice(made_up),
            True, draw.choice([None, draw.randint(400, 2400) / 10]),
        )
        for at in range(draw.randint(0, 12))
    ]
    ask = {
        "holdout": {"holdout": draw.sample(PEOPLE, draw.randint(1, 4))},
        "folds": {"folds": draw.randint(1, 6), "seed": draw.randint(0, 9)},
        "test_fraction": {"test_fraction": draw.uniform(0.01, 0.99), "seed": draw.randint(0, 9)},
    }[how]
    known = {s.subject for s in sessions}
    held = set(ask.get("holdout", ()))
    possible = (
        len(known) >= max(2, ask.get("folds", 2)) and ask.get("folds", 2) > 1 and held < known
        and (mix or len({s.simulated for s in sessions}) < 2)
    )
    try:
        made = split_by_subject(sessions, **ask, mix_simulated=mix)
    except SplitError:
        assert not possible
        return
    assert possible
    for fold in made.folds:
        assert fold.train
        assert fold.test
        assert not set(fold.train) & set(fold.test)
        assert sorted(fold.train + fold.test) == sorted(known)          # each once, on one side
    tested = sorted(subject for fold in made.folds for subject in fold.test)
    if "folds" in ask:
        assert len(made.folds) == ask["folds"]
        assert tested == sorted(known)                                  # each once, over the folds
        assert max(len(f.test) for f in made.folds) - min(len(f.test) for f in made.folds) <= 1
    elif held:
        assert tested == sorted(held)
    else:
        assert abs(len(tested) - ask["test_fraction"] * len(known)) <= 1
    assert split_by_subject(sessions[::-1], **ask, mix_simulated=mix).hash == made.hash


def people(rates):
    return [SessionIdentity(f"{s}-1", s, s, "", False, True, rate) for s, rate in rates.items()]


def test_each_test_set_spans_the_heart_rates_and_the_seed_draws_among_like_ones():
    # 50 to 126, in no order of the names
    rates = {f"S{at:02}": 50.0 + (at * 7 % 20) * 4 for at in range(20)}
    layers = np.array_split(sorted(rates.values()), 4)
    drawn = set()
    for seed in range(8):
        made = split_by_subject(people(rates), folds=5, seed=seed)
        for fold in made.folds:
            assert [sum(rates[s] in layer for s in fold.test) for layer in layers] == [1, 1, 1, 1]
            assert fold.test_hr_bpm == (
                min(rates[s] for s in fold.test), max(rates[s] for s in fold.test),
            )
        (one,) = split_by_subject(people(rates), test_fraction=0.2, seed=seed).folds
        assert [sum(rates[s] in layer for s in one.test) for layer in layers] == [1, 1, 1, 1]
        drawn |= {made.hash, one.test}
    assert len(drawn) > 12  # another seed, another draw


def test_a_subject_without_a_heart_rate_is_drawn_too():
    made = split_by_subject(people({"S01": None, "S02": 60.0, "S03": None}), folds=3)
    assert sorted(fold.test for fold in made.folds) == [("S01",), ("S02",), ("S03",)]
    assert {fold.test: fold.test_hr_bpm for fold in made.folds} == {
        ("S01",): None, ("S02",): (60.0, 60.0), ("S03",): None,
    }


def test_hash_is_the_same_on_every_machine():
    made = split_by_subject(identities("S02", "S01"), holdout=["S01"])
    assert made.hash == "28bcbb07fe0aa56428d8dcd1303fa9a0e9556307d7bf3ce348e1f0ea1bf604f0"
    assert split_by_subject(identities("S02", "S01"), holdout=["S02"]).hash != made.hash


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        pytest.param(
            {"holdout": ["S09"]}, "recorded subjects (S01, S02, S03) to hold out, found S09",
            id="unknown",
        ),
        pytest.param(
            {"holdout": ["S01", "S02", "S03"]}, "found none to train", id="nobody to train on"
        ),
        pytest.param(
            {"folds": 4},
            "expected 2 to 3 folds where 4 folds are asked for, found the subjects S01, S02, S03",
            id="too many folds",
        ),
        pytest.param({"folds": 1}, "expected 2 to 3 folds", id="one fold"),
    ],
)
def test_impossible_splits(kwargs, says):
    with pytest.raises(SplitError, match=re.escape(says)):
        split_by_subject(identities("S01", "S02", "S03", "S01"), **kwargs)


@pytest.mark.parametrize(
    "kwargs",
    [
        {}, {"holdout": ["S01"], "folds": 2}, {"folds": 2, "test_fraction": 0.5},
        {"test_fraction": 1.0},
    ],
)
def test_one_way_to_split(kwargs):
    with pytest.raises(ValueError, match=r"not both|between 0 and 1"):
        split_by_subject(identities("S01", "S02"), **kwargs)


def test_real_and_simulated_are_not_mixed_unless_told():
    both = identities("S01", "S02") + identities("V01", simulated=True)
    text = "found simulated ones of V01 among S01, S02, V01"
    with pytest.raises(SplitError, match=text) as caught:
        split_by_subject(both, holdout=["S01"])
    assert caught.value.fix is Fix.ALLOW_MIXED
    assert split_by_subject(both, holdout=["S01"], mix_simulated=True).mix_simulated


@pytest.fixture
def data(tmp_path):
    for subject, number in (("S01", 1), ("S01", 2), ("S02", 1), ("S03", 1)):
        make_session(tmp_path, subject, number, seconds=0.3, complete=subject != "S02")
    return tmp_path


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
            "found expected float | null, got str", id="rate a text",
        ),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(hr_bpm=float("nan"))),
            "found malformed JSON", id="rate NaN",
        ),
        pytest.param(edit(lambda b: b["folds"].clear()), "found none", id="no fold"),
        pytest.param(
            edit(lambda b: b["sessions"][0].update(session=["x"])), "found expected str, got array",
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
            edit(lambda b: b["sessions"][0].update(complete=1)), "expected bool, got int",
            id="a number for true",
        ),
        pytest.param(
            edit(lambda b: b["folds"][0].update(train=[["S01"]])),
            "expected str, got array at $.folds[0].train[0]", id="subject a list",
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
        pytest.param(lambda b: "[]", "list instead of an object", id="a list"),
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


def test_sessions_that_changed_since(data):
    made = split_by_subject(identify_sessions(data), holdout=["S03"])
    make_session(data, "S04", seconds=0.3)
    (data / made.sessions[1].file).unlink()
    with h5py.File(data / made.sessions[0].file, "r+") as file:
        file[layout.PPG_VALUE][0] = 1
    with pytest.raises(SplitError) as caught:
        check_sessions(made, identify_sessions(data), data_folder.split_file(data))
    first, second = made.sessions[0].session, made.sessions[1].session
    assert f"S04-20260101T090001Z new; {second} gone; {first} changed" in str(caught.value)


def test_another_heart_rate_of_the_same_recording_is_no_change(data):
    found = identify_sessions(data)
    made = split_by_subject([replace(one, hr_bpm=61.0) for one in found], holdout=["S03"])
    check_sessions(made, found, data_folder.split_file(data))
    with pytest.raises(SplitError, match=f"{found[0].session} changed"):
        check_sessions(
            made, [replace(found[0], imported_from="elsewhere"), *found[1:]],
            data_folder.split_file(data),
        )


def test_recordings_that_were_never_closed_are_refused_all_at_once(data):
    open_ones = [make_session(data, subject, seconds=0.3) for subject in ("S04", "S05")]
    for path in open_ones:
        with h5py.File(path, "r+", libver="latest") as file:
            file.swmr_mode = True
            file.flush()
            growing = path.read_bytes()
        path.write_bytes(growing)
    with pytest.raises(
        SplitError, match="expected recordings that have ended, found still growing or killed"
    ) as caught:
        identify_sessions(data)
    assert all(str(path) in str(caught.value) for path in open_ones)
    assert caught.value.fix is Fix.RECOVER_OR_EXCLUDE
    assert caught.value.of == " ".join(path.stem for path in open_ones)
    excluded = Exclusions()
    for path in open_ones:
        excluded = excluded.adding(make_exclusion(path, from_s=None, to_s=None, reason="goes on"))
    write_exclusions(data, excluded)
    assert {one.subject for one in identify_sessions(data)} == {"S01", "S02", "S03"}


def test_all_that_cannot_be_read_are_named_at_once(data):
    damaged = [make_session(data, subject, seconds=0.3) for subject in ("S04", "S05")]
    damaged[0].write_bytes(damaged[0].read_bytes()[:2000])
    damaged[1].write_bytes(b"no recording")
    with pytest.raises(SessionError, match=r"^2 recordings cannot be read: ") as caught:
        identify_sessions(data)
    assert all(str(path) in str(caught.value) for path in damaged)
    assert "\n" not in str(caught.value)


def test_an_identity_knows_the_heart_rate_and_where_it_came_from(tmp_path):
    for subject, bpm, origin in (("S01", 66.0, ""), ("S02", 90.0, "UBFC-rPPG DATASET_2")):
        path = make_session(tmp_path, subject, bpm=bpm, seconds=8.0)
        if origin:
            with h5py.File(path, "r+") as file:
                file.attrs[layout.IMPORTED_ATTR] = origin
    first, second = identify_sessions(tmp_path)
    assert first.hr_bpm == pytest.approx(66.0, abs=0.3)
    assert first.hr_bpm == round(first.hr_bpm, 1)
    assert second.hr_bpm == pytest.approx(90.0, abs=0.3)
    assert (first.imported_from, second.imported_from) == ("", "UBFC-rPPG DATASET_2")
    # an imported and an own one together
    (fold,) = split_by_subject([first, second], test_fraction=0.5).folds
    assert {fold.test_hr_bpm, fold.train_hr_bpm} == {
        (one.hr_bpm, one.hr_bpm) for one in (first, second)
    }


def test_check_split_refuses_a_leak_that_was_made_in_memory():
    with pytest.raises(SplitError, match="on both"):
        check_split(
            Split((Fold(("S01", "S02"), ("S02",)),), tuple(identities("S01", "S02")), False), "x"
        )


def test_an_empty_folder(tmp_path):
    with pytest.raises(SplitError, match="expected recordings, found none in") as caught:
        identify_sessions(tmp_path)
    assert caught.value.fix is Fix.RECORD


def test_a_recording_in_the_wrong_folder_could_leak(tmp_path):
    make_session(tmp_path, "S01", seconds=0.3, folder="S02")
    with pytest.raises(SplitError, match=r"in its subject's folder, found one of S01 at .*S02"):
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
    again = CliRunner().invoke(app, ["split", "--data", str(data), "--holdout", "S03", "--quiet"])
    assert "already in" in again.stdout
    refused = acq("split", "--data", data, "--holdout", "S09", "--quiet")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "S01, S02, S03" in refused.stderr
    folds = CliRunner().invoke(
        app, ["split", "--data", str(data), "--folds", "3", "--force", "--quiet", "--json"]
    )
    assert [fold["test"] for fold in json.loads(folds.stdout)["folds"]] == [
        ["S01"], ["S02"], ["S03"],
    ]
    for words in (
        [], ["--holdout", "S01", "--seed", "1"], ["--test-fraction", "1"],
        ["--test-fraction", "0.2", "--folds", "2"],
    ):
        assert (
            CliRunner().invoke(app, ["split", "--data", str(data), "--quiet", *words]).exit_code
            == 2
        )
    part = CliRunner().invoke(
        app,
        [
            "split", "--data", str(data), "--quiet", "--test-fraction", "0.2", "--seed", "1",
            "--force",
        ],
    )
    assert part.exit_code == 0
    assert len(read_split(data_folder.split_file(data)).folds[0].test) == 1


def test_the_output_shows_the_heart_rates_of_either_side(tmp_path):
    for subject, bpm in (("S01", 60.0), ("S02", 75.0), ("S03", 90.0)):
        make_session(tmp_path, subject, bpm=bpm, seconds=8.0)
    done = CliRunner().invoke(
        app, ["split", "--data", str(tmp_path), "--quiet", "--holdout", "S02"]
    )
    assert "train S01, S03 (60 to 90 bpm); test S02 (75 bpm)" in done.stdout


def test_a_held_out_subject_that_is_excluded_and_a_bad_grade_are_said(acq, tmp_path):
    data = tmp_path
    for n in (1, 2, 3):
        make_session(data, f"S0{n}", n, seconds=4.0)
    path = next((data / "sessions/S03").glob("*.h5"))
    exclusion = make_exclusion(path, from_s=None, to_s=None, reason="no finger")
    write_exclusions(data, Exclusions((exclusion,)))
    refused = acq("split", "--holdout", "S03", "--data", data, "--quiet")
    assert refused.returncode == 1
    assert "found all of them excluded; acq include brings them back" in refused.stderr
    other = next((data / "sessions/S02").glob("*.h5"))
    write_quality(
        other,
        SessionQuality(other.stem, "S02", "0" * 64, False, 4.0, "bad", (), {}, "0" * 64, "0"),
    )
    done = acq("split", "--holdout", "S02", "--data", data, "--quiet")
    assert done.returncode == 0
    assert f"graded bad, but used: {other.stem}" in done.stderr
