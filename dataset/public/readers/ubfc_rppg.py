"""UBFC-rPPG as it is really published: DATASET_1 and DATASET_2.

DATASET_2 is `subject<int>/` with `vid.avi` and `ground_truth.txt`: three rows (PPG, heart rate,
seconds), a number per frame, separated by runs of spaces. DATASET_1 is `<int>-gt/` with `vid.avi`
and `gtdump.xmp`: lines of ms, heart rate, SpO2, PPG at a rate of their own; when its frames were
taken was not published. `dataset.layouts.ubfc` reads what acq itself wrote, and refuses defects;
here defects are named, and the recording is kept; what is not certain is refused.

Source: Bobbia et al., "Unsupervised skin tissue segmentation for remote photoplethysmography",
Pattern Recognition Letters 124, 2019.
"""

import re
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from acquire.stamps.number_text import NumberRow, NumberText
from acquire.stamps.plausible import FRAME_HZ, PPG_HZ, UNIT_NS, certain_unit, is_rising, whole_ns
from acquire.stamps.rising import rising_times
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.public.examine import examine, examine_label_rate
from dataset.public.folders import find_file, innermost, visible
from dataset.public.formats.number_columns import check_words, read_label_text
from dataset.public.public_set import FoundRecording, PublicSet, hash_files
from dataset.public.published import (
    GET_FILE,
    PublishedRecording,
    PublishedSamples,
    name_missing,
)
from dataset.public.read_video import open_video, read_header

DUMP = "gtdump.xmp"
SENSOR = "CMS50E pulse oximeter"
_ROWS = ("PPG", "heart rate", "time")
_COLUMNS = ("time", "heart rate", "SpO2", "PPG")
_HR_BPM = (25.0, 250.0)
_NAN_SHARE = 0.1             # by which a run without times may be longer or shorter than its labels
_LONGEST_NAN_S = 1.0


def dataset_2_files(folder: Path) -> tuple[Path, Path]:
    """Return the labels and the video of a `subject<int>` folder; the paths where they lack.

    Raises
    ------
    CurationError : two files differ from the published name in case only
    """
    inner = innermost(folder)
    return find_file(inner, LABELS), find_file(inner, VIDEO)


def read_dataset_2(folder: Path) -> PublishedRecording:
    """Read one `subject<int>` folder of DATASET_2.

    Raises
    ------
    CurationError : a file is missing or is none, there are too few numbers, or they cannot be those
        of the video
    """
    number, defects = folder.name.removeprefix("subject"), []
    path, video = dataset_2_files(folder)
    text = read_label_text(path)
    header = read_header(video, defects)
    ppg, hr_bpm, time_s = _three_rows(text, defects)
    _check_order_of_rows(ppg, hr_bpm, time_s, path)
    if len({len(ppg), len(hr_bpm), len(time_s)}) > 1:
        defects.append(
            f"rows of unequal length in {path.name}: PPG {len(ppg)}, heart rate {len(hr_bpm)}, "
            f"seconds {len(time_s)}"
        )
    for values, name in zip((ppg, hr_bpm, time_s), _ROWS, strict=True):
        done = "laid between their neighbours" if name == "time" else "left out"
        name_missing(values, name, defects, done=done)
    if len(ppg) > len(time_s):
        defects.append(
            f"{len(ppg) - len(time_s)} PPG values have no time; they go on at the median step"
        )
    hr_bpm = np.concatenate([hr_bpm, np.full(len(ppg), np.nan)])[: len(ppg)]
    if not np.nan_to_num(hr_bpm).any():
        defects.append("the heart rate row is empty or all zeros")
    stamp_ns = _times_ns(time_s, "s", FRAME_HZ, header.fps, path, defects)
    times = rising_times(stamp_ns, "label", where=path)
    defects += times.defects
    if text.is_local:
        defects.append(
            f"the times in {path.name} say no time zone: read as UTC, so that the date and hour of "
            "the start are not certain"
        )
    samples = PublishedSamples(ppg, hr_bpm, np.full(len(ppg), np.nan), times)
    examine_label_rate(samples, header, path, defects)
    return examine(PublishedRecording(
        folder, number, SENSOR, *times.zero_ns, samples,
        open_video(header, times, defects), defects,
    ))


