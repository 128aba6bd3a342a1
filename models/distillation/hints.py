"""Two older ways to teach features, to compare TaT with: FitNet's hints, attention transfer.

Both compare the maps position by position. The teacher's map is standardised in each channel as for
TaT; with `clip` given, the mean over each clip is subtracted first (see `tat`).

- FitNet (Romero et al., ICLR 2015, eq. 3): a regressor, here a 1x1 convolution that exists during
  training only, brings the student's map to the teacher's; the loss is the mean squared difference.
- Attention transfer (Zagoruyko and Komodakis, ICLR 2017, eq. 2 and 3): of each map the sum of
  squares over channels, Q, divided by its norm over the image; the loss is ||Q_S / ||Q_S|| - Q_T /
  ||Q_T|| ||^2, mean over frames. It has no weights of its own.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from .tat import standardise, subtract_clip_mean


class FitNetLoss(nn.Module):
    """Hints at one pair of feature maps of equal shape, with its regressor."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # a bias would be subtracted with the clip's mean
        self.regressor = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Compute the mean squared difference of two (N, C, H, W) maps; `clip` as in `TatLoss`."""
        return F.mse_loss(
            subtract_clip_mean(self.regressor(student).float(), clip), standardise(teacher, clip)
        )


class AttentionTransferLoss(nn.Module):
    """Attention transfer at one pair of feature maps of equal height and width."""

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Compute the squared distance of the energies of two (N, C, H, W) maps.

        `clip` as in `TatLoss`.
        """
        own = _normalised_energy(subtract_clip_mean(student.float(), clip))
        target = _normalised_energy(standardise(teacher, clip))
        return (own - target).square().sum(dim=1).mean()


def _normalised_energy(maps: Tensor) -> Tensor:
    return F.normalize(maps.square().sum(dim=1).flatten(1), dim=1)    # (N, H*W), norm 1
