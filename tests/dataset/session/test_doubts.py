"""A recording that contradicts itself is told of, and nothing is computed from what is wrong."""

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder, layout
from acquire.errors import SessionError
from dataset.catalogue.listing import list_sessions
from dataset.quality.result import read_quality
from dataset.session.reader import Session
from dataset.session.summary import summarise_session
from tests.support.made_sessions import make_session
from tests.support.quality_sessions import measure_quality


@pytest.fixture
def path(tmp_path):
    return make_session(tmp_path, seconds=20.0)


def repeat_a_number(file):
    file[layout.PPG_SEQUENCE][101] = file[layout.PPG_SEQUENCE][100]


def turn_frames_round(file):
    file[layout.FRAME_TIME][:] = file[layout.FRAME_TIME][:][::-1]


def swap_two_samples(file):
    times = file[layout.PPG_TIME]
    times[100], times[101] = times[101], times[100]


def state(**attributes):
    return lambda file: file["ppg"].attrs.update(attributes)


@pytest.mark.parametrize(
    ("edit", "doubt"),
    [
        (repeat_a_number, "sample numbers repeat or go back: what is lost is not known"),
        (turn_frames_round, "frame times stand still or go back"),
        (swap_two_samples, "sample times stand still or go back"),
        (state(rate_hz=100), "the sensor's rate is stated as 100 Hz, and 25.0 Hz by the times"),
        (state(rate_hz=0), "the sensor's rate is stated as 0 Hz, and 25.0 Hz by the times"),
        (state(tick_hz=0), "the sensor's clock is stated as 0 Hz"),
    ],
)
def test_what_contradicts_itself_is_told_by_info_and_ls(path, edit, doubt):
    assert summarise_session(path).doubts == ()
    with h5py.File(path, "r+") as file:
        edit(file)
    assert summarise_session(path).doubts == (doubt,)
    assert doubt in shown("info", path)
    assert doubt in shown("ls", "--data", data_folder.root_of(path))


def shown(*words):
    done = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    return done.output


def test_of_a_number_that_repeats_no_loss_is_made_and_no_rate(path):
    rate_hz = summarise_session(path).ppg.rate_hz
    with h5py.File(path, "r+") as file:
        repeat_a_number(file)
        file.attrs["lost_samples"] = 0
    found = summarise_session(path)
    assert found.ppg.lost is None
    assert found.ppg.rate_hz == pytest.approx(rate_hz, rel=1e-6)
    assert "501 samples, losses not known" in shown("info", path)
    assert "0+?" in shown("ls", "--data", data_folder.root_of(path))
    with Session(path) as session:
        assert session.lost_samples == 0
    quality = measure_quality(path)
    assert quality.measures["lost_samples"] is None
    assert [flag.text for flag in quality.flags if "lost" in flag.text] == [
        "1 sample number not higher than the one before: what is lost is not known"
    ]


def test_frames_in_reverse_have_a_length_all_the_same(path):
    seconds = summarise_session(path).duration_s
    with h5py.File(path, "r+") as file:
        turn_frames_round(file)
    assert summarise_session(path).duration_s == seconds


def test_a_start_before_1970_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["started_unix_ns"] = -1_000_000_000_000_000_000
    with pytest.raises(SessionError, match="started_unix_ns as nanoseconds since 1970"):
        Session(path)


def test_a_wrong_rate_takes_no_finger_away(path):
    before = measure_quality(path).measures["no_finger_percent"]
    with h5py.File(path, "r+") as file:
        state(rate_hz=100)(file)
    assert measure_quality(path).measures["no_finger_percent"] == before == 0.0


def test_two_samples_in_turn_are_no_session_too_short(path):
    with h5py.File(path, "r+") as file:
        swap_two_samples(file)
    assert summarise_session(path).ppg.hr_why_not == "sample times that stand still or go back"
    texts = [flag.text for flag in measure_quality(path).flags]
    assert "1 sample time not later than the one before, by up to 40.0 ms" in texts
    assert not [text for text in texts if "too short" in text]


def test_a_frame_as_late_as_the_one_before_goes_back_by_nothing(path):
    with h5py.File(path, "r+") as file:
        file[layout.FRAME_TIME][101] = file[layout.FRAME_TIME][100]
    (text,) = [flag.text for flag in measure_quality(path).flags if flag.kind == "times_back"]
    assert text == "1 frame time not later than the one before"


def test_without_a_sample_nothing_is_said_of_a_finger(tmp_path):
    quality = measure_quality(make_session(tmp_path, seconds=12.0, ppg=[]))
    assert not [flag.text for flag in quality.flags if "finger" in flag.text]


def test_measures_that_no_recording_has_are_refused(path, acq_here):
    data = data_folder.root_of(path)
    assert acq_here("qc", "--data", data, "--quiet").returncode == 0
    quality = data_folder.quality_file(path)
    rate = np.format_float_positional(read_quality(path).measures["ppg_rate_hz"])
    text = quality.read_text()
    assert f'"ppg_rate_hz": {rate}' in text
    quality.write_text(text.replace(f'"ppg_rate_hz": {rate}', '"ppg_rate_hz": 1e308'))
    listed = list_sessions(data)
    assert listed.rows[0].ppg_rate_hz == pytest.approx(25, abs=0.1)
    assert "measures below 1e+13, found ppg_rate_hz 1e+308" in listed.rows[0].problem
