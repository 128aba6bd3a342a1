"""A split that leaks or is of other sessions is refused; `acq split` says what it chose."""

import json
from dataclasses import replace

import h5py
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder, layout
from acquire.errors import SplitError
from dataset.quality.result import SessionQuality, write_quality
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from dataset.selection.split import Fold, Split, check_sessions, check_split, without_subject
from dataset.selection.split_file import read_split
from dataset.session.reader import Session
from tests.support.made_identities import identities
from tests.support.made_sessions import make_session


def test_hash_is_the_same_on_every_machine():
    made = split_by_subject(identities("S02", "S01"), holdout=["S01"])
    assert made.hash == "28bcbb07fe0aa56428d8dcd1303fa9a0e9556307d7bf3ce348e1f0ea1bf604f0"
    assert split_by_subject(identities("S02", "S01"), holdout=["S02"]).hash != made.hash


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
    identities_now = identify_sessions(data)
    earlier = [replace(identity, hr_bpm=61.0) for identity in identities_now]
    made = split_by_subject(earlier, holdout=["S03"])
    check_sessions(made, identities_now, data_folder.split_file(data))
    with pytest.raises(SplitError, match=f"{identities_now[0].session} changed"):
        check_sessions(
            made,
            [replace(identities_now[0], imported_from="elsewhere"), *identities_now[1:]],
            data_folder.split_file(data),
        )


def test_check_split_refuses_a_leak_that_was_made_in_memory():
    with pytest.raises(SplitError, match="on both"):
        check_split(
            Split((Fold(("S01", "S02"), ("S02",)),), tuple(identities("S01", "S02")), False), "x"
        )


def test_command(acq_here, data):
    done = acq_here("split", "--data", data, "--holdout", "S03", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "train S01, S02; test S03" in done.stdout
    assert "incomplete, but used: S02-20260101T090001Z" in done.stdout
    again = CliRunner().invoke(app, ["split", "--data", str(data), "--holdout", "S03", "--quiet"])
    assert "already in" in again.stdout
    refused = acq_here("split", "--data", data, "--holdout", "S09", "--quiet")
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


def test_a_held_out_subject_that_is_excluded_and_a_bad_grade_are_reported(acq_here, tmp_path):
    data = tmp_path
    for n in (1, 2, 3):
        make_session(data, f"S0{n}", n, seconds=4.0)
    path = next((data / "sessions/S03").glob("*.h5"))
    exclusion = make_exclusion(path, from_s=None, to_s=None, reason="no finger")
    write_exclusions(data, Exclusions((exclusion,)))
    refused = acq_here("split", "--holdout", "S03", "--data", data, "--quiet")
    assert refused.returncode == 1
    assert "found all of them excluded; acq include" in refused.stderr
    assert f"acq include --data {data} brings them back" in refused.stderr
    first, other = (next((data / f"sessions/S0{n}").glob("*.h5")) for n in (1, 2))
    with Session(other) as session:
        graded = {other: session.content_hash(), first: "0" * 64}      # of another recording
    for path, session_hash in graded.items():
        write_quality(
            path,
            SessionQuality(
                path.stem, path.parent.name, session_hash, False, 4.0, "bad", (), {}, "0" * 64, "0"
            ),
        )
    done = acq_here("split", "--holdout", "S02", "--data", data, "--quiet")
    assert done.returncode == 0
    assert f"graded bad, but used: {other.stem};" in done.stderr


def test_without_a_subject_ranges_are_those_of_the_others():
    sessions = [
        replace(session, hr_bpm=rate)
        for session, rate in zip(
            identities("S01", "S02", "S03", "S04"), (60.0, 70.0, 80.0, 90.0), strict=True
        )
    ]
    split = split_by_subject(sessions, holdout=["S01", "S04"])
    left = without_subject(split, "S04")
    assert left is not None
    assert left.folds == (Fold(("S02", "S03"), ("S01",), (70.0, 80.0), (60.0, 60.0)),)
    assert left == split_by_subject(sessions[:3], holdout=["S01"])
    assert without_subject(left, "S01") is None
