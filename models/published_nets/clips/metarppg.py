"""Meta-rPPG: a network that adapts its encoder to whom it reads, without a finger.

Lee, Chen, Lee, "Meta-rPPG: remote heart rate estimation using a transductive meta-learner", ECCV
2020: clips of 60 frames of 64x64; a convolutional encoder that makes a feature vector of each
frame; a bidirectional LSTM and ordinal regression over 40 levels of the pulse; a small network that
learns to predict the gradient of the loss by the features (synthetic gradient); and a prototype,
the mean feature of all people so far. When it reads somebody new, the encoder alone takes steps
against the synthetic gradient and towards the prototype, for which no label is needed.

What one file carries of this: each clip adapts the encoder to itself, and is read by it then; the
paper adapts to the first seconds of a recording. While training, one step is taken by the synthetic
gradient before the loss that counts, whose gradient goes to the weights before that step
(first order); its episodes of support and query from one person are batches of clips here.

Choices, where the text leaves them, or was not at hand: the layers' widths and the prototype's
weight of 0.8 to 0.2 are as in the code that the authors published; 5 steps of 1e-3; pixels are read
as PhysNet's are here; the levels lie evenly between a clip's least and most; the optimiser is that
of all networks here; 4 clips a step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ..losses import temporal_contrast
from ..recurrent import read_in_float32
from ..spec import NetBatch, NetSpec, Reads
from ..titles import OWN_TITLES

_KEPT = 0.8         # of the prototype, at each step of the training
_MOST_STEPS = 50    # in a file that is read


@dataclass(frozen=True)
class MetaRppgConfig:
    """The hyperparameters of a Meta-rPPG."""

    channels: tuple[int, ...] = (32, 48, 64, 80, 120)
    units: int = 60                 # of the LSTM, in each direction
    levels: int = 40
    steps: int = 5                  # when a clip is read; 0: it does not adapt
    step: float = 1e-3
    clip: int = 60                  # frames
    size: int = 64                  # at least 2 to the number of channels

    def __post_init__(self) -> None:
        if not 0 <= self.steps <= _MOST_STEPS:
            raise ValueError(f"{self.steps} steps")


class Encoder(nn.Module):
    """Five convolutions, each halving the side: a feature vector of each frame."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(
            nn.Sequential(
                nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.AvgPool2d(2), nn.ReLU()
            )
            for a, b in pairwise((3, *channels))
        ))

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, 3, S, S) -> (B, T, 120)."""
        x = self.layers(frames.flatten(0, 1)).mean(dim=(2, 3))
        return x.unflatten(0, frames.shape[:2])


class SyntheticGradient(nn.Module):
    """An hourglass over the features, whose channels are the frames of a clip."""

    def __init__(self, clip: int) -> None:
        super().__init__()
        wide, narrow = 2 * clip // 3, clip // 3
        self.narrow1 = nn.Sequential(
            nn.Conv1d(clip, wide, 3, padding=1), nn.BatchNorm1d(wide), nn.ReLU()
        )
        self.narrow2 = nn.Sequential(
            nn.Conv1d(wide, narrow, 3, padding=1), nn.BatchNorm1d(narrow), nn.ReLU()
        )
        self.widen1 = nn.Sequential(
            nn.ConvTranspose1d(narrow, wide, 3, padding=1), nn.BatchNorm1d(wide), nn.ReLU()
        )
        self.widen2 = nn.ConvTranspose1d(wide, clip, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, D) -> the same."""
        x = self.narrow1(features)                                      # (B, 40, D)
        return self.widen2(self.widen1(self.narrow2(x)) + x)


