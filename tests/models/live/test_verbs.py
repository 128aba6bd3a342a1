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
import warnings
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from typer.testing import CliRunner

from acq.main import app, main
from acquire.camera.replay import ReplayCamera
from acquire.camera.source import EndOfStream
from acquire.errors import AcqError, DeviceError, SessionError, TrainingError
from acquire.simulation.subject import VirtualSubject
from models.board.onnx_net import SHIPPED
from models.live.pulse import open_live_pulse
from models.live.states import LOOKING, READING, SETTLING
from tests.support.made_videos import pictures, write_video
from tests.support.terminals import Terminal

pytestmark = pytest.mark.real_time

FIRST_S, WITHIN_BPM = 12.0, 3.0
FPS, SECONDS = 25.0, 16.0
SUBJECT = VirtualSubject("S08")


def acq(*words):
    """Run a verb; an `AcqError` is raised."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, AcqError):
        raise done.exception
    return done


def times(seconds=SECONDS):
    return np.arange(round(seconds * FPS)) / FPS


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Sixteen seconds of a virtual subject, lossless."""
    path = tmp_path_factory.mktemp("video") / "face.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=int(FPS))
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for at, t in enumerate(times()):
            frame = av.VideoFrame.from_ndarray(SUBJECT.frame(float(t), at), format="yuv420p")
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


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


def meant_bpm(from_s, to_s):
    return float(SUBJECT.heart_rate(np.linspace(from_s, to_s, 100)).mean())


# -- a video


@pytest.fixture(scope="module")
def as_live(video):
    """What `acq predict` prints of the video, read as live, and the table it writes."""
    table = video.with_name("pulse.csv")
    done = acq("predict", video, "--as-live", "--json", "--table", table)
    assert done.exit_code == 0, done.output
    return json.loads(done.output), table


def test_predict_reads_a_virtual_subject_s_heart_rate(video, as_live):
    said, table = as_live
    assert said["frames"] == len(times())
    assert said["fps"] == pytest.approx(FPS)
    assert [one["state"] for one in said["states"]] == [SETTLING, READING]
    assert said["states"][1]["from_s"] < FIRST_S
    assert said["hr_bpm"] == pytest.approx(meant_bpm(0, SECONDS), abs=WITHIN_BPM)
    assert said["net"]["net"] == "student"
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == [row["state"] for row in said["rows"]]
    assert float(rows[-1]["hr_bpm"]) == said["rows"][-1]["hr_bpm"]
    assert "finger_bpm" in rows[0]
    with pytest.raises(AcqError, match="allow it to replace what is there"):
        acq("predict", video, "--table", table)


def test_predict_with_the_int8_student_is_within_one_bpm(video):
    int8 = ("--net", SHIPPED / "student-int8.onnx")
    said, small = (
        json.loads(acq("predict", video, "--json", *words).output) for words in ((), int8)
    )
    assert small["hr_bpm"] == pytest.approx(said["hr_bpm"], abs=1.0)
    assert small["hr_bpm"] != said["hr_bpm"]


def test_predict_in_words(video):
    done = acq("predict", video, "--as-live", "--quiet")
    assert done.exit_code == 0, done.output
    assert "0:00 to 0:11  settling: face found; heart rate in 11 s" in done.output
    assert "heart rate" in done.output.splitlines()[-1]


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("predict", "nothing.mkv"), "expected a video to replay"),
        (("live", "nothing.h5"), "found nothing at nothing.h5"),
        (("live", "film.mp4"), "a video is played with replay:film.mp4"),
        (("live", "--table", "no/l.csv"), "expected a folder for l.csv, found nothing at no; make"),
        (("live", "nonsense"), "expected a camera as one of auto, csi"),
        (
            ("live", "auto", "--net", "nowhere"),
            "a run or an export, found nothing at nowhere; acq train-kd makes",
        ),
        (("live", "--duration", "soon"), "expected a time such as"),
        (("record", "--subject", "S01", "--simulate", "--live", "--quiet"), "leave out --quiet"),
        (("record", "--subject", "S01", "--simulate", "--net", "x"), "say --live too"),
        (
            ("record", "--subject", "S01", "--simulate", "--live", "--net", "x", "--data", "no"),
            "a run or an export, found nothing at x;",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").write_text("no film")
    monkeypatch.setattr("acq.main.raise_on_signals", lambda *names: None)     # of pytest itself
    monkeypatch.setattr("warnings.showwarning", warnings.showwarning)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.argv", ["acq", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (1, 2)
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.h5"))


def test_a_broken_video_is_said_and_no_heart_rate_is_given(tmp_path, video):
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(video.read_bytes()[:200])
    with pytest.raises(DeviceError, match="expected a video to replay"):
        acq("predict", cut)


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


def test_a_board_without_onnxruntime_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr("dataset.face.onnx_file.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="found no package onnxruntime; install acq again"):
        open_live_pulse()


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
