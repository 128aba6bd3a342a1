"""Videos of faces as tensors that a network trains on, each with the PPG of its finger."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from acquire.errors import CurationError, TrainingError
from dataset.common.files import sha256_of
from dataset.common.progress import OnProgress
from dataset.common.workers import Places, Workers, work_through
from dataset.convert.session_video import SessionVideo
from dataset.face.box import FaceBox
from dataset.face.frames import (
    FaceFrames,
    Motion,
    are_frames_kept,
    averaging_bytes,
    cache_frames,
    read_face_frames,
)
from dataset.layouts.avi import read_bgr
from dataset.layouts.manifest import FrameSpan
from dataset.people import LearntFrom, Person
from dataset.published_colour.regions import region_colours
from dataset.signals.windows import LONGEST_STEP_S

from .reference import ReferenceWindows, reference_windows, trust_by_labels

FACES = "find faces, average frames"      # the stages that `on_progress` is called with
CACHING = "videos: faces, frames"
_READ_BYTES_S = 4e8            # of a video, stored: its hash alone is computed at 1.5e9


@dataclass(frozen=True)
class CuratedVideo:
    """One video of T frames; for each of its T - 1 adjacent pairs, a network's input and target."""

    folder: str            # "train/subject1", under data/ubfc
    subject: str
    session: str
    simulated: bool
    motion: Tensor         # (T - 1, 36, 36, 3) float16, as `motion_kind` says
    appearance: Tensor     # (T - 1, 36, 36, 3) uint8, the first frame of each pair
    # (T - 1,) float32: rise of the PPG over the pair, unit variance; NaN where it is unknown
    ppg_change: Tensor
    # (T, 3) float64: mean red, green, blue inside the detector's own box [grey levels]
    colour: np.ndarray
    ppg: np.ndarray        # (T,) float64
    time_s: np.ndarray     # (T,) float64, not falling; neighbours may be equal
    video: Path
    box: FaceBox
    # (T,) bool: the finger's pulse can be told at the frame; None: nobody marked it, and the PPG
    # itself is looked at
    marked_trusted: np.ndarray | None = None
    ppg_filtered: bool = True              # the PPG is band-passed from 0.7 to 4 Hz
    virtual_seed: int | None = None        # of a virtual subject; None where it is not known
    motion_kind: Motion = "normalised"     # of `motion`; "difference" is in grey levels, not scaled
    # (T, 3, 3) float64: of `dataset.published_colour.regions`; None: not at hand
    regions: np.ndarray | None = None
    # of rows that are read from the session itself, which `video` then is; None: a file
    rows: SessionVideo | None = None
    # frames of any side, as `frames_at` returns them; None: nothing but the above is at hand
    read_frames: Callable[[int], np.ndarray] | None = None

    def pictures(self) -> Iterator[np.ndarray]:
        """Yield the pictures as recorded, (H, W, 3) uint8 BGR; the next may overwrite one."""
        return read_bgr(self.video) if self.rows is None else self.rows.read()

    @property
    def person(self) -> Person:
        """Who was recorded."""
        return Person(self.subject, "virtual" if self.simulated else "real", self.virtual_seed)

    def frames_at(self, size: int) -> np.ndarray:
        """Return the face averaged to another size: (T, size, size, 3) uint16, as `FaceFrames` has.

        Raises
        ------
        TrainingError : the video itself is not at hand
        CurationError : it cannot be read any more
        """
        if self.read_frames is None:
            raise TrainingError(
                expected=f"frames of {size}x{size}", found="none of that size", where=self.video,
                fix="load the video from its folder",
            )
        return self.read_frames(size)[: len(self.time_s)]

    @cached_property
    def is_trusted(self) -> np.ndarray:
        """(T,) bool: the finger's pulse can be told at the frame."""
        if self.marked_trusted is not None:
            return self.marked_trusted
        return trust_by_labels(self.ppg, self.time_s, filtered=self.ppg_filtered)

    @cached_property
    def reference(self) -> ReferenceWindows:
        """The windows to compare heart rates in, the same for every method."""
        return reference_windows(
            self.ppg, self.time_s, is_trusted=self.is_trusted, filtered=self.ppg_filtered
        )


@dataclass(frozen=True)
class TrainingData:
    """The videos to train on and those to test on."""

    train: list[CuratedVideo]
    test: list[CuratedVideo]
    split_hash: str
    data_hash: str

    @property
    def people(self) -> str:
        """Who was recorded: "virtual", "real" or "virtual and real"."""
        kinds = {video.simulated for video in (*self.train, *self.test)}
        return " and ".join(
            name for name, simulated in (("virtual", True), ("real", False)) if simulated in kinds
        )

    @property
    def subjects(self) -> dict[str, list[str]]:
        """The subjects of each side."""
        return {
            "train": sorted({video.subject for video in self.train}),
            "test": sorted({video.subject for video in self.test}),
        }


    @cached_property
    def mean_rate_bpm(self) -> float:
        """The mean of the finger's rates in the training windows; NaN where there is none."""
        rates_bpm = [video.reference.bpm[video.reference.is_used] for video in self.train]
        known = np.concatenate([*rates_bpm, np.empty(0)])
        return float(known.mean()) if len(known) else float("nan")

    @property
    def learnt_from(self) -> LearntFrom:
        """Whom a network that is trained on these videos learns from."""
        people = {video.person for video in self.train}
        return LearntFrom(tuple(people), data_hashes=(self.data_hash,)) + LearntFrom()


