"""Batches of people who are drawn anew, as a network reads them in a training."""

from collections.abc import Iterator
from itertools import cycle, islice

import torch
from torch import Tensor

from dataset.face.frames import CUT_SD
from models.data.clips import Batch
from models.nets.can import PAIRS_PER_MASK

from .clips import Drawn, draw
from .plain_clips import draw_plain

_AT_ONCE = 4        # clips


class DrawnClips:
    """Batches of clips for a training: `per_epoch` batches in each epoch, no two of them alike.

    Four clips are of `clips.draw`, the next four of `plain_clips.draw_plain`, and so on.

    What is drawn depends on the seed, the epoch and the batch only.

    Parameters
    ----------
    clips : of a batch, a multiple of 4
    pairs : of a clip, a multiple of `PAIRS_PER_MASK`
    """

    def __init__(
        self, *, clips: int, pairs: int, per_epoch: int, seed: int, device: torch.device
    ) -> None:
        if pairs % PAIRS_PER_MASK or clips % _AT_ONCE:
            raise ValueError(
                f"expected a multiple of {PAIRS_PER_MASK} pairs and of {_AT_ONCE} clips, got "
                f"{pairs} and {clips}"
            )
        self.clips, self.pairs, self.per_epoch = clips, pairs, per_epoch
        self.seed, self.device = seed, device

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return self.per_epoch

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        for index in range(self.per_epoch):
            generator = torch.Generator().manual_seed(
                (self.seed * 1_000_003 + number) * 100_003 + index
            )
            with torch.no_grad():
                # a few at a time, which a processor's cache holds
                parts = [
                    to_batch(how(_AT_ONCE, self.pairs + 1, generator), generator)
                    for how in islice(cycle((draw, draw_plain)), self.clips // _AT_ONCE)
                ]
            yield Batch(*(
                torch.cat([getattr(part, name) for part in parts]).to(self.device)
                for name in ("motion", "appearance", "ppg_change")
            ))


def to_batch(drawn: Drawn, generator: torch.Generator) -> Batch:
    """Return the clips as a network reads them, normalised clip by clip.

    The deviation that motion is divided by is that of a clip, of a video that of all of it: it is
    off by about a fifth, at random, so that a network does not rely on it.
    """
    n, frames = drawn.time_s.shape
    before, after = drawn.frames[:, :-1], drawn.frames[:, 1:]
    motion = (after - before).div_(after + before)
    cut = CUT_SD * _root_mean_square(motion)
    motion.clamp_(-cut, cut)
    scale = torch.exp(0.2 * torch.randn(n, 1, 1, 1, 1, generator=generator))
    motion *= scale / _root_mean_square(motion)
    change = drawn.pulse.diff(dim=1)
    change = change / change.std(dim=1, keepdim=True)
    appearance = drawn.frames[:, : frames - 1 : PAIRS_PER_MASK] / 255
    return Batch(
        motion.flatten(0, 1).contiguous(memory_format=torch.channels_last),
        appearance.flatten(0, 1).contiguous(memory_format=torch.channels_last), change.flatten(),
    )


def _root_mean_square(values: Tensor) -> Tensor:
    """Return that of each clip of (N, T, ...), to divide by."""
    size = values[0].numel()
    norm = torch.linalg.vector_norm(values.flatten(1), dim=1)
    return (norm / size**0.5).clamp(min=1e-9)[:, None, None, None, None]
