"""What a conversion will take, before it begins: bytes and minutes of each codec, and free space.

Lossless video takes what its pictures make of it, so that no constant would do: a few frames of a
few recordings are written, read back and compared, as the conversion itself does it, and counted.
"""

import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from acquire import data_folder
from acquire.errors import CurationError, Fix, apart
from dataset.common.progress import OnProgress
from dataset.common.wording import SMALL_BYTES
from dataset.common.workers import Workers
from dataset.layouts.avi import CODECS, VideoWriter, check_video
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.pixel_hash import PixelHash
from dataset.layouts.pure import PureWriter
from dataset.session.reader import Session

from .rows import plan_rows
from .settings import PNG, RequestedSettings, choose_settings
from .tasks import (
    FailedSession,
    Outline,
    SessionTask,
    outline_sessions,
    read_checked_split,
    session_tasks,
    writers,
)
from .ubfc_plan import compare_with_old

SPARE_BYTES = 64 * 2**20
_TRIED_SESSIONS, _TRIED_FRAMES = 3, 8
_MARGIN = 1.15              # what is tried is a few frames of many

# a recording, and which of its frames are to be written
Footage = tuple[Path, Callable[[Session], np.ndarray]]


@dataclass(frozen=True)
class Way:
    """What one codec would take."""

    codec: str
    size_bytes: int            # of all that is to be written
    seconds: float             # of one process
    fits: bool                 # on the disk, with a margin


@dataclass(frozen=True)
class ConversionPlan:
    """What a conversion would do."""

    sessions: int                          # to be converted
    kept: int                              # whole already, and what is asked for
    frames: int
    free_bytes: int
    codec: str                             # asked for, there already, or the first that fits
    ways: tuple[Way, ...]                  # the quickest first
    jobs: int | None                       # processes that would write; None: a cluster would
    failed: tuple[FailedSession, ...]      # cannot be converted

    @property
    def way(self) -> Way:
        """What the codec of this plan would take."""
        return next(way for way in self.ways if way.codec == self.codec)


