"""TensorBoard's own reader finds each network's losses, while it trains and after a new start."""

import sys

import pytest

torch = pytest.importorskip("torch")

from acq.extras import check_tensorboard_installed
from acquire.errors import AcqError, Fix
from models.training.fit import fit
from models.training.recipe import Recipe
from tests.support.loss_logs import read_losses

EPOCHS = 4
pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")       # TensorBoard's own


class TwoBatches:
    """Two batches an epoch."""

    device = torch.device("cpu")

    def __len__(self):
        return 2

    def epoch(self, number):
        return iter(torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(number)))


def train(folder, on_progress):
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)

    def loss(batch):
        error = (net(batch) - batch.sum(1, keepdim=True)).square().mean()
        return error, {"label": error.detach()}

    return fit(
        net, loss, TwoBatches(), Recipe(precision="float32"), epochs=EPOCHS,
        state_file=folder / "student.state", log=folder / "student", on_progress=on_progress,
    )


def test_each_epoch_is_read_before_the_next_ends_and_once_after_a_new_start(tmp_path):
    seen = []

    def look(stage, done, total):
        if done % 2:                        # between the two batches of an epoch
            seen.append(read_losses(tmp_path / "student").get("loss", []))
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, look)
    assert [[step for step, _ in points] for points in seen] == [[], [1], [1, 2]]
    curve = train(tmp_path, None)
    assert read_losses(tmp_path / "student") == {
        part: [(epoch, pytest.approx(losses[part])) for epoch, losses in enumerate(curve, 1)]
        for part in ("loss", "label")
    }


def test_a_training_goes_on_without_logs_where_the_extra_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.warns(UserWarning, match="missing: the training goes on without its logs"):
        curve = train(tmp_path, None)
    assert len(curve) == EPOCHS
    assert not (tmp_path / "student").exists()


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr("acq.extras.find_spec", lambda name: None)
    assert check_tensorboard_installed(False) is False
    with pytest.raises(AcqError, match="the extra `tensorboard`") as refused:
        check_tensorboard_installed(True)
    assert refused.value.fix is Fix.INSTALL_TENSORBOARD
