"""ONNX Runtime compared with torch."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from acquire.errors import TrainingError
from models.board.onnx_net import open_net
from models.nets.can import SIZE

TOLERANCE = 1e-5      # of float32


def verify_net(path: Path, net: nn.Module) -> float:
    """Compare an exported student or teacher with torch on four clips of two pairs.

    Returns
    -------
    the largest difference of the predicted changes, of unit variance

    Raises
    ------
    TrainingError : it is more than `TOLERANCE`, or the file cannot be opened
    """
    rng = np.random.default_rng(0)
    motion = rng.normal(size=(8, 3, SIZE, SIZE)).astype(np.float32)
    appearance = rng.random((4, 3, SIZE, SIZE), np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(motion), torch.from_numpy(appearance)).pulse.numpy()
    return largest_difference(path, (open_net(path).predict(motion, appearance), expected))


def largest_difference(path: Path, *computed_and_expected: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the largest difference between arrays of ONNX Runtime and of torch.

    Raises
    ------
    TrainingError : it is more than `TOLERANCE`, or not a number
    """
    difference = max(
        float(np.abs(computed - expected).max()) for computed, expected in computed_and_expected
    )
    if not difference <= TOLERANCE:
        raise TrainingError(
            expected=f"ONNX Runtime to compute what torch computes, to {TOLERANCE:g}",
            found=f"a difference of {difference:g}", where=f"in {path.name}",
            fix="nothing was exported",
        )
    return difference