def read_dataset_1(folder: Path) -> PublishedRecording:
    """Read one `<int>-gt` folder of DATASET_1.

    Raises
    ------
    CurationError : a file is missing or is none, there are too few numbers, or they cannot be those
        of the video
    """
    number, folder = folder.name.removesuffix("-gt"), innermost(folder)
    path, defects = find_file(folder, DUMP), []
    text = read_label_text(path).with_blank_rows()
    rows = text.rows
    if wrong := [row for row in rows if len(row.values) != 4]:
        defects.append(
            f"{len(wrong)} lines of {path.name} are not of four numbers, the first is line "
            f"{wrong[0].line}; left out"
        )
    check_words([row for row in rows if len(row.values) == 4], path)
    header = read_header(find_file(folder, VIDEO), defects)
    table = np.array(
        [row.values if len(row.values) == 4 else (np.nan,) * 4 for row in rows]
    ).reshape(-1, 4)
    time_ms, hr_bpm, spo2, ppg = table.T.copy()
    _check_order_of_columns(table, path)
    is_line = np.array([len(row.values) == 4 for row in rows], bool)     # others are named above
    for values, name in zip((time_ms, hr_bpm, spo2, ppg), _COLUMNS, strict=True):
        name_missing(np.where(is_line, values, 0.0), name, defects)
    by_video_hz = len(time_ms) * header.fps / header.frames if header.frames else None
    said = "s" if text.is_clock else "ms"
    stamp_ns = _times_ns(time_ms, said, PPG_HZ, by_video_hz, path, defects)
    times = rising_times(stamp_ns, "sample", where=path)
    ppg[~np.isfinite(time_ms)] = np.nan
    defects += times.defects
    defects.append("frame times are not published; nominal, by the video's rate")
    if times.zero_ns[0]:
        raise CurationError(
            expected="times from the start of the video", found="times since 1970", where=path,
            fix="subtract the first of them",
        )
    return examine(PublishedRecording(
        folder, number, SENSOR, 0, 0, PublishedSamples(ppg, hr_bpm, spo2, times),
        open_video(header, None, defects), defects,
    ))


