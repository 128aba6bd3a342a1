"""Curated folders in the UBFC layout as tensors that a network trains on.

Everything that can be wrong with a dataset is looked for here, before a single step of training: a
subject on both sides of the split, a missing or empty label, a video without a face, virtual
subjects among real ones, a test recording without a window to compare heart rates in.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from acquire.data_folder import frames_cache, ubfc_dir
from acquire.errors import CurationError, SplitError, TrainingError
from dataset.common.progress import OnProgress
from dataset.common.spans import true_runs
from dataset.common.workers import Workers, work_through
from dataset.face.box import FaceBox
from dataset.face.frames import FaceFrames, face_frames, keep_frames
from dataset.layouts.manifest import Entry
from dataset.layouts.ubfc import LABELS, VIDEO, check_video_bytes, load_manifest, read_labels
from dataset.selection.exclusions import read_exclusions
from dataset.signals.filters import HIGH_HZ, LOW_HZ, WINDOW_S
from dataset.signals.windows import LONGEST_STEP_S, even_grid, trusted_windows

SHORTEST_S = 5.0        # a recording below this holds too few heartbeats to say anything
FACES = "find faces, average frames"
CACHING = "videos: faces, frames"


@dataclass(frozen=True)
class Recording:
    """One curated folder: T frames, and for each of the T - 1 adjacent pairs what a network reads
    and should say.
    """

    folder: str            # "train/subject1", under data/ubfc
    subject: str
    session: str
    simulated: bool
    motion: Tensor         # (T - 1, 36, 36, 3) float16, unit variance
    appearance: Tensor     # (T - 1, 36, 36, 3) uint8, the first frame of each pair
    # (T - 1,) float32: how much the PPG rises over the pair, unit variance; NaN where not to be
    # learnt
    change: Tensor
    # (T, 3) float64: mean red, green, blue inside the detector's own box [grey levels]
    colour: np.ndarray
    ppg: np.ndarray        # (T,) float64
    time_s: np.ndarray     # (T,) float64, increasing; some steps may have no length
    video: Path
    box: FaceBox


@dataclass(frozen=True)
class Curated:
    """A whole curated dataset, ready to train on."""

    train: list[Recording]
    test: list[Recording]
    split_hash: str
    data_hash: str

    @property
    def people(self) -> str:
        """Say who was recorded: "virtual", "real" or "virtual and real"."""
        kinds = {r.simulated for r in (*self.train, *self.test)}
        return " and ".join(
            name for name, simulated in (("virtual", True), ("real", False)) if simulated in kinds
        )

    @property
    def subjects(self) -> dict[str, list[str]]:
        """Name the subjects of each side."""
        return {
            "train": sorted({r.subject for r in self.train}),
            "test": sorted({r.subject for r in self.test}),
        }


class Batch(NamedTuple):
    """B clips of C adjacent pairs of frames each; N = B * C."""

    motion: Tensor        # (N, 3, 36, 36) float32
    appearance: Tensor    # (B, 3, 36, 36) float32 in [0, 1], the first frame of each clip
    change: Tensor        # (N,) float32


def load_curated(
    data: Path, *, allow_mixed: bool = False, workers: Workers | None = None,
    on_progress: OnProgress | None = None,
) -> Curated:
    """Load the curated dataset of a data folder, or say what is wrong with it.

    Parameters
    ----------
    data : the folder that holds `ubfc/`; the frames cache is made beside it
    allow_mixed : whether virtual and real subjects may stand in one dataset
    workers : who finds faces and averages frames of the videos that are not in the cache; None is
        this process
    on_progress : called with the stage, the frames done and the frames in all

    Raises
    ------
    SplitError : a side is empty
    CurationError : a folder, video or label is missing or is not what it should be; a subject is on
        both sides; a session, or a part of one, was excluded after it was converted; a video shows
        no face
    TrainingError : only one subject, virtual and real subjects together, a PPG that does not vary,
        a recording that is too short, a test recording too slow for a heart rate or without a
        window of 10 s between its gaps
    """
    root = ubfc_dir(data)
    manifest = load_manifest(root)
    entries = manifest.entries
    check_split(entries, allow_mixed=allow_mixed)
    check_exclusions(entries, data)
    labels = [_labels(root / entry.folder) for entry in entries]
    for entry, (_, time_s) in zip(entries, labels, strict=True):
        if entry.side == "test":
            check_measurable(root / entry.folder, time_s)
    if workers is not None:
        fill_cache(
            [root / entry.folder / VIDEO for entry in entries], frames_cache(data), workers,
            on_progress,
        )
    recordings: dict[str, list[Recording]] = {"train": [], "test": []}
    total, before = sum(entry.frames for entry in entries), 0
    for entry, (ppg, time_s) in zip(entries, labels, strict=True):
        def on_frames(done: int, before: int = before) -> None:
            if on_progress is not None:
                on_progress(FACES, before + done, total)

        on_frames(0)
        video = root / entry.folder / VIDEO
        frames = face_frames(video, cache=frames_cache(data), on_frames=on_frames)
        check_video_bytes(root, entry, frames.video_sha256)
        recordings[entry.side].append(_recording(entry, video, frames, ppg, time_s))
        before += entry.frames
    if on_progress is not None:
        on_progress(FACES, total, total)
    return Curated(recordings["train"], recordings["test"], manifest.split_hash, manifest.data_hash)


def fill_cache(
    videos: Sequence[Path], cache: Path, workers: Workers, on_progress: OnProgress | None
) -> None:
    """Make the averaged frames of many videos at once; those of which it went well are kept
    whatever the others do.
    """
    failed = []
    paths = [video.resolve() for video in videos]
    for done, (_, outcome) in enumerate(
        work_through(partial(keep_frames, cache=cache.resolve()), paths, workers=workers), 1
    ):
        failed += [outcome.error] if outcome.error else []
        if on_progress is not None:
            on_progress(CACHING, done, len(videos))
    if failed:
        raise CurationError(
            f"expected a face and whole frames in {len(videos)} videos, found {len(failed)} "
            "without: "
            + "; ".join(sorted(failed))
        )


def check_split(entries: Sequence[Entry], *, allow_mixed: bool = False) -> None:
    """Refuse a list of manifest entries that would leak a subject, or cannot be trained on.

    `read_manifest` refuses a leak too; it is looked for again here, because no other mistake makes
    figures so good.

    Raises
    ------
    SplitError : a subject is on both sides, a side is empty
    TrainingError : only one subject, virtual and real recordings together
    """
    sides = {
        side: {entry.subject for entry in entries if entry.side == side}
        for side in ("train", "test")
    }
    shared = sorted(sides["train"] & sides["test"])
    if shared:
        raise SplitError(
            f"expected every subject on one side, got {', '.join(shared)} in train and in test of "
            "the "
            "manifest; run acq split and acq convert again"
        )
    if len(sides["train"] | sides["test"]) < 2:
        raise TrainingError(
            f"expected at least two subjects, one of them held out, got "
            f"{', '.join(sides['train'] | sides['test']) or 'none'} in the manifest; record another"
        )
    for side, subjects in sides.items():
        if not subjects:
            raise SplitError(
                f"expected a subject in {side}, got none in the manifest; run acq split --holdout "
                "SUBJECT"
            )
    if len({entry.simulated for entry in entries}) > 1 and not allow_mixed:
        simulated = sorted({entry.subject for entry in entries if entry.simulated})
        raise TrainingError(
            "expected virtual or real recordings, got both (virtual ones of "
            f"{', '.join(simulated)}); curate "
            "them apart, or say --mix-simulated"
        )


def check_exclusions(entries: Sequence[Entry], data: Path) -> None:
    """Refuse folders that hold what a curator has taken out since.

    Raises
    ------
    CurationError : they do; the sessions are named
    """
    exclusions = read_exclusions(data)
    out = sorted({e.session for e in entries if exclusions.is_out(e.session)})
    if out:
        raise CurationError(
            f"expected no excluded session in {ubfc_dir(data)}, found {', '.join(out)}; run acq "
            "split --force "
            "and acq convert --force again"
        )
    since = sorted({
        e.session for e in entries for one in exclusions.of(e.session)
        if (one.from_s, one.to_s) not in {(part["from_s"], part["to_s"]) for part in e.excluded}
    })
    if since:
        raise CurationError(
            f"expected folders without the excluded parts in {ubfc_dir(data)}, found "
            f"{', '.join(since)} "
            "converted before; run acq convert --force again"
        )


def _labels(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read and check one label file: PPG and seconds."""
    ppg, _, time_s = read_labels(folder)
    check_labels(folder, ppg, time_s)
    return ppg, time_s


