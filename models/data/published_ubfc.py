"""UBFC-rPPG's DATASET_2 as it was published: read in place, never copied or converted.

Each `subject<int>` folder is one person. Stamps are made to rise. PPG values that are not numbers
are interpolated, and not learnt from; each defect is named. The PPG is band-passed here, on an even
grid by the published times. Averaged frames are kept in the cache.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from acquire.errors import CurationError, Fix, SplitError, TrainingError, suggest
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.face.frames import FaceFrames, Motion, read_face_frames
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.public.folders import list_places
from dataset.public.provenance import Provenance, find_provenance
from dataset.public.published import GET_FILE
from dataset.public.readers.ubfc_rppg import dataset_2_files, read_dataset_2
from dataset.public.sets import SETS
from dataset.signals.filters import bandpass
from dataset.signals.windows import even_grid, to_even_grid

from .checks import check_has_finger, check_labels, check_measurable
from .reference import trust_by_labels
from .videos import (
    FACES,
    CuratedVideo,
    TrainingData,
    change_of_ppg,
    fill_frames_cache,
    to_curated_video,
    with_other_sizes,
)

_MOST_NAMED = 6         # missing files


@dataclass(frozen=True)
class _Labels:
    """PPG and times of one folder, for N frames."""

    ppg: np.ndarray         # (N,) with holes interpolated
    is_known: np.ndarray    # (N,) False where the published value is not a number
    time_s: np.ndarray      # (N,) from 0


def load_dataset_2(
    folder: Path, *, cache: Path, allow_mixed: bool = False, motion: Motion = "normalised",
    workers: Workers | None = None, on_progress: OnProgress | None = None,
) -> tuple[TrainingData, list[str]]:
    """Read all `subject<int>` folders; all are to train on, and the caller draws folds of them.

    Parameters
    ----------
    cache : folder of averaged frames
    allow_mixed, motion, workers, on_progress : as in `load_curated`

    Returns
    -------
    the videos by rising number, and the defects, each in one line with its folder

    Raises
    ------
    CurationError : no such folders; missing or unreadable files, all of them named; a video without
        a face
    SplitError : two folders of one number, or with the same PPG or video
    TrainingError : fewer than two subjects, virtual and real subjects together, a PPG that does not
        vary, a video too short or too slow
    """
    folders, defects = _subject_folders(folder)
    known = {path: find_provenance("ubfc2", path) for path in folders}
    _refuse_mixed(known, folder, allow_mixed=allow_mixed)
    labels, ppg_hashes = {}, {}
    for path in folders:
        labels[path], label_defects = _read_labels(path)
        ppg_hashes[path] = hashlib.sha256(labels[path].ppg.tobytes()).hexdigest()
        defects += [f"{path.name}: {defect}" for defect in label_defects]
    _refuse_equal(ppg_hashes, "PPG", folder)
    if workers is not None:
        fill_frames_cache(
            [dataset_2_files(path)[1] for path in folders], cache,
            longest=max(len(one.ppg) for one in labels.values()), workers=workers,
            on_progress=on_progress,
        )
    videos, video_hashes, digest = [], {}, hashlib.sha256()
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
        video_hashes[path] = frames.video_sha256
        frames = replace(frames, motion_kind=motion)
        videos.append(_video_of(path, frames, labels[path], known[path], cache))
        labels_hash = hashlib.sha256(dataset_2_files(path)[0].read_bytes()).hexdigest()
        digest.update(f"{path.name} {frames.video_sha256} {labels_hash}\n".encode())
    if on_progress is not None:
        on_progress(FACES, len(folders), len(folders))
    _refuse_equal(video_hashes, "video", folder)
    return TrainingData(videos, [], "", digest.hexdigest()), defects


def _subject_folders(folder: Path) -> tuple[list[Path], list[str]]:
    """Find the folders of the subjects, by rising number; list what has another name.

    Each folder holds both of its files.
    """
    by_number: dict[int, Path] = {}
    others = []
    for place in list_places(folder):
        match = SETS["ubfc2"].folder.fullmatch(place.path.name)
        if place.defect or match is None:
            others.append(f"{place.path.name}: {place.defect or 'not subject<int>'}; left out")
        elif (other := by_number.setdefault(int(match[1]), place.path)) != place.path:
            raise SplitError(
                expected="each number once", found=f"{other.name} and {place.path.name}",
                where=folder, fix="rename one, or move one away where both are one person",
            )
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
    return folders, others


def _refuse_mixed(known: Mapping[Path, Provenance], folder: Path, *, allow_mixed: bool) -> None:
    virtual = [path.name for path, provenance in known.items() if provenance.simulated]
    if 0 < len(virtual) < len(known) and not allow_mixed:
        raise TrainingError(
            expected="virtual or real recordings", where=folder, fix=Fix.ALLOW_MIXED,
            found=f"both (virtual ones: {', '.join(virtual)})",
        )


def _refuse_equal(hashes: Mapping[Path, str], what: str, folder: Path) -> None:
    """Refuse two folders with the same content, which would be one person on two sides."""
    paths_of: dict[str, list[str]] = {}
    for path, content in hashes.items():
        paths_of.setdefault(content, []).append(path.name)
    if equal := [" and ".join(names) for names in paths_of.values() if len(names) > 1]:
        raise SplitError(
            expected="each recording once", found=f"{'; '.join(equal)} with the same {what}",
            where=folder, fix="move the copies away",
        )


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


def _video_of(
    path: Path, frames: FaceFrames, labels: _Labels, known: Provenance,
    cache: Path,
) -> CuratedVideo:
    """Check one video against its labels and turn both into tensors; the longer one is cut."""
    count = min(len(frames.frames), len(labels.ppg))
    ppg, time_s, is_known = labels.ppg[:count], labels.time_s[:count], labels.is_known[:count]
    check_labels(path, ppg, time_s=time_s)
    check_measurable(path, time_s)
    grid_s, fs_hz = even_grid(time_s)
    filtered = np.interp(time_s, grid_s, bandpass(to_even_grid(ppg, time_s), fs_hz))
    # looked at before the filter, which would make a beat of much
    is_trusted = trust_by_labels(ppg, time_s, filtered=False)
    change = change_of_ppg(filtered, time_s, (), is_trusted)
    change[~(is_known[1:] & is_known[:-1])] = np.nan
    video = to_curated_video(
        replace(frames, frames=frames.frames[:count]), filtered,
        time_s=time_s, ppg_change=change, folder=path.name,
        subject=known.subject or path.name, session=path.name, simulated=known.simulated,
        video=dataset_2_files(path)[1], marked_trusted=is_trusted,
    )
    check_has_finger(video, path, is_published=True)
    return with_other_sizes(video, frames, cache)
