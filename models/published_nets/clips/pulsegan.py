"""PulseGAN: a generator that makes a clean pulse of the one that CHROM reads.

Song, Chen, Cheng, Li, Liu, Chen, "PulseGAN: learning to generate realistic pulse waveforms in
remote photoplethysmography", IEEE JBHI 25(5), 2021: a denoising autoencoder with skip connections
over CHROM's waveform, a discriminator that sees a waveform beside CHROM's, and a loss of three
parts: adversarial, the waveform's absolute error, and that of its spectrum.

Choices, where the text leaves them, or was not at hand: clips of 256 frames; four levels of 16 to
128 channels, kernels of 15; least squares as the adversarial loss, with waveform and spectrum
weighing 10 each; generator and discriminator take a step at the same time, each by its own part of
the loss; the optimiser is that of all networks here; 8 clips a step. CHROM reads the whole face of
acq's box. The discriminator exists during training only.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ..spec import NetBatch, NetSpec, Reads
from ..titles import OWN_TITLES

_KERNEL = 15
_WEIGHT_WAVE, _WEIGHT_SPECTRUM = 10.0, 10.0


@dataclass(frozen=True)
class PulseGanConfig:
    """The hyperparameters of a PulseGAN."""

    channels: tuple[int, ...] = (16, 32, 64, 128)   # of the levels, each of half the length
    clip: int = 256                                 # frames, a multiple of 2 to the levels


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, _KERNEL, stride=2, padding=_KERNEL // 2),
        nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2),
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose1d(
            inputs, outputs, _KERNEL, stride=2, padding=_KERNEL // 2, output_padding=1
        ),
        nn.BatchNorm1d(outputs), nn.ReLU(),
    )


class PulseGan(nn.Module):
    """The generator: an encoder and a decoder with skip connections over a waveform."""

    def __init__(self, config: PulseGanConfig | None = None) -> None:
        super().__init__()
        self.config = config or PulseGanConfig()
        widths = (1, *self.config.channels)
        self.encoder = nn.ModuleList(
            _down(a, b) for a, b in pairwise(widths)
        )
        # each but the first also sees the encoder's maps of its length
        self.decoder = nn.ModuleList(
            _up(b if level == len(widths) - 2 else 2 * b, max(a, widths[1] // 2))
            for level, (a, b) in reversed(
                list(enumerate(pairwise(widths)))
            )
        )
        self.head = nn.Conv1d(widths[1] // 2 + 1, 1, 1)

    @property
    def reads(self) -> Reads:
        """CHROM's waveform; it predicts the pulse."""
        return Reads("chrom", "pulse", self.config.clip)

    def forward(self, chrom: Tensor) -> Tensor:
        """Predict the pulse, (B, T), from (B, T) waveforms of CHROM."""
        x = chrom[:, None]
        seen = [x]
        for layer in self.encoder:
            x = layer(x)
            seen.append(x)
        x = seen.pop()                                      # (B, 128, T / 16)
        for layer in self.decoder:
            x = torch.cat([layer(x), seen.pop()], dim=1)    # twice the length
        return self.head(x).squeeze(1)


class Discriminator(nn.Module):
    """A number for a waveform beside CHROM's: 1 for a finger's, 0 for a generated one."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        widths = (2, *channels)
        self.layers = nn.Sequential(
            *(_down(a, b) for a, b in pairwise(widths)),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(widths[-1], 1),
        )

    def forward(self, chrom: Tensor, pulse: Tensor) -> Tensor:
        """(B, T), (B, T) -> (B, 1)."""
        return self.layers(torch.stack([chrom, pulse], dim=1))


class PulseGanTraining(nn.Module):
    """Generator, discriminator and the losses of both, in one sum."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        assert isinstance(net, PulseGan)
        self.net = net
        self.discriminator = Discriminator(net.config.channels)

    def forward(self, batch: NetBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its parts, unweighted and without gradient."""
        (chrom,) = batch.inputs
        predicted = self.net(chrom).float()
        # of the discriminator as it stands: no gradient of the generator's loss reaches it
        held = {name: value.detach() for name, value in self.discriminator.named_parameters()}
        judged = functional_call(self.discriminator, held, (chrom, predicted))
        parts = {
            "adversarial": ((judged - 1) ** 2).mean() / 2,
            "label": F.l1_loss(predicted, batch.target),
            "spectrum": F.l1_loss(_spectrum(predicted), _spectrum(batch.target)),
        }
        real = self.discriminator(chrom, batch.target)
        made = self.discriminator(chrom, predicted.detach())
        parts["discriminator"] = ((real - 1) ** 2).mean() / 2 + (made**2).mean() / 2
        loss = (
            parts["adversarial"] + _WEIGHT_WAVE * parts["label"]
            + _WEIGHT_SPECTRUM * parts["spectrum"] + parts["discriminator"]
        )
        return loss, {name: part.detach() for name, part in parts.items()}


def _spectrum(signals: Tensor) -> Tensor:
    """Return the amplitudes of (B, T) signals: (B, T // 2 + 1), 1 for noise of variance 1."""
    return torch.fft.rfft(signals, norm="ortho").abs()


SPEC = NetSpec(
    name="pulsegan", title=OWN_TITLES["pulsegan"], net=PulseGan, config=PulseGanConfig,
    reference="Song et al., IEEE JBHI 25(5), 2021",
    training=PulseGanTraining,
    loss="adversarial, and the absolute errors of waveform and spectrum",
    learning_rate=1e-3, batch=8,
)
