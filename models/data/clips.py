"""Batches of short clips, drawn anew for every epoch."""

import math
from collections.abc import Iterator
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from acquire.errors import Fix, TrainingError
from dataset.common.spans import true_runs

from .videos import CuratedVideo


class Batch(NamedTuple):
    """B clips of C adjacent pairs of frames each; N = B * C."""

    motion: Tensor        # (N, 3, 36, 36) float32
    appearance: Tensor    # (B, 3, 36, 36) float32 in [0, 1], the first frame of each clip
    ppg_change: Tensor    # (N,) float32
    # (N,) float32: what a teacher without feature maps predicts of them; None: it is asked itself
    answer: Tensor | None = None


BatchT_co = TypeVar("BatchT_co", covariant=True)


class Batches(Protocol[BatchT_co]):
    """Batches to train on, another set in each epoch."""

    device: torch.device

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        ...

    def epoch(self, number: int) -> Iterator[BatchT_co]:
        """Yield the batches of one epoch."""
        ...


class Clips:
    """All clips of some videos.

    A clip is C adjacent pairs of frames of one video, so that they can share the teacher's
    attention masks. In every epoch each stretch without a gap is cut at another offset, and the
    clips are shuffled, shifted and mirrored: a pulse stays a pulse a few pixels aside, and without
    this the last layer memorises where a few faces had their noise. What is drawn depends on the
    seed and the epoch only, so two trainings with the same seed get the same batches in the same
    order. The number of batches of an epoch does not depend on either.
    """

    def __init__(
        self, videos: list[CuratedVideo], *, clip: int, batch: int, seed: int,
        device: torch.device, shift: int = 0, answers: list[Tensor] | None = None,
    ) -> None:
        """Take the pairs of all videos to the device.

        Parameters
        ----------
        answers : of each video, (T - 1,), what a teacher predicts
        """
        self.clip, self.batch, self.seed, self.device, self.shift = clip, batch, seed, device, shift
        # not joined: a copy of all would take as much memory again
        self._motion = [video.motion.to(device) for video in videos]
        self._appearance = [video.appearance.to(device) for video in videos]
        self.ppg_change = torch.cat([video.ppg_change for video in videos]).to(device)
        self.answer = None if answers is None else torch.cat(answers).to(device)
        # number of each video's first pair among those of all videos
        self._first = np.cumsum([0, *(len(video.ppg_change) for video in videos[:-1])])
        self.stretches = [      # (first pair, number of pairs) without a gap
            (int(first) + pairs.start, len(pairs))
            for first, video in zip(self._first, videos, strict=True)
            for pairs in known_stretches(video, clip)
        ]
        if not self.stretches:
            raise TrainingError(
                expected=f"{clip} adjacent frames with a PPG, none of them repeated, in the videos "
                         "to train on",
                found="none", fix=Fix.CONVERT_NATIVE,
            )

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(sum(self._count(length) for _, length in self.stretches) / self.batch)

    def _count(self, length: int) -> int:
        """Return the number of clips of a stretch: as many as fit at every offset below `clip`.

        So no learning-rate schedule depends on a draw.
        """
        return max(1, (length - self.clip + 1) // self.clip)

    def _draw_starts(self, rng: np.random.Generator) -> np.ndarray:
        counts = [self._count(length) for _, length in self.stretches]
        return np.concatenate([
            first + rng.integers(length - count * self.clip + 1) + np.arange(count) * self.clip
            for (first, length), count in zip(self.stretches, counts, strict=True)
        ])

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of one epoch; the last may be smaller."""
        rng = np.random.default_rng((self.seed, number))
        starts = rng.permutation(self._draw_starts(rng))
        for at in range(0, len(starts), self.batch):
            first = starts[at:at + self.batch]
            rows, columns = self._draw_shifts(rng, len(first))
            pairs = torch.from_numpy(first[:, None] + np.arange(self.clip))    # (B, C)
            motion = self._cut(self._motion, pairs, rows, columns)
            appearance = self._cut(self._appearance, pairs[:, :1], rows, columns)
            pairs = pairs.to(self.device)
            yield Batch(
                as_input(motion), as_input(appearance, 255), self.ppg_change[pairs].flatten(),
                None if self.answer is None else self.answer[pairs].flatten(),
            )

    def _cut(
        self, videos: list[Tensor], pairs: Tensor, rows: Tensor, columns: Tensor
    ) -> Tensor:
        """Return what each clip shows: (B, C) pairs of all videos to (B * C, H, W, 3)."""
        numbers = np.searchsorted(self._first, pairs[:, 0].numpy(), side="right") - 1
        return torch.cat([
            videos[number][(of_clip - self._first[number])[:, None, None], down, right]
            for number, of_clip, down, right in zip(
                numbers, pairs.to(self.device), rows, columns, strict=True
            )
        ])

    def _draw_shifts(self, rng: np.random.Generator, clips: int) -> tuple[Tensor, Tensor]:
        """Draw which row and column of its frames each clip reads: (B, 1, H, 1), (B, 1, 1, W)."""
        side = self._motion[0].shape[1]
        positions = np.arange(side)
        rows, columns = np.empty((2, clips, side), np.int64)
        for clip in range(clips):
            down, right = rng.integers(-self.shift, self.shift + 1, 2).tolist()
            is_mirrored = self.shift > 0 and rng.random() < 0.5
            # The margin that leaves on one side enters on the other.
            rows[clip] = (positions - down) % side
            columns[clip] = ((positions[::-1] if is_mirrored else positions) - right) % side
        return (torch.from_numpy(rows[:, None, :, None]).to(self.device),
                torch.from_numpy(columns[:, None, None, :]).to(self.device))


def known_stretches(video: CuratedVideo, at_least: int) -> list[range]:
    """Return the runs of at least `at_least` adjacent pairs whose change of the PPG is known."""
    return [
        pairs for pairs in true_runs(np.isfinite(video.ppg_change.numpy()))
        if len(pairs) >= at_least
    ]


def as_input(images: Tensor, full_scale: float = 1.0) -> Tensor:
    """Turn stored (N, H, W, C) images into (N, C, H, W) float32, channels last in memory."""
    return images.permute(0, 3, 1, 2).float() / full_scale
