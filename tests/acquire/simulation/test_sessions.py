"""Sessions simulated faster than real time, against the truth of the same devices."""

import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.advice import advise
from acq.main import app
from acquire import data_folder, layout
from acquire.errors import SessionError
from acquire.sensor.protocol import SENSOR_VIRTUAL
from acquire.simulation.sessions import (
    SimulatedSession,
    _run_sensor,
    simulate_session,
    write_sessions,
)
from acquire.simulation.subject import VirtualSubject

PLAN = SimulatedSession(subject="S02", session=1, seed=0, duration_s=4.0, fps=25.0)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return simulate_session(PLAN, tmp_path_factory.mktemp("data"))


def test_a_simulated_session_is_whole_and_marked(session):
    assert session.parts[-3:] == ("sessions", "S02", "S02-20260102T090000Z.h5")
    with h5py.File(session) as file:
        assert file.attrs["simulated"]
        assert file.attrs["complete"]
        assert file.attrs["subject"] == "S02"
        assert file.attrs["session_id"] == session.stem
        assert len(file[layout.FRAMES]) == 100
        assert np.array_equal(file[layout.FRAME_SEQUENCE], np.arange(100))
        assert np.diff(file[layout.FRAME_TIME]) == pytest.approx(40e6, abs=1.1e6)
        assert np.array_equal(
            np.diff(file[layout.PPG_SEQUENCE]), np.ones(len(file[layout.PPG_SEQUENCE]) - 1)
        )
        assert 98 <= len(file[layout.PPG_VALUE]) <= 100
        start_ns = int(file.attrs["started_monotonic_ns"])
        frame = VirtualSubject("S02", session=1).frame(
            (int(file[layout.FRAME_TIME][50]) - start_ns) * 1e-9, 50
        )
        assert np.array_equal(file[layout.FRAMES][50], frame)


def test_its_sample_times_hold_their_bounds(session):
    with h5py.File(session) as file:
        start_ns = int(file.attrs["started_monotonic_ns"])
        subject = VirtualSubject("S02", session=1)
        host = _run_sensor(PLAN, subject, start_ns - 1_000_000_000, start_ns)
        assert host.hello.sensor == SENSOR_VIRTUAL
        truth = np.array(
            [host.crystal.host_ns(ticks) for ticks in file[layout.PPG_TICKS][:].tolist()]
        )
        error, bound = file[layout.PPG_TIME] - truth, file[layout.PPG_BOUND][:]
        assert (bound > 0).all()
        assert (np.abs(error) <= bound).all()
        assert bound.max() < 2_500_000
        ppg = subject.ppg((truth - start_ns) * 1e-9)
        assert np.corrcoef(ppg, file[layout.PPG_VALUE])[0, 1] > 0.998


def test_the_same_plan_gives_the_same_session(session, tmp_path):
    again = simulate_session(PLAN, tmp_path)
    with h5py.File(session) as one, h5py.File(again) as other:
        for name in (*layout.COLUMNS, layout.EXCHANGES):
            assert np.array_equal(one[name], other[name]), name
        assert np.array_equal(one[layout.FRAMES][::20], other[layout.FRAMES][::20])


def test_nothing_is_replaced_unasked_and_no_part_is_left(session, tmp_path):
    data = session.parents[2]
    with pytest.raises(SessionError) as error:
        simulate_session(PLAN, data)
    assert "--force" in advise(error.value, "simulate")
    with pytest.raises(SessionError, match="found 1 of them"):
        write_sessions([SimulatedSession("S09", 0, 0, 1.0, 25.0), PLAN], data)
    assert not (data / "sessions" / "S09").exists()

    def full(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        simulate_session(SimulatedSession("S03", 0, 0, 1.0, 25.0), tmp_path, on_frame=full)
    assert not list((tmp_path / "sessions" / "S03").iterdir())


def test_acq_simulate_writes_every_subject_and_session(tmp_path):
    words = [
        "simulate", "--subjects", "2", "--sessions", "1", "--duration", "1s", "--seed", "3",
        "--data", str(tmp_path),
    ]
    result = CliRunner().invoke(app, [*words, "--jobs", "2", "--quiet", "--json"])
    assert result.exit_code == 0, result.output
    paths = json.loads(result.stdout)["sessions"]
    assert [p.split("/")[-2] for p in paths] == ["S01", "S02"]
    assert sorted(map(str, data_folder.session_files(tmp_path))) == sorted(paths)
    again = CliRunner().invoke(app, [*words, "--quiet"])
    assert isinstance(again.exception, SessionError)
    forced = CliRunner().invoke(app, [*words, "--jobs", "1", "--force", "--quiet"])
    assert forced.exit_code == 0
    assert "2 simulated sessions" in forced.stdout
