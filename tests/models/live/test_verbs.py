"""`acq predict`, `acq live` and `acq record --live` with the shipped student."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from acquire.camera.replay import ReplayCamera
from acquire.camera.source import EndOfStream
from acquire.errors import SessionError
from models.live.states import LOOKING, READING, SETTLING
from tests.support.made_videos import pictures, write_video
from tests.support.subject_video import SECONDS, acq
from tests.support.terminals import Terminal

pytestmark = pytest.mark.real_time

FIRST_S, WITHIN_BPM = 12.0, 3.0


@dataclass
class Evening:
    """The outputs of everything that runs in real time; all of it ran at once."""

    data: Path            # of the recorder
    recorder: str         # the terminal of `acq record --live`
    followed: list        # rows of `acq live`, of its session
    panel: str            # the terminal of `acq live`
    replayed: list        # rows of `acq live`


@pytest.fixture(scope="module")
def evening(tmp_path_factory, video):
    data = tmp_path_factory.mktemp("evening")
    with (
        Terminal(
            "record", "--subject", "S01", "--simulate", "--live", "--duration", "17s", "--data",
            data, cwd=data,
        ) as recorder,
        Terminal("live", f"replay:{video}", cwd=data) as panel,
        in_background("live", f"replay:{video}", "--json") as replayed,
    ):
        end = time.monotonic() + 200
        while not list(data.glob("sessions/S01/*.h5")):
            assert time.monotonic() < end
            recorder.read(0.1)
        with in_background("live", data, "--json") as followed:
            assert recorder.finish(300) == 0
            assert panel.finish(300) == 0
            outputs = [process.communicate(timeout=300)[0] for process in (followed, replayed)]
            assert (followed.returncode, replayed.returncode) == (0, 0)
    rows = [[json.loads(line) for line in output.splitlines()] for output in outputs]
    return Evening(data, recorder.output, rows[0], panel.output, rows[1])


@contextmanager
def in_background(*words, **kwargs):
    """Run a verb beside the test, and no longer: `live` by itself ends for Ctrl-C alone."""
    with subprocess.Popen(
        [sys.executable, "-m", "acq.main", *map(str, words)], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3], **kwargs,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_predict_on_a_session_lays_the_finger_beside(evening):
    session = next(evening.data.glob("sessions/S01/*.h5"))
    done = acq("predict", session, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["simulated"] is True
    assert said["mae_bpm"] < WITHIN_BPM
    assert abs(said["finger_bpm"] - said["hr_bpm"]) < WITHIN_BPM
    assert said["no_finger"] == ""
    with pytest.raises(SessionError, match="times given for a session"):
        acq("predict", session, "--times", "x.csv")


# -- without torch


def test_the_whole_road_runs_where_torch_is_not_installed(video, tmp_path):
    """With torch, facenet-pytorch and onnx made impossible to import."""
    code = textwrap.dedent(f"""
        import sys
        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("torch", "torchvision", "facenet_pytorch", "onnx"):
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Missing())
        from acq.main import app, main
        predict = ["predict", {str(video)!r}, "--json"]
        for words in (predict, ["live", "replay:{video}", "--duration", "2s"]):
            try:
                app(words)
            except SystemExit as end:
                assert not end.code, end.code
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 0, done.stderr
    assert '"state": "reading"' in done.stdout
    assert "face found" in done.stderr
    assert "--duration of 2 s is too short for a heart rate: it takes 11 s" in done.stderr


# -- live


def test_live_reads_what_predict_reads_within_two_bpm_and_twelve_seconds(evening, as_live):
    """In real time, with the face searched in a thread, as at a camera."""
    rows = evening.replayed
    assert [row["state"] for row in rows][:2] == [LOOKING, SETTLING]
    told = [(row["time_s"], row["hr_bpm"]) for row in rows if row["hr_bpm"] is not None]
    assert told[0][0] - rows[1]["time_s"] < FIRST_S
    meant = {
        round(row["time_s"]): row["hr_bpm"] for row in as_live[0]["rows"]
        if row["hr_bpm"] is not None
    }
    compared = [(bpm, meant[round(t)]) for t, bpm in told if round(t) in meant]
    assert len(compared) >= 3
    assert np.abs(np.subtract(*np.transpose(compared))).max() < 2.0


def test_live_writes_rows_as_they_come_and_ends_on_ctrl_c(tmp_path):
    out = tmp_path / "live.csv"
    with in_background("live", "--simulate", "--table", out, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 200
        while not out.exists() or "settling" not in out.read_text():
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, lines = process.communicate(timeout=200)
    assert process.returncode == 0
    assert "no heart rate was read" in said
    assert "looking for a face" in lines
    with out.open() as file:
        assert [row["state"] for row in csv.DictReader(file)][:2] == [LOOKING, SETTLING]


def test_the_panel_shows_pulse_and_heart_rate(evening):
    assert "face found; heart rate in" in evening.panel
    assert " bpm" in evening.panel
    assert any(0x2800 < ord(one) < 0x2900 for one in evening.panel)
    assert "Ctrl-C ends it" in evening.panel
    assert "the mean of" in evening.panel.splitlines()[-1]


def test_record_live_shows_the_camera_s_pulse_and_loses_nothing(evening):
    parts = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", evening.recorder).split("camera  ")[1:]
    assert any("face found; heart rate in" in part[:60] for part in parts)
    assert any(" bpm" in part[:60] for part in parts)
    assert any("finger" in part for part in parts)
    assert "saved" in evening.recorder
    assert "\nlost " not in evening.recorder.split("saved", 1)[1]


def test_a_recording_is_followed_from_another_process_until_it_ends(evening):
    read = [row for row in evening.followed if row["state"] == READING]
    assert len(read) >= 3
    assert all(abs(row["hr_bpm"] - row["finger_bpm"]) < WITHIN_BPM for row in read)


def test_a_replay_started_long_ago_is_as_fast_as_it_decodes(tmp_path):
    video = tmp_path / "made.avi"
    write_video(video, pictures(10) * 48)                   # 16 s
    with closing(ReplayCamera(video)) as camera:
        camera.start(-10**18)
        begun = time.monotonic()
        assert all(camera.read(5.0) is not None for _ in range(camera.frames))
        assert time.monotonic() - begun < SECONDS
        with pytest.raises(EndOfStream):
            camera.read(5.0)
