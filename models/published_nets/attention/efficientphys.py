"""EfficientPhys: raw frames in; difference, scale, shift and attention are inside the network.

Liu, Hill, Jiang, Patel, McDuff, "EfficientPhys: enabling simple, fast and accurate camera-based
cardiac measurement", WACV 2023, its convolutional form: the difference of adjacent frames through
batch normalisation, TS-CAN's motion branch, and masks that the branch makes of its own features.

Choices, where the text leaves them: which convolutions are padded (`layers`); 20 pairs a clip;
the optimiser is that of all networks here; 3 clips a step.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from ..losses import mean_squared
from ..spec import PHYSBENCH, NetSpec, PublishedCount, Reads, Supervised
from ..titles import OWN_TITLES
from .deepphys import DeepPhysConfig
from .layers import SoftMask, TwoConvolutions, make_head


@dataclass(frozen=True)
class EfficientPhysConfig(DeepPhysConfig):
    """The hyperparameters of an EfficientPhys; channels are shifted among the `clip` pairs."""

    size: int = 72
    clip: int = 20


class EfficientPhys(nn.Module):
    """One shifted branch that masks itself."""

    def __init__(self, config: EfficientPhysConfig | None = None) -> None:
        super().__init__()
        self.config = config or EfficientPhysConfig()
        first, second = self.config.channels
        self.scale = nn.BatchNorm2d(3)
        self.stage1, self.stage2 = TwoConvolutions(3, first), TwoConvolutions(first, second)
        self.mask1, self.mask2 = SoftMask(first), SoftMask(second)
        self.pool, self.drop = nn.AvgPool2d(2), nn.Dropout(self.config.dropout)
        self.head = make_head(
            second, self.config.size, hidden=self.config.hidden,
            dropout=self.config.dropout_hidden,
        )

    @property
    def reads(self) -> Reads:
        """One frame more than pairs; it predicts the pulse's change."""
        return Reads("frames", "change", self.config.clip, self.config.size, has_scale=True)

    def forward(self, frames: Tensor) -> Tensor:
        """Predict the pulse's change, (B, T), from (B, T + 1, 3, S, S) frames in [0, 1]."""
        clips, length = len(frames), frames.shape[1] - 1
        # in grey levels: of [0, 1] the variance would drown in batch normalisation's own 1e-5
        x = self.scale(255 * frames.diff(dim=1).flatten(0, 1))          # (N, 3, 72, 72)
        x = self.stage1(x, shifted=length)                              # (N, 32, 70, 70)
        x = self.drop(self.pool(x * self.mask1(x)))                     # (N, 32, 35, 35)
        x = self.stage2(x, shifted=length)                              # (N, 64, 33, 33)
        x = self.drop(self.pool(x * self.mask2(x)))                     # (N, 64, 16, 16)
        return self.head(x).view(clips, length)


SPEC = NetSpec(
    name="efficientphys", title=OWN_TITLES["efficientphys"],
    net=EfficientPhys, config=EfficientPhysConfig,
    reference="Liu et al., WACV 2023",
    training=lambda net: Supervised(net, mean_squared),
    loss="mean squared error on the change",
    learning_rate=1e-3, batch=3,
    published_parameters=PublishedCount("2.16M", PHYSBENCH),
)
