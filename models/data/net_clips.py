"""Clips for networks that read other than 36x36 pairs: larger frames, other lengths, waveforms.

`VideoInputs` cuts what a network reads out of one video; `NetClips` draws batches of many, to train
on. Frames are averaged to the network's own size from the same face box, not enlarged from 36x36.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from acquire.errors import Fix, TrainingError
from dataset.face.frames import UNIT, motion
from dataset.signals.colour_methods import chrom
from dataset.signals.windows import even_grid, to_even_grid, window_length
from models.published_nets.spec import NetBatch, Reads

from .clips import known_stretches
from .videos import CuratedVideo

_WHITE = 255 * UNIT


class VideoInputs:
    """What a network reads of one video of T frames, cut anywhere."""

    def __init__(self, video: CuratedVideo, reads: Reads) -> None:
        self.reads = reads
        self.frames = len(video.time_s)
        self._video = video
        self._images = None if reads.kind == "chrom" else video.frames_at(reads.size)
        self._motion = _motion_of(video, self._images) if reads.kind == "pairs" else None
        self._chrom = _chrom_of(video) if reads.kind == "chrom" else None

    def cut(self, first: int, *, mirrored: bool = False) -> tuple[Tensor, ...]:
        """Return one clip, without the axis of the batch; past its end a video's last is repeated.

        Parameters
        ----------
        first : number of the clip's first frame
        """
        if self._chrom is not None:
            trace = self._chrom[self._within(first, self.reads.clip, self.frames)]
            return (torch.from_numpy(_standardised(trace)),)
        assert self._images is not None
        if self._motion is None:
            return (self._as_frames(first, self.reads.frames, mirrored),)
        pairs = self._within(first, self.reads.clip, self.frames - 1)
        change = torch.from_numpy(self._motion[pairs]).float().permute(0, 3, 1, 2)
        return (change.flip(3) if mirrored else change,
                self._as_frames(first, self.reads.clip, mirrored))

    def target(self, first: int) -> Tensor:
        """Return what a clip's prediction is compared with: float32, as in `NetBatch`."""
        last = first + self.reads.clip
        if self.reads.predicts == "rate":
            return torch.tensor(self._rate_bpm(first) / (60 * self.fs_hz(first)))
        if self.reads.predicts == "change":
            return self._video.ppg_change[first:last].float()
        return torch.from_numpy(_standardised(self._video.ppg[first:last]))

    def fs_hz(self, first: int) -> float:
        """Return the frames a second of a clip."""
        time_s = self._video.time_s[first : first + self.reads.clip]
        return (len(time_s) - 1) / max(float(time_s[-1] - time_s[0]), 1e-3)

    def _rate_bpm(self, first: int) -> float:
        """Return the finger's rate at the middle of a clip, between the windows that have one."""
        reference, time_s = self._video.reference, self._video.time_s - self._video.time_s[0]
        fs_hz = even_grid(time_s)[1]
        length, step = window_length(fs_hz)
        known = np.flatnonzero(reference.is_used)
        middle_s = time_s[min(first + self.reads.clip // 2, self.frames - 1)]
        return float(
            np.interp(middle_s, (known * step + length / 2) / fs_hz, reference.bpm[known])
        )

    def _as_frames(self, first: int, count: int, mirrored: bool) -> Tensor:
        assert self._images is not None
        images = self._images[self._within(first, count, self.frames)]
        frames = torch.from_numpy(images.astype(np.float32) / _WHITE).permute(0, 3, 1, 2)
        return frames.flip(3) if mirrored else frames

    @staticmethod
    def _within(first: int, count: int, total: int) -> np.ndarray:
        return np.minimum(np.arange(first, first + count), total - 1)


class NetClips:
    """Batches of clips of some videos, cut, shuffled and mirrored anew in each epoch.

    What is drawn depends on the seed and the epoch only; how many clips there are, on neither.

    Parameters
    ----------
    batch : clips a step
    epochs : of the training, by which `NetBatch.progress` is known
    mirrored : whether half of the clips are mirrored
    """

    def __init__(
        self, videos: Sequence[CuratedVideo], reads: Reads, *, batch: int, seed: int, epochs: int,
        device: torch.device, mirrored: bool = False,
    ) -> None:
        self.batch, self.seed, self.epochs, self.device = batch, seed, epochs, device
        self.mirrored = mirrored
        self._clip = reads.frames
        self._videos = [VideoInputs(video, reads) for video in videos]
        self._stretches = [        # (number of the video, first frame, frames)
            (number, pairs.start, len(pairs) + 1)
            for number, video in enumerate(videos)
            # of a rate there is none to learn in a video without a window
            if reads.predicts != "rate" or video.reference.is_used.any()
            for pairs in known_stretches(video, max(1, self._clip - 1))
        ]
        if not self._stretches:
            raise TrainingError(
                expected=f"{self._clip} adjacent frames with a PPG, none of them repeated, in the "
                         "videos to train on",
                found="none", fix=Fix.CONVERT_NATIVE,
            )

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        clips = sum(self._count(frames) for _, _, frames in self._stretches)
        return math.ceil(clips / self.batch)

    def _count(self, frames: int) -> int:
        """Return the number of clips of a stretch: as many as fit at every offset."""
        return max(1, (frames - self._clip + 1) // self._clip)

    def epoch(self, number: int) -> Iterator[NetBatch]:
        """Yield the batches of one epoch; the last may be smaller."""
        rng = np.random.default_rng((self.seed, number))
        clips = []
        for video, first, frames in self._stretches:
            count = self._count(frames)
            start = first + int(rng.integers(frames - count * self._clip + 1))
            clips += [(video, start + at * self._clip) for at in range(count)]
        order = rng.permutation(len(clips))
        for at in range(0, len(order), self.batch):
            chosen = [clips[index] for index in order[at : at + self.batch]]
            yield self._batch(chosen, rng, number / self.epochs)

    def _batch(
        self, chosen: Sequence[tuple[int, int]], rng: np.random.Generator, progress: float
    ) -> NetBatch:
        inputs, targets, rates = [], [], []
        for number, first in chosen:
            video = self._videos[number]
            inputs.append(video.cut(first, mirrored=self.mirrored and bool(rng.random() < 0.5)))
            targets.append(video.target(first))
            rates.append(video.fs_hz(first))
        return NetBatch(
            tuple(torch.stack(part).to(self.device) for part in zip(*inputs, strict=True)),
            torch.stack(targets).to(self.device), torch.tensor(rates, device=self.device), progress,
        )


def _motion_of(video: CuratedVideo, images: np.ndarray | None) -> np.ndarray:
    """Return DeepPhys's normalised differences, whatever the recipe reads: (T - 1, S, S, 3)."""
    assert images is not None
    if video.motion_kind == "normalised" and video.motion.shape[1] == images.shape[1]:
        return video.motion.numpy()
    return motion(images, "normalised", np.float16)


def _chrom_of(video: CuratedVideo) -> np.ndarray:
    """Return the pulse that CHROM reads, at the frames' times: (T,) float64."""
    time_s = video.time_s - video.time_s[0]
    grid_s, fs_hz = even_grid(time_s)
    return np.interp(time_s, grid_s, chrom(to_even_grid(video.colour, time_s), fs_hz))


def _standardised(trace: np.ndarray) -> np.ndarray:
    """Bring a trace to mean 0 and variance 1, as float32; 0 where it does not vary."""
    centred = trace - trace.mean()
    sd = centred.std()
    return (centred / sd if sd > 0 else centred).astype(np.float32)