def check_labels(folder: Path, ppg: np.ndarray, time_s: np.ndarray) -> None:
    """Refuse labels that nothing can be learnt from.

    Raises
    ------
    CurationError : the times fall
    TrainingError : the PPG does not vary, or is too short
    """
    if not len(ppg) or np.ptp(ppg) == 0:
        raise TrainingError(
            f"expected a PPG that varies in {folder / LABELS}, got {len(ppg)} times the same; was "
            "the "
            "sensor on the finger? leave this recording out"
        )
    if (np.diff(time_s) < 0).any():
        raise CurationError(
            f"expected rising seconds in the third row of {folder / LABELS}; convert again"
        )
    if time_s[-1] - time_s[0] < SHORTEST_S:
        raise TrainingError(
            f"expected at least {SHORTEST_S:g} s in {folder}, got {time_s[-1] - time_s[0]:.1f} s; "
            "leave "
            "this recording out"
        )


def check_measurable(folder: Path, time_s: np.ndarray) -> None:
    """Refuse a test recording in which no heart rate could be compared, by its frame times.

    Raises
    ------
    TrainingError : see `load_curated`
    """
    _, fs_hz = even_grid(time_s)
    if fs_hz <= 2 * HIGH_HZ:
        raise TrainingError(
            f"expected more than {2 * HIGH_HZ:g} frames/s in {folder}, got {fs_hz:.2f}: the "
            "heart-rate band "
            f"{LOW_HZ:g}-{HIGH_HZ:g} Hz does not fit; leave this recording out"
        )
    if not trusted_windows(time_s).any():
        raise TrainingError(
            f"expected {WINDOW_S:g} s without a gap in {folder}, to compare heart rates in, found "
            "none in "
            f"{time_s[-1] - time_s[0]:.1f} s; leave this recording out"
        )


