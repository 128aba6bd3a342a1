"""A BIDS data set holds the finger beside the video, in time as it was, and keeps BIDS' rules."""

import csv
import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from acquire.camera.source import LightOffset
from acquire.errors import CurationError, Fix
from dataset.bids.physio import COLUMNS, lay_grid
from dataset.bids.write import export_bids
from dataset.common.workers import Workers
from dataset.convert.plan import SPARE_BYTES
from dataset.layouts.avi import read_bgr
from dataset.selection.decide import exclude, made_before
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.session.reader import Session
from dataset.verify.verify import verify_data
from dataset.withdraw.withdraw import withdraw
from tests.support.made_sessions import make_session

DAY = "2026-01-01T00:00:00+00:00"
OFFSET_S, LOST = 0.3, (40, 41)                # frames begin later than the first sample; lost ones
LIGHT = LightOffset(60_000_000, 1_000_000, "a calibration")      # stamps are 60 ms behind the light


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    data = tmp_path_factory.mktemp("bids")
    make_session(data, "S01", seconds=3, frame_offset_s=OFFSET_S, lost_samples=LOST,
                 lost_frames=(20,))
    make_session(
        data, "S-02", seconds=3, frame_offset_s=LIGHT.offset_ns / 1e9 - OFFSET_S, light_offset=LIGHT
    )
    make_session(data, "S03", seconds=3)
    cough = Exclusion("S-02-20260101T090001Z", 1.0, 2.0, "coughed", DAY)
    whole = Exclusion("S03-20260101T090001Z", None, None, "asleep", DAY)
    write_exclusions(data, Exclusions((cough, whole)))
    export_bids(data)
    return data


def files_of(data, subject):
    (folder,) = (data / "bids" / f"sub-{subject}").glob("ses-*/beh")
    return {path.name.rpartition("_")[2]: path for path in folder.iterdir()}


def physio(data, subject):
    """The finger as a reader of BIDS has it: its JSON, the rows' times by it, and the rows."""
    files = files_of(data, subject)
    about = json.loads(files["physio.json"].read_text())
    lines = gzip.decompress(files["physio.tsv.gz"].read_bytes()).decode().splitlines()
    rows = np.array([[float(cell.replace("n/a", "nan")) for cell in line.split("\t")]
                     for line in lines])
    return about, about["StartTime"] + np.arange(len(rows)) / about["SamplingFrequency"], rows


@pytest.mark.parametrize(("subject", "start_s"), [("S01", -OFFSET_S), ("S02", OFFSET_S)])
def test_the_start_is_the_first_sample_s_time_after_the_first_frame(made, subject, start_s):
    """A sensor that began 0.3 s before the camera has a StartTime of -0.3, as BIDS has it."""
    about, t_s, rows = physio(made, subject)
    assert about["StartTime"] == pytest.approx(start_s, abs=1e-6)
    assert about["SamplingFrequency"] == pytest.approx(25 / 1.0004, abs=1e-4)     # 400 ppm slow
    known = np.isfinite(rows[:, 1])
    assert np.abs(rows[known, 1] - t_s[known]).max() < 1e-4


def test_rows_are_the_sensor_s_samples_at_their_times(made):
    """The value at a row's time is the session's there; a lost sample is n/a, and none moves."""
    about, t_s, rows = physio(made, "S01")
    with Session(next((made / "sessions/S01").glob("*.h5"))) as session:
        true_s = (session.ppg_time_ns - int(session.frame_time_ns[0])) / 1e9
        values = session.ppg_values
    assert about["Columns"] == list(COLUMNS)
    assert np.flatnonzero(np.isnan(rows[:, 0])).tolist() == list(LOST)
    at = np.searchsorted(t_s, true_s - 0.01)
    assert (rows[at, 0] == values).all()


