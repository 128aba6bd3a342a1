"""`acq predict` on a video with the shipped student, and what the verbs of a live pulse refuse."""

import csv
import json
import warnings

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from acq.main import main
from acquire.errors import AcqError, DeviceError, TrainingError
from models.board.onnx_net import SHIPPED
from models.live.pulse import open_live_pulse
from models.live.states import READING, SETTLING
from tests.support.subject_video import FPS, SECONDS, SUBJECT, acq, times

FIRST_S, WITHIN_BPM = 12.0, 3.0


def meant_bpm(from_s, to_s):
    return float(SUBJECT.heart_rate(np.linspace(from_s, to_s, 100)).mean())


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


def test_a_board_without_onnxruntime_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr("dataset.face.onnx_file.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="found no package onnxruntime; install acq again"):
        open_live_pulse()
