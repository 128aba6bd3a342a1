"""Parts that DeepPhys and its successors share: convolutions, soft masks, shifts, the last layers.

The soft masks are the teacher's, too.

Of each two convolutions of 3x3 the first is padded and the second is not, as in the code that the
authors of DeepPhys published with TS-CAN; the drawing in DeepPhys's paper does not state it. There
is no batch normalisation: the teacher of the reference paper adds that, and pads all of them.
"""

import torch
from torch import Tensor, nn


class TwoConvolutions(nn.Module):
    """Two convolutions of 3x3, each with tanh; the second takes two pixels off each side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3)

    def forward(self, x: Tensor, *, shifted: int = 0) -> Tensor:
        """(N, C, H, W) -> (N, D, H - 2, W - 2); `shifted`: pairs of a clip, 0 shifts nothing."""
        x = torch.tanh(self.first(shift_in_time(x, shifted)))
        return torch.tanh(self.second(shift_in_time(x, shifted)))


class SoftMask(nn.Module):
    """A 1x1 convolution and a sigmoid, brought to mean 1/2 over the image (DeepPhys, eq. 6)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 1, H, W)."""
        mask = torch.sigmoid(self.conv(x))
        # The l1 norm over the image, without its 2 and H*W where they cancel.
        return mask / (2 * mask.mean(dim=(2, 3), keepdim=True))


def shift_in_time(x: Tensor, clip: int) -> Tensor:
    """Shift a third of the channels to the frame before and a third to the frame after.

    What leaves a clip is lost, and zeros enter. Source: Lin, Gan, Han, "TSM: temporal shift module
    for efficient video understanding", ICCV 2019, with the thirds of TS-CAN.

    Parameters
    ----------
    x : (B * clip, C, H, W), clips one after another
    clip : 0 shifts nothing
    """
    if clip == 0:
        return x
    x = x.unflatten(0, (-1, clip))                      # (B, T, C, H, W)
    third = x.shape[2] // 3
    earlier, later, still = x[:, :, :third], x[:, :, third : 2 * third], x[:, :, 2 * third :]
    earlier = torch.cat([earlier[:, 1:], torch.zeros_like(earlier[:, :1])], dim=1)
    later = torch.cat([torch.zeros_like(later[:, :1]), later[:, :-1]], dim=1)
    return torch.cat([earlier, later, still], dim=2).flatten(0, 1)


def last_side(size: int) -> int:
    """Return the side of the last map: twice two pixels less, then half."""
    return ((size - 2) // 2 - 2) // 2


def make_head(channels: int, size: int, *, hidden: int, dropout: float) -> nn.Sequential:
    """Make the two fully connected layers, from the last maps to a number."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(channels * last_side(size) ** 2, hidden), nn.Tanh(),
        nn.Dropout(dropout), nn.Linear(hidden, 1),
    )
