"""`acq evaluate` on a small curated folder."""

import json

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from typer.testing import CliRunner

from acq.advice import advise
from acq.main import app
from acquire.errors import TrainingError
from dataset.layouts.ubfc import read_labels
from models.data.curated import load_curated
from models.evaluation.compare import compare_methods, window_table
from models.evaluation.inference import predict_changes
from models.evaluation.video_result import evaluate_changes
from models.nets.can import Student, Teacher
from models.nets.checkpoint import save_checkpoint
from tests.support.curated_folders import three_entries, write_curated_folders


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_curated_folders(tmp_path_factory.mktemp("evaluated"), three_entries())


def checkpoint(path, curated, **hashes):
    torch.manual_seed(0)
    about = {"split_hash": curated.split_hash, "data_hash": curated.data_hash, **hashes}
    save_checkpoint(
        path, Student(), **about, about={"subjects": {"train": ["S01", "S02"], "test": ["S03"]}}
    )
    return path


@pytest.fixture(scope="module")
def curated(data):
    return load_curated(data)


def run_evaluate(*words):
    return CliRunner().invoke(
        app, ["evaluate", *map(str, words), "--quiet"], catch_exceptions=False
    )


def test_methods_and_a_checkpoint_in_one_table(data, curated, tmp_path):
    ours = checkpoint(tmp_path / "student.safetensors", curated)
    result = run_evaluate(
        "--data", data, "green", "pos", ours, "--json", "--table", tmp_path / "windows.csv"
    )
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert list(summary["methods"]) == ["green", "pos", "student", "mean_rate"]
    assert summary["methods"]["green"]["mae_bpm"] < 0.5     # the portrait's green is the pulse
    assert summary["subjects"] == ["S03"]
    assert summary["methods"]["green"]["interval"]["mae_bpm"] is None
    assert summary["warnings"] == []
    rows = pd.read_csv(tmp_path / "windows.csv")
    assert len(rows) == 4 * summary["methods"]["green"]["windows"]
    green = rows[rows.method == "green"]
    assert (green.predicted_bpm - green.reference_bpm).abs().mean() == pytest.approx(
        summary["methods"]["green"]["mae_bpm"]
    )


def test_a_silent_network_is_as_far_off_as_the_mean_rate(data, curated, tmp_path):
    silent = Student()
    for weights in silent.parameters():
        torch.nn.init.zeros_(weights)
    path = tmp_path / "student.safetensors"
    save_checkpoint(
        path, silent, split_hash=curated.split_hash, data_hash=curated.data_hash,
        about={"subjects": {"train": ["S01", "S02"], "test": ["S03"]}},
    )
    comparison = compare_methods(data, [str(path)])
    methods = comparison.summary()["methods"]
    assert methods["student"]["mae_bpm"] == methods["mean_rate"]["mae_bpm"] > 0
    assert (methods["student"]["coverage_percent"], methods["student"]["snr_db"]) == (0, None)
    table = window_table(comparison)
    silent_rows = table[table.method == "student"]
    assert silent_rows.predicted_bpm.isna().all()
    assert silent_rows.counted_bpm.nunique() == 1
    result = run_evaluate("--data", data, path)
    row = next(line for line in result.stdout.splitlines() if line.split()[:1] == ["student"])
    assert row.split()[-2:] == ["0.0", "%"]
    assert "count as the mean rate of the training windows" in " ".join(result.stdout.split())


def test_ubfc_as_published_is_read_whole_and_guessed_by_the_others(data, curated, tmp_path):
    root = tmp_path / "DATASET_2"
    for number, folder in enumerate(("train/subject1", "train/subject2", "test/subject3"), 1):
        (root / f"subject{number}").mkdir(parents=True)
        (root / f"subject{number}" / "vid.avi").symlink_to(data / "ubfc" / folder / "vid.avi")
        ppg, hr_bpm, time_s = read_labels(data / "ubfc" / folder)
        rows = [ppg, np.nan_to_num(hr_bpm), time_s]
        (root / f"subject{number}" / "ground_truth.txt").write_text(
            "\n".join(" ".join(f"{value:.7f}" for value in row) for row in rows)
        )
    student = checkpoint(tmp_path / "student.safetensors", curated)
    result = run_evaluate(
        "--data", data, "green", student, "--ubfc", root, "--other-data", "--json"
    )
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["subjects"] == ["subject1", "subject2", "subject3"]
    assert (summary["side"], len(summary["warnings"])) == ("all", 1)
    methods = summary["methods"]
    assert methods["green"]["mae_bpm"] < 0.5
    assert methods["student"]["windows"] == methods["green"]["windows"]
    rates = [video["reference_bpm"] for video in methods["green"]["videos"]]
    guesses = [video["predicted_bpm"] for video in methods["mean_rate"]["videos"]]
    others = [np.mean([rate for rate in rates if rate != own]) for own in rates]
    assert guesses == pytest.approx(others, abs=0.5)
    with pytest.raises(TrainingError, match="has no side to train on"):
        compare_methods(data, ["green"], side="train", source=root)


