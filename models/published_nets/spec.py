"""What a network of another paper states of itself, so that one loop trains and tests all of them.

A network is a `torch.nn.Module` that is built from its configuration, a frozen dataclass, and has
`config` and `reads`. It takes clips, each of them from one video, and predicts a value for each
frame or for each pair of adjacent frames, or one heart rate for each clip.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

Kind = Literal["pairs", "frames", "chrom"]
_RATE_HZ = 30.0
_LONGEST_CLIP, _LARGEST_SIDE = 4096, 512


@dataclass(frozen=True)
class Reads:
    """What a network takes for B clips, and what it predicts.

    `pairs`: two tensors, (B, T, 3, S, S), DeepPhys's normalised difference of adjacent frames and
    the first frame of each pair in [0, 1]. `frames`: one tensor, (B, F, 3, S, S), red, green and
    blue in [0, 1]. `chrom`: one tensor, (B, T), the pulse that CHROM reads from the face's mean
    colour, of mean 0 and variance 1 in each clip.
    """

    kind: Kind
    # (B, T): the pulse at T frames, of any scale, or its change over T pairs, of unit variance;
    # (B,): the heart rate of the clip [beats a frame], so that no network has to know a frame rate
    predicts: Literal["pulse", "change", "rate"]
    clip: int               # T
    size: int = 0           # S, side of a frame [pixels]; 0 where no frames are read
    # whether predictions have a scale of their own; where they have none, each clip of them is
    # brought to unit variance before clips are joined
    has_scale: bool = False

    @property
    def frames(self) -> int:
        """The frames that a clip covers: one more than its pairs."""
        return self.clip + (self.kind == "pairs" or self.predicts == "change")

    def target_shape(self, clips: int) -> tuple[int, ...]:
        """Return the shape of what is predicted for so many clips."""
        return (clips,) if self.predicts == "rate" else (clips, self.clip)


class NetBatch(NamedTuple):
    """B clips to train on."""

    inputs: tuple[Tensor, ...]      # as `Reads` states them
    # (B, T): the PPG, of mean 0 and variance 1 in each clip, or its change, of unit variance over
    # the recording; (B,): the finger's rate [beats a frame]
    target: Tensor
    fs_hz: Tensor                   # (B,), values a second
    progress: float                 # epochs done over all epochs, 0 to below 1


@runtime_checkable
class PublishedNet(Protocol):
    """What every network here is, beside a `torch.nn.Module`."""

    @property
    def reads(self) -> Reads:
        """What it takes and predicts."""
        ...


class PublishedCount(NamedTuple):
    """A number of trained weights, as somebody prints it."""

    printed: str        # "532K", "2.16M": rounded or cut at its last digit
    source: str


# of a network: what is trained, whose forward of a `NetBatch` is the loss and its named parts
MakeTraining = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True)
class NetSpec:
    """One network, as the registry holds it."""

    name: str               # "physformer": of options, checkpoints and columns
    title: str              # "PhysFormer": of tables
    reference: str          # the paper
    net: type[nn.Module]    # takes `config`
    config: type            # a frozen dataclass; its defaults are the published network
    training: MakeTraining
    loss: str               # in words
    learning_rate: float    # at the top of the one-cycle schedule
    batch: int              # clips a step
    # trained weights of these defaults; None: none was found
    published_parameters: PublishedCount | None = None


# a README of the authors of arXiv:2305.04161, read in Snopylz/PhysBench_lz on GitHub
PHYSBENCH = "PhysBench's table of models (Wang et al.)"


def reads_as_published(spec: NetSpec) -> Reads:
    """Return what the published network takes and predicts."""
    with torch.device("meta"):                 # takes no memory
        net = spec.net(spec.config())
    assert isinstance(net, PublishedNet)
    return net.reads


def check_reads(reads: Reads) -> None:
    """Refuse lengths and sizes that no network has: a file may hold any.

    Raises
    ------
    ValueError : one is out of bounds
    """
    if not (1 <= reads.clip <= _LONGEST_CLIP and 0 <= reads.size <= _LARGEST_SIDE):
        raise ValueError(f"clips of {reads.clip} with frames of {reads.size}")


class Supervised(nn.Module):
    """A network and a loss of its prediction and the target alone."""

    def __init__(self, net: nn.Module, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.net = net
        self._loss = loss

    def forward(self, batch: NetBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its part without gradient."""
        loss = self._loss(self.net(*batch.inputs).float(), batch.target)
        return loss, {"label": loss.detach()}


def example_inputs(reads: Reads, *, clips: int = 1, seed: int = 0) -> tuple[Tensor, ...]:
    """Return noise in the shapes that a network reads, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    frames = (clips, reads.frames, 3, reads.size, reads.size)
    pairs = (clips, reads.clip, 3, reads.size, reads.size)
    if reads.kind == "pairs":
        return torch.randn(pairs, generator=generator), torch.rand(pairs, generator=generator)
    if reads.kind == "frames":
        return (torch.rand(frames, generator=generator),)
    return (torch.randn(clips, reads.clip, generator=generator),)


def example_batch(reads: Reads, *, clips: int = 1, seed: int = 0) -> NetBatch:
    """Return a batch of noise to train on."""
    generator = torch.Generator().manual_seed(seed + 1)
    target = torch.randn(reads.target_shape(clips), generator=generator)
    if reads.predicts == "rate":
        target = (75 + 10 * target) / (60 * _RATE_HZ)
    return NetBatch(
        example_inputs(reads, clips=clips, seed=seed), target,
        torch.full((clips,), _RATE_HZ), 0.0,
    )
