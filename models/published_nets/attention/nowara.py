"""Inverse attention: what the mask leaves out tells the noise, and an LSTM takes it away.

Nowara, McDuff, Veeraraghavan, "The benefit of distraction: denoising camera-based physiological
measurements using inverse attention", ICCV 2021: a convolutional attention network (DeepPhys's)
gives a first pulse and a mask; the frames' red, green and blue under the inverse of the mask are
three estimates of the noise; an LSTM of 60 frames reads the pulse and these three, and predicts the
pulse without the noise. The inverse mask is 1 where the mask, brought to 0 to 1, is at most 0.1.

Choices, where the text leaves them, or was not at hand: the LSTM has two layers of 128 units, as
many as in the code that the authors published, which brings a clip to one vector and writes the
pulse from that; here it goes from frame to frame, for through one vector nothing was learnt in 280
steps. The mask is averaged over a clip, so that no pixel enters or leaves the noise within one; a
straight line, not a filter of the whole recording, is taken out of the four signals in each clip,
and each is brought to -1 to 1; both parts are trained at once, the first by the mean squared error
of the change, the second by that of the pulse, whose gradient does not reach the first; the
optimiser is that of all networks here; 4 clips a step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..recurrent import read_in_float32
from ..spec import NetBatch, NetSpec, Reads
from ..titles import OWN_TITLES
from .deepphys import DeepPhys, DeepPhysConfig

_IS_BACKGROUND = 0.1        # the most of the mask, brought to 0 to 1
_SIGNALS = 4                # the pulse, and the noise in red, green and blue


@dataclass(frozen=True)
class NowaraConfig(DeepPhysConfig):
    """The hyperparameters of DeepPhys, and of the LSTM behind it."""

    clip: int = 60
    units: int = 128


class Nowara(nn.Module):
    """DeepPhys, and an LSTM that takes from its pulse what is in the background as well."""

    def __init__(self, config: NowaraConfig | None = None) -> None:
        super().__init__()
        self.config = config or NowaraConfig()
        self.first = DeepPhys(self.config)
        self.lstm = nn.LSTM(_SIGNALS, self.config.units, num_layers=2, batch_first=True)
        self.head = nn.Linear(self.config.units, 1)

    @property
    def reads(self) -> Reads:
        """Pairs of frames; it predicts the pulse at the first of each."""
        return Reads("pairs", "pulse", self.config.clip, self.config.size)

    def forward(self, motion: Tensor, appearance: Tensor) -> Tensor:
        """Predict the pulse, (B, T) in -1 to 1, over B clips of T pairs: (B, T, 3, S, S) each."""
        return self.both(motion, appearance)[1]

    def both(self, motion: Tensor, appearance: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the change as DeepPhys does, and the pulse without noise: (B, T) each."""
        change, mask = self.first.read(motion, appearance)
        noise = background(appearance, mask.detach())                   # (B, T, 3)
        # the pulse at a pair's first frame: the sum of the changes before
        pulse = F.pad(change.detach().float().cumsum(dim=1)[:, :-1], (1, 0))
        signals = without_line(torch.cat([pulse[..., None], noise], dim=2))
        return change, torch.tanh(self.head(read_in_float32(self.lstm, signals))).squeeze(2)


def background(frames: Tensor, mask: Tensor) -> Tensor:
    """Average the frames where the mask, mean of a clip, is near its least: (B, T, 3).

    Parameters
    ----------
    frames : (B, T, 3, S, S)
    mask : (B, T, S - 2, S - 2)
    """
    mask = mask.mean(dim=1)
    least, most = mask.amin(dim=(1, 2), keepdim=True), mask.amax(dim=(1, 2), keepdim=True)
    is_out = mask - least <= _IS_BACKGROUND * (most - least)            # (B, S - 2, S - 2)
    weight = (is_out / is_out.sum(dim=(1, 2), keepdim=True)).to(frames.dtype)
    return torch.einsum("btchw,bhw->btc", frames[..., 1:-1, 1:-1], weight)


def without_line(signals: Tensor) -> Tensor:
    """Take the mean and the slope out of (B, T, C) signals, and bring each to -1 to 1."""
    at = torch.linspace(-1, 1, signals.shape[1], device=signals.device)[:, None]
    signals = signals - signals.mean(dim=1, keepdim=True)
    signals = signals - at * (signals * at).sum(dim=1, keepdim=True) / (at**2).sum()
    return signals / signals.abs().amax(dim=1, keepdim=True).clamp(min=1e-9)


class NowaraTraining(nn.Module):
    """Both parts and their losses: the change, and the pulse."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        assert isinstance(net, Nowara)
        self.net = net

    def forward(self, batch: NetBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its parts, unweighted and without gradient."""
        motion, appearance = batch.inputs
        change, pulse = self.net.both(motion, appearance)
        wanted = batch.target.diff(dim=1)
        wanted = wanted / wanted.std(dim=1, keepdim=True).clamp(min=1e-6)
        first = F.mse_loss(change[:, :-1].float(), wanted)
        label = F.mse_loss(pulse.float(), without_line(batch.target[..., None])[..., 0])
        return first + label, {"label": label.detach(), "first": first.detach()}


SPEC = NetSpec(
    name="nowara", title=OWN_TITLES["nowara"], net=Nowara, config=NowaraConfig,
    reference="Nowara, McDuff, Veeraraghavan, ICCV 2021",
    training=NowaraTraining,
    loss="mean squared error on the change, and on the pulse",
    learning_rate=1e-3, batch=4,
)
