"""The curated dataset for a training loop of one's own: a `torch.utils.data.Dataset` of clips.

Use it to train any network on what `acq` curated, with the same checks as the built-in training:

    from torch.utils.data import DataLoader
    from models import CuratedDataset

    clips = CuratedDataset("data", side="train", clip=128)
    for batch in DataLoader(clips, batch_size=4, shuffle=True):
        batch["motion"]         # (4, 128, 3, 36, 36)
        batch["ppg_change"]     # (4, 128)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from acquire.data_folder import ubfc_dir
from acquire.errors import TrainingError
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import MANIFEST
from dataset.signals.windows import even_grid

from .clips import as_input, known_stretches
from .curated import load_curated
from .videos import CuratedVideo


class Clip(TypedDict):
    """One item of `CuratedDataset`: T adjacent pairs of frames of one subject."""

    # (T, 3, 36, 36) float32: normalised difference of the pair's frames, red, green, blue, unit
    # variance over the whole video
    motion: Tensor
    # (T, 3, 36, 36) float32 in [0, 1]: the first frame of the pair, red, green, blue
    appearance: Tensor
    # (T,) float32: rise of the PPG over the pair, zero mean and unit variance over the whole video;
    # its cumulative sum is the pulse wave
    ppg_change: Tensor
    subject: str           # pseudonym
    fs_hz: Tensor          # () float32: pairs per second, of the whole video


class CuratedDataset(Dataset[Clip]):
    """Clips of the curated videos of one side, without gaps in their PPG.

    The frames are the face, found in the video's first frames, enlarged 1.6 times and averaged to
    36x36. All videos are kept in memory: 12 kB a frame.

    Parameters
    ----------
    data : the data folder (which holds `ubfc/`), or its folder `ubfc` itself. Averaged frames are
        taken from the cache in the data folder, and made there where they are missing
    side : "train" or "test"; no subject is on both
    clip : length T of a clip, in pairs of frames
    step : pairs from the beginning of a clip to that of the next; `clip` where not given, so that
        clips do not overlap
    allow_mixed : whether virtual and real subjects may stand in one dataset
    on_progress : called with the stage, the frames done and the frames in all

    Attributes
    ----------
    videos : the videos that the clips are cut from, a list of `CuratedVideo`

    Raises
    ------
    ValueError : another side, or a clip or step below 1
    TrainingError : no stretch of `clip` pairs with a known PPG; else as `load_curated`
    SplitError, CurationError : as `load_curated`
    """

    def __init__(
        self, data: Path | str, side: Literal["train", "test"] = "train", *, clip: int = 128,
        step: int | None = None, allow_mixed: bool = False, on_progress: OnProgress | None = None,
    ) -> None:
        if side not in ("train", "test"):
            raise ValueError(f"expected the side 'train' or 'test', found {side!r}")
        loaded = load_curated(
            _data_folder(Path(data)), allow_mixed=allow_mixed, on_progress=on_progress
        )
        self._cut(loaded.train if side == "train" else loaded.test, clip, step)

    @classmethod
    def of_videos(
        cls, videos: Sequence[CuratedVideo], *, clip: int = 128, step: int | None = None
    ) -> "CuratedDataset":
        """Cut clips from videos that are loaded already, such as those of a fold."""
        dataset = cls.__new__(cls)
        dataset._cut(videos, clip, step)
        return dataset

    def _cut(self, videos: Sequence[CuratedVideo], clip: int, step: int | None) -> None:
        step = clip if step is None else step
        if clip < 1 or step < 1:
            raise ValueError(f"expected a clip and a step of at least 1, found {clip} and {step}")
        self.videos = list(videos)
        self.clip = clip
        self._fs_hz = [even_grid(video.time_s)[1] for video in videos]
        self._clips = [        # (number of the video, first pair)
            (number, first)
            for number, video in enumerate(videos)
            for pairs in known_stretches(video, clip)
            for first in range(pairs.start, pairs.stop - clip + 1, step)
        ]
        if not self._clips:
            raise TrainingError(
                expected=f"{clip} adjacent pairs of frames with a PPG", found="none",
                where=f"in {len(self.videos)} videos", fix="ask for shorter clips",
            )

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._clips)

    def __getitem__(self, index: int) -> Clip:
        """Return one clip; the tensors are copies."""
        number, first = self._clips[index]
        video, pairs = self.videos[number], slice(first, first + self.clip)
        return {
            "motion": as_input(video.motion[pairs]).contiguous(),
            "appearance": as_input(video.appearance[pairs], 255).contiguous(),
            "ppg_change": video.ppg_change[pairs].clone(),
            "subject": video.subject,
            "fs_hz": torch.tensor(self._fs_hz[number], dtype=torch.float32),
        }


def _data_folder(folder: Path) -> Path:
    """Return the data folder, where its `ubfc` folder is given."""
    folder = folder.resolve()
    is_ubfc = folder == ubfc_dir(folder.parent) and (folder / MANIFEST).is_file()
    return folder.parent if is_ubfc else folder