class MetaRppg(nn.Module):
    """An encoder that adapts, an estimator that does not, and what the encoder adapts by."""

    prototype: Tensor

    def __init__(self, config: MetaRppgConfig | None = None) -> None:
        super().__init__()
        self.config = config or MetaRppgConfig()
        features, units = self.config.channels[-1], self.config.units
        self.encoder = Encoder(self.config.channels)
        self.lstm = nn.LSTM(features, units, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * units, 2 * self.config.levels)
        self.gradient = SyntheticGradient(self.config.clip)
        self.register_buffer("prototype", torch.zeros(features))

    @property
    def reads(self) -> Reads:
        """A clip of frames; it predicts the pulse."""
        return Reads("frames", "pulse", self.config.clip, self.config.size)

    def forward(self, frames: Tensor) -> Tensor:
        """Predict the pulse, (B, T) in levels, from (B, T, 3, S, S) frames in [0, 1].

        In evaluation mode the encoder adapts to each clip first, and is as before afterwards.
        """
        seen = temporal_contrast(frames)
        if self.training or self.config.steps == 0:
            return self.to_levels(self.encoder(seen))
        return torch.cat([self.to_levels(self._adapt_and_encode(clip[None])) for clip in seen])

    def logits(self, features: Tensor) -> Tensor:
        """Estimate whether the pulse is above each level: (B, T, D) -> (B, T, levels)."""
        pairs = self.head(read_in_float32(self.lstm, features)).unflatten(2, (-1, 2))
        return pairs[..., 1] - pairs[..., 0]

    def to_levels(self, features: Tensor) -> Tensor:
        """Estimate how many levels the pulse is above: (B, T, D) -> (B, T)."""
        return torch.sigmoid(self.logits(features)).sum(dim=2)

    def step(
        self, seen: Tensor, weights: Mapping[str, Tensor], *, towards_prototype: bool
    ) -> dict[str, Tensor]:
        """Return the encoder's weights after a step, by the synthetic gradient or the prototype.

        No gradient of a later loss goes through the step itself.
        """
        features = functional_call(self.encoder, dict(weights), (seen,))
        if towards_prototype:
            direction = 2 * (features.detach() - self.prototype) / features.shape[2]
        else:
            direction = self.gradient(features.detach()).detach()
        slopes = torch.autograd.grad(
            features, list(weights.values()),
            (direction / features.shape[:2].numel()).to(features.dtype),
        )
        return {
            name: weight - self.config.step * slope
            for (name, weight), slope in zip(weights.items(), slopes, strict=True)
        }

    def _adapt_and_encode(self, seen: Tensor) -> Tensor:
        """Adapt the encoder to one clip, (1, T, 3, S, S), and encode it: (1, T, D)."""
        # whoever reads may have switched gradients off; the clip of such a reader has none
        with torch.inference_mode(False), torch.enable_grad():
            clip = seen.clone()
            weights = {
                name: weight.detach().requires_grad_()
                for name, weight in self.encoder.named_parameters()
            }
            for towards_prototype in (False, True):
                for _ in range(self.config.steps):
                    stepped = self.step(clip, weights, towards_prototype=towards_prototype)
                    weights = {
                        name: weight.detach().requires_grad_() for name, weight in stepped.items()
                    }
        with torch.no_grad():
            return functional_call(self.encoder, weights, (clip,))


class MetaRppgTraining(nn.Module):
    """A Meta-rPPG and its losses: ordinal before and after a step, prototype, its gradient."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        assert isinstance(net, MetaRppg)
        self.net = net

    def forward(self, batch: NetBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its parts, unweighted and without gradient."""
        net, (frames,) = self.net, batch.inputs
        seen = temporal_contrast(frames)
        features = net.encoder(seen)
        before = self._ordinal(features, batch.target)
        # of the loss that the mean over all frames has, so that it does not shrink with them
        (slope,) = torch.autograd.grad(before, features, retain_graph=True)
        slope = slope.detach().float() * features.shape[:2].numel()
        adapted = net.step(
            seen, dict(net.encoder.named_parameters()), towards_prototype=False
        )
        parts = {
            "label": self._ordinal(
                functional_call(net.encoder, adapted, (seen,)), batch.target
            ),
            "before": before,
            "prototype": F.mse_loss(features.float(), net.prototype.clone().expand_as(features)),
            "gradient": F.mse_loss(net.gradient(features.detach()).float(), slope),
        }
        with torch.no_grad():
            mean = features.float().mean(dim=(0, 1))
            net.prototype.mul_(_KEPT).add_((1 - _KEPT) * mean)
        loss = torch.stack(list(parts.values())).sum()
        return loss, {name: part.detach() for name, part in parts.items()}

    def _ordinal(self, features: Tensor, target: Tensor) -> Tensor:
        """Compute the cross-entropy of being above each level of a clip's PPG, mean of all."""
        levels = self.net.config.levels
        least, most = target.amin(dim=1, keepdim=True), target.amax(dim=1, keepdim=True)
        place = (target - least) / (most - least).clamp(min=1e-6)       # (B, T), 0 to 1
        at = (torch.arange(levels, device=target.device) + 0.5) / levels
        logits = self.net.logits(features).float()
        return F.binary_cross_entropy_with_logits(logits, (place[..., None] > at).float())


SPEC = NetSpec(
    name="metarppg", title=OWN_TITLES["metarppg"], net=MetaRppg, config=MetaRppgConfig,
    reference="Lee, Chen, Lee, ECCV 2020",
    training=MetaRppgTraining,
    loss="ordinal regression, prototype and synthetic gradient",
    learning_rate=1e-3, batch=4,
)
