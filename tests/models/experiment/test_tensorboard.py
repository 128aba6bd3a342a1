"""TensorBoard's own reader finds each network's losses, epoch by epoch."""

import pytest

from acq.extras import check_tensorboard_installed
from acquire.errors import AcqError, Fix
from models.experiment.tensorboard import write_losses

METRICS = {"methods": {
    "student": {"curve": [{"loss": 2.0, "label": 1.5}, {"loss": 1.0, "label": 0.75}]},
    "pos": {"mae_bpm": 1.0},
}}


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")       # TensorBoard's own
def test_the_losses_of_each_epoch_are_read_again(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = write_losses(tmp_path, METRICS)
    assert [path.name for path in folder.iterdir()] == ["student"]
    read = EventAccumulator(str(folder / "student")).Reload()
    for part in ("loss", "label"):
        events = read.Scalars(part)
        assert [(event.step, event.value) for event in events] == [
            (1, METRICS["methods"]["student"]["curve"][0][part]),
            (2, METRICS["methods"]["student"]["curve"][1][part]),
        ]


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr("acq.extras.find_spec", lambda name: None)
    assert check_tensorboard_installed(False) is False
    with pytest.raises(AcqError, match="the extra `tensorboard`") as refused:
        check_tensorboard_installed(True)
    assert refused.value.fix is Fix.INSTALL_TENSORBOARD
