"""What is old is stale, what cannot be compared unchecked; nothing is broken by either."""

import shutil

import h5py
import pytest

from acquire import data_folder, layout
from dataset.convert.to_ubfc import convert_sessions
from dataset.run_results import read_run_results
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.withdraw.withdraw import withdraw
from tests.support.made_runs import make_run
from tests.support.made_sessions import make_session
from tests.support.whole_folders import change_sample, findings, first, kept

pytestmark = pytest.mark.xdist_group("one folder to verify")

DAY = "2026-01-01T00:00:00+00:00"


def out(data):
    write_exclusions(data, Exclusions((Exclusion(first(data).stem, None, None, "asleep", DAY),)))


def split_anew(data):
    made = split_by_subject(identify_sessions(data), holdout=["S02"])
    write_split(made, data_folder.split_file(data), force=True)


def resync(data):
    change_sample(data)
    made = split_by_subject(identify_sessions(data), holdout=["S03"])
    write_split(made, data_folder.split_file(data), force=True)


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        pytest.param(
            out, ["is in the split, but excluded", "which is excluded; split and convert"],
            id="excluded",
        ),
        pytest.param(
            lambda d: make_session(d, "S04", seconds=1.0),
            ["is not in the split; split the sessions again"], id="a new recording",
        ),
        pytest.param(split_anew, ["made by another split"], id="another split"),
        pytest.param(
            resync,
            ["earlier state of the recording", "made by another split", "another state of S01"],
            id="resync",
        ),
        pytest.param(
            lambda d: make_run(d, "old", data_hash="e" * 64), ["trained on other data"],
            id="an older run",
        ),
        pytest.param(
            lambda d: (
                kept(d).rename(kept(d).with_name("0" * 32 + ".npy"))
                and kept(d, 0).with_suffix(".json").write_text('{"video_sha256": "9"}')
            ),
            ["nobody reads them"],
            id="frames",
        ),
    ],
)
def test_what_is_old_is_stale_and_nothing_breaks(data, change, texts):
    change(data)
    stale = [finding.text for finding in findings(data, "stale")]
    assert len(stale) == len(texts), stale
    for text, expected in zip(stale, texts, strict=True):
        assert expected in text
    assert [
        finding for finding in findings(data, "broken") if "face frames" not in finding.text
    ] == []


def test_an_excluded_copy_of_another_state_makes_nothing_stale(data):
    copy = first(data).with_name("S01-z-copy.h5")
    shutil.copy(first(data), copy)
    with h5py.File(copy, "r+") as file:
        file[layout.PPG_VALUE][5] += 1
    write_exclusions(data, Exclusions((Exclusion(copy.stem, None, None, "a copy", DAY),)))
    assert [finding.text for finding in findings(data, "stale")] == []


def test_a_card_of_another_state_is_stale(data):
    make_session(data, "S04", seconds=3.0)
    write_split(
        split_by_subject(identify_sessions(data), holdout=["S03"]), data_folder.split_file(data),
        force=True,
    )
    convert_sessions(data)
    stale = [finding.text for finding in findings(data, "stale")]
    assert sum("describes another state" in text for text in stale) == 1
    assert findings(data, "broken") == []


def test_a_folder_without_its_recording_is_unchecked(data):
    shutil.rmtree(data / "sessions")
    data_folder.split_file(data).unlink()
    unchecked = [finding.text for finding in findings(data, "unchecked")]
    assert sum("cannot be compared with its recording" in text for text in unchecked) == 3
    assert any("nothing says what the recordings should be" in text for text in unchecked)


@pytest.mark.parametrize(("read_from", "words"), [
    ("sessions", "trained on the sessions themselves"), ("published", "a published data set"),
])
def test_a_run_that_read_no_curated_folders_is_not_out_of_date(data, read_from, words):
    make_run(data, "20260102T000000Z", data_hash="e" * 64, read_from=read_from)
    assert findings(data, "stale") == []
    assert any(words in finding.text for finding in findings(data, "unchecked"))
    assert [run.is_current for run in read_run_results(data)][-1] is None


def test_after_a_withdrawal_nothing_is_broken(data):
    withdraw(data, "S02")
    assert findings(data, "broken") == []
    (finding,) = findings(data, "stale")
    assert "trained on other data" in finding.text