def side_by_subjects(whole: TrainingData, test: Sequence[str]) -> TrainingData:
    """Test these subjects and train on all others; the split's hash is of data and subjects."""
    videos = [*whole.train, *whole.test]
    identity = json.dumps({"data": whole.data_hash, "test": list(test)}, sort_keys=True)
    return TrainingData(
        train=[video for video in videos if video.subject not in test],
        test=[video for video in videos if video.subject in test],
        split_hash=hashlib.sha256(identity.encode()).hexdigest(), data_hash=whole.data_hash,
    )


def percent_without_finger(videos: Sequence[CuratedVideo]) -> float:
    """Return the percentage of frames at which the finger's pulse cannot be told."""
    frames = sum(len(video.is_trusted) for video in videos)
    return 100 * sum(int((~video.is_trusted).sum()) for video in videos) / max(frames, 1)


def to_curated_video(
    frames: FaceFrames, ppg: np.ndarray, *, time_s: np.ndarray, ppg_change: np.ndarray, folder: str,
    subject: str, session: str, simulated: bool, video: Path,
    marked_trusted: np.ndarray | None = None,
) -> CuratedVideo:
    """Turn averaged frames and as many PPG values into the tensors of a `CuratedVideo`."""
    return CuratedVideo(
        folder=folder, subject=subject, session=session, simulated=simulated,
        motion=torch.from_numpy(frames.motion()),
        appearance=torch.from_numpy(frames.appearance()),
        ppg_change=torch.from_numpy(ppg_change), colour=frames.colour(), ppg=ppg, time_s=time_s,
        video=video, box=frames.box, marked_trusted=marked_trusted, motion_kind=frames.motion_kind,
        regions=region_colours(frames.frames, frames.box),
    )


def with_other_sizes(
    video: CuratedVideo, frames: FaceFrames, cache: Path, rows: SessionVideo | None = None
) -> CuratedVideo:
    """Return a video whose frames can be asked for in any size, which are kept in the cache."""
    # not the frames themselves: as long as they are kept, what was read of them stays in memory
    read = partial(_read_frames, frames.video_sha256, video.video, cache, rows)
    return replace(video, read_frames=read)


def _read_frames(
    video_sha256: str, video: Path, cache: Path, rows: SessionVideo | None, size: int
) -> np.ndarray:
    """Return the frames of a video in any size: from the cache, or averaged anew."""
    if rows is not None:
        return rows.face_frames(cache, size=size).frames
    return read_face_frames(video, cache=cache, size=size, video_sha256=video_sha256).frames


def change_of_ppg(
    ppg: np.ndarray, time_s: np.ndarray, repeated: Sequence[FrameSpan] = (),
    is_trusted: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the rise of the PPG from frame to frame, with zero mean and unit variance.

    It is what a network learns to predict.

    Parameters
    ----------
    repeated : frames, listed in the manifest, whose picture belongs to another moment, so that
        neither of their pairs shows what the PPG did
    is_trusted : (T,) bool, the finger's pulse can be told at the frame; None: at all of them

    Returns
    -------
    (T - 1,) float32; NaN where the frames are further apart than `LONGEST_STEP_S`, or one of them
    is repeated or not trusted
    """
    change = np.diff(ppg)
    change[np.diff(time_s) > LONGEST_STEP_S] = np.nan
    for stretch in repeated:
        change[max(stretch.first - 1, 0) : stretch.first + stretch.frames] = np.nan
    if is_trusted is not None:
        change[~(is_trusted[1:] & is_trusted[:-1])] = np.nan
    if np.isnan(change).all():
        return change.astype(np.float32)
    return ((change - np.nanmean(change)) / np.nanstd(change)).astype(np.float32)


def fill_frames_cache(
    videos: Sequence[Path], cache: Path, *, longest: int, workers: Workers,
    on_progress: OnProgress | None,
) -> None:
    """Find faces in many videos at once and keep their averaged frames in the cache.

    The frames of each video that can be read are kept, whatever happens to the others.

    Parameters
    ----------
    longest : frames of the longest video, about

    Raises
    ------
    CurationError : videos without a face or with broken frames, each with its reason
    """
    failures, cache = [], cache.resolve()
    paths = [video.resolve() for video in videos]
    work_s = sum(path.stat().st_size for path in paths if path.exists()) / _READ_BYTES_S
    doing = workers.for_work(len(paths), work_s, process_bytes=averaging_bytes(longest))
    if doing != workers and doing.jobs == 1:
        return                                # whoever reads a video finds its faces
    if on_progress is not None:
        on_progress(CACHING, 0, len(videos))
    through = work_through(
        partial(cache_frames, cache=cache), paths, workers=doing,
        places=partial(_places, cache=cache),
    )
    for done, (_, outcome) in enumerate(through, 1):
        failures += [outcome.error] if outcome.error else []
        if on_progress is not None:
            on_progress(CACHING, done, len(videos))
    if failures:
        raise CurationError(
            expected=f"a face and whole frames in {len(videos)} videos",
            found=f"{len(failures)} without: {'; '.join(sorted(failures))}",
        )


def _places(video: Path, *, cache: Path) -> Places | None:
    """Return where a video is, and its frames go; None where they are in the cache already."""
    return None if are_frames_kept(cache, sha256_of(video)) else Places((video,), cache)
