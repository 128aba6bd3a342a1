"""`acq info` says what a session holds, and what it lacks."""

import json

import h5py
import numpy as np
import pytest

from acq.commands.info import info
from acquire import layout
from dataset.session.summary import summarise_session
from tests.support.made_sessions import START_NS, make_session


@pytest.fixture
def path(tmp_path):
    return make_session(
        tmp_path, seconds=12.0, bpm=84, simulated=True, complete=False, lost_frames={0, 9},
        lost_samples={40, 41, 42},
    )


def test_summary(path):
    found = summarise_session(path)
    assert (found.subject, found.session_id) == ("S01", "S01-20260101T090001Z")
    assert (found.video.frames, found.video.lost) == (358, 2)
    assert (found.ppg.samples, found.ppg.lost) == (298, 3)
    assert (found.complete, found.simulated) == (False, True)
    assert found.duration_s == pytest.approx(12.0, abs=0.05)
    assert found.video.fps == pytest.approx(30 * 357 / 358, rel=1e-3)
    assert found.ppg.rate_hz == pytest.approx(25 / (1 + 400e-6), rel=1e-5)
    assert found.sync.bound_ms == 0.7
    assert found.ppg.hr_bpm == pytest.approx(84, abs=0.3)
    assert found.started == "2026-01-01T09:00:00.000+00:00"
    assert found.video.compression is not None
    assert found.video.compression > 0.5
    assert found.file_bytes == path.stat().st_size


def test_a_recording_of_a_second_has_no_heart_rate(tmp_path):
    found = summarise_session(make_session(tmp_path, seconds=1.0, bound_ns=-1))
    assert found.ppg.hr_bpm is None
    assert found.sync.bound_ms is None
    assert found.sync.samples_without_bound == 26
    assert found.ppg.rate_hz == pytest.approx(25, abs=0.1)


def test_an_empty_recording(tmp_path):
    found = summarise_session(make_session(tmp_path, seconds=0.0, ppg=[]))
    assert (found.video.frames, found.ppg.samples, found.duration_s) == (0, 0, 0.0)
    assert (found.video.fps, found.video.compression) == (0.0, None)


def test_json(acq_here, path):
    done = acq_here("info", path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    wanted = (
        "subject", "frames", "samples", "lost_frames", "lost_samples", "duration_s", "fps",
        "sync_bound_ms", "complete", "simulated",
    )
    assert set(wanted) <= set(found)
    assert found["events"] == [
        {"time_ns": 5_000_000_000_000, "kind": "started", "text": "by a test"}
    ]


def test_a_person_sees_losses_and_that_it_is_cut_short(acq_here, path):
    shown = " ".join(acq_here("info", path).stdout.split())
    for text in (
        "simulated", "incomplete", "358 frames, 2 lost", "298 samples, 3 lost", "within 0.70 ms",
        "bpm",
    ):
        assert text in shown, shown


def test_a_person_sees_how_many_samples_have_no_bound(acq_here, path):
    with h5py.File(path, "r+") as file:
        file[layout.PPG_BOUND][:7] = -1
    shown = " ".join(acq_here("info", path).stdout.split())
    assert "within 0.70 ms; 7 samples without a bound" in shown, shown


def test_a_file_cut_short_is_one_line(acq_here, path):
    path.write_bytes(path.read_bytes()[:20_000])
    done = acq_here("info", path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert str(path) in done.stderr


def test_frames_that_are_stored_raw_are_counted(acq_here, tmp_path):
    path = make_session(tmp_path, seconds=1.0, raw_frames={3, 4, 29})
    assert summarise_session(path).video.raw_frames == 3
    assert "3 frames stored raw" in " ".join(acq_here("info", path).stdout.split())


def test_time_without_a_finger_has_no_heart_rate(tmp_path, capsys):
    numbers = np.arange(30 * 25 + 1)
    ppg = 30_000 + 8_000 * np.sin(2 * np.pi * np.where(numbers < 500, 1.2, 3.0) * numbers / 25)
    half = make_session(
        tmp_path,
        seconds=30.0,
        ppg=ppg,
        events=[
            (20.0, "finger_off", "begins"), (22.0, "flat_line", "begins"),
            (22.0, "finger_off", "ends after 2.0 s"),
        ],
    )
    found = summarise_session(half)
    assert found.ppg.no_finger_s == pytest.approx(10.0, abs=0.1)
    assert found.ppg.hr_bpm == pytest.approx(72, abs=0.5)
    whole = make_session(tmp_path, "S02", seconds=30.0, events=[(0.0, "flat_line", "begins")])
    assert summarise_session(whole).ppg.hr_bpm is None
    assert summarise_session(whole).ppg.rate_hz == pytest.approx(25 / (1 + 400e-6), rel=1e-5)
    info([half, whole])
    shown = capsys.readouterr().out
    assert "none for 10.0 s" in shown
    assert "left out: no finger for 10.0 of 30.0 s)" in shown
    assert "cannot be told: too short; no finger for 30.0 of 30.0 s" in shown


def test_events_have_times_and_those_left_out_are_counted(tmp_path, capsys):
    told = [
        (1.0, "mark", "mark 1"), (2.0, "mark_undone", f"mark 1 at {START_NS + 10**9}"),
        (3.0, "stopped", "duration"),
    ]
    info(
        [
            make_session(
                tmp_path,
                events=[*told, *((i / 2, "bad_packets", f"{i} of them") for i in range(10))],
            )
        ]
    )
    lines = capsys.readouterr().out.splitlines()
    assert "mark" not in "".join(line for line in lines if "stamps mark" not in line)
    at = next(i for i, line in enumerate(lines) if line.startswith("events"))
    assert lines[at].split() == ["events", "11", "not", "told", "above"]
    assert lines[at + 1].split(maxsplit=2) == ["0.0", "s", "bad_packets: 0 of them"]
    assert lines[at + 3].split(maxsplit=2) == ["1.0", "s", "bad_packets: 2 of them"]
    assert "started: by a test" not in "".join(lines)           # it cost nothing
    assert lines[-1].strip() == "and 3 more, in --json"


def test_in_a_pipe_no_line_is_wrapped_or_padded(tmp_path, capsys):
    info([make_session(tmp_path, events=[(1.0, "sensor_lost", "word " * 40)])])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.endswith("word " * 39 + "word") for line in lines)
    assert not [line for line in lines if line != line.rstrip()]


def test_several_files_one_after_another(acq_here, path, tmp_path):
    other = make_session(tmp_path, "S02", seconds=5.0)
    done = acq_here("info", path, other)
    assert done.returncode == 0
    assert done.stdout.index("S01-20260101T090001Z") < done.stdout.index("S02-20260101T090001Z")
    assert "mean of sliding 10 s windows" in done.stdout
    assert "one spectrum over 5 s" in done.stdout


def test_an_error_before_any_progress_is_one_line(acq_here, tmp_path):
    done = acq_here("split", "--holdout", "S01", "--data", tmp_path / "nothing")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