def plan_conversion(
    data: Path,
    *,
    fold: int | None = None,
    asked: RequestedSettings = RequestedSettings(),    # noqa: B008  (frozen)
    by_disk: bool = False,
    workers: Workers = Workers(),                      # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> ConversionPlan:
    """Plan what `convert_sessions` would do; nothing is written into the data folder.

    Parameters
    ----------
    by_disk : take the codec of the folders that are there, else the quickest that fits

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    CurationError : settings that are none; no codec fits on the disk, and none is asked for
    """
    root = data_folder.ubfc_dir(data)
    old = read_manifest(root / MANIFEST) if (root / MANIFEST).exists() else None
    settings = choose_settings(old, asked)
    split, fold = read_checked_split(data, fold, on_progress)
    planned = compare_with_old(session_tasks(data, split, fold, settings), old, root, on_progress)
    todo = [one.task for one in planned if not one.is_kept]
    outlines, failed = outline_sessions(todo, workers)
    ready = [one for one in todo if one.session.session in outlines]
    free = shutil.disk_usage(data).free
    ways = weigh(todo, outlines, CODECS, free)
    codec = first_that_fits(ways, free, data) if by_disk and not old else settings.codec
    return ConversionPlan(
        len(outlines), len(planned) - len(todo), sum(one.frames for one in outlines.values()), free,
        codec, ways, writers(ready, workers).jobs, tuple(failed),
    )


def first_that_fits(ways: Sequence[Way], free: int, data: Path) -> str:
    """Return the quickest codec that fits.

    Raises
    ------
    CurationError : none does
    """
    for way in ways:
        if way.fits:
            return way.codec
    smallest = min(ways, key=lambda way: way.size_bytes)
    needed, found = _sizes(_with_margin(smallest.size_bytes, smallest.codec), free)
    raise CurationError(
        expected=f"{needed} of free space, with the codec {smallest.codec}", found=found,
        where=data, fix=Fix.MAKE_ROOM_OR_TRAIN_FROM_SESSIONS,
    )


def weigh(
    tasks: Sequence[SessionTask], outlines: Mapping[str, Outline], codecs: Sequence[str], free: int
) -> tuple[Way, ...]:
    """Return what each codec would take, and whether that fits into so many bytes."""
    ways = []
    for codec in codecs:
        size_bytes, seconds = estimate(tasks, outlines, codec)
        ways.append(Way(codec, size_bytes, seconds, _with_margin(size_bytes, codec) <= free))
    return tuple(ways)


def check_space(
    data: Path, tasks: Sequence[SessionTask], outlines: Mapping[str, Outline], codec: str
) -> None:
    """Refuse what will not fit on the disk.

    Raises
    ------
    CurationError : it will not
    """
    size_bytes = (
        sum(outline.pixel_bytes for outline in outlines.values()) if codec == "rawvideo"
        else estimate(tasks, outlines, codec)[0]
    )
    check_free(data, size_bytes, codec, fix=Fix.CHOOSE_CODEC_BY_DISK)


def check_free(data: Path, size_bytes: int, codec: str, *, fix: Fix | str) -> None:
    """Refuse so many bytes of pictures where the disk has no place for them.

    Raises
    ------
    CurationError : it has none
    """
    needed, free = _with_margin(size_bytes, codec), shutil.disk_usage(data).free
    if needed > free:
        expected, found = _sizes(needed, free)
        raise CurationError(
            expected=f"{expected} of free space", found=found, where=data, fix=fix,
        )


def _sizes(needed: int, free: int) -> tuple[str, str]:
    """Write two sizes that differ: in MB where GB would show nothing of what is free."""
    unit, name = (1e6, "MB") if free < SMALL_BYTES else (1e9, "GB")
    first, second = needed / unit, free / unit
    return f"{apart(first, second)} {name}", f"{apart(second, first)} {name}"


def _with_margin(size_bytes: int, codec: str) -> int:
    return round(size_bytes * (1 if codec == "rawvideo" else _MARGIN)) + SPARE_BYTES


def estimate(
    tasks: Sequence[SessionTask], outlines: Mapping[str, Outline], codec: str
) -> tuple[int, float]:
    """Estimate the bytes and the seconds of one process that pictures will take.

    Parameters
    ----------
    tasks : those without an outline are passed over
    codec : one of `dataset.layouts.avi.CODECS`, or "png" for pictures one by one
    """
    ready = [task for task in tasks if task.session.session in outlines]
    pixels = sum(outlines[task.session.session].pixel_bytes for task in ready)
    return estimate_footage([(task.file, partial(_shown, task)) for task in ready], pixels, codec)


def estimate_footage(
    footage: Sequence[Footage], pixel_bytes: int, codec: str
) -> tuple[int, float]:
    """Estimate, as `estimate` does, by a few frames of a few recordings.

    Parameters
    ----------
    pixel_bytes : of all frames that are to be written
    """
    steps = np.linspace(0, len(footage) - 1, min(_TRIED_SESSIONS, len(footage))).astype(int)
    few: list[Footage] = [footage[at] for at in dict.fromkeys(steps.tolist())]
    tried = [_try(file, choose, codec) for file, choose in few]
    if not tried:
        return 0, 0.0
    tried_bytes, written, seconds = (sum(column) for column in zip(*tried, strict=True))
    share = pixel_bytes / tried_bytes
    # the pixels themselves are counted, not estimated
    return pixel_bytes if codec == "rawvideo" else round(written * share), seconds * share


def _shown(task: SessionTask, session: Session) -> np.ndarray:
    return plan_rows(session, task.settings, task.exclusions).parts[0].frame_index


def _try(
    file: Path, choose: Callable[[Session], np.ndarray], codec: str
) -> tuple[int, int, float]:
    """Write a few frames of a session: bytes of their pixels, bytes written, processor seconds."""
    with Session(file) as session, tempfile.TemporaryDirectory() as folder:
        frames = session.frames
        shown = choose(session)
        at = np.unique(np.linspace(0, len(shown) - 1, _TRIED_FRAMES).astype(int))
        shape = frames.height, frames.width, 3
        begun_s = time.process_time()            # pictures are written in several threads
        pictures = (
            frames.read_into(index, np.empty(shape, np.uint8), bgr=True)
            for index in shown[at].tolist()
        )
        size = (
            _write_png(Path(folder), pictures) if codec == PNG
            else _write_video(Path(folder) / "v.avi", pictures, codec, shape)
        )
        return len(at) * math.prod(shape), size, time.process_time() - begun_s


def _write_png(folder: Path, pictures: Iterator[np.ndarray]) -> int:
    pixels = PixelHash()
    with PureWriter(folder, subject_number=1, session_number=1) as writer:
        for number, bgr in enumerate(pictures):
            pixels.add(bgr)
            writer.add(bgr, number)
    return sum(path.stat().st_size for path in writer.pictures.iterdir())


def _write_video(
    path: Path, pictures: Iterator[np.ndarray], codec: str, shape: tuple[int, ...]
) -> int:
    with VideoWriter(path, codec=codec, width=shape[1], height=shape[0], fps=30) as video:
        for bgr in pictures:
            video.add(bgr)
    check_video(path, video.pixels)
    return video.stored_bytes
