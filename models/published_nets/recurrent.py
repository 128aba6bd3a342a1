"""An LSTM read in float32."""

import torch
from torch import Tensor, nn


def read_in_float32(lstm: nn.LSTM, x: Tensor) -> Tensor:
    """Return an LSTM's output from a state of zeros, in float32 also where a training has bfloat16.

    oneDNN has none in bfloat16 for processors without it, and stops the training.
    """
    with torch.autocast(x.device.type, enabled=False):
        return lstm(x.float())[0]
