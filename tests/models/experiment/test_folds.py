"""Folds, seeds and interrupted runs, on small curated folders."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acq.commands.evaluate import _echo
from acquire.errors import TrainingError
from dataset.common.workers import Outcome, Workers
from models.data.curated import load_curated
from models.evaluation.compare import compare_methods
from models.evaluation.published import gain_over_seeds
from models.experiment import schedule
from models.experiment.plan import RunPlan, Unit, load_plan, sides_of_folds
from models.experiment.run import train_kd
from models.nets.checkpoint import load_checkpoint
from models.training.recipe import Recipe
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.loss_logs import read_losses
from tests.support.stand_ins import stand_in_teacher

QUICK = Recipe(epochs=1, teacher_epochs=1, precision="float32")


def test_every_subject_is_tested_once_by_networks_that_never_saw_it(data):
    whole = load_curated(data)
    folds = sides_of_folds(whole, 3)
    assert sorted(s for fold in folds for s in fold.subjects["test"]) == ["S01", "S02", "S03"]
    assert all(not set(fold.subjects["train"]) & set(fold.subjects["test"]) for fold in folds)
    assert len({fold.split_hash for fold in folds}) == 3
    assert [fold.split_hash for fold in folds] == [
        fold.split_hash for fold in sides_of_folds(whole, 3)
    ]
    with pytest.raises(TrainingError, match="2 to 3 folds, as there are 3 subjects, found 4"):
        sides_of_folds(whole, 4)


def started(data):
    """Return a recipe whose teacher starts from another, which every process has to find."""
    return replace(QUICK, init=str(data / "start.safetensors"))


@pytest.fixture(scope="module")
def in_one_thread():
    """As a process of several trains: other numbers of threads add in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def run(data, in_one_thread):
    """Two folds of two seeds, one after the other in one thread."""
    stand_in_teacher(data / "start.safetensors")
    told = []

    def tell(stage, *_):
        if stage == "2 of 4: student" and stage not in told:
            # of this unit one network is trained, of the one before all three
            told.append(sorted(logs_in(data / "runs")))
        told.append(stage)

    # its report is put together, but tests of the report render the drawings
    with patch("matplotlib.figure.Figure.savefig", lambda _, file, **__: file.write(b"<svg/>")):
        made = train_kd(
            data, recipe=started(data), device="cpu", folds=2, seeds=2, has_logs=True,
            on_progress=tell,
        )
    return made, told


def logs_in(root):
    """Return the networks whose losses are logged, by their folders in the run's logs."""
    found = {path.parent for path in root.rglob("events.out.tfevents.*")}
    return {str(folder).partition("/tensorboard/")[2]: folder for folder in found}


def test_a_run_of_folds_and_seeds(run, data):
    made, told = run
    metrics = json.loads((made.folder / "metrics.json").read_text())
    tested = [fold["test"] for fold in metrics["folds"]]
    assert sorted(name for names in tested for name in names) == ["S01", "S02", "S03"]
    assert [one["seed"] for one in metrics["seeds"]] == [0, 1]
    assert metrics["methods"]["teacher"]["windows"] == 9         # 3 of each subject
    assert metrics["methods"]["green"]["mae_bpm"] < 0.5
    assert metrics["methods"]["student"]["interval"]["mae_bpm"] is not None
    by_fold = [fold["methods"]["student_kd"]["mae_bpm"] for fold in metrics["folds"]]
    weights = [len(names) for names in tested]
    assert metrics["methods"]["student_kd"]["mae_bpm"] == pytest.approx(
        np.average(by_fold, weights=weights)
    )
    # the paper's count: of each fold, then their mean, whatever a fold's size
    parts = [*metrics["folds"], metrics["seeds"][0]]
    *by_fold, of_seed = (part["methods"]["student_kd"]["per_signal"]["mae_bpm"] for part in parts)
    of_run = metrics["methods"]["student_kd"]
    assert of_run["per_signal"]["mae_bpm"] == of_seed == pytest.approx(np.mean(by_fold))
    assert of_seed != pytest.approx(of_run["per_video_mean"]["mae_bpm"])
    # of the fold with two subjects; the other's one stays as it is
    assert [fold["methods"]["student_kd"]["per_signal"]["interval"]["mae_bpm"] is None
            for fold in metrics["folds"]] == [len(names) == 1 for names in tested]
    low, high = of_run["per_signal"]["interval"]["mae_bpm"]
    assert low < of_run["per_signal"]["mae_bpm"] < high
    checkpoint = load_checkpoint(made.folder / "seed1" / "fold2" / "student.safetensors")
    assert checkpoint.about["subjects"] == {"train": tested[0], "test": tested[1]}
    assert "4 of 4: student + KD" in told
    assert (made.folder / "report.html").exists()
    assert not list((data / "runs").glob(".*"))


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")       # TensorBoard's own
def test_every_fold_of_every_seed_is_logged_while_it_trains(run):
    made, told = run
    networks = ("student", "student_kd", "teacher")
    assert next(entry for entry in told if isinstance(entry, list)) == [
        *(f"seed0/fold1/{name}" for name in networks), "seed0/fold2/teacher",
    ]
    logs = logs_in(made.folder)
    assert sorted(logs) == [
        f"seed{seed}/fold{fold}/{name}" for seed in (0, 1) for fold in (1, 2) for name in networks
    ]
    losses = {name: read_losses(folder)["loss"] for name, folder in logs.items()}
    for name in networks:
        curve = made.metrics["methods"][name]["curve"]
        assert losses[f"seed0/fold1/{name}"] == [(1, pytest.approx(curve[0]["loss"]))]
    assert len({points[0] for points in losses.values()}) == len(losses)


