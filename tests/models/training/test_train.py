import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timezone
from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.errors import CurationError, SplitError, TrainingError
from dataset.layouts.manifest import MANIFEST, ExcludedPart, FrameSpan
from dataset.layouts.manifest_file import read_manifest, write_manifest
from dataset.layouts.ubfc import read_labels, write_labels
from dataset.selection.exclusions import Exclusion, Exclusions, write_exclusions
from models.data.checks import check_exclusions, check_split
from models.data.curated import load_curated
from models.data.videos import change_of_ppg
from models.experiment.run import claim_folder, train_kd
from models.nets.can import Student, Teacher
from models.nets.checkpoint import load_checkpoint
from models.training.recipe import Recipe
from models.training.train import experiment, multiplies_bf16, pick_device, study
from tests.support.curated_folders import curate, entry, three

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


def test_repeated_frames_are_not_learnt_from():
    time_s = np.arange(20) / 30
    change = change_of_ppg(
        np.sin(7 * time_s), time_s,
        [FrameSpan(5, 2, ""), FrameSpan(0, 1, "")],
    )
    # the pairs before, between and behind them
    assert np.flatnonzero(np.isnan(change)).tolist() == [0, 4, 5, 6]
    assert np.nanmean(change) == pytest.approx(0, abs=1e-6)
    assert np.nanstd(change) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("excluded", "out", "says"),
    [
        pytest.param(
            [], ("S02-2", None, None), "no excluded session .*, found S02-2; run acq split --force",
            id="whole",
        ),
        pytest.param(
            [], ("S02-2", 1.0, 2.5), "found S02-2 converted before; run acq convert --force",
            id="part",
        ),
        pytest.param(
            [(1.0, 2.5)], ("S02-2", 1.0, 3.0), "found S02-2 converted before", id="another part"
        ),
        pytest.param([(1.0, 2.5)], ("S02-2", 1.0, 2.5), None, id="done already"),
        pytest.param([(1.0, 2.5)], None, None, id="taken back"),
        pytest.param([], ("S09-1", None, None), None, id="of another session"),
    ],
)
def test_what_was_excluded_later_is_refused(tmp_path, excluded, out, says):
    parts = tuple(ExcludedPart(a, b, "moved") for a, b in excluded)
    held_out = entry(2, "test", "S02")
    held_out = replace(held_out, rows=replace(held_out.rows, excluded=parts))
    entries = [entry(1, "train", "S01"), held_out]
    if out:
        session, from_s, to_s = out
        write_exclusions(
            tmp_path,
            Exclusions((Exclusion(session, from_s, to_s, "moved", "2026-01-01T00:00:00+00:00"),)),
        )
    with pytest.raises(CurationError, match=says) if says else nullcontext():
        check_exclusions(entries, tmp_path)


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


def test_the_second_run_finds_the_frames(run, data):
    before = {p: p.stat().st_mtime_ns for p in (data / "cache" / "frames").iterdir()}
    assert len(before) == 6
    load_curated(data)
    assert {p: p.stat().st_mtime_ns for p in (data / "cache" / "frames").iterdir()} == before


def test_the_same_seed_gives_the_same_weights(data):
    curated = load_curated(data)
    recipe = Recipe(epochs=1, teacher_epochs=1, seed=5)
    first, again = (experiment(curated, recipe, device=CPU) for _ in range(2))
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
    alone = study(curated, recipe, device=CPU).net
    taught = study(curated, recipe, teacher=Teacher(), device=CPU).net
    for (name, a), b in zip(alone.named_parameters(), taught.named_parameters(), strict=True):
        torch.testing.assert_close(a, b[1], atol=1e-6, rtol=1e-5, msg=name)


def test_a_teacher_stays_as_it_was(data):
    # Else a teacher lent to a student on the GPU is left there, frozen, and the report cannot ask
    # it for its masks.
    teacher = Teacher()
    study(load_curated(data), Recipe(epochs=1), teacher=teacher, device=CPU)
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