def _recording(
    entry: Entry, video: Path, frames: FaceFrames, ppg: np.ndarray, time_s: np.ndarray
) -> Recording:
    if len(frames.frames) != len(ppg):
        raise CurationError(
            f"expected {len(ppg)} frames in {video}, as its {LABELS} has columns, got "
            f"{len(frames.frames)}; convert again"
        )
    return Recording(
        folder=entry.folder, subject=entry.subject, session=entry.session,
        simulated=entry.simulated, motion=torch.from_numpy(frames.motion().astype(np.float16)),
        appearance=torch.from_numpy((frames.frames[:-1] >> 8).astype(np.uint8)),
        colour=frames.colour(), change=torch.from_numpy(ppg_change(ppg, time_s, entry.repeated)),
        ppg=ppg, time_s=time_s, video=video, box=frames.box,
    )


def ppg_change(
    ppg: np.ndarray, time_s: np.ndarray, repeated: Sequence[dict[str, Any]] = ()
) -> np.ndarray:
    """Give the rise of the PPG from frame to frame with zero mean and unit variance: what a network
    learns to say.

    Parameters
    ----------
    repeated : as in the manifest: frames whose picture belongs to another moment, so that neither
        pair of theirs shows what the PPG did

    Returns
    -------
    (T - 1,) float32; NaN where the frames are further apart than `LONGEST_STEP_S`, or one of them
    is repeated
    """
    change = np.diff(ppg)
    change[np.diff(time_s) > LONGEST_STEP_S] = np.nan
    for one in repeated:
        change[max(one["first"] - 1, 0) : one["first"] + one["frames"]] = np.nan
    if np.isnan(change).all():
        return change.astype(np.float32)
    return ((change - np.nanmean(change)) / np.nanstd(change)).astype(np.float32)


