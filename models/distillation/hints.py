"""Two older ways to teach features, to hold TaT against: FitNet's hints and attention transfer.

Both compare the maps place by place. The teacher's map is standardised in each channel as for TaT;
with `clip` given, the mean over each clip is taken out first (see `tat`).

- FitNet (Romero et al., ICLR 2015, eq. 3): a regressor, here a 1x1 convolution that exists during
  training only, brings the student's map to the teacher's; the loss is the mean squared difference.
- Attention transfer (Zagoruyko and Komodakis, ICLR 2017, eq. 2 and 3): of each map the sum of
  squares over channels, Q, divided by its norm over the image; the loss is ||Q_S / ||Q_S|| - Q_T /
  ||Q_T|| ||^2, mean over frames. It has no weights of its own.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from .tat import standardised, without_clip_mean


class FitNetLoss(nn.Module):
    """Hints at one pair of feature maps of equal shape, with its regressor."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # a bias would not outlive the clip's mean
        self.regressor = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Give the mean squared difference of two (N, C, H, W) maps; see `tat.TatLoss.forward` for
        `clip`.
        """
        return F.mse_loss(
            without_clip_mean(self.regressor(student).float(), clip), standardised(teacher, clip)
        )


class AttentionTransferLoss(nn.Module):
    """Attention transfer at one pair of feature maps of equal height and width."""

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Give the squared distance of two (N, C, H, W) maps' normalised energies; see
        `tat.TatLoss.forward` for `clip`.
        """
        said, wanted = (
            _energy(x)
            for x in (without_clip_mean(student.float(), clip), standardised(teacher, clip))
        )
        return (said - wanted).square().sum(dim=1).mean()


def _energy(maps: Tensor) -> Tensor:
    return F.normalize(maps.square().sum(dim=1).flatten(1), dim=1)    # (N, H*W), norm 1
