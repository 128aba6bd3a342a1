"""Devices and precisions by name."""

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.training.device import pick_device, uses_bfloat16

CPU = torch.device("cpu")


def test_precisions():
    assert uses_bfloat16("bfloat16", CPU)
    assert not uses_bfloat16("float32", CPU)
    with pytest.raises(ValueError, match="bf16"):
        uses_bfloat16("bf16", CPU)


def test_devices():
    assert pick_device("cpu") == CPU
    with pytest.raises(TrainingError, match="tpu"):
        pick_device("tpu")
