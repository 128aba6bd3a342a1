import json
from dataclasses import replace
from datetime import datetime, timezone
from functools import cache

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.data.curated import load_curated
from models.experiment.run import train_kd
from models.experiment.run_folder import claim_folder
from models.nets.can import Student, Teacher
from models.nets.checkpoint import load_checkpoint
from models.training.device import pick_device, uses_bfloat16
from models.training.recipe import Recipe
from models.training.train import train_networks, train_student
from tests.support.curated_folders import curate, three

CPU = torch.device("cpu")


@cache
def whole_run(folder):
    """One whole run over three virtual subjects; made once, whoever asks for it."""
    told = []
    data = curate(folder, three())
    recipe = Recipe(epochs=2, teacher_epochs=1, seed=3)
    return train_kd(
        data, recipe=recipe, device="cpu", on_progress=lambda *words: told.append(words)
    ), told


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The data folder of that run."""
    folder = tmp_path_factory.getbasetemp() / "models-data"
    whole_run(folder)
    return folder


@pytest.fixture(scope="session")
def run(data):
    return whole_run(data)


def test_a_run_leaves_everything_behind(run, data):
    result, told = run
    assert result.folder.parent == data / "runs"
    assert sorted(p.name for p in result.folder.iterdir()) == [
        "metrics.json", "report.html", "student.safetensors", "student_kd.safetensors",
        "teacher.safetensors",
    ]
    assert not list((data / "runs").glob(".*"))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == ["find faces, average frames", "teacher", "student", "student + KD"]
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
    assert metrics["recipe"]["seed"] == 3
    assert metrics["heart_rate"]["fft_grid_bpm"] == 0.1


def test_checkpoints_belong_to_their_data(run):
    result, _ = run
    path = result.folder / "student_kd.safetensors"
    checkpoint = load_checkpoint(path, split_hash="split-1", data_hash=result.metrics["data_hash"])
    assert isinstance(checkpoint.net, Student)
    assert checkpoint.about["recipe"]["epochs"] == 2
    with pytest.raises(TrainingError, match="data_hash other"):
        load_checkpoint(path, data_hash="other")


def test_the_same_seed_gives_the_same_weights(data):
    curated = load_curated(data)
    recipe = Recipe(epochs=1, teacher_epochs=1, seed=5)
    first, again = (train_networks(curated, recipe, device=CPU) for _ in range(2))
    for name in first:
        for a, b in zip(first[name].net.parameters(), again[name].net.parameters(), strict=True):
            assert torch.equal(a, b), name


def test_both_students_begin_alike_and_see_the_same(data):
    # With no weight on the teacher, distilling must be the student alone.
    curated = load_curated(data)
    recipe = Recipe(epochs=1, precision="float32")
    recipe = replace(
        recipe,
        distill=replace(recipe.distill, weight_middle=0.0, weight_last=0.0, weight_pulse=0.0),
    )
    alone = train_student(curated, recipe, device=CPU).net
    taught = train_student(curated, recipe, teacher=Teacher(), device=CPU).net
    for (name, a), b in zip(alone.named_parameters(), taught.named_parameters(), strict=True):
        torch.testing.assert_close(a, b[1], atol=1e-6, rtol=1e-5, msg=name)


def test_a_teacher_stays_as_it_was(data):
    # Else a teacher lent to a student on the GPU is left there, frozen, and the report cannot ask
    # it for its masks.
    teacher = Teacher()
    train_student(load_curated(data), Recipe(epochs=1), teacher=teacher, device=CPU)
    assert teacher.training
    assert all(parameter.requires_grad for parameter in teacher.parameters())


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path):
    begun = datetime(2026, 11, 22, 10, 15, tzinfo=timezone.utc)
    claims = [claim_folder(tmp_path / "runs", begun) for _ in range(2)]     # two at once
    for part, folder in claims:
        part.rename(folder)
    claims.append(claim_folder(tmp_path / "runs", begun))  # and one when both are done
    assert [folder.name for _, folder in claims] == [
        "20261122T101500Z", "20261122T101500Z-2", "20261122T101500Z-3",
    ]


def test_runs_that_cannot_be_written_are_known_before_training(tmp_path):
    curate(tmp_path, three())
    (tmp_path / "runs").write_text("in the way")
    told = []
    with pytest.raises(TrainingError, match="runs"):
        train_kd(tmp_path, device="cpu", on_progress=lambda *words: told.append(words[0]))
    assert "teacher" not in told


def test_a_run_that_fails_leaves_nothing(tmp_path):
    curate(tmp_path, three())
    with pytest.raises(TrainingError, match="learning rate"):
        train_kd(
            tmp_path, recipe=Recipe(epochs=1, teacher_epochs=1, learning_rate=1e30), device="cpu"
        )
    assert not list((tmp_path / "runs").iterdir())


def test_precisions():
    assert uses_bfloat16("bfloat16", CPU)
    assert not uses_bfloat16("float32", CPU)
    with pytest.raises(ValueError, match="bf16"):
        uses_bfloat16("bf16", CPU)


def test_devices():
    assert pick_device("cpu") == CPU
    with pytest.raises(TrainingError, match="tpu"):
        pick_device("tpu")