def test_a_run_of_folds_and_seeds_is_evaluated_to_its_own_numbers(run, data, capsys):
    made, _ = run
    metrics = json.loads((made.folder / "metrics.json").read_text())
    read = json.loads(json.dumps(compare_methods(data, [made.folder.name, "green"]).summary()))
    for part in ("verdict", "folds", "seeds", "split_hash", "data_hash"):
        assert read[part] == metrics[part], part
    _echo(read)
    lines = capsys.readouterr().out.splitlines()
    for fold in (1, 2):
        assert any(line.startswith(f"fold {fold}: ") for line in lines)
    (mean,) = (line for line in lines if line.startswith("mean of folds, per signal"))
    for network in ("teacher", "student", "student_kd"):
        errors = metrics["methods"][network]["per_signal"]
        assert f"{errors['mae_bpm']:.2f} / {errors['rmse_bpm']:.2f}" in mean
        ends = errors["interval"]["mae_bpm"]
        assert f"[{ends[0]:.2f}, {ends[1]:.2f}]" in lines[lines.index(mean) + 1]
    assert [line.split()[:2] for line in lines if re.match(r"seed \d", line)] == [
        ["seed", "0"], ["seed", "1"],
    ]
    assert lines[-1] == gain_over_seeds(metrics["seeds"])
    assert read["verdict"]["words"][-1] == "Errors are means over 2 seeds."
    again = read["methods"]
    assert list(again) == [
        *(f"{made.folder.name}/seed{seed}/{name}" for seed in (0, 1)
          for name in ("teacher", "student", "student_kd")), "green", "mean_rate",
    ]
    for of_seed in metrics["seeds"]:
        for name in ("teacher", "student", "student_kd"):
            figures = of_seed["methods"][name]
            found = again[f"{made.folder.name}/seed{of_seed['seed']}/{name}"]
            assert {key: found[key] for key in figures} == figures
    for name in ("green", "mean_rate"):
        assert again[name] == metrics["methods"][name]
    one = compare_methods(data, [str(made.folder / "seed1" / "student.safetensors")]).summary()
    assert json.loads(json.dumps(one))["methods"] == {
        name: again[name] for name in (f"{made.folder.name}/seed1/student", "mean_rate")
    }
    assert [seed["seed"] for seed in one["seeds"]] == [1]
    # one fold's alone, which was trained on who is tested without folds
    fold = 2 if "S03" in metrics["folds"][0]["test"] else 1
    of_fold = made.folder / "seed1" / f"fold{fold}" / "student.safetensors"
    with pytest.raises(TrainingError, match="a network of this split") as caught:
        compare_methods(data, [str(of_fold)])
    named = f"{made.folder.name}/seed1/student"
    assert caught.value.fix == (
        f"name {named}: each fold is read by its own network, as it was tested"
    )
    assert list(compare_methods(data, [named]).videos) == [named, "mean_rate"]
    (warning,) = compare_methods(data, [str(of_fold)], other_data=True).warnings
    assert warning.startswith("student was trained on S03: its figures here show how well it rem")
    with pytest.raises(TrainingError, match="the side test, for a run in folds, found train"):
        compare_methods(data, [made.folder.name], side="train")


