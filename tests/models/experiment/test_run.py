"""A whole run: what it writes, and what it leaves where it fails."""

import hashlib
import json
import shutil

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from acquire.interrupts import what_is_left
from dataset.run_results import compare_with_written
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
    assert again["warnings"] == []
    assert again["verdict"] == metrics["verdict"]
    assert again["verdict"]["student_kd_against_student"] is not None
    again = again["methods"]
    for name, figures in metrics["methods"].items():
        found = again.get(f"{result.folder.name}/{name}") or again[name]
        assert found == {key: figures[key] for key in found}, name


def test_figures_that_are_not_as_the_run_wrote_them_are_told(run, data, tmp_path):
    result, _ = run
    folder = tmp_path / result.folder.name
    shutil.copytree(result.folder, folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    found = metrics["methods"]["student"]["mae_bpm"]
    metrics["methods"]["student"]["mae_bpm"] = found + 3
    metrics["versions"]["acq"] = "0.1"
    (folder / "metrics.json").write_text(json.dumps(metrics))
    again = compare_methods(data, [str(folder / "student")]).summary()
    (told,) = again["warnings"]
    assert told == (
        f"1 figure of the run {folder.name} is not as in its metrics.json, by 3.00 at most: "
        f"methods.student.mae_bpm ({found + 3:.2f} there, {found:.2f} here); acq 0.1 wrote it"
    )
    metrics["seeds"][0]["methods"]["student"] |= {"mae_bpm": None, "rmse_bpm": 0, "snr_db": 99}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    told = compare_with_written(folder, again)
    assert told.startswith("4 figures of the run ")
    assert f", seed {metrics['recipe']['seed']}, student.mae_bpm (– there, " in told
    assert told.endswith(", and others; acq 0.1 wrote it")
    (folder / "metrics.json").write_text(json.dumps(metrics | {"data_hash": "0" * 64}))
    assert compare_with_written(folder, again) == ""


def test_a_run_of_which_a_network_is_gone_is_refused(run, data, tmp_path):
    result, _ = run
    folder = tmp_path / result.folder.name
    shutil.copytree(result.folder, folder)
    (folder / "teacher.safetensors").unlink()
    for named in (folder, folder / "teacher"):
        with pytest.raises(TrainingError, match=r"wrote as teacher\.safetensors, found nothing at"):
            compare_methods(data, [str(named)])


def test_a_run_whose_report_fails_keeps_what_it_trained_and_is_completed(tmp_path, monkeypatch):
    data = write_curated_folders(tmp_path, three_entries())
    recipe = Recipe(epochs=1, teacher_epochs=1, precision="float32")

    def fail(*_, **__):
        raise ValueError("a drawing that cannot be made")

    monkeypatch.setattr("models.report.write.write_report", fail)
    with pytest.raises(ValueError, match="a drawing"):
        train_kd(data, recipe=recipe, device="cpu")
    assert what_is_left() == "after an error"
    (part,) = (data / "runs").glob(".*.part")
    before = json.loads((part / "metrics.json").read_text())
    assert all((part / name).is_file() for name in before["networks"])
    monkeypatch.setattr("models.report.write.write_report", lambda *_, **__: None)
    told = []
    result = train_kd(
        data, resume=True, device="cpu", on_progress=lambda *words: told.append(words)
    )
    assert result.metrics["networks"] == before["networks"]
    (steps,) = (done for stage, done, _ in told if stage == "student + KD")
    assert steps > 0                                    # it had its epoch already
    assert [path.name for path in (data / "runs").iterdir()] == [result.folder.name]


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
