"""Two older ways to teach features, to compare TaT with: FitNet's hints, attention transfer.

Both compare the maps position by position. The teacher's map is brought to one scale as for TaT,
and FitNet's norm can be read in the same ways; with `clip` given, the mean over each clip is
subtracted first (see `tat`).

- FitNet (Romero et al., ICLR 2015, eq. 3): a regressor, here a 1x1 convolution that exists during
  training only, brings the student's map to the teacher's; the loss is the mean squared difference.
- Attention transfer (Zagoruyko and Komodakis, ICLR 2017, eq. 2 and 3): of each map the sum of
  squares over channels, Q, divided by its norm over the image; the loss is ||Q_S / ||Q_S|| - Q_T /
  ||Q_T|| ||^2, mean over frames. It has no weights of its own.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from .config import Norm
from .tat import distance, prepare_target, subtract_clip_mean


class FitNetLoss(nn.Module):
    """Hints at one pair of feature maps of equal shape, with its regressor."""

    def __init__(self, channels: int, *, norm: Norm = "mean", scaled: bool = True) -> None:
        super().__init__()
        self.norm: Norm = norm
        self.scaled = scaled
        # a bias would be subtracted with the clip's mean
        self.regressor = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Compute the distance of two (N, C, H, W) maps; `clip` as in `TatLoss`."""
        return distance(
            subtract_clip_mean(self.regressor(student).float(), clip),
            prepare_target(teacher, clip, scaled=self.scaled), self.norm,
        )


class AttentionTransferLoss(nn.Module):
    """Attention transfer at one pair of feature maps of equal height and width."""

    def __init__(self, *, scaled: bool = True) -> None:
        super().__init__()
        self.scaled = scaled

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Compute the squared distance of the energies of two (N, C, H, W) maps.

        `clip` as in `TatLoss`.
        """
        own = _normalised_energy(subtract_clip_mean(student.float(), clip))
        target = _normalised_energy(prepare_target(teacher, clip, scaled=self.scaled))
        return (own - target).square().sum(dim=1).mean()


def _normalised_energy(maps: Tensor) -> Tensor:
    return F.normalize(maps.square().sum(dim=1).flatten(1), dim=1)    # (N, H*W), norm 1
