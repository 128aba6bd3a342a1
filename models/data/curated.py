"""Curated folders in the UBFC layout, loaded to train and test on.

Everything that can be wrong with them is looked for before a single step of training: a subject on
both sides of the split, a missing or empty label, a video without a face, virtual subjects among
real ones, a video to test on without a window to compare heart rates in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from acquire.data_folder import frames_cache, ubfc_dir
from acquire.errors import CurationError, Fix, suggest
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.consistency.of_today import check_of_today
from dataset.convert.session_video import SessionVideo
from dataset.face.frames import FaceFrames, Motion, OnFrames, read_face_frames
from dataset.layouts.manifest import Entry
from dataset.layouts.ubfc import LABELS, VIDEO, check_video_bytes, load_manifest, read_labels

from .checks import (
    check_any_finger,
    check_has_finger,
    check_labels,
    check_manifest_split,
    check_measurable,
    check_no_copies,
)
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


def load_curated(
    data: Path, *, allow_mixed: bool = False, of_today: bool = True, motion: Motion = "normalised",
    workers: Workers | None = None, on_progress: OnProgress | None = None,
) -> TrainingData:
    """Load the curated dataset of a data folder, or raise what is wrong with it.

    Parameters
    ----------
    data : the folder that holds `ubfc/`; the frames cache is made beside it
    allow_mixed : whether virtual and real subjects may stand in one dataset
    of_today : whether the folders have to be of the present recordings, which are all read for it,
        split and exclusions
    motion : what is read of two adjacent frames
    workers : find faces and average frames of the videos that are not in the cache; None: this
        process does
    on_progress : called with the stage, the frames done and the frames in all

    Raises
    ------
    SplitError : a side is empty, or two subjects have the same video or labels
    CurationError : a folder, video or label is missing or is not what it should be; a subject is on
        both sides; the folders are not of the present recordings, split and exclusions; a video
        shows no face
    TrainingError : only one subject, virtual and real subjects together, a PPG that does not vary,
        a video that is too short, a video to test on that is too slow for a heart rate, without a
        window of 10 s between its gaps, or without one in which the finger's rate can be told; no
        such window in the videos to train on
    """
    root = ubfc_dir(data)
    manifest = load_manifest(root)
    entries = manifest.entries
    check_manifest_split(entries, allow_mixed=allow_mixed)
    if of_today:
        check_of_today(data, manifest, on_progress=on_progress)
    labels = [_read_checked_labels(root, entry) for entry in entries]
    check_no_copies(entries)
    for entry, (_, time_s) in zip(entries, labels, strict=True):
        if entry.side == "test":
            check_measurable(root / entry.folder, time_s, session=entry.session)
    if workers is not None:
        fill_frames_cache(
            [root / entry.folder / VIDEO for entry in entries], frames_cache(data),
            longest=max(entry.frames for entry in entries), workers=workers,
            on_progress=on_progress,
        )
    recordings = [
        Recording(entry, ppg, time_s, root / entry.folder / VIDEO)
        for entry, (ppg, time_s) in zip(entries, labels, strict=True)
    ]
    videos = read_videos(
        recordings, cache=frames_cache(data), motion=motion, on_progress=on_progress
    )
    check_any_finger(videos["train"])
    return TrainingData(videos["train"], videos["test"], manifest.split_hash, manifest.data_hash)


@dataclass(frozen=True, eq=False)
class Recording:
    """The labels of one curated recording, and where its pictures are."""

    entry: Entry
    ppg: np.ndarray                # (T,) float64
    time_s: np.ndarray             # (T,) float64
    path: Path                     # of the video, or of the session
    # rows that are read from the session itself; None: the video is a file
    rows: SessionVideo | None = None

    def face_frames(self, cache: Path, on_frames: OnFrames) -> FaceFrames:
        """Read the face frames; those of a file are held against its entry."""
        if self.rows is not None:
            return self.rows.face_frames(cache, on_frames=on_frames)
        with suggest(Fix.CONVERT_AGAIN):
            frames = read_face_frames(self.path, cache=cache, on_frames=on_frames)
        check_video_bytes(self.path.parents[2], self.entry, frames.video_sha256)
        return frames


def read_videos(
    recordings: Sequence[Recording], *, cache: Path, motion: Motion, on_progress: OnProgress | None
) -> dict[str, list[CuratedVideo]]:
    """Read the face frames of each recording: the videos by side.

    Raises
    ------
    CurationError, TrainingError : as `load_curated`
    """
    videos: dict[str, list[CuratedVideo]] = {"train": [], "test": []}
    total, frames_before = sum(one.entry.frames for one in recordings), 0
    for recording in recordings:
        entry = recording.entry

        def on_frames(done: int, before: int = frames_before) -> None:
            if on_progress is not None:
                on_progress(FACES, before + done, total)

        on_frames(0)
        frames = recording.face_frames(cache, on_frames)
        video = _video_of(recording, replace(frames, motion_kind=motion), cache=cache)
        if entry.side == "test":
            check_has_finger(video, recording.path.parent)
        videos[entry.side].append(video)
        frames_before += entry.frames
    if on_progress is not None:
        on_progress(FACES, total, total)
    return videos


def _read_checked_labels(root: Path, entry: Entry) -> tuple[np.ndarray, np.ndarray]:
    """Read and check one label file: PPG and seconds."""
    folder = root / entry.folder
    ppg, _, time_s = read_labels(folder)
    check_labels(folder, ppg, time_s=time_s, session=entry.session)
    return ppg, time_s


def _video_of(recording: Recording, frames: FaceFrames, *, cache: Path) -> CuratedVideo:
    entry, ppg, time_s = recording.entry, recording.ppg, recording.time_s
    path = recording.path
    if len(frames.frames) != len(ppg):
        raise CurationError(
            expected=f"{len(ppg)} frames, as many as its {LABELS} has columns",
            found=len(frames.frames), where=path, fix=Fix.CONVERT_AGAIN,
        )
    filtered = entry.labels.ppg_filter.get("kind") != "none"
    is_trusted = _trust(entry, ppg, time_s, filtered=filtered)
    change = change_of_ppg(ppg, time_s, entry.rows.repeated, is_trusted)
    video = to_curated_video(
        frames, ppg, time_s=time_s, ppg_change=change, folder=entry.folder, subject=entry.subject,
        session=entry.session, simulated=entry.source.simulated, video=path,
        marked_trusted=is_trusted,
    )
    video = replace(with_other_sizes(video, frames, cache, recording.rows), rows=recording.rows)
    return replace(video, ppg_filtered=filtered, virtual_seed=entry.source.virtual_seed)


def _trust(entry: Entry, ppg: np.ndarray, time_s: np.ndarray, *, filtered: bool) -> np.ndarray:
    """Return where the finger is trusted, by the manifest's marks; by the PPG where it has none."""
    if entry.rows.untrusted is None:
        return trust_by_labels(ppg, time_s, filtered=filtered)
    is_trusted = np.ones(len(ppg), bool)
    for span in entry.rows.untrusted:
        is_trusted[span.first : span.first + span.frames] = False
    return is_trusted
