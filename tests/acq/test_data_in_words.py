"""What a verb says beside its errors: a command in it is of the data folder that was named."""

import os
from types import SimpleNamespace

import h5py
import pytest

from acq.commands.calibrate import _report
from acq.jobs.told import words_of_rest
from acq.rig.choices import Choices
from acq.rig.rig import Rig
from acquire.calibration.rig_file import read_rig
from tests.support.made_sessions import make_session


@pytest.fixture
def of_m(monkeypatch):
    monkeypatch.setattr("sys.argv", ["acq", "studio", "--data", "m"])


def test_info_of_a_recording_that_was_cut_short(tmp_path, acq_here):
    whole = make_session(tmp_path / "m", seconds=0.5, complete=False)
    with h5py.File(whole, "r+", libver="latest") as file:
        file.swmr_mode = True
        file.flush()
        cut = whole.with_name("S01-20250101T000000Z.h5")
        cut.write_bytes(whole.read_bytes())
    os.utime(cut, (0, 0))
    for option in (("--data", "m"), ("--data=m",)):
        done = acq_here("info", cut.stem, *option)
        assert "cut short; `acq recover --data m` makes it whole" in done.stdout, done.stderr


def test_calibrate(repo, tmp_path, capsys, of_m):
    rig = read_rig(repo / "tests/data/before_wings")
    assert rig is not None
    _report(rig, tmp_path / "rig.json")
    assert "; acq record --data m stores it with each session" in capsys.readouterr().out


def test_a_file_that_live_does_not_play(tmp_path, acq_here):
    (tmp_path / "v.avi").write_bytes(b"RIFF")
    done = acq_here("live", "v.avi", "--data", "m")
    assert done.stderr.endswith("replay:v.avi, and acq predict --data m reads it\n")


def test_the_studio_of_what_a_withdrawal_leaves(of_m):
    line, *_ = words_of_rest(["m/runs/20261128T185019Z"], (), ())
    assert line.endswith("; acq runs --remove 20261128T185019Z --data m, in a terminal, removes it")


def test_the_studio_of_a_recording_that_was_killed(tmp_path, of_m):
    rig = Rig(tmp_path, Choices.named("auto", "auto"))
    rig._end_recording(SimpleNamespace(end=None))
    assert rig.state()["ended"]["shortcomings"] == ["acq recover --data m makes the file whole"]
