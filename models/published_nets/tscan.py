"""TS-CAN: DeepPhys whose motion branch also sees the frames before and after.

Liu, Fromm, Patel, McDuff, "Multi-task temporal shift attention networks for on-device contactless
vitals measurement", NeurIPS 2020, its network for the pulse alone: a temporal shift before each
convolution of the motion branch, and one mask for a clip, from the mean of its frames.

Choices, where the text leaves them: which convolutions are padded (`attention`); 10 pairs share
a mask and a shift, as in the authors' code; the optimiser is that of all networks here; 6 clips a
step.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from .attention import SoftMask, TwoConvolutions, make_head
from .deepphys import standardised
from .losses import mean_squared
from .spec import NetSpec, Reads, Supervised
from .titles import OWN_TITLES


@dataclass(frozen=True)
class TsCanConfig:
    """The hyperparameters of a TS-CAN."""

    channels: tuple[int, int] = (32, 64)
    hidden: int = 128
    dropout: float = 0.25           # after each pooling
    dropout_hidden: float = 0.5     # before the last layer
    size: int = 36
    clip: int = 10                  # pairs that share a mask, and that channels are shifted among


class TsCan(nn.Module):
    """A shifted motion branch, masked by an appearance branch that sees a clip's mean frame."""

    def __init__(self, config: TsCanConfig | None = None) -> None:
        super().__init__()
        self.config = config or TsCanConfig()
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
        clips, length = motion.shape[:2]
        seen = self.appearance1(standardised(appearance.mean(dim=1)))         # (B, 32, 34, 34)
        mask = self.mask1(seen).repeat_interleave(length, dim=0)              # (N, 1, 34, 34)
        x = self.motion1(motion.flatten(0, 1), shifted=length) * mask
        x = self.drop(self.pool(x))                                           # (N, 32, 17, 17)
        seen = self.appearance2(self.drop(self.pool(seen)))                   # (B, 64, 15, 15)
        mask = self.mask2(seen).repeat_interleave(length, dim=0)
        x = self.pool(self.motion2(x, shifted=length) * mask)                 # (N, 64, 7, 7)
        return self.head(self.drop(x)).view(clips, length)


SPEC = NetSpec(
    name="tscan", title=OWN_TITLES["tscan"], net=TsCan, config=TsCanConfig,
    reference="Liu et al., NeurIPS 2020",
    training=lambda net: Supervised(net, mean_squared),
    loss="mean squared error on the change", after="summed up to a pulse",
    learning_rate=1e-3, batch=6,
)
