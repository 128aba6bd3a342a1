"""PhysNet: a 3D convolutional network over whole clips.

Yu, Li, Zhao, "Remote photoplethysmograph signal measurement from facial videos using
spatio-temporal networks", BMVC 2019, in its 3DCNN encoder-decoder form: nine 3D convolutions, time
halved twice and brought back by two transposed convolutions, space averaged away, one 1x1x1
convolution. It reads clips of 128 frames of 128x128 and predicts the pulse; its loss is the
negative Pearson correlation over the clip.

Choices, where the text leaves them: each pixel is read as its difference from its mean over the
clip, in units of one deviation (the paper states no scaling; of frames in [0, 1] the pulse is a
few thousandths); the optimiser is that of all networks here; 2 clips a step.

It has 768,577 trained weights. PhysBench's table prints 770K: with the running means and variances
of batch normalisation, which Keras counts too, they are 769,825.

Networks of an earlier version read motion frames of 36x36 and predict the pulse's change. Their
files are still read: `input` tells the two apart.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from ..losses import negative_pearson, temporal_contrast
from ..spec import PHYSBENCH, NetSpec, PublishedCount, Reads, Supervised
from ..titles import OWN_TITLES


@dataclass(frozen=True)
class PhysNetConfig:
    """The hyperparameters of a PhysNet."""

    channels: tuple[int, int, int] = (16, 32, 64)
    clip: int = 128                                 # frames, a multiple of 4
    size: int = 128                                 # at least 16
    input: Literal["frames", "motion"] = "frames"   # "motion": as earlier versions did


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
    """A 3D encoder-decoder over a clip of frames."""

    def __init__(self, config: PhysNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or PhysNetConfig()
        first, second, third = self.config.channels
        halve_space, halve_both = nn.MaxPool3d((1, 2, 2)), nn.MaxPool3d(2)
        self.encoder = nn.Sequential(
            _conv(3, first, (1, 5, 5)), halve_space,                       # (B, 16, T, 64, 64)
            _conv(first, second), _conv(second, third), halve_both,        # (B, 64, T/2, 32, 32)
            _conv(third, third), _conv(third, third), halve_both,          # (B, 64, T/4, 16, 16)
            _conv(third, third), _conv(third, third), halve_space,         # (B, 64, T/4, 8, 8)
            _conv(third, third), _conv(third, third),
        )
        self.decoder = nn.Sequential(                                          # (B, 64, T, 8, 8)
            _upsample_time(third), _upsample_time(third)
        )
        self.head = nn.Conv3d(third, 1, 1)

    @property
    def reads(self) -> Reads:
        """A clip of frames; it predicts the pulse. Of an earlier version: pairs, and its change."""
        if self.config.input == "motion":
            return Reads("pairs", "change", self.config.clip, self.config.size)
        return Reads("frames", "pulse", self.config.clip, self.config.size)

    def forward(self, frames: Tensor, appearance: Tensor | None = None) -> Tensor:
        """Predict the pulse, (B, T) of arbitrary scale, over B clips of T frames.

        Parameters
        ----------
        frames : (B, T, 3, S, S), T a multiple of 4; of an earlier version motion, to which
            `appearance` belongs, which is ignored
        """
        x = frames if self.config.input == "motion" else temporal_contrast(frames)
        x = self.decoder(self.encoder(x.transpose(1, 2))).mean(dim=(3, 4), keepdim=True)
        return self.head(x).flatten(1)


SPEC = NetSpec(
    name="physnet", title=OWN_TITLES["physnet"], net=PhysNet, config=PhysNetConfig,
    reference="Yu, Li, Zhao, BMVC 2019",
    training=lambda net: Supervised(net, negative_pearson),
    loss="1 - r over the clip",
    learning_rate=1e-3, batch=2,
    published_parameters=PublishedCount("770K", PHYSBENCH),
)
