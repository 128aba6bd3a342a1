"""An LSTM that stays in float32."""

import torch
from torch import Tensor, nn


class FloatLSTM(nn.LSTM):
    """An LSTM in float32 where a training multiplies in bfloat16, too.

    oneDNN has none in bfloat16 for processors without it, and stops the training.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:  # type: ignore[override]
        """Return what `nn.LSTM` does, from a state of zeros."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())
