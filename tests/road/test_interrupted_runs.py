"""A training that was interrupted is a run like others: listed, resumed, withdrawn, removed."""

import json

import pytest

pytest.importorskip("torch")

from typer.testing import CliRunner

from acq.main import app
from acquire.errors import BusyError, Fix, TrainingError
from acquire.writing import hold, named
from dataset.layouts.manifest_file import read_manifest
from dataset.run_results import read_run_results, remove_run
from dataset.runs import find_run_folder, read_training_runs
from dataset.verify.verify import verify_data
from dataset.withdraw.withdraw import withdraw
from models.experiment.run import train_kd
from models.training.recipe import Recipe
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.made_runs import make_run

RECIPE = Recipe(epochs=1, teacher_epochs=1, seed=3)


def interrupt_after_the_teacher(stage, done, total):
    """Interrupt as soon as the student begins: the teacher's state is kept."""
    if stage == "student":
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with one run that ended and one that was interrupted."""
    data = write_curated_folders(tmp_path_factory.mktemp("training") / "data", three_entries())
    subjects = {"train": ["S01", "S02"], "test": ["S03"]}
    data_hash = read_manifest(data / "ubfc" / "manifest.json").data_hash
    folder = make_run(data, "20260101T000000Z", **subjects, data_hash=data_hash)
    metrics = json.loads((folder / "metrics.json").read_text())
    interval = {"mae_bpm": [4.0, 7.5]}
    metrics["methods"] = {
        "teacher": {"mae_bpm": 5.25, "interval": interval, "parameters": 795_811},
        "student_kd": {"mae_bpm": 6.0, "interval": {"mae_bpm": None}, "parameters": 24_769},
        "green": {"mae_bpm": 9.0},
    }
    (folder / "metrics.json").write_text(json.dumps({**metrics, "folds": [1, 2], "seeds": [1]}))
    with pytest.raises(KeyboardInterrupt):
        train_kd(data, recipe=RECIPE, device="cpu", on_progress=interrupt_after_the_teacher)
    return data


def run(*words, data):
    return CliRunner().invoke(app, ["runs", *words, "--data", str(data)])


def test_it_is_listed_beside_those_that_ended(data):
    ended, interrupted = read_run_results(data)
    assert (ended.state, interrupted.state) == ("done", "interrupted")
    teacher = ended.methods[0]
    assert (teacher.mae_bpm, teacher.low_bpm, teacher.high_bpm) == (5.25, 4.0, 7.5)
    assert (ended.folds, ended.seeds, teacher.parameters) == (2, 1, 795_811)
    assert interrupted.epochs == 1                        # of the teacher
    assert ended.data_hash == interrupted.data_hash
    assert ended.is_current
    printed = run(data=data).stdout
    for text in (
        ended.name, interrupted.name, "5.25 [4.00, 7.50]", "795,811", "student + KD", "1 epoch",
        "acq train-kd --resume",
    ):
        assert text in printed
    assert "several seeds" not in printed
    listed = json.loads(run("--json", data=data).stdout)["runs"]
    assert [row["state"] for row in listed] == ["done", "interrupted"]
    assert json.loads(run(ended.name, "--json", data=data).stdout)["runs"] == listed[:1]


def test_of_several_seeds_the_one_that_is_shown_is_named(tmp_path):
    folder = make_run(tmp_path, "20260101T000000Z")
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics |= {"methods": {"teacher": {"mae_bpm": 5.25, "parameters": 1}}, "seeds": [0, 1]}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    printed = run(data=tmp_path).stdout
    assert "MAE of several seeds: of the first; the report has each, and the mean" in printed


def test_another_recipe_and_another_teacher_are_named(tmp_path):
    """A column is called teacher whoever taught: two runs looked alike."""
    for second, recipe in enumerate(({"name": "acq", "teacher": "can"}, {},
                                     {"name": "mine", "teacher": "tscan"})):
        folder = make_run(tmp_path, f"20260101T00000{second}Z")
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics |= {"methods": {"teacher": {"mae_bpm": 5.25, "parameters": 1}}, "recipe": recipe}
        (folder / "metrics.json").write_text(json.dumps(metrics))
    lines = run(data=tmp_path).stdout.splitlines()
    assert [line for line in lines if line.startswith("the ") and " of 2026" in line] == [
        "the recipe of 20260101T000002Z is mine", "the teacher of 20260101T000002Z is TS-CAN",
    ]
    listed = json.loads(run("--json", data=tmp_path).stdout)["runs"]
    assert [(one["recipe"], one["teacher"]) for one in listed] == [
        ("acq", "can"), ("", ""), ("mine", "tscan"),
    ]


def test_verify_takes_it_for_what_it_is(data):
    findings = verify_data(data).findings
    (finding,) = [one for one in findings if "was interrupted" in one.text]
    assert (finding.kind, finding.error.fix) == ("unchecked", Fix.RESUME_OR_REMOVE)
    assert not [one for one in findings if one.kind == "broken" and "/runs" in one.place]


def test_one_under_way_is_shown_with_its_process_and_not_removed(data):
    folder = read_run_results(data)[1].folder
    with hold(folder.parent, named(folder.name)):
        row = read_run_results(data)[1]
        assert row.state == "running"
        assert "process" in row.owner
        with pytest.raises(BusyError):
            remove_run(data, folder)


def test_what_is_to_be_removed_is_named_and_confirmed(data, tmp_path):
    with pytest.raises(TrainingError, match="a run 'nonsense'"):
        find_run_folder(data, "nonsense")
    folder, name = read_run_results(data)[1].folder, read_run_results(data)[1].name
    assert find_run_folder(data, name) == find_run_folder(data, str(folder)) == folder
    with pytest.raises(TrainingError, match=f"did you mean {name}"):
        find_run_folder(data, name[1:])
    with pytest.raises(TrainingError, match="found none"):        # a run of other data
        find_run_folder(data, str(tmp_path / "runs" / name))
    assert run("--remove", data=data).exit_code == 2
    refused = run("--remove", name, data=data)
    assert "--yes" in str(refused.exception)
    assert len(read_training_runs(data)) == 2


def test_a_subject_s_withdrawal_takes_its_states_with_it(data):
    """The last of these tests: it removes what the others look at."""
    subject = read_training_runs(data)[1].train[0]
    done = withdraw(data, subject, models=True)
    assert len(done.files.runs) == 2
    assert list(data.glob("runs/*")) + list(data.glob("runs/.*")) == []
    assert not [one for one in verify_data(data).findings if "/runs" in one.place]


def test_one_that_ended_is_removed_with_yes(tmp_path):
    (tmp_path / "sessions").mkdir()
    folder = make_run(tmp_path, "20260101T000000Z")
    make_run(tmp_path, "20260102T000000Z")
    done = run("--remove", "20260101T000000Z", "--yes", data=tmp_path)
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["20260102T000000Z"]
    assert str(folder) in done.stdout