class Clips:
    """All clips of some recordings, drawn anew for every epoch.

    A clip is C adjacent pairs of frames of one recording, so that they can share the teacher's
    attention masks. Every epoch cuts each stretch without a gap at another offset and shuffles, and
    shifts and mirrors each clip: a pulse is no less one a few pixels aside, and without this the
    last layer learns by heart where three faces had their noise. What is drawn depends on the seed
    and the epoch alone, so two trainings with the same seed see the same batches in the same order;
    how many batches an epoch has does not even depend on those.
    """

    def __init__(
        self, recordings: list[Recording], *, clip: int, batch: int, seed: int,
        device: torch.device, shift: int = 0,
    ) -> None:
        self.clip, self.batch, self.seed, self.device, self.shift = clip, batch, seed, device, shift
        self.motion = torch.cat([r.motion for r in recordings]).to(device)
        self.appearance = torch.cat([r.appearance for r in recordings]).to(device)
        self.change = torch.cat([r.change for r in recordings]).to(device)
        self.stretches = [
            (begin + run.start, len(run))
            for begin, r in zip(_begins(recordings), recordings, strict=True)
            for run in true_runs(np.isfinite(r.change.numpy()))
            if len(run) >= clip
        ]
        if not self.stretches:
            raise TrainingError(
                f"expected {clip} adjacent frames with a PPG, none of them repeated, in the "
                "training recordings, "
                "found none; convert with --fps native"
            )

    def __len__(self) -> int:
        """Give the number of batches of an epoch."""
        return math.ceil(sum(self._count(length) for _, length in self.stretches) / self.batch)

    def _count(self, length: int) -> int:
        """Give the clips of a stretch: as many as fit at every offset below `clip`, so that no
        schedule depends on a draw.
        """
        return max(1, (length - self.clip + 1) // self.clip)

    def _starts(self, rng: np.random.Generator) -> np.ndarray:
        counts = [self._count(length) for _, length in self.stretches]
        return np.concatenate([
            begin + rng.integers(length - count * self.clip + 1) + np.arange(count) * self.clip
            for (begin, length), count in zip(self.stretches, counts, strict=True)
        ])

    def epoch(self, number: int) -> Iterator[Batch]:
        """Give the batches of one epoch; the last may be smaller."""
        rng = np.random.default_rng((self.seed, number))
        starts = rng.permutation(self._starts(rng))
        side = self.motion.shape[1]
        places = np.arange(side)
        for at in range(0, len(starts), self.batch):
            first = starts[at:at + self.batch]
            rows, columns = np.empty((2, len(first), side), np.int64)
            for clip in range(len(first)):
                down, right = rng.integers(-self.shift, self.shift + 1, 2).tolist()
                mirrored = self.shift > 0 and rng.random() < 0.5
                # The margin that goes out on one side comes in on the other.
                rows[clip] = (places - down) % side
                columns[clip] = ((places[::-1] if mirrored else places) - right) % side
            r, c = (
                torch.from_numpy(x).to(self.device)
                for x in (rows[:, None, :, None], columns[:, None, None, :])
            )
            # (B, C)
            pairs = torch.from_numpy(first[:, None] + np.arange(self.clip)).to(self.device)
            motion = self.motion[pairs[:, :, None, None], r, c].flatten(0, 1)
            appearance = self.appearance[pairs[:, :1, None, None], r, c].flatten(0, 1)
            yield Batch(as_input(motion), as_input(appearance, 255), self.change[pairs].flatten())


def _begins(recordings: list[Recording]) -> np.ndarray:
    return np.cumsum([0, *(len(r.change) for r in recordings[:-1])])


def as_input(images: Tensor, full_scale: float = 1.0) -> Tensor:
    """Turn stored (N, H, W, C) images into a network's (N, C, H, W) float32, channels last in
    memory.
    """
    return images.permute(0, 3, 1, 2).float() / full_scale
