"""A whole run: what it writes, and what it leaves where it fails."""

import hashlib
import json

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.evaluation.compare import compare_methods
from models.evaluation.methods import COLOUR_TITLES
from models.experiment.run import train_kd
from models.training.recipe import Recipe
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.trained_runs import trained_run

pytestmark = pytest.mark.xdist_group("one trained run")


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "models-data"


@pytest.fixture(scope="session")
def run(data):
    return trained_run(data)


def test_a_run_leaves_everything_behind(run, data):
    result, told = run
    assert result.folder.parent == data / "runs"
    assert sorted(p.name for p in result.folder.iterdir()) == [
        "metrics.json", "report.html", "student.safetensors", "student_kd.safetensors",
        "teacher.safetensors",
    ]
    assert not list((data / "runs").glob(".*"))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == [
        "find faces, average frames", "teacher", "student", "student + KD", "figures and report",
    ]
    for stage in stages:
        ends = [(done, total) for name, done, total in told if name == stage]
        assert ends[-1][0] == ends[-1][1] > 0


def test_metrics_say_what_they_come_from(run):
    result, _ = run
    metrics = json.loads((result.folder / "metrics.json").read_text())
    for name, parameters in (("teacher", 795_811), ("student", 24_769), ("student_kd", 24_769)):
        assert metrics["methods"][name]["parameters"] == parameters
        assert metrics["methods"][name]["windows"] == 3  # of 10 s in 12 s, one a second
        assert (
            metrics["methods"][name]["mae_bpm"] == metrics["methods"][name]["videos"][0]["mae_bpm"]
        )
        assert metrics["methods"][name]["ms_per_frame"] > 0
    assert metrics["people"] == "virtual"
    assert metrics["subjects"] == {"train": ["S01", "S02"], "test": ["S03"]}
    assert metrics["split_hash"] == "split-1"
    assert metrics["read_from"] == "ubfc"
    assert metrics["recipe"]["seed"] == 3
    assert metrics["heart_rate"]["fft_grid_bpm"] == 0.1
    assert metrics["networks"] == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in result.folder.glob("*.safetensors")
    }


def test_evaluating_a_run_gives_its_own_numbers_to_the_last_digit(run, data):
    result, _ = run
    metrics = json.loads((result.folder / "metrics.json").read_text())
    threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(threads, 2))         # another number than in its training
    try:
        read = compare_methods(data, [result.folder.name, *COLOUR_TITLES]).summary()
    finally:
        torch.set_num_threads(threads)
    again = json.loads(json.dumps(read))
    assert again["verdict"] == metrics["verdict"]
    assert again["verdict"]["student_kd_against_student"] is not None
    again = again["methods"]
    for name, figures in metrics["methods"].items():
        found = again.get(f"{result.folder.name}/{name}") or again[name]
        assert found == {key: figures[key] for key in found}, name


def test_runs_that_cannot_be_written_are_known_before_training(tmp_path):
    write_curated_folders(tmp_path, three_entries())
    (tmp_path / "runs").write_text("in the way")
    told = []
    with pytest.raises(TrainingError, match="runs"):
        train_kd(tmp_path, device="cpu", on_progress=lambda *words: told.append(words[0]))
    assert "teacher" not in told


def test_a_run_that_fails_leaves_nothing(tmp_path):
    write_curated_folders(tmp_path, three_entries())
    with pytest.raises(TrainingError, match="learning rate"):
        train_kd(
            tmp_path, recipe=Recipe(epochs=1, teacher_epochs=1, learning_rate=1e30), device="cpu"
        )
    assert not list((tmp_path / "runs").iterdir())