def test_the_video_and_its_times_are_the_session_s(made):
    files = files_of(made, "S01")
    with Session(next((made / "sessions/S01").glob("*.h5"))) as session:
        true_s = (session.frame_time_ns - int(session.frame_time_ns[0])) / 1e9
    times = [float(row["time"]) for row in csv.DictReader(
        files["video.tsv"].read_text().splitlines(), delimiter="\t"
    )]
    assert len(list(read_bgr(files["video.avi"]))) == len(times) == len(true_s)
    assert np.abs(np.array(times) - true_s).max() < 1e-6


def test_what_was_excluded_is_in_neither(made):
    assert not (made / "bids/sub-S03").exists()
    assert "S03" not in (made / "bids/participants.tsv").read_text()
    _, t_s, rows = physio(made, "S02")
    from_session_s = t_s - OFFSET_S                           # the first sample is the start
    assert np.isnan(rows[(from_session_s > 1.01) & (from_session_s < 1.99)]).all()
    assert np.isfinite(rows[(from_session_s < 0.99) | (from_session_s > 2.01)]).all()
    times = np.loadtxt(files_of(made, "S02")["video.tsv"], skiprows=1, usecols=1)
    assert not ((times - OFFSET_S > 1.01) & (times - OFFSET_S < 1.99)).any()


def test_the_standard_s_own_validator_finds_no_error(made):
    validator = Path(sys.executable).with_name("bids-validator-deno")
    done = subprocess.run(
        [validator, made / "bids", "--format", "json"], capture_output=True, text=True,
        check=False, timeout=300,
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert done.returncode == 0


def test_the_rules_of_the_specification_hold(made):
    """Names and order of entities, no header line, no blank and no double column, labels."""
    root = made / "bids"
    about = json.loads((root / "dataset_description.json").read_text())
    assert {"Name", "BIDSVersion"} <= set(about)
    for path in root.glob("sub-*/**/*_physio.*"):
        assert re.fullmatch(
            r"sub-([A-Za-z0-9]+)/ses-([A-Za-z0-9]+)/beh/sub-\1_ses-\2_task-[A-Za-z0-9]+_physio"
            r"\.(tsv\.gz|json)", path.relative_to(root).as_posix(),
        )
    for subject in ("S01", "S02"):
        described, _, rows = physio(made, subject)
        assert rows.shape[1] == len(set(described["Columns"])) == 2
        assert all(described[name]["Description"] for name in described["Columns"])


def test_a_decision_made_since_is_told_and_one_taken_back_is_none(made):
    before = (made / "exclusions.json").read_text()
    bids = (made / "bids", Fix.EXPORT_BIDS_AGAIN, "")
    cough = exclude(made, [Exclusion("S01-20260101T090001Z", 1.0, 2.0, "coughed", DAY)])
    assert made_before(made, cough.changed) == [bids]
    (made / "exclusions.json").write_text(before)
    assert made_before(made, cough.changed) == []


def test_the_same_recordings_give_the_same_bytes(made):
    before = {path: path.read_bytes() for path in (made / "bids").rglob("*.gz")}
    export_bids(made, force=True)
    assert {path: path.read_bytes() for path in (made / "bids").rglob("*.gz")} == before


def test_nothing_is_replaced_unasked(made):
    with pytest.raises(CurationError) as refused:
        export_bids(made)
    assert refused.value.fix is Fix.REPLACE


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(made, monkeypatch):
    usage = shutil._ntuple_diskusage(10**12, 0, SPARE_BYTES)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    before = sorted(made.rglob("*"))
    for codec in ("rawvideo", "ffv1"):
        with pytest.raises(CurationError, match=r"expected \d+\.\d+ MB of free space, found"):
            export_bids(made, codec=codec, force=True)
    assert sorted(made.rglob("*")) == before


def test_two_processes_write_the_same_bytes_as_one(made, tmp_path):
    data = shutil.copytree(made, tmp_path / "data")
    there = export_bids(data, force=True, workers=Workers(2))
    assert list(there.sessions) == ["S-02-20260101T090001Z", "S01-20260101T090001Z"]
    for folder in there.sessions.values():
        for path in folder.iterdir():
            assert path.read_bytes() == (made / path.relative_to(data)).read_bytes()


def test_each_recording_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path):
    for subject, lost in (("S01", range(1, 13, 2)), ("S02", ()), ("S03", range(0, 13, 2))):
        make_session(tmp_path, subject, seconds=0.5, lost_samples=lost)
    with pytest.raises(CurationError) as refused:
        export_bids(tmp_path)
    assert [str(cause).partition(", found")[0] for cause in refused.value.causes] == [
        f"{subject}-20260101T090001Z: expected PPG samples in a row" for subject in ("S01", "S03")
    ]
    assert not list(tmp_path.glob("*bids*"))


