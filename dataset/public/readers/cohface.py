"""COHFACE as it is published: `<int>/<0 to 3>/` with `data.avi` and `data.hdf5`.

The video is 640x480 at 20 frames/s, and compressed so much that much of the pulse is gone: how
much is named. `data.hdf5` has `pulse` at 256 samples/s, `respiration`, which is not read, and in
some copies `time`. Its attribute `sample-rate-hz` says the rate. When the frames were taken was not
published: they are laid evenly from the first sample.

Source: Heusch, Anjos and Marcel, "A reproducible study on remote heart rate measurement",
arXiv:1709.00962; names of data by bob.db.cohface, rPPG-Toolbox and pyVHR.
"""

import re
from pathlib import Path

import h5py
import numpy as np

from acquire.errors import CurationError
from acquire.stamps.plausible import PPG_HZ, UNIT_NS, certain_unit, whole_ns
from acquire.stamps.rising import StampedTimes, rising_times
from dataset.public.examine import examine, refuse_other_rate
from dataset.public.folders import MOST_NESTED, find_file, innermost, visible
from dataset.public.formats.hdf5_arrays import open_hdf5, read_row
from dataset.public.public_set import FoundRecording, PublicSet, hash_files
from dataset.public.published import (
    GET_FILE,
    PublishedRecording,
    name_missing,
    nominal_times,
    samples_of,
)
from dataset.public.read_video import open_video, read_header

RATE_HZ = 256.0
SENSOR = "contact PPG, not stated by what"
VIDEO, SIGNALS = "data.avi", "data.hdf5"
_RATE = "sample-rate-hz"
_LONGEST_NS = 10**14          # a recording lasts no day


def _find(folder: Path, subject: str) -> list[FoundRecording]:
    """Return a recording for each numbered folder that holds a video or signals.

    Session 1 of subject 1 is a folder in one of its own name, too, and no copy that unpacking
    nested: it holds files, or has other sessions beside it.
    """
    numbered = _numbered(folder)
    for _ in range(MOST_NESTED):
        if [path.name for path in numbered] != [folder.name] or _holds_files(numbered[0]):
            break
        folder, numbered = numbered[0], _numbered(numbered[0])
    return [FoundRecording(path, subject) for path in numbered if _holds_files(innermost(path))]


def _numbered(folder: Path) -> list[Path]:
    return sorted(path for path in visible(folder) if path.is_dir() and path.name.isdecimal())


def _holds_files(folder: Path) -> bool:
    return any(find_file(folder, name).is_file() for name in (VIDEO, SIGNALS))


def read_recording(folder: Path) -> PublishedRecording:
    """Read one folder `<subject>/<0 to 3>`.

    Raises
    ------
    CurationError : a file is missing or is none, or its times are not certain
    """
    inner, defects = innermost(folder), []
    path = find_file(inner, SIGNALS)
    with open_hdf5(path) as file:
        ppg = read_row(file, "pulse", path)
        times = _read_times(file, len(ppg), path, defects)
    if len(ppg) < 2:
        raise CurationError(
            expected="pulse", found=f"{len(ppg)} values", where=path, fix=GET_FILE
        )
    name_missing(ppg, "pulse", defects)
    defects += times.defects
    header = read_header(find_file(inner, VIDEO), defects, is_raw=False)
    if header.frames:
        rate_hz = 1e9 / times.step_ns
        refuse_other_rate(len(ppg), rate_hz, header.frames / header.fps, path)
    defects.append("frame times are not published; nominal, by the video's rate")
    return examine(PublishedRecording(
        folder, f"{folder.parent.name}-{folder.name}", SENSOR, 0, 0, samples_of(ppg, times),
        open_video(header, None, defects), defects,
    ))


def _read_times(
    file: h5py.File, count: int, path: Path, defects: list[str]
) -> StampedTimes:
    """Return the times of the pulse from its first sample: as published, or by its rate.

    Raises
    ------
    CurationError : there are not as many times as values, or they are not certain
    """
    if "time" in file:
        values = read_row(file, "time", path)
        known = values[np.isfinite(values)]
        if len(values) != count or len(known) != count:
            raise CurationError(
                expected=f"time of each of {count} values of pulse", found=len(known), where=path,
                fix=GET_FILE,
            )
        unit, remark = certain_unit(
            values, said="s", rates_hz=PPG_HZ, expected_hz=RATE_HZ, error=CurationError, where=path
        )
        defects += [remark] if remark else []
        first = values[np.argmax(np.abs(values - np.median(values)) * UNIT_NS[unit] < _LONGEST_NS)]
        if abs(first) * UNIT_NS[unit] > 1e9 / RATE_HZ:
            defects.append(f"the first time is {first:g}; counted from it")
        since_ns = whole_ns(
            values, unit, "sample", origin=first, error=CurationError, where=path
        )
        return rising_times(since_ns, "sample", where=path)
    rate = file.attrs.get(_RATE)
    if rate is None:
        defects.append(f"sample times are not published; nominal, at the set's {RATE_HZ:g}/s")
        return nominal_times(count, RATE_HZ)
    try:
        rate_hz = float(rate)
    except (TypeError, ValueError) as error:
        raise CurationError(
            expected=f"the attribute {_RATE} as a number", found=repr(rate)[:60], where=path,
            fix=GET_FILE,
        ) from error
    if not PPG_HZ[0] <= rate_hz <= PPG_HZ[1]:
        raise CurationError(
            expected=f"{_RATE} of {PPG_HZ[0]:g} to {PPG_HZ[1]:g}", found=f"{rate_hz:g}", where=path,
            fix=GET_FILE,
        )
    defects.append(f"sample times are not published; nominal, at {rate_hz:g}/s as the file says")
    return nominal_times(count, rate_hz)


COHFACE = PublicSet(
    "COHFACE", re.compile(r"([0-9]{1,3})"), "<int> with 0 to 3", "COHFACE-", read_recording,
    hash_files(VIDEO, SIGNALS), _find, f"<int>/{VIDEO} and {SIGNALS}",
)
