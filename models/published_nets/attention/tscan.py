"""TS-CAN: DeepPhys whose motion branch also sees the frames before and after.

Liu, Fromm, Patel, McDuff, "Multi-task temporal shift attention networks for on-device contactless
vitals measurement", NeurIPS 2020, its network for the pulse alone: a temporal shift before each
convolution of the motion branch, and one mask for a clip, from the mean of its frames.

Choices, where the text leaves them: which convolutions are padded (`layers`); 10 pairs share
a mask and a shift, as in the authors' code; the optimiser is that of all networks here; 6 clips a
step.
"""

from dataclasses import dataclass

from torch import Tensor

from ..losses import mean_squared
from ..spec import PHYSBENCH, NetSpec, PublishedCount, Supervised
from ..titles import OWN_TITLES
from .deepphys import DeepPhys, DeepPhysConfig, standardised


@dataclass(frozen=True)
class TsCanConfig(DeepPhysConfig):
    """The hyperparameters of a TS-CAN; `clip` pairs share a mask and shift channels."""

    clip: int = 10


class TsCan(DeepPhys):
    """DeepPhys's layers: a shifted motion branch, and masks of a clip's mean frame."""

    def __init__(self, config: TsCanConfig | None = None) -> None:
        super().__init__(config or TsCanConfig())

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
    loss="mean squared error on the change",
    learning_rate=1e-3, batch=6,
    published_parameters=PublishedCount("532K", PHYSBENCH),
)
