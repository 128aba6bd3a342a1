"""Folders of runs: one for each, and found again."""

from datetime import datetime, timezone

import pytest

pytest.importorskip("torch")

from acquire.errors import Fix, TrainingError
from models.experiment.run_folder import claim_folder, find_interrupted, open_run_folder

BEGUN = datetime(2026, 11, 22, 10, 15, tzinfo=timezone.utc)


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path):
    claims = [claim_folder(tmp_path / "runs", BEGUN) for _ in range(2)]     # two at once
    for part, folder in claims:
        part.rename(folder)
    claims.append(claim_folder(tmp_path / "runs", BEGUN))  # and one when both are done
    assert [folder.name for _, folder in claims] == [
        "20261122T101500Z", "20261122T101500Z-2", "20261122T101500Z-3",
    ]


def interrupt(runs, begun_with):
    with (
        pytest.raises(KeyboardInterrupt),
        open_run_folder(runs, begun_with, begun=BEGUN, resume=False) as (part, _),
    ):
        raise KeyboardInterrupt
    return part


def test_an_interrupted_run_is_found_by_what_it_was_begun_with(tmp_path):
    part = interrupt(tmp_path, {"seeds": 2, "betas": (0.9, 0.99)})
    assert find_interrupted(tmp_path, {"seeds": 2, "betas": (0.9, 0.99)}) == (
        part, tmp_path / "20261122T101500Z",
    )
    with pytest.raises(TrainingError, match=r"seeds 2 of .*, found 3; .*or remove .*part"):
        find_interrupted(tmp_path, {"seeds": 3})
    (part / "run.json").write_text("[")
    with pytest.raises(TrainingError, match="begun with"):
        find_interrupted(tmp_path, {"seeds": 2})


def test_without_an_interrupted_run_there_is_nothing_to_resume(tmp_path):
    with pytest.raises(TrainingError, match="an interrupted run") as caught:
        find_interrupted(tmp_path, {})
    assert caught.value.fix is Fix.BEGIN_ANEW


def test_a_failure_removes_the_folder(tmp_path):
    with pytest.raises(ValueError, match="broken"), open_run_folder(
        tmp_path, {}, begun=BEGUN, resume=False
    ):
        raise ValueError("broken")
    assert not list(tmp_path.iterdir())
