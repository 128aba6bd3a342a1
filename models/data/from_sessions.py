"""The recordings of the split, loaded to train and test on without curated folders.

A paper's set of 12-minute recordings takes hundreds of gigabytes as curated video. What training
needs of it are face frames of 8 kB each: they are read from the sessions, in the rows that
`acq convert` would write by its usual settings, with the same checks. The tensors are the same, bit
for bit; only the data hash is another, as no video stands behind it.
"""

from functools import partial
from pathlib import Path
from typing import Any, Literal

from acquire import data_folder
from acquire.errors import CurationError
from dataset.common.progress import OnProgress
from dataset.common.workers import Places, Workers, reading_s, work_through
from dataset.convert.session_video import (
    USUAL,
    SessionRecording,
    keep_face_frames,
    number_folders,
    read_curated_rows,
)
from dataset.convert.settings import choose_fold
from dataset.convert.tasks import SessionTask, files_of, read_checked_split, session_tasks
from dataset.face.frames import Motion, are_frames_kept, averaging_bytes
from dataset.layouts.manifest import hash_of_entries
from dataset.selection.split_file import read_split

from .checks import (
    check_any_finger,
    check_labels,
    check_manifest_split,
    check_measurable,
    check_no_copies,
)
from .curated import Recording, load_curated, read_videos
from .videos import CACHING, TrainingData

# "ubfc": the curated folders; "sessions": the sessions; else a published DATASET_2 of UBFC-rPPG
Source = Path | Literal["ubfc", "sessions"]
_ROWS = "rows of sessions"             # a stage that `on_progress` is called with


def load_own(data: Path, source: Literal["ubfc", "sessions"], **how: Any) -> TrainingData:
    """Load a data folder's own recordings: curated, or from the sessions; as `load_sessions`."""
    return (load_sessions if source == "sessions" else load_curated)(data, **how)


def sessions_cache(data: Path) -> Path:
    """Return the folder of face frames of sessions; deleting it is always safe."""
    return data_folder.frames_cache(data) / "sessions"


def load_sessions(
    data: Path, *, allow_mixed: bool = False, of_today: bool = True, motion: Motion = "normalised",
    workers: Workers | None = None, on_progress: OnProgress | None = None,
) -> TrainingData:
    """Load the recordings of the split, or raise what is wrong with them.

    Parameters
    ----------
    data, allow_mixed, motion, workers, on_progress : as of `models.data.curated.load_curated`
    of_today : whether the sessions have to be those of the split, which are all read for it

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions; else as `load_curated`
    SessionError : a session cannot be read
    CurationError : sessions that cannot be used, each with its reason; no face
    TrainingError : as `load_curated`
    """
    if of_today:
        split, fold = read_checked_split(data, None, on_progress)
    else:
        split = read_split(data_folder.split_file(data))
        fold = choose_fold(split, None)
    tasks = number_folders(session_tasks(data, split, fold, USUAL))
    work_s = reading_s(task.file for task in tasks)
    reading = workers and workers.here().for_work(len(tasks), work_s)
    rows = _read_rows(tasks, reading, on_progress)
    entries = [one.entry for one in rows]
    check_manifest_split(entries, allow_mixed=allow_mixed)
    for one in rows:
        check_labels(one.video.file, one.ppg, time_s=one.time_s, session=one.entry.session)
    check_no_copies(entries)
    for one in rows:
        if one.entry.side == "test":
            check_measurable(one.video.file, one.time_s, session=one.entry.session)
    cache = sessions_cache(data)
    if workers is not None:
        needed = averaging_bytes(max(one.entry.frames for one in rows))
        workers = workers.for_work(len(tasks), work_s, process_bytes=needed)
        _fill_cache(tasks, cache, workers, on_progress)
    recordings = [
        Recording(one.entry, one.ppg, one.time_s, one.video.file, one.video) for one in rows
    ]
    videos = read_videos(recordings, cache=cache, motion=motion, on_progress=on_progress)
    check_any_finger(videos["train"])
    return TrainingData(videos["train"], videos["test"], split.hash, hash_of_entries(entries))


def _read_rows(
    tasks: list[SessionTask], workers: Workers | None, on_progress: OnProgress | None
) -> list[SessionRecording]:
    """Read the rows of each session, in the order of the tasks."""
    rows: dict[int, SessionRecording] = {}
    failures = []
    for at, outcome in work_through(read_curated_rows, tasks, workers=workers or Workers()):
        if outcome.value is None:
            failures.append(outcome.error)
        else:
            rows[at] = outcome.value
        if on_progress is not None:
            on_progress(_ROWS, len(rows), len(tasks))
    if failures:
        raise CurationError(
            expected=f"rows of {len(tasks)} sessions",
            found=f"{len(failures)} without: {'; '.join(sorted(failures))}",
        )
    return [rows[at] for at in range(len(tasks))]


def _fill_cache(
    tasks: list[SessionTask], cache: Path, workers: Workers, on_progress: OnProgress | None
) -> None:
    """Find faces in many sessions at once; what fails is named where it is read."""
    cache = cache.resolve()
    work, places = partial(keep_face_frames, cache=cache), partial(_places, cache=cache)
    for done, _ in enumerate(work_through(work, tasks, workers=workers, places=places), 1):
        if on_progress is not None:
            on_progress(CACHING, done, len(tasks))


def _places(task: SessionTask, *, cache: Path) -> Places | None:
    """Return where a session is, and its frames go; None where they are in the cache already."""
    if are_frames_kept(cache, read_curated_rows(task).video.digest):
        return None
    return Places(files_of(task), cache)
