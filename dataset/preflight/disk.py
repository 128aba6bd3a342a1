"""Checks of the disk: its speed, and the room for a recording."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from acquire.errors import Fix, SessionError
from acquire.recorder.disk_space import RESERVE_BYTES, check_space

from .result import FAIL, OK, WARN, Check, check_from_error

_DISK_BYTES = 64 * 2**20
LEAST_FREE_MB = (_DISK_BYTES + RESERVE_BYTES) // 2**20      # with less, a recording stops at once


def check_disk(folder: Path, bytes_per_s: float, duration_s: float | None) -> list[Check]:
    """Write and sync 64 MB where sessions will be; compare speed and room with raw video.

    Parameters
    ----------
    folder : need not exist yet; the nearest folder above that does is written to, and left as it
        was
    bytes_per_s : of raw video
    duration_s : planned length of the recording; None for a minute
    """
    asked = folder
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        text = f"cannot write in {folder}: it is no folder"
        return [Check("disk", FAIL, text, Fix.CHOOSE_DATA_FOLDER)]
    free_mb = shutil.disk_usage(folder).free / 2**20
    if free_mb < LEAST_FREE_MB:
        text = f"{free_mb:.0f} MB free for {asked}: too little to record, or to measure its speed"
        return [Check("disk", FAIL, text, Fix.FREE_SPACE)]
    return [
        _check_speed(folder, bytes_per_s / 1e6), _check_room(folder, bytes_per_s, duration_s)
    ]


def _check_room(folder: Path, bytes_per_s: float, duration_s: float | None) -> Check:
    try:
        check_space(folder, bytes_per_s, duration_s)
    except SessionError as error:
        return check_from_error("space", error)
    planned = f"{duration_s / 60:.1f} min" if duration_s else "a minute"
    free_gb = shutil.disk_usage(folder).free / 1e9
    need_gb = bytes_per_s * (duration_s or 60) / 1e9
    return Check("space", OK, f"{free_gb:.1f} GB free; {planned} takes {need_gb:.2f} GB if raw")


def _check_speed(folder: Path, need_mb_s: float) -> Check:
    try:
        mb_s = _write_speed(folder) / 1e6
    except OSError as error:
        text = f"cannot write in {folder}: {error.strerror}"
        return Check("disk", FAIL, text, Fix.CHOOSE_DATA_FOLDER)
    text = f"{mb_s:.0f} MB/s in {folder}, {need_mb_s:.1f} needed for raw video"
    if mb_s < need_mb_s / 2:
        return Check("disk", FAIL, text, Fix.FEWER_FRAMES)
    if mb_s < need_mb_s:
        advice = "enough while frames can be compressed; a faster disk is safer"
        return Check("disk", WARN, text, advice)
    return Check("disk", OK, text)


def _write_speed(folder: Path) -> float:
    """Return the bytes per second of a file that is written, synced and removed again."""
    block = np.random.default_rng(0).bytes(2**20)           # no file system compresses it
    handle, name = tempfile.mkstemp(dir=folder, prefix=".acq-check-")
    try:
        began = time.monotonic()
        for _ in range(_DISK_BYTES // len(block)):
            os.write(handle, block)
        os.fsync(handle)
        return _DISK_BYTES / (time.monotonic() - began)
    finally:
        os.close(handle)
        Path(name).unlink()
