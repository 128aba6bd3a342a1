"""UBFC-rPPG's DATASET_2 where it lies, as it was published: read in place, never copied or
converted.

Each `subject<int>` folder is one person. Stamps are made to rise and PPG that is no number is
bridged, and not learnt from; each defect is named. The PPG is band-passed here, on an even grid by
the published times. Frames are found once and kept.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from acquire.errors import CurationError, TrainingError
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.face.frames import face_frames
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.public.ubfc import read_dataset_2
from dataset.signals.filters import bandpass
from dataset.signals.windows import even_grid, to_even_grid

from .curated import (
    FACES,
    Curated,
    Recording,
    check_labels,
    check_measurable,
    fill_cache,
    ppg_change,
)


def load_dataset_2(
    folder: Path, *, cache: Path, workers: Workers | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Curated, list[str]]:
    """Read all `subject<int>` folders, all of them to train on, to be dealt into folds.

    Returns
    -------
    the recordings by rising number, and the defects, each in one line with its folder

    Raises
    ------
    CurationError : no such folders; files that are missing or none, all of them named; a video
        without a face
    TrainingError : fewer than two subjects, a PPG that does not vary, a recording too short or too
        slow
    """
    found = {
        int(m[1]): path
        for path in folder.glob("subject*")
        if (m := re.fullmatch(r"subject(\d+)", path.name))
    }
    if len(found) < 2:
        raise TrainingError(
            f"expected at least two folders subject<int> in {folder}, got {len(found)}; name the "
            "folder "
            "DATASET_2 of UBFC-rPPG"
        )
    folders = [path for _, path in sorted(found.items())]
    gone = [
        str(path / name)
        for path in folders
        for name in (LABELS, VIDEO)
        if not (path / name).is_file()
    ]
    if gone:
        raise CurationError(
            f"expected {LABELS} and {VIDEO} in {len(folders)} folders, found {len(gone)} files "
            "missing: "
            f"{', '.join(gone[:6])}{', ...' if len(gone) > 6 else ''}; get them again"
        )
    labels = {}
    defects = []
    for path in folders:
        labels[path], said = _labels(path)
        defects += [f"{path.name}: {one}" for one in said]
    if workers is not None:
        fill_cache([path / VIDEO for path in folders], cache, workers, on_progress)
    recordings, digest = [], hashlib.sha256()
    for done, path in enumerate(folders):
        if on_progress is not None:
            on_progress(FACES, done, len(folders))
        frames = face_frames(path / VIDEO, cache=cache)
        ppg, known, time_s = labels[path]
        count = min(len(frames.frames), len(ppg))
        if len(frames.frames) != len(ppg):
            defects.append(
                f"{path.name}: {len(frames.frames)} frames and {len(ppg)} PPG values; the first "
                f"{count} are used"
            )
        ppg, known, time_s = ppg[:count], known[:count], time_s[:count]
        check_labels(path, ppg, time_s)
        check_measurable(path, time_s)
        seen = type(frames)(frames.frames[:count], frames.box, frames.video_sha256)
        grid_s, fs_hz = even_grid(time_s)
        kept = np.interp(time_s, grid_s, bandpass(to_even_grid(ppg, time_s), fs_hz))
        change = ppg_change(kept, time_s)
        change[~(known[1:] & known[:-1])] = np.nan
        recordings.append(
            Recording(
                folder=path.name, subject=path.name, session=path.name, simulated=False,
                motion=torch.from_numpy(seen.motion().astype(np.float16)),
                appearance=torch.from_numpy((seen.frames[:-1] >> 8).astype(np.uint8)),
                colour=seen.colour(), change=torch.from_numpy(change), ppg=kept, time_s=time_s,
                video=path / VIDEO, box=frames.box,
            )
        )
        digest.update(
            f"{path.name} {frames.video_sha256} "
            f"{hashlib.sha256((path / LABELS).read_bytes()).hexdigest()}\n".encode()
        )
    if on_progress is not None:
        on_progress(FACES, len(folders), len(folders))
    return Curated(recordings, [], "", digest.hexdigest()), defects


def _labels(path: Path) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], Sequence[str]]:
    """Give PPG with holes bridged, which of it is known, and rising seconds, each (N,); and what is
    wrong with them.
    """
    published = read_dataset_2(path)
    assert published.frame_times is not None
    ppg, time_s = published.samples.ppg, published.frame_times.time_ns / 1e9
    count = min(len(ppg), len(time_s))
    ppg, time_s = ppg[:count], time_s[:count]
    known = np.isfinite(ppg)
    if not known.any():
        raise TrainingError(
            f"expected a PPG in {path / LABELS}, got no number in {count}; leave this recording out"
        )
    return (
        np.interp(np.arange(count), np.flatnonzero(known), ppg[known]), known, time_s - time_s[0],
    ), published.defects
