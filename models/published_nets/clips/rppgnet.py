"""rPPGNet: a spatio-temporal network that finds skin, attends to it, and reads four parts as well.

Yu, Peng, Li, Hong, Zhao, "Remote heart rate measurement from highly compressed facial videos: an
end-to-end deep learning solution with video enhancement", ICCV 2019, its network for the pulse,
which works by itself: clips of 64 frames of 128x128; convolutions of 3x3x3, each a spatial and a
temporal one; a branch that learns to segment skin; attention by that branch and by the features'
mean and maximum; the pulse of the whole face, of an earlier level, and of the four quarters of the
face (the partition constraint). The video enhancement before it is for compressed videos, and is
not here.

Choices, where the text leaves them, or was not at hand: channels 16, 32, 64 and the residual branch
of the skin as in the code that the authors published; as many channels between a spatial and a
temporal convolution as keep the weights of a whole one (Tran et al., CVPR 2018); skin to learn from
is what has the chroma of skin in YCbCr (Chai and Ngan, IEEE TCSVT 9(4), 1999), for no segmentation
comes with the recordings; weights 0.1 of the skin, 1 of the whole face, 0.5 of the earlier level
and of the quarters' mean; pixels are read as PhysNet's are here, and as they are by the skin's
loss; the optimiser is that of all networks here; 2 clips a step.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..losses import negative_pearson, temporal_contrast
from ..spec import NetBatch, NetSpec, Reads
from ..titles import OWN_TITLES

_WEIGHT_SKIN, _WEIGHT_EARLIER, _WEIGHT_QUARTERS = 0.1, 0.5, 0.5
_CB, _CR = (77, 127), (133, 173)        # of skin


@dataclass(frozen=True)
class RppgNetConfig:
    """The hyperparameters of an rPPGNet."""

    channels: tuple[int, int, int] = (16, 32, 64)
    clip: int = 64                  # frames
    size: int = 128                 # a multiple of 16


class RppgNetOutput(NamedTuple):
    """The output of an rPPGNet for B clips of T frames of S x S."""

    pulse: Tensor           # (B, T), of the whole face
    earlier: Tensor         # (B, T), from the level before
    quarters: Tensor        # (B, 4, T)
    skin: Tensor            # (B, T, S / 2, S / 2), logits


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    """Make a spatial and a temporal convolution with the weights of one of 3x3x3."""
    between = 27 * inputs * outputs // (9 * inputs + 3 * outputs)
    return nn.Sequential(
        nn.Conv3d(inputs, between, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(between),
        nn.ReLU(), nn.Conv3d(between, outputs, (3, 1, 1), padding=(1, 0, 0)),
        nn.BatchNorm3d(outputs), nn.ReLU(),
    )


def _frame_conv(inputs: int, outputs: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, (1, side, side), padding=(0, side // 2, side // 2)),
        nn.BatchNorm3d(outputs), nn.ReLU(),
    )


class RppgNet(nn.Module):
    """A backbone, a branch that finds skin, and six heads that read a pulse."""

    def __init__(self, config: RppgNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or RppgNetConfig()
        first, second, third = self.config.channels
        self.halve = nn.AvgPool3d((1, 2, 2))
        self.stem = nn.Sequential(
            _frame_conv(3, first, 5), self.halve,                        # (B, 16, T, 64, 64)
            _conv(first, second), _conv(second, second),                 # (B, 32, T, 64, 64)
        )
        self.middle = nn.Sequential(
            self.halve, _conv(second, third), _conv(third, third)        # (B, 64, T, 32, 32)
        )
        self.last = nn.Sequential(                                       # (B, 64, T, 16, 16)
            self.halve, _conv(third, third), _conv(third, third), _conv(third, third)
        )
        quarter = second // 4
        self.skin_main = nn.Sequential(
            _frame_conv(second, 2 * quarter, 3), _frame_conv(2 * quarter, quarter, 3)
        )
        self.skin_beside = _frame_conv(second, quarter, 1)
        self.skin = nn.Conv3d(quarter, 1, (1, 3, 3), padding=(0, 1, 1))
        self.head, self.head_earlier = nn.Conv1d(third, 1, 1), nn.Conv1d(third, 1, 1)
        self.head_quarters = nn.ModuleList(nn.Conv1d(third, 1, 1) for _ in range(4))

    @property
    def reads(self) -> Reads:
        """A clip of frames; it predicts the pulse."""
        return Reads("frames", "pulse", self.config.clip, self.config.size)

    def forward(self, frames: Tensor) -> Tensor:
        """Predict the pulse, (B, T) of arbitrary scale, from (B, T, 3, S, S) frames in [0, 1]."""
        return self.all(frames).pulse

    def all(self, frames: Tensor) -> RppgNetOutput:
        """Predict the pulse in its six ways, and where skin is."""
        x = self.stem(temporal_contrast(frames).transpose(1, 2))
        skin = self.skin(self.skin_main(x) + self.skin_beside(x)).squeeze(1)     # (B, T, 64, 64)
        middle = self.middle(x)
        is_skin = F.avg_pool2d(torch.sigmoid(skin), 2)
        last = attended(self.last(middle), F.avg_pool2d(is_skin, 2))     # (B, 64, T, 16, 16)
        rows, columns = last.split(last.shape[3] // 2, dim=3), last.shape[4] // 2
        quarters = [part for row in rows for part in row.split(columns, dim=4)]
        return RppgNetOutput(
            _read(self.head, last), _read(self.head_earlier, attended(middle, is_skin)),
            torch.stack(
                [_read(*pair) for pair in zip(self.head_quarters, quarters, strict=True)], dim=1
            ),
            skin,
        )


def attended(maps: Tensor, skin: Tensor) -> Tensor:
    """Weigh (B, C, T, H, W) maps by skin and by their own mean and maximum, each frame alike.

    Parameters
    ----------
    skin : (B, T, H, W), probabilities
    """
    score = torch.sigmoid(maps.mean(dim=1)) + torch.sigmoid(maps.amax(dim=1)) + skin
    weight = torch.softmax(score.flatten(2), dim=2).view_as(score)
    # of mean 1 over a frame, so that what follows does not depend on the number of places
    return maps * weight[:, None] * (score.shape[2] * score.shape[3])


def _read(head: nn.Module, maps: Tensor) -> Tensor:
    """(B, C, T, H, W) -> (B, T)."""
    return head(maps.mean(dim=(3, 4))).squeeze(1)


def skin_of(frames: Tensor) -> Tensor:
    """Return where (B, T, 3, S, S) frames in [0, 1] have skin: (B, T, S, S), 0 or 1."""
    red, green, blue = (255 * frames).unbind(dim=2)
    cb = 128 - 0.168736 * red - 0.331264 * green + 0.5 * blue
    cr = 128 + 0.5 * red - 0.418688 * green - 0.081312 * blue
    return ((cb >= _CB[0]) & (cb <= _CB[1]) & (cr >= _CR[0]) & (cr <= _CR[1])).float()


class RppgNetTraining(nn.Module):
    """An rPPGNet and its losses on pulse, parts and skin."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        assert isinstance(net, RppgNet)
        self.net = net

    def forward(self, batch: NetBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its parts, unweighted and without gradient."""
        (frames,) = batch.inputs
        output = self.net.all(frames)
        found = F.avg_pool2d(skin_of(frames), 2)
        parts = {
            "label": negative_pearson(output.pulse, batch.target),
            "earlier": negative_pearson(output.earlier, batch.target),
            "quarters": negative_pearson(
                output.quarters.flatten(0, 1), batch.target.repeat_interleave(4, dim=0)
            ),
            "skin": F.binary_cross_entropy_with_logits(output.skin.float(), found),
        }
        loss = (
            parts["label"] + _WEIGHT_EARLIER * parts["earlier"]
            + _WEIGHT_QUARTERS * parts["quarters"] + _WEIGHT_SKIN * parts["skin"]
        )
        return loss, {name: part.detach() for name, part in parts.items()}


SPEC = NetSpec(
    name="rppgnet", title=OWN_TITLES["rppgnet"], net=RppgNet, config=RppgNetConfig,
    reference="Yu et al., ICCV 2019",
    training=RppgNetTraining,
    loss="1 - r of the face, an earlier level and its quarters, and the skin's cross-entropy",
    learning_rate=1e-3, batch=2,
)
