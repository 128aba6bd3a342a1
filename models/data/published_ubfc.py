"""UBFC-rPPG's DATASET_2 as it was published: read in place, never copied or converted.

Each `subject<int>` folder is one person. Stamps are made to rise. PPG values that are not numbers
are interpolated, and not learnt from; each defect is named. The PPG is band-passed here, on an even
grid by the published times. Averaged frames are kept in the cache.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import CurationError, TrainingError, suggest
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.face.frames import FaceFrames, read_face_frames
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.public.published import GET_FILE
from dataset.public.read_ubfc import dataset_2_files, read_dataset_2
from dataset.signals.filters import bandpass
from dataset.signals.windows import even_grid, to_even_grid

from .checks import check_labels, check_measurable
from .videos import (
    FACES,
    CuratedVideo,
    TrainingData,
    change_of_ppg,
    fill_frames_cache,
    to_curated_video,
)

_MOST_NAMED = 6         # missing files


@dataclass(frozen=True)
class _Labels:
    """PPG and times of one folder, for N frames."""

    ppg: np.ndarray         # (N,) with holes interpolated
    is_known: np.ndarray    # (N,) False where the published value is not a number
    time_s: np.ndarray      # (N,) from 0


def load_dataset_2(
    folder: Path, *, cache: Path, workers: Workers | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[TrainingData, list[str]]:
    """Read all `subject<int>` folders; all are to train on, and the caller draws folds of them.

    Parameters
    ----------
    cache : folder of averaged frames
    workers, on_progress : as in `load_curated`

    Returns
    -------
    the videos by rising number, and the defects, each in one line with its folder

    Raises
    ------
    CurationError : no such folders; missing or unreadable files, all of them named; a video without
        a face
    TrainingError : fewer than two subjects, a PPG that does not vary, a video too short or too slow
    """
    folders = _subject_folders(folder)
    labels, defects = {}, []
    for path in folders:
        labels[path], label_defects = _read_labels(path)
        defects += [f"{path.name}: {defect}" for defect in label_defects]
    if workers is not None:
        fill_frames_cache(
            [dataset_2_files(path)[1] for path in folders], cache, workers=workers, on_progress=on_progress
        )
    videos, digest = [], hashlib.sha256()
    for done, path in enumerate(folders):
        if on_progress is not None:
            on_progress(FACES, done, len(folders))
        with suggest(GET_FILE):
            frames = read_face_frames(dataset_2_files(path)[1], cache=cache)
        if len(frames.frames) != len(labels[path].ppg):
            defects.append(
                f"{path.name}: {len(frames.frames)} frames and {len(labels[path].ppg)} PPG values; "
                f"the first {min(len(frames.frames), len(labels[path].ppg))} are used"
            )
        videos.append(_video_of(path, frames, labels[path]))
        labels_hash = hashlib.sha256(dataset_2_files(path)[0].read_bytes()).hexdigest()
        digest.update(f"{path.name} {frames.video_sha256} {labels_hash}\n".encode())
    if on_progress is not None:
        on_progress(FACES, len(folders), len(folders))
    return TrainingData(videos, [], "", digest.hexdigest()), defects


def _subject_folders(folder: Path) -> list[Path]:
    """Find the folders of the subjects, by rising number; each holds both of its files."""
    by_number = {
        int(match[1]): path
        for path in folder.glob("subject*")
        if (match := re.fullmatch(r"subject(\d+)", path.name))
    }
    if len(by_number) < 2:
        raise TrainingError(
            expected="at least two folders subject<int>", found=len(by_number), where=folder,
            fix="name the folder DATASET_2 of UBFC-rPPG",
        )
    folders = [path for _, path in sorted(by_number.items())]
    missing = [
        str(file) for path in folders for file in dataset_2_files(path) if not file.is_file()
    ]
    if missing:
        raise CurationError(
            expected=f"{LABELS} and {VIDEO} in {len(folders)} folders",
            found=f"{len(missing)} files missing: {', '.join(missing[:_MOST_NAMED])}"
                  f"{', ...' if len(missing) > _MOST_NAMED else ''}",
            fix="get them again",
        )
    return folders


def _read_labels(path: Path) -> tuple[_Labels, tuple[str, ...]]:
    """Read the PPG and the times of one folder, and what is wrong with them."""
    published = read_dataset_2(path)
    ppg, time_s = published.samples.ppg, published.samples.times.time_ns / 1e9
    count = min(len(ppg), len(time_s))
    ppg, time_s = ppg[:count], time_s[:count]
    is_known = np.isfinite(ppg)
    if not is_known.any():
        raise TrainingError(
            expected="a PPG", found=f"no number in {count} values", where=path / LABELS,
            fix="move the folder away",
        )
    filled = np.interp(np.arange(count), np.flatnonzero(is_known), ppg[is_known])
    return _Labels(filled, is_known, time_s - time_s[0]), tuple(published.defects)


def _video_of(path: Path, frames: FaceFrames, labels: _Labels) -> CuratedVideo:
    """Check one video against its labels and turn both into tensors; the longer one is cut."""
    count = min(len(frames.frames), len(labels.ppg))
    ppg, time_s, is_known = labels.ppg[:count], labels.time_s[:count], labels.is_known[:count]
    check_labels(path, ppg, time_s=time_s)
    check_measurable(path, time_s)
    grid_s, fs_hz = even_grid(time_s)
    filtered = np.interp(time_s, grid_s, bandpass(to_even_grid(ppg, time_s), fs_hz))
    change = change_of_ppg(filtered, time_s)
    change[~(is_known[1:] & is_known[:-1])] = np.nan
    return to_curated_video(
        FaceFrames(frames.frames[:count], frames.box, frames.video_sha256), filtered,
        time_s=time_s, ppg_change=change, folder=path.name, subject=path.name, session=path.name,
        simulated=False, video=dataset_2_files(path)[1],
    )