@pytest.mark.parametrize("pairs", [4, 8])
def test_a_teacher_is_read_with_as_many_pairs_a_mask_as_in_its_training(
    curated, data, tmp_path, pairs
):
    torch.manual_seed(1)
    teacher = Teacher()
    about = {"recipe": {"clip": pairs}, "subjects": {"train": ["S01"], "test": ["S03"]}}
    path = tmp_path / "teacher.safetensors"
    save_checkpoint(
        path, teacher, split_hash=curated.split_hash, data_hash=curated.data_hash, about=about
    )
    (read,) = compare_methods(data, [str(path)]).videos["teacher"]
    changes = {n: predict_changes(teacher, curated.test[0], clip=n) for n in (pairs, 10)}
    same, other = (evaluate_changes(c, curated.test[0]).pulse for c in changes.values())
    assert read.pulse == pytest.approx(same)
    assert read.pulse != pytest.approx(other)


def test_all_methods_when_nothing_is_named_as_a_table(data):
    result = run_evaluate("--data", data, "--side", "all")
    assert result.exit_code == 0
    assert all(
        name in result.stdout
        for name in ("GREEN", "ICA", "PCA", "CHROM", "POS", "S01", "4.69", "virtual")
    )


def test_a_checkpoint_of_other_data_is_refused_with_both_hashes(data, curated, tmp_path):
    other = checkpoint(tmp_path / "student.safetensors", curated, data_hash="f00d")
    with pytest.raises(TrainingError, match=rf"{curated.data_hash[:12]}.*f00d") as caught:
        compare_methods(data, [str(other)])
    assert "--other-data" in advise(caught.value, "evaluate")
    # as the table names it
    named = f"{tmp_path}/student"
    read = compare_methods(data, [named], other_data=True).videos
    assert next(iter(read)) == f"{tmp_path.name}/student"
    comparison = compare_methods(data, [str(other)], other_data=True)
    assert "other data" in comparison.warnings[0]


def test_a_warning_names_subjects_that_a_network_was_trained_on(data, curated, tmp_path):
    ours = checkpoint(tmp_path / "student.safetensors", curated)
    assert "S01, S02" in compare_methods(data, [str(ours)], side="all").warnings[0]


@pytest.mark.parametrize(
    ("name", "word"),
    [("purple", "purple"), ("nothing.safetensors", "nothing"), (".", "checkpoints")],
)
def test_no_such_method(data, name, word):
    with pytest.raises(TrainingError, match=word):
        compare_methods(data, [name if name != "." else str(data)])


@pytest.mark.parametrize(
    ("name", "fix"), [("poss", "did you mean pos?"), ("CHROM", "did you mean chrom?")]
)
def test_a_method_that_is_none_names_the_nearest(tmp_path, name, fix):
    with pytest.raises(TrainingError) as caught:
        compare_methods(tmp_path, [name])
    assert caught.value.fix == fix
    assert repr(name) in str(caught.value)


def test_a_run_is_not_evaluated_with_another_network_under_a_name(data, curated):
    """Its figure would stand in the table as the student's."""
    folder = data / "runs" / "20260101T000000Z"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{}")
    for name in ("student_kd", "teacher"):
        save_checkpoint(
            folder / f"{name}.safetensors", Teacher(), split_hash=curated.split_hash,
            data_hash=curated.data_hash,
            about={"subjects": {"train": ["S01", "S02"], "test": ["S03"]}},
        )
    said = r"expected a student, as the file's name says, found a teacher in .*student_kd\."
    for name in (str(folder), str(folder / "student_kd.safetensors")):
        with pytest.raises(TrainingError, match=said):
            compare_methods(data, [name])
