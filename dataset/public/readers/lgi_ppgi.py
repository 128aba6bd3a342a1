"""LGI-PPGI as it is published: `<name>/<name>_<session>/`, in some copies below `id<int>/`.

A session (resting, rotation, talk, gym) has an uncompressed video of about 25 frames/s, a time for
each frame in `cv_camera_sensor_timer_stream_handler.xml` (milliseconds, irregular), and the pulse
oximeter's own count, heart rate and PPG in `cms50_stream_handler.xml`, about 60 a second.

When the oximeter's samples were taken was not published. They are laid evenly at 60 a second so
that they end with the last frame, as pyVHR does; by how much both streams differ in length, and so
how far the PPG may be off, is named.

Source: Pilz et al., "Local Group Invariance for Heart Rate Estimation from Face Videos in the
Wild", CVPR Workshops 2018; https://github.com/partofthestars/LGI-PPGI-DB, and its issues 6 and 7.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from acquire.documents import read_bytes
from acquire.errors import CurationError
from acquire.limits import MOST_VALUES
from acquire.stamps.number_text import number_of
from acquire.stamps.plausible import FRAME_HZ, certain_unit, whole_ns
from acquire.stamps.rising import rising_times
from dataset.common.wording import counted
from dataset.public.examine import examine
from dataset.public.folders import find_file, innermost, visible, what_instead
from dataset.public.public_set import FoundRecording, PublicSet, hash_files
from dataset.public.published import (
    GET_FILE,
    GET_FOLDER,
    Label,
    PublishedRecording,
    PublishedSamples,
    name_missing,
    nominal_times,
)
from dataset.public.read_video import open_video, read_header

RATE_HZ = 60.0
SENSOR = "CMS50E pulse oximeter"
VIDEO, TIMES = "cv_camera_sensor_stream_handler.avi", "cv_camera_sensor_timer_stream_handler.xml"
SAMPLES = "cms50_stream_handler.xml"
_FOLDER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,20})")
_GROUP = re.compile(r"id[0-9]{1,9}", re.IGNORECASE)
_SESSIONS = ("resting", "rotation", "talk", "gym")
_MOST_LOST = 0.5             # of the samples that the count says there were


def _find(folder: Path, subject: str) -> list[FoundRecording]:
    """Return a recording for each session of a person, or of the people below `id<int>`."""
    people = [innermost(folder)]
    if _GROUP.fullmatch(folder.name):
        people = sorted(path for path in visible(people[0]) if path.is_dir())
    return [
        FoundRecording(path, person.name if person.name != folder.name else subject)
        for person in people for path in sorted(visible(person))
        if path.is_dir() and path.name.startswith(f"{person.name}_")
    ]


def read_recording(folder: Path) -> PublishedRecording:
    """Read one session.

    Raises
    ------
    CurationError : a file is missing or is none, or the times of the frames are not certain
    """
    inner, defects = innermost(folder), []
    subject, _, session = folder.name.partition("_")
    if session.casefold() not in _SESSIONS:
        defects.append(f"session {session} is none of the set's, {', '.join(_SESSIONS)}; kept")
    stamps = _read_rows(find_file(inner, TIMES), 2, defects)
    header = read_header(find_file(inner, VIDEO), defects)
    path = find_file(inner, TIMES)
    unit, remark = certain_unit(
        stamps[:, 1], said="ms", rates_hz=FRAME_HZ, expected_hz=header.fps, error=CurationError,
        where=path,
    )
    defects += [remark] if remark else []
    if not np.isfinite(stamps[:, 1]).all():
        raise CurationError(
            expected="a time for each frame", where=path, fix=GET_FILE,
            found=f"{np.count_nonzero(~np.isfinite(stamps[:, 1]))} that are none",
        )
    frame_ns = whole_ns(stamps[:, 1], unit, "frame", error=CurationError, where=path)
    times = rising_times(frame_ns, "frame", where=path)
    defects += times.defects
    samples = _read_samples(find_file(inner, SAMPLES), times.time_ns, defects)
    start_ns = min(int(times.time_ns[0]), int(samples.times.time_ns[0]))
    unix_ns = start_ns if times.zero_ns[1] else 0
    return examine(PublishedRecording(
        folder, f"{subject}-{session}", SENSOR, start_ns, unix_ns, samples,
        open_video(header, times, defects), defects, (Label(f"session {session}"),),
    ))


def _read_samples(
    path: Path, frame_ns: np.ndarray, defects: list[str]
) -> PublishedSamples:
    """Return the oximeter's samples, laid evenly so that the last is of the last frame.

    Raises
    ------
    CurationError : the file is missing or is none, or the oximeter's count is no count
    """
    counts, hr_bpm, ppg = _read_rows(path, 3, defects).T
    known = np.isfinite(counts)
    places = np.arange(len(counts))
    if known.sum() > len(counts) / 2 and known[[0, -1]].all():
        counts = np.interp(places, places[known], counts[known])
    steps, total = np.diff(counts), len(counts)
    if np.isfinite(counts).all() and (steps >= 1).all() and float(np.median(steps)) == 1:
        total = round(float(counts[-1] - counts[0])) + 1
    elif not np.isfinite(counts).all() or (steps != 0).any():
        defects.append(f"the count in {path.name} does not rise by 1; samples taken in their order")
    if total - len(counts) > _MOST_LOST * total:
        raise CurationError(
            expected="samples of one recording", found=f"{len(counts)} counted up to {total:.12g}",
            where=path, fix=GET_FILE,
        )
    if total > len(counts):
        places = np.rint(counts - counts[0]).astype(np.int64)
        defects.append(f"the oximeter counted {total} samples, {total - len(counts)} of them lack")
    all_ppg, all_hr = np.full(total, np.nan), np.full(total, np.nan)
    all_ppg[places], all_hr[places] = ppg, hr_bpm
    if np.isnan(ppg).any():
        name_missing(ppg, "PPG", defects)
    span_ns = round((total - 1) * 1e9 / RATE_HZ)
    differs_s = (span_ns - int(frame_ns[-1] - frame_ns[0])) / 1e9
    defects.append(
        f"sample times are not published: {RATE_HZ:g}/s, ending with the last frame; the PPG is "
        f"{abs(differs_s):.2f} s {'longer' if differs_s > 0 else 'shorter'} than the video, and "
        "may be off by as much"
    )
    times = nominal_times(total, RATE_HZ, first_ns=int(frame_ns[-1]) - span_ns)
    return PublishedSamples(all_ppg, all_hr, np.full(total, np.nan), times)


def _read_rows(path: Path, width: int, defects: list[str]) -> np.ndarray:
    """Read the rows `value<int>` of a file, each with `value0`, `value1` and so on.

    Returns
    -------
    (N, width) float64, NaN where an entry is no number

    Raises
    ------
    CurationError : it is missing, larger than a document may be, not such XML, or has too few rows
    """
    try:
        text = read_bytes(path)
        if b"<!" in text.replace(b"<!--", b""):      # a document type may define what grows
            raise ValueError("a document type, which such a file does not need")
        if text.count(b"</value") > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES} values")
        root = ElementTree.fromstring(text)
    except FileNotFoundError as error:
        raise CurationError(
            expected=path.name, found=what_instead(path), where=f"at {path}", fix=GET_FOLDER
        ) from error
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise CurationError(
            expected="XML of values", found=error, where=path, fix=GET_FILE
        ) from error
    rows = [
        [number_of((row.findtext(f"value{at}") or "").strip()) for at in range(width)]
        for row in root if row.tag.startswith("value")       # an empty one keeps its place
    ]
    if (whole := sum(len(row) >= width for row in root)) < 2:
        raise CurationError(
            expected="rows value0, value1, ...", found=f"{whole} rows", where=path, fix=GET_FILE,
        )
    if short := sum(len(row) < width for row in root if row.tag.startswith("value")):
        defects.append(
            f"{counted(short, 'row')} of {path.name} of fewer than {width} values; left out"
        )
    return np.array(rows)


LGI_PPGI = PublicSet(
    "LGI-PPGI", _FOLDER, "<name> with <name>_<session>", "LGI-", read_recording,
    hash_files(VIDEO, TIMES, SAMPLES), _find, "<name>_<session>",
)
