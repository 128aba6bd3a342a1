"""`acq bench-board`: stages, ratios and the folder that is timed; not the machine's own speed."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from typer.testing import CliRunner

from acq.main import app
from dataset.face.box import FaceBox
from models.board.onnx_net import SHIPPED
from models.timing.board_times import BoardTimes, board_name, find_board, time_board
from models.timing.stages import FPS, SETTLED, StageTime, make_face_frames, make_live
from tests.support.boards import make_board
from tests.support.live_scenes import RedOverGreen


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return make_board(tmp_path_factory.mktemp("board"))


def test_every_stage_is_timed_by_the_given_clock(board):
    ticks = itertools.count()
    # each reading of the clock is a millisecond later
    times = time_board(board, runs=20, now=lambda: next(ticks) / 1000)
    assert [stage.name for stage in times.stages] == [
        "find faces", "crop and average", "motion", "colours of the face", "heart rate of 10 s",
        "student", "teacher", "pipeline, student", "pipeline, teacher",
        "frame to heart rate, student",
    ]
    for stage in times.stages:
        assert (stage.median_ms, stage.p99_ms, stage.mean_ms) == pytest.approx((1.0, 1.0, 1.0))
    # heart rates are read in every second of 25 frames, and not before the window is full
    assert [stage.runs for stage in times.stages] == [2, 20, 20, 20, 2, *[20] * 4, 25]
    assert times.parameters == {"student": 24_769, "teacher": 795_811}
    assert times.checkpoints == {"student": "student_kd", "teacher": "teacher"}
    assert times.peak_mb > 20
    assert times.board == board_name() != ""


def test_ratios_are_of_medians(board):
    stages = [
        StageTime("student", 0.2, 9, 1, 1), StageTime("teacher", 2.0, 9, 1, 1),
        StageTime("pipeline, student", 0.5, 9, 1, 1),
    ]
    times = BoardTimes("", 1, "", board, {}, {}, {}, stages, 1)
    assert times.times_faster("", "student") == pytest.approx(10)
    assert times.times_faster("pipeline, ", "student") is None


def test_the_frames_are_those_of_a_rig():
    one, other = make_face_frames(2)
    assert one.shape == (360, 640, 3)
    assert one.dtype == np.uint8
    assert 0.5 < np.abs(one.astype(int) - other).mean() < 10


def test_the_way_as_live_reads_ten_seconds_once_a_second():
    # the portrait's face, as its finder sees it
    advance = make_live(RedOverGreen(), make_face_frames(4), [FaceBox(310, 80, 390, 190)])
    for _ in range(SETTLED):
        advance()
    rates = {id(rate): rate for _ in range(2 * FPS) if (rate := advance().rate) is not None}
    assert len(rates) == 3          # the last before, and two more
    assert all(rate.fs_hz == pytest.approx(FPS) for rate in rates.values())


def test_which_folder_is_meant(board, tmp_path):
    assert find_board(board, tmp_path).path.parent == board
    assert find_board(board.parent, tmp_path).path.parent == board
    assert find_board(None, tmp_path).path.parent == SHIPPED
    (tmp_path / "runs" / "20260101T000000Z").mkdir(parents=True)
    board.rename(board.with_name("moved"))
    board.with_name("moved").rename(tmp_path / "runs" / "20260101T000000Z" / "board")
    newest = tmp_path / "runs" / "20260101T000000Z" / "board"
    assert find_board(None, tmp_path).path.parent == newest
    newest.rename(board)


def test_the_command_prints_what_a_row_needs(board, tmp_path):
    result = CliRunner().invoke(app, ["bench-board", str(board), "--runs", "3"])
    assert result.exit_code == 0, result.output
    for words in (
        "24,769 parameters, 7,096,896 multiply-adds", "pipeline, teacher",
        "times faster than the teacher", "Jetson Nano", "peak memory", "ONNX Runtime",
        "from decoded frame to heart rate", "once a second",
    ):
        assert words in result.stdout
    body = json.loads(
        CliRunner().invoke(app, ["bench-board", str(board), "--runs", "3", "--json"]).stdout
    )
    assert body["multiply_adds"]["teacher"] == 62_685_056
    assert set(body["pipeline_times_faster"]) == {"student"}
    assert body["published"]["times"] == 10


def test_torch_is_not_imported(repo, board):
    code = """
import sys
for name in ("torch", "onnx", "facenet_pytorch", "safetensors"):
    sys.modules[name] = None      # importing it fails
from acq.main import main
main()
"""
    command = [sys.executable, "-c", code, "bench-board", str(board), "--runs", "1", "--json"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["checkpoints"]["student"] == "student_kd"
