"""SynRhythm: a residual network that reads a heart rate from a map of the face's colours in time.

Niu, Han, Shan, Chen, "SynRhythm: learning a deep heart rate estimator from general to specific",
ICPR 2018: the face is cut into blocks, and each block's mean colour over the clip is a row of a
spatio-temporal map; ResNet-18 (He et al., CVPR 2016) reads the map as an image and predicts the
heart rate. It is trained on maps of synthetic rhythms first (a cardiac cycle, breath, a signal of
motion, noise), and on those of faces then.

Choices, where the text leaves them, or was not at hand: 5x5 blocks of acq's box, 300 frames,
colours as Y, U and V, and each row of each colour brought to 0 to 1, as in the authors' later
RhythmNet (IEEE TIP 29, 2020); no weights of ImageNet come first, for none come with acq; synthetic
maps in the first half of the training, with rates of 41 to 180 bpm; the mean absolute error in bpm,
as at 30 frames/s; the optimiser is that of all networks here; 8 clips a step.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..losses import LEAST_BPM, MOST_BPM
from ..spec import NetBatch, NetSpec, Reads
from ..titles import OWN_TITLES

RATE_HZ = 30.0              # at which rates are in bpm
_MIDDLE_BPM, _SPREAD_BPM = 80.0, 40.0       # what the last layer's 0 and 1 are
_SYNTHETIC = 0.5            # share of the training
# of ITU-R BT.601, rows: Y, U, V of red, green, blue
_YUV = ((0.299, 0.587, 0.114), (-0.147, -0.289, 0.436), (0.615, -0.515, -0.100))
_BLOOD = (0.33, 0.77, 0.53)     # of a pulse, in red, green and blue (de Haan and van Leest 2014)


@dataclass(frozen=True)
class SynRhythmConfig:
    """The hyperparameters of a SynRhythm."""

    channels: tuple[int, int, int, int] = (64, 128, 256, 512)
    clip: int = 300                 # frames
    size: int = 5                   # blocks in a row and in a column of the face


class Block(nn.Module):
    """Two convolutions of 3x3 with a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
            nn.ReLU(), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, H / stride, W / stride)."""
        return F.relu(self.layers(x) + self.shortcut(x))


class SynRhythm(nn.Module):
    """ResNet-18 over spatio-temporal maps, with one number at its end."""

    def __init__(self, config: SynRhythmConfig | None = None) -> None:
        super().__init__()
        self.config = config or SynRhythmConfig()
        first, last = self.config.channels[0], self.config.channels[-1]
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 7, 2, 3, bias=False), nn.BatchNorm2d(first), nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        stages = [Block(first, first, 1), Block(first, first, 1)]
        for inputs, outputs in pairwise(self.config.channels):
            stages += [Block(inputs, outputs, 2), Block(outputs, outputs, 1)]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(last, 1)

    @property
    def reads(self) -> Reads:
        """The mean colours of blocks, as frames of that size; it predicts a rate."""
        return Reads("frames", "rate", self.config.clip, self.config.size)

    def forward(self, blocks: Tensor) -> Tensor:
        """Predict the rate, (B,) [beats a frame], from (B, T, 3, S, S) blocks in [0, 1]."""
        x = self.stages(self.stem(to_map(blocks))).mean(dim=(2, 3))     # (B, 512)
        return (_MIDDLE_BPM + _SPREAD_BPM * self.head(x).squeeze(1)) / (60 * RATE_HZ)


def to_map(blocks: Tensor) -> Tensor:
    """Turn (B, T, 3, S, S) colours into maps (B, 3, S * S, T), each row from 0 to 1."""
    yuv = torch.einsum("ic,btchw->bihwt", blocks.new_tensor(_YUV), blocks).flatten(2, 3)
    least, most = yuv.amin(dim=3, keepdim=True), yuv.amax(dim=3, keepdim=True)
    return (yuv - least) / (most - least).clamp(min=1e-9)


def synthetic_blocks(shape: torch.Size, rates: Tensor) -> Tensor:
    """Draw colours of blocks in which only one rhythm of blood is: as `shape`, in [0, 1].

    Parameters
    ----------
    shape : (B, T, 3, S, S)
    rates : (B,) [beats a frame]
    """
    clips, length, _, rows, columns = shape
    at = torch.arange(length, device=rates.device)

    def wave(cycles: Tensor) -> Tensor:
        """(B,) cycles a frame -> (B, T), at a random phase."""
        phase = 2 * math.pi * torch.rand_like(cycles)
        return torch.sin(2 * math.pi * cycles[:, None] * at + phase[:, None])

    def random(least: float, most: float, *sides: int) -> Tensor:
        return least + (most - least) * torch.rand(clips, *sides, device=rates.device)

    phase = 2 * math.pi * (rates[:, None] * at + torch.rand_like(rates)[:, None])
    pulse = torch.sin(phase) + 0.4 * torch.sin(2 * phase + 0.8)
    breath = wave(random(0.15, 0.4) / RATE_HZ)
    # light and motion: noise that lies in the pulse's band as much as below it
    noise = torch.randn(clips, 1, length + 8, device=rates.device)
    motion = F.avg_pool1d(noise, 9, 1).squeeze(1) * 3
    blood = rates.new_tensor(_BLOOD) * random(0.01, 0.03, 1)                    # (B, 3)
    light = random(0, 0.01, 1) * breath + random(0, 0.02, 1) * motion           # (B, T)
    weight = random(0.2, 1, 1, 1, rows, columns)
    base = random(0.2, 0.8, 1, 3, rows, columns)
    change = weight * (pulse[:, :, None] * blood[:, None])[..., None, None]
    changed = base * (1 - change) * (1 + light[:, :, None, None, None])
    return (changed + 1e-4 * torch.randn_like(changed)).clamp(0, 1)


class SynRhythmTraining(nn.Module):
    """A SynRhythm and its loss: on synthetic rhythms first, on faces then."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, batch: NetBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch [bpm at 30 frames/s, over 10], and it without gradient."""
        (blocks,), rates = batch.inputs, batch.target
        if batch.progress < _SYNTHETIC:
            rates = LEAST_BPM + (MOST_BPM - LEAST_BPM) * torch.rand_like(rates)
            rates = rates / (60 * RATE_HZ)
            blocks = synthetic_blocks(blocks.shape, rates)
        loss = F.l1_loss(self.net(blocks).float(), rates) * 60 * RATE_HZ / 10
        return loss, {"label": loss.detach()}


SPEC = NetSpec(
    name="synrhythm", title=OWN_TITLES["synrhythm"], net=SynRhythm, config=SynRhythmConfig,
    reference="Niu et al., ICPR 2018",
    training=SynRhythmTraining,
    loss="mean absolute error of the rate; on synthetic maps first",
    learning_rate=1e-3, batch=8,
)