def _times_ns(
    values: np.ndarray, said: str, rates_hz: tuple[float, float], expected_hz: float | None,
    path: Path, defects: list[str],
) -> np.ndarray:
    """Return published times as int64 ns; those that are NaN lie evenly between their neighbours.

    Raises
    ------
    CurationError : there are too few, of no unit that is certain, or a run of NaN is longer than a
        second and not as long as the labels in it would be
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2:
        raise CurationError(
            expected="time stamps", found=len(known) or "none", where=path, fix=GET_FILE
        )
    unit, remark = certain_unit(
        values, said=said, rates_hz=rates_hz, expected_hz=expected_hz, error=CurationError,
        where=path,
    )
    defects += [remark] if remark else []
    _check_runs_of_nan(values, known, UNIT_NS[unit] / 1e9, path)
    step = float(np.median(np.diff(values[known]) / np.diff(known)))
    index = np.arange(len(values))
    filled = np.interp(index, known, values[known])
    filled += np.minimum(index - known[0], 0) * step + np.maximum(index - known[-1], 0) * step
    return whole_ns(filled, unit, "published", error=CurationError, where=path)


def _check_runs_of_nan(values: np.ndarray, known: np.ndarray, unit_s: float, path: Path) -> None:
    """Refuse times that lack for longer than a second, and not for as long as their labels are."""
    places, spans_s = np.diff(known), np.diff(values[known]) * unit_s
    step_s = float(np.median(spans_s / places))
    off = np.abs(spans_s - places * step_s) > _NAN_SHARE * places * step_s
    if len(bad := np.flatnonzero((places > 1) & (spans_s > _LONGEST_NAN_S) & off)):
        at = int(bad[0])
        raise CurationError(
            expected="a time for each label",
            found=f"{places[at] - 1} that lack after the first {known[at] + 1}, over "
                  f"{spans_s[at]:.2f} s",
            where=path, fix="correct the times, or get the file again",
        )


def _three_rows(text: NumberText, defects: list[str]) -> list[np.ndarray]:
    """Return PPG, heart rate and seconds, each (N,) float64.

    Raises
    ------
    CurationError : there are not three rows, nor three columns; or one begins with a word
    """
    rows = list(text.rows)
    if len(rows) == 2 and rows[1].line - rows[0].line == 2:      # the line between them is empty
        rows.insert(1, NumberRow(rows[0].line + 1, (np.nan,) * len(rows[0].values), {}))
    elif len(rows) > 3 and all(len(row.values) == 3 for row in rows):
        defects.append(f"{text.path.name} holds three columns, not three rows; read as such")
        return list(np.array([row.values for row in rows]).T)
    if len(rows) != 3:
        raise CurationError(
            expected="three rows (PPG, heart rate, seconds)", found=len(rows), where=text.path,
            fix=GET_FILE,
        )
    check_words(rows, text.path)
    return [np.array(row.values) for row in rows]


def _check_order_of_rows(
    ppg: np.ndarray, hr_bpm: np.ndarray, time_s: np.ndarray, path: Path
) -> None:
    """Refuse rows in another order than PPG, heart rate, seconds."""
    found = ""
    if not is_rising(time_s):
        rising = [place for place, row in enumerate((ppg, hr_bpm), 1) if is_rising(row)]
        found = f"a row that rises like seconds in place {rising[0]}" if rising else ""
    elif _is_like_heart_rate(ppg) and not _is_like_heart_rate(hr_bpm) and np.ptp(hr_bpm) > 0:
        found = "heart rates in place 1, and none in place 2"
    if found:
        raise CurationError(
            expected="rows of PPG, heart rate and seconds, in this order", found=found, where=path,
            fix="put them in order, or get the file again",
        )


def _is_like_heart_rate(row: np.ndarray) -> bool:
    """Return whether numbers lie where heart rates do, and change as slowly."""
    known = row[np.isfinite(row)]
    return (
        len(known) > 20 and known.min() >= _HR_BPM[0] and known.max() <= _HR_BPM[1]
        and float(np.mean(np.abs(np.diff(known)))) < 1.0
    )


def _check_order_of_columns(table: np.ndarray, path: Path) -> None:
    """Refuse columns of which another than the first rises like times."""
    if len(table) < 20 or is_rising(table[:, 0]):
        return
    rising = [column for column in (1, 2, 3) if is_rising(table[:, column])]
    if rising:
        raise CurationError(
            expected="columns of ms, heart rate, SpO2 and PPG, in this order",
            found=f"a column that rises like ms in place {rising[0] + 1}", where=path,
            fix="put them in order, or get the file again",
        )


def _find_dataset_2(folder: Path, subject: str) -> list[FoundRecording]:
    """Return the recording of a folder; none where only files of MATLAB are, as in other sets."""
    inner = innermost(folder)
    is_of_matlab = any(path.suffix.lower() == ".mat" for path in visible(inner))
    if is_of_matlab and not any(path.is_file() for path in dataset_2_files(folder)):
        return []
    return [FoundRecording(folder, subject)]


DATASET_1 = PublicSet(
    "UBFC-rPPG DATASET_1", re.compile(r"([0-9]{1,9})-gt"), "<int>-gt", "UBFC1-", read_dataset_1,
    hash_files(VIDEO, DUMP),
)
DATASET_2 = PublicSet(
    "UBFC-rPPG DATASET_2", re.compile(r"subject([0-9]{1,9})"), "subject<int>", "UBFC2-",
    read_dataset_2, hash_files(VIDEO, LABELS), _find_dataset_2, f"{VIDEO} and {LABELS}",
)
