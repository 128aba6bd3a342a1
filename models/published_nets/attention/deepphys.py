"""DeepPhys: a motion branch that an appearance branch shows where skin is.

Chen, McDuff, "DeepPhys: video-based physiological measurement using convolutional attention
networks", ECCV 2018: pictures of 36x36, convolutions of 32, 32, 64, 64 channels in both branches,
mean pooling, 128 hidden units, dropout 0.25 and 0.5, the mean squared error on the change of the
pulse over a pair of frames.

Choices, where the text leaves them: which convolutions are padded (`layers`); the appearance,
which the paper has of mean 0 and variance 1, is scaled in each frame; the optimiser is that of all
networks here (the paper: Adadelta); 2 clips of 32 pairs a step.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from ..losses import mean_squared
from ..spec import PHYSBENCH, NetSpec, PublishedCount, Reads, Supervised
from ..titles import OWN_TITLES
from .layers import SoftMask, TwoConvolutions, make_head


@dataclass(frozen=True)
class DeepPhysConfig:
    """The hyperparameters of a DeepPhys."""

    channels: tuple[int, int] = (32, 64)
    hidden: int = 128
    dropout: float = 0.25           # after each pooling
    dropout_hidden: float = 0.5     # before the last layer
    size: int = 36
    clip: int = 32                  # pairs that are read at once; each is read by itself


class DeepPhys(nn.Module):
    """Two branches of four convolutions, the one masked by the other."""

    def __init__(self, config: DeepPhysConfig | None = None) -> None:
        super().__init__()
        self.config = config or DeepPhysConfig()
        first, second = self.config.channels
        self.motion1, self.motion2 = TwoConvolutions(3, first), TwoConvolutions(first, second)
        self.appearance1 = TwoConvolutions(3, first)
        self.appearance2 = TwoConvolutions(first, second)
        self.mask1, self.mask2 = SoftMask(first), SoftMask(second)
        self.pool, self.drop = nn.AvgPool2d(2), nn.Dropout(self.config.dropout)
        self.head = make_head(
            second, self.config.size, hidden=self.config.hidden,
            dropout=self.config.dropout_hidden,
        )

    @property
    def reads(self) -> Reads:
        """Pairs of frames; it predicts the pulse's change."""
        return Reads("pairs", "change", self.config.clip, self.config.size, has_scale=True)

    def forward(self, motion: Tensor, appearance: Tensor) -> Tensor:
        """Predict the pulse's change, (B, T), over B clips of T pairs: (B, T, 3, S, S) each."""
        return self.read(motion, appearance)[0]

    def read(self, motion: Tensor, appearance: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the pulse's change, and return the first mask, too: (B, T, S - 2, S - 2)."""
        clips = motion.shape[:2]
        motion, appearance = motion.flatten(0, 1), appearance.flatten(0, 1)   # (N, 3, 36, 36)
        seen = self.appearance1(standardised(appearance))                     # (N, 32, 34, 34)
        mask = self.mask1(seen)                                               # (N, 1, 34, 34)
        x = self.pool(self.motion1(motion) * mask)                            # (N, 32, 17, 17)
        seen = self.appearance2(self.drop(self.pool(seen)))                   # (N, 64, 15, 15)
        x = self.pool(self.motion2(self.drop(x)) * self.mask2(seen))          # (N, 64, 7, 7)
        return self.head(self.drop(x)).view(clips), mask.squeeze(1).unflatten(0, clips)


def standardised(frames: Tensor) -> Tensor:
    """Bring each of (N, C, H, W) frames to mean 0 and variance 1."""
    centred = frames - frames.mean(dim=(1, 2, 3), keepdim=True)
    return centred / centred.flatten(1).std(dim=1).clamp(min=1e-6)[:, None, None, None]


SPEC = NetSpec(
    name="deepphys", title=OWN_TITLES["deepphys"], net=DeepPhys, config=DeepPhysConfig,
    reference="Chen, McDuff, ECCV 2018",
    training=lambda net: Supervised(net, mean_squared),
    loss="mean squared error on the change",
    learning_rate=1e-3, batch=2,
    published_parameters=PublishedCount("532K", PHYSBENCH),
)
