"""How many trainings go side by side."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from dataset.common.workers import Outcome, Workers
from models.data.videos import TrainingData
from models.experiment import schedule
from models.experiment.plan import RunPlan
from models.training.recipe import Recipe


@pytest.mark.parametrize(("frames", "at_once"), [
    pytest.param(75_000, 8, id="UBFC-rPPG: all cores"),
    pytest.param(630_000, 2, id="35 recordings of 12 minutes: what memory holds"),
    pytest.param(3_000_000, 1, id="more than memory holds twice"),
])
def test_so_many_train_side_by_side_as_memory_holds(tmp_path, monkeypatch, frames, at_once):
    noted = []

    def note(work, units, *, workers):
        noted.append(workers)
        yield from ((at, Outcome(None, "that is enough")) for at in range(len(units)))

    def train_here(*_):
        noted.append(Workers(1))
        raise TrainingError("1 that failed")

    monkeypatch.setattr(schedule, "work_through", note)
    monkeypatch.setattr(schedule, "_train_here", train_here)
    monkeypatch.setattr("dataset.common.workers._available_bytes", lambda: 16 * 2**30)
    monkeypatch.setattr("dataset.common.workers.usable_cores", lambda: 8)
    video = SimpleNamespace(time_s=range(frames // 3))
    sides = TrainingData([video, video], [video], "", "")
    with pytest.raises(TrainingError, match="that failed"):
        schedule.train_units(
            RunPlan(tmp_path, folds=3, seeds=4), Recipe(), [sides] * 3, part=tmp_path,
            device=torch.device("cpu"), workers=Workers(None), on_progress=None,
        )
    assert noted == [Workers(at_once)]
