"""The 3D CNN of Bousefsaf: small patches of video, each sorted into a class of heart rates.

Bousefsaf, Pruski, Maaoui, "3D convolutional neural networks for remote pulse rate measurement and
mapping from facial video", Applied Sciences 9(20), 2019: patches of 25x25 pixels over 60 frames, of
one colour; one 3D convolution of 32 filters of 58x20x20, max pooling, 512 units, and a class for
every 2.5 bpm and one for no pulse. It is trained on synthetic patches: a waveform of two harmonics,
a trend, and noise, the same in all pixels but for the noise. Each patch of a face votes.

Choices, where the text leaves them, or was not at hand: green, 75 classes from 55 to 240 bpm at 30
frames/s, pooling by 2 and dropout 0.2, as in the code that the authors published; patches lie side
by side over acq's box, averaged to 75x75, and the mean of their probabilities decides, without the
class of no pulse; each pixel is read as its difference from its mean over the clip, of unit
deviation in a patch; in each step patches of the people to learn from are sorted, too, as many as
synthetic ones, so that all networks here learn from the same people; the optimiser is that of all
networks here; 4 clips a step.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..losses import temporal_contrast
from ..spec import NetBatch, NetSpec, Reads
from ..titles import OWN_TITLES

RATE_HZ = 30.0              # at which classes are in bpm
LEAST_BPM, STEP_BPM = 55.0, 2.5
_GREEN = 1


@dataclass(frozen=True)
class BousefsafConfig:
    """The hyperparameters of the 3D CNN of Bousefsaf."""

    filters: int = 32
    kernel: tuple[int, int, int] = (58, 20, 20)     # frames, rows, columns
    hidden: int = 512
    classes: int = 75               # of rates; one more for no pulse
    dropout: float = 0.2
    patch: int = 25                 # side [pixels]
    clip: int = 60                  # frames
    size: int = 75                  # a multiple of the patch's side


class Bousefsaf(nn.Module):
    """One large 3D convolution and two layers, over each patch of a face."""

    def __init__(self, config: BousefsafConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or BousefsafConfig()
        frames, rows, columns = config.kernel
        left = (
            (config.clip - frames + 1) // 2
            * ((config.patch - rows + 1) // 2) * ((config.patch - columns + 1) // 2)
        )
        self.conv = nn.Conv3d(1, config.filters, config.kernel)
        self.layers = nn.Sequential(
            nn.MaxPool3d(2), nn.ReLU(), nn.Dropout(config.dropout), nn.Flatten(),
            nn.Linear(config.filters * left, config.hidden), nn.ReLU(), nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.classes + 1),
        )

    @property
    def reads(self) -> Reads:
        """A clip of frames; it predicts a rate."""
        return Reads("frames", "rate", self.config.clip, self.config.size)

    def forward(self, frames: Tensor) -> Tensor:
        """Predict the rate, (B,) [beats a frame], from (B, T, 3, S, S) frames in [0, 1]."""
        patches = self.patches(frames)
        shares = torch.softmax(self.logits(patches.flatten(0, 1)).float(), dim=1)
        voted = shares.unflatten(0, patches.shape[:2]).mean(dim=1)[:, : self.config.classes]
        return self.rates(voted.argmax(dim=1))

    def rates(self, classes: Tensor) -> Tensor:
        """Return the rate of classes [beats a frame]."""
        return (LEAST_BPM + STEP_BPM * classes) / (60 * RATE_HZ)

    def classes_of(self, rates: Tensor) -> Tensor:
        """Return the class of each rate [beats a frame]; the first or last for one outside."""
        nearest = ((60 * RATE_HZ * rates - LEAST_BPM) / STEP_BPM).round().long()
        return nearest.clamp(0, self.config.classes - 1)

    def patches(self, frames: Tensor) -> Tensor:
        """Cut green into patches: (B, T, 3, S, S) -> (B, P, T, 25, 25)."""
        side = self.config.patch
        tiles = frames[:, :, _GREEN].unfold(2, side, side).unfold(3, side, side)
        return tiles.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)

    def logits(self, patches: Tensor) -> Tensor:
        """Sort (N, T, 25, 25) patches: (N, classes + 1)."""
        return self.layers(self.conv(temporal_contrast(patches[:, :, None]).transpose(1, 2)))


def synthetic_patches(rates: Tensor, length: int, side: int) -> Tensor:
    """Draw patches with a pulse of these rates, none where it is 0: (N, T, side, side), about 1/2.

    Parameters
    ----------
    rates : (N,) [beats a frame]
    """
    at = torch.linspace(-1, 1, length, device=rates.device)

    def random(least: float, most: float) -> Tensor:
        return least + (most - least) * torch.rand_like(rates)[:, None]

    phase = 2 * math.pi * (rates[:, None] * torch.arange(length, device=rates.device))
    phase = phase + random(0, 2 * math.pi)
    pulse = torch.sin(phase) + 0.4 * torch.sin(2 * phase + 0.8)
    # a line, a square or a cube of time
    order = 1 + (3 * torch.rand_like(rates)).long().clamp(max=2)[:, None]
    trend = random(-1, 1) * at[None] ** order
    common = random(0.004, 0.01) * (pulse * (rates > 0)[:, None] + trend)
    noise = random(0.001, 0.005)[..., None, None] * torch.randn(
        len(rates), length, side, side, device=rates.device
    )
    return 0.5 * (1 + common[..., None, None] + noise)


class BousefsafTraining(nn.Module):
    """The network and its cross-entropy, of faces and of synthetic patches."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        assert isinstance(net, Bousefsaf)
        self.net = net

    def forward(self, batch: NetBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its parts without gradient."""
        net, config = self.net, self.net.config
        patches = net.patches(batch.inputs[0])                          # (B, P, T, 25, 25)
        count = patches.shape[1]
        label = F.cross_entropy(
            net.logits(patches.flatten(0, 1)).float(),
            net.classes_of(batch.target).repeat_interleave(count),
        )
        drawn = torch.randint(
            config.classes + 1, (len(batch.target) * count,), device=batch.target.device
        )
        rates = torch.where(drawn < config.classes, net.rates(drawn), 0)
        made = synthetic_patches(rates, config.clip, config.patch)
        synthetic = F.cross_entropy(net.logits(made).float(), drawn)
        return label + synthetic, {"label": label.detach(), "synthetic": synthetic.detach()}


SPEC = NetSpec(
    name="bousefsaf", title=OWN_TITLES["bousefsaf"], net=Bousefsaf, config=BousefsafConfig,
    reference="Bousefsaf, Pruski, Maaoui, Appl. Sci. 2019",
    training=BousefsafTraining,
    loss="cross-entropy of the rate's class, of faces and of synthetic patches",
    learning_rate=1e-3, batch=4,
)