@pytest.mark.parametrize(
    ("entries", "error", "words"),
    [
        pytest.param(
            [entry(1, "train", "S01"), entry(2, "test", "S01"), entry(3, "train", "S02")],
            SplitError, "S01 in train and in test", id="subject on both sides",
        ),
        pytest.param([entry(1, "train", "S01")], TrainingError, "two subjects", id="one subject"),
        pytest.param(
            [entry(1, "train", "S01"), entry(2, "train", "S02")], SplitError, "in test",
            id="empty side",
        ),
        pytest.param(
            [entry(1, "train", "S01"), entry(2, "test", "S02", simulated=False)], TrainingError,
            "virtual ones of S01", id="virtual and real",
        ),
        pytest.param(
            [
                entry(1, "train", "S01"), entry(2, "train", "S01", simulated=False),
                entry(3, "test", "S02"), entry(4, "test", "S02", simulated=False),
            ],
            TrainingError,
            "virtual ones of S01, S02",
            id="every subject virtual and real",
        ),
        pytest.param([], TrainingError, "none", id="nothing"),
    ],
)
def test_splits_that_are_refused(entries, error, words):
    with pytest.raises(error, match=words) as caught:
        check_split(entries)
    assert "\n" not in str(caught.value)


def test_virtual_and_real_together_when_told():
    check_split(
        [entry(1, "train", "S01"), entry(2, "test", "S02", simulated=False)], allow_mixed=True
    )


def test_people(data):
    curated = load_curated(data)
    real = [replace(r, simulated=False) for r in curated.test]
    assert curated.people == "virtual"
    assert replace(curated, test=real).people == "virtual and real"
    assert replace(curated, train=real, test=real).people == "real"


def test_missing_label_is_refused(tmp_path):
    data = curate(tmp_path, three())
    (data / "ubfc/train/subject2/ground_truth.txt").unlink()
    with pytest.raises(CurationError, match=r"train/subject2/ground_truth.txt"):
        load_curated(data)
    assert not (data / "cache").exists()      # said before any work


def test_half_the_files_gone(tmp_path):
    data = curate(tmp_path, three())
    (data / "ubfc/test/subject3/vid.avi").unlink()
    with pytest.raises(CurationError, match=r"test/subject3/vid.avi"):
        load_curated(data)


def test_the_held_out_video_among_those_to_train_on_is_refused(tmp_path):
    data = curate(tmp_path, three())
    (data / "ubfc/train/subject1/vid.avi").write_bytes(
        (data / "ubfc/test/subject3/vid.avi").read_bytes()
    )
    with pytest.raises(CurationError, match=r"found another in .*train/subject1/vid.avi"):
        load_curated(data)


def test_ppg_that_is_no_number_is_refused(tmp_path):
    data = curate(tmp_path, three(), ppg=lambda t: np.full(len(t), np.nan))
    with pytest.raises(CurationError, match=r"train/subject1/ground_truth.txt"):
        load_curated(data)


def test_flat_ppg_is_refused(tmp_path):
    data = curate(tmp_path, three(), ppg=np.zeros_like)
    with pytest.raises(TrainingError, match=r"train/subject1/ground_truth.txt.*finger"):
        load_curated(data)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(lambda t: t * 2, r"test/subject3, got 7\.50", id="too slow"),
        pytest.param(
            lambda t: t * 0.8, "without a gap in .*test/subject3", id="shorter than a window"
        ),
        pytest.param(
            lambda t: t + 6 * (t > 6), "without a gap in .*test/subject3",
            id="a gap in every window",
        ),
    ],
)
def test_a_test_recording_without_a_window_is_refused(tmp_path, seconds, words):
    data = curate(tmp_path, three())
    folder = data / "ubfc/test/subject3"
    ppg, hr_bpm, time_s = read_labels(folder)
    labels = write_labels(folder, ppg, hr_bpm=hr_bpm, time_s=seconds(time_s))
    manifest = read_manifest(data / "ubfc" / MANIFEST)
    last = manifest.entries[2]
    last = replace(last, labels=replace(last.labels, sha256=labels))
    entries = (*manifest.entries[:2], last)
    write_manifest(replace(manifest, entries=entries), data / "ubfc" / MANIFEST)
    with pytest.raises(TrainingError, match=words):
        load_curated(data)
    assert not (data / "cache").exists()


def test_no_face_is_refused(tmp_path):
    data = curate(tmp_path, three(), face=False)
    with pytest.raises(CurationError, match=r"train/subject1/vid.avi"):
        train_kd(data)
    assert not (data / "runs").exists()


def test_nothing_curated(tmp_path):
    with pytest.raises(CurationError, match="manifest"):
        load_curated(tmp_path)


def test_precisions():
    assert multiplies_bf16("bfloat16", CPU)
    assert not multiplies_bf16("float32", CPU)
    with pytest.raises(ValueError, match="bf16"):
        multiplies_bf16("bf16", CPU)


def test_devices():
    assert pick_device("cpu") == CPU
    with pytest.raises(TrainingError, match="tpu"):
        pick_device("tpu")


