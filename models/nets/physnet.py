"""PhysNet: a 3D convolutional network over whole clips, to compare teacher and student with.

Yu, Li and Zhao, "Remote photoplethysmograph signal measurement from facial videos using
spatio-temporal networks", BMVC 2019, in its 3DCNN encoder-decoder form: nine 3D convolutions, time
halved twice and brought back by two transposed convolutions, space averaged away, one 1x1x1
convolution. It reads the same 36x36 motion frames as the student (the paper: 128x128 pictures) and
predicts the pulse's change, so that all three are evaluated in the same way. Its loss is the
negative Pearson correlation over the clip.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

CLIP = 64    # frames; a multiple of 4


@dataclass(frozen=True)
class PhysNetConfig:
    """The hyperparameters of a PhysNet."""

    channels: tuple[int, int, int] = (16, 32, 64)
    clip: int = CLIP


def _conv(inputs: int, outputs: int, kernel: tuple[int, int, int] = (3, 3, 3)) -> nn.Sequential:
    pad = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, kernel, padding=pad), nn.BatchNorm3d(outputs), nn.ReLU()
    )


def _upsample_time(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose3d(channels, channels, (4, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0)),
        nn.BatchNorm3d(channels), nn.ELU(),
    )


class PhysNet(nn.Module):
    """A 3D encoder-decoder over a clip of motion frames."""

    def __init__(self, config: PhysNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or PhysNetConfig()
        first, second, third = self.config.channels
        halve_space, halve_both = nn.MaxPool3d((1, 2, 2)), nn.MaxPool3d(2)
        self.encoder = nn.Sequential(
            _conv(3, first, (1, 5, 5)), halve_space,                           # (B, 16, T, 18, 18)
            _conv(first, second), _conv(second, third), halve_both,            # (B, 64, T/2, 9, 9)
            _conv(third, third), _conv(third, third), halve_both,              # (B, 64, T/4, 4, 4)
            _conv(third, third), _conv(third, third), halve_space,             # (B, 64, T/4, 2, 2)
            _conv(third, third), _conv(third, third),
        )
        self.decoder = nn.Sequential(                                          # (B, 64, T, 2, 2)
            _upsample_time(third), _upsample_time(third)
        )
        self.head = nn.Conv3d(third, 1, 1)

    def forward(self, motion: Tensor) -> Tensor:
        """Predict the pulse's change, (B, T) of arbitrary scale, over B clips of T pairs.

        Parameters
        ----------
        motion : (B, 3, T, 36, 36) normalised differences, T a multiple of 4
        """
        x = self.decoder(self.encoder(motion)).mean(dim=(3, 4), keepdim=True)
        return self.head(x).flatten(1)


def negative_pearson(predicted: Tensor, target: Tensor) -> Tensor:
    """Compute 1 - r of (B, T) signals, mean over the batch; scale and offset do not count."""
    a, b = (x.float() - x.float().mean(dim=1, keepdim=True) for x in (predicted, target))
    norm = (a.norm(dim=1) * b.norm(dim=1)).clamp(min=torch.finfo(torch.float32).tiny)
    return (1 - (a * b).sum(dim=1) / norm).mean()