def test_a_recording_of_which_nothing_is_kept_is_named(tmp_path):
    name = make_session(tmp_path, "S01", seconds=0.5).stem
    write_exclusions(tmp_path, Exclusions((Exclusion(name, 0.0, 9.0, "coughed", DAY),)))
    with pytest.raises(CurationError, match="frames that are not cut out, found none") as refused:
        export_bids(tmp_path)
    assert (refused.value.fix, refused.value.of) == (Fix.EXCLUDE, name)


def test_subjects_that_bids_takes_for_one_are_refused(tmp_path):
    for subject in ("S-1", "S1x", "S_1"):
        make_session(tmp_path, subject, seconds=0.5)
    with pytest.raises(CurationError, match="S-1, S_1"):
        export_bids(tmp_path)
    assert not (tmp_path / "bids").exists()


def test_who_leaves_takes_the_whole_export_along(tmp_path):
    for subject in ("S01", "S02"):
        make_session(tmp_path, subject, seconds=0.5)
    export_bids(tmp_path)
    withdraw(tmp_path, "S02")
    assert not (tmp_path / "bids").exists()
    assert (tmp_path / "sessions/S01").exists()


@pytest.mark.parametrize("ppm", [0, 400, -5000])
def test_a_grid_of_twelve_minutes_slips_by_no_row(ppm):
    """Stamps jitter by half a millisecond, samples are lost, the sensor begins anew at row 9000."""
    rng = np.random.default_rng(0)
    number = np.arange(18_000)
    kept = (rng.random(18_000) > 0.001) & ((number < 5000) | (number > 5100))
    t_s = -0.3 + number / 25 * (1 + ppm / 1e6) + rng.uniform(-5e-4, 5e-4, 18_000)
    grid = lay_grid(t_s[kept], np.where(number < 9000, number, number - 9000)[kept])
    assert (grid.row == number[kept] - number[kept][0]).all()
    assert grid.off_s < 2e-3


def test_a_rate_that_changes_has_no_grid():
    t_s = np.concatenate([np.arange(500) / 25, 20 + np.arange(500) / 100])
    with pytest.raises(CurationError, match="of one rate"):
        lay_grid(t_s, np.arange(1000))


def test_verify_finds_what_became_of_a_file_and_of_the_recordings(made, tmp_path):
    data = shutil.copytree(made, tmp_path / "data")
    assert [one for one in verify_data(data).findings if "bids" in one.place] == []
    video = files_of(data, "S01")["video.tsv"]
    video.write_text(video.read_text().replace("0.1", "0.2", 1))
    files_of(data, "S02")["physio.json"].unlink()
    (data / "bids" / "notes.txt").touch()
    exclude(data, [Exclusion("S01-20260101T090001Z", None, None, "asleep", DAY)])
    found = [one for one in verify_data(data).findings if "bids" in one.place]
    assert sorted((one.kind, Path(one.place).name.rpartition("_")[2], one.error.fix)
                  for one in found) == [
        ("broken", "notes.txt", "move it away"),
        ("broken", "physio.json", Fix.EXPORT_BIDS_AGAIN),
        ("broken", "video.tsv", Fix.EXPORT_BIDS_AGAIN), ("stale", "bids", Fix.EXPORT_BIDS_AGAIN),
    ]
    about = data / "bids" / "dataset_description.json"
    about.write_text(about.read_text().replace("Face video", "A face"))
    (found,) = [one for one in verify_data(data).findings if "bids" in one.place]
    assert (found.kind, found.place) == ("broken", str(about))