def test_processes_give_the_same_as_this_one(run, data, no_report):
    here = run[0].metrics
    made = train_kd(
        data, recipe=started(data), device="cpu", folds=2, has_logs=True, workers=Workers(2),
    )
    there = made.metrics
    assert logs_in(made.folder).keys() == {
        name.removeprefix("seed0/") for name in logs_in(run[0].folder) if "seed1" not in name
    }
    assert here["seeds"][:1] == there["seeds"]
    assert here["folds"] == there["folds"]
    for name in ("teacher", "student", "student_kd"):
        assert here["methods"][name]["curve"] == there["methods"][name]["curve"], name


def test_a_unit_does_not_read_the_recordings_again(data, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise AssertionError("the recordings are read")

    monkeypatch.setattr("models.data.curated.check_of_today", refuse)
    monkeypatch.setattr(schedule, "train_networks", lambda fold, *_, **__: fold)
    plan = RunPlan(data, device="cpu")
    fold = schedule.train_unit(Unit(0, 0), plan=plan, recipe=QUICK, part=tmp_path, threads=1)
    assert [video.subject for video in fold.test] == ["S03"]
    with pytest.raises(AssertionError, match="are read"):
        load_plan(plan)


@pytest.mark.parametrize(("cores", "jobs", "at_once", "threads"), [
    pytest.param(8, None, 3, 2, id="a process a training, the cores shared"),
    pytest.param(2, None, 2, 1, id="no more than the cores"),
    pytest.param(8, 2, 2, 4, id="as told"),
    pytest.param(2, 3, 3, 1, id="more than the cores, as told"),
])
def test_trainings_side_by_side_share_the_cores_as_threads(
    data, tmp_path, monkeypatch, cores, jobs, at_once, threads
):
    """Three trainings, which are noted and not done."""
    noted = []

    def note(work, units, *, workers):
        noted.append((len(units), workers, work.keywords["threads"]))
        yield from ((at, Outcome(None, "that is enough")) for at in range(len(units)))

    monkeypatch.setattr(schedule, "work_through", note)
    monkeypatch.setattr("dataset.common.workers._available_bytes", lambda: 2**40)
    for module in ("dataset.common.workers", "models.experiment.schedule"):
        monkeypatch.setattr(f"{module}.usable_cores", lambda: cores)
    plan = RunPlan(data, folds=3, device="cpu")
    folds = load_plan(plan, of_today=False).folds
    with pytest.raises(TrainingError, match=r"3 that failed: .*that is enough"):
        schedule.train_units(
            plan, Recipe(), folds, part=tmp_path, device=torch.device("cpu"),
            workers=Workers(jobs), on_progress=None,
        )
    assert noted == [(3, Workers(at_once), threads)]


SCRIPT = """
import sys, torch
from pathlib import Path
from models.experiment.run import train_kd
from models.training.recipe import Recipe
torch.set_num_threads(1)
recipe = Recipe(epochs=2, teacher_epochs=1, precision="float32")
train_kd(Path(sys.argv[1]), recipe=recipe, device="cpu")
"""


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path, repo, in_one_thread, no_report):
    data = write_curated_folders(tmp_path, three_entries()[1:])    # one to train on, one to test
    killed = subprocess.Popen([sys.executable, "-c", SCRIPT, str(data)], cwd=repo)
    state = None
    while state is None and killed.poll() is None:
        state = next(iter((data / "runs").glob(".*/states/*/student.state")), None)
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert state is not None
    assert state.exists()
    with pytest.raises(
        TrainingError, match=r"expected recipe.epochs 2 as in the interrupted run .*, found 1"
    ):
        train_kd(data, recipe=QUICK, device="cpu", resume=True)
    recipe = replace(QUICK, epochs=2)
    folders = [
        train_kd(data, recipe=recipe, device="cpu", resume=resume).folder
        for resume in (True, False)
    ]
    for name in ("teacher", "student", "student_kd"):
        first, second = (
            load_checkpoint(folder / f"{name}.safetensors").net.state_dict()
            for folder in folders
        )
        assert all(torch.equal(first[key], second[key]) for key in first), name
    with pytest.raises(TrainingError, match="interrupted run"):
        train_kd(data, recipe=QUICK, device="cpu", resume=True)
