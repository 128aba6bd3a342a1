"""UBFC-rPPG as it is really published: DATASET_1 and DATASET_2.

DATASET_2 is `subject<int>/` with `vid.avi` and `ground_truth.txt`: three rows (PPG, heart rate,
seconds), a number per frame, separated by runs of spaces. DATASET_1 is `<int>-gt/` with `vid.avi`
and `gtdump.xmp`: lines of ms, heart rate, SpO2, PPG at a rate of their own; when its frames were
taken was not published. `dataset.layouts.ubfc` reads what acq itself wrote, and refuses defects;
here defects are named, and the recording is kept.

Source: Bobbia et al., "Unsupervised skin tissue segmentation for remote photoplethysmography",
Pattern Recognition Letters 124, 2019.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np

from acquire.errors import CurationError
from acquire.stamps.rising import StampedTimes, rising_times
from dataset.layouts.ubfc import LABELS, VIDEO

from .published import (
    GET_FILE,
    GET_FOLDER,
    Picture,
    PublishedRecording,
    PublishedSamples,
    PublishedVideo,
    read_numbers,
    stamps_to_ns,
)

DUMP = "gtdump.xmp"
SENSOR = "CMS50E pulse oximeter"
_LOSSLESS_AS_RGB = ("bgr24", "rgb24", "bgr0", "gbrp")


def read_dataset_2(folder: Path) -> PublishedRecording:
    """Read one `subject<int>` folder of DATASET_2.

    Raises
    ------
    CurationError : a file is missing or is none, or there are too few numbers
    """
    path = folder / LABELS
    rows = [line.split() for line in _read_text(path).splitlines() if line.strip()]
    if len(rows) != 3:
        raise CurationError(
            expected="three rows (PPG, heart rate, seconds)", found=len(rows), where=path,
            fix=GET_FILE,
        )
    defects: list[str] = []
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        defects.append(
            f"rows of unequal length in {LABELS}: PPG {lengths[0]}, heart rate {lengths[1]}, "
            f"seconds {lengths[2]}"
        )
    ppg, hr_bpm, time_s = (
        read_numbers(row, name, defects)
        for row, name in zip(rows, ("PPG", "heart rate", "time"), strict=True)
    )
    if len(ppg) > len(time_s):
        defects.append(
            f"{len(ppg) - len(time_s)} PPG values have no time; they go on at the median step"
        )
    hr_bpm = np.concatenate([hr_bpm, np.full(len(ppg), np.nan)])[: len(ppg)]
    if not hr_bpm.any():
        defects.append("the heart rate row is all zeros")
    times = rising_times(stamps_to_ns(time_s, 10**9), "label")
    defects += times.defects
    return PublishedRecording(
        folder, folder.name.removeprefix("subject"), folder.name.removeprefix("subject"), SENSOR,
        0, 0, PublishedSamples(ppg, hr_bpm, np.full(len(ppg), np.nan), times),
        _open_video(folder / VIDEO, times, defects), defects,
    )


def read_dataset_1(folder: Path) -> PublishedRecording:
    """Read one `<int>-gt` folder of DATASET_1.

    Raises
    ------
    CurationError : a file is missing or is none, or there are too few numbers
    """
    reader = csv.reader(_read_text(folder / DUMP).splitlines())
    lines = [line for line in reader if any(word.strip() for word in line)]
    defects: list[str] = []
    if wrong := [index for index, line in enumerate(lines) if len(line) != 4]:
        defects.append(
            f"{len(wrong)} lines of {DUMP} are not of four numbers, the first is line "
            f"{wrong[0] + 1}; left out"
        )
    rows = [line if len(line) == 4 else [""] * 4 for line in lines]
    columns = list(zip(*rows, strict=True)) or [()] * 4
    time_ms, hr_bpm, spo2, ppg = (
        read_numbers(words, name, defects)
        for words, name in zip(columns, ("time", "heart rate", "SpO2", "PPG"), strict=True)
    )
    times = rising_times(stamps_to_ns(time_ms, 10**6), "sample")
    ppg[~np.isfinite(time_ms)] = np.nan
    defects += times.defects
    defects.append("frame times are not published; nominal, by the video's rate")
    number = folder.name.removesuffix("-gt")
    return PublishedRecording(
        folder, number, number, SENSOR, 0, 0, PublishedSamples(ppg, hr_bpm, spo2, times),
        _open_video(folder / VIDEO, None, defects), defects,
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError as error:
        raise CurationError(
            expected=path.name, found="nothing", where=f"at {path}", fix=GET_FOLDER
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CurationError(
            expected=f"{path.name} as text", found=error, where=f"at {path}", fix=GET_FILE
        ) from error


def _open_video(path: Path, times: StampedTimes | None, defects: list[str]) -> PublishedVideo:
    """Read the header of a video and check it; its pictures are decoded as they are asked for."""
    if not path.is_file():
        raise CurationError(
            expected=VIDEO, found="nothing", where=f"at {path}", fix=GET_FOLDER
        )
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise _unusable("a video", "a file without pictures", path)
            stream = container.streams.video[0]
            rate, width, height = stream.average_rate, stream.width, stream.height
            pixel_format, announced = stream.pix_fmt, stream.frames
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise _unusable("a video", error, path) from error
    if min(width, height) < 1:
        raise _unusable("pictures", f"a size of {width}x{height}", path)
    if not rate or not 1 <= float(rate) <= 1000:
        raise _unusable("a video of 1 to 1000 frames/s", rate, path)
    if pixel_format not in _LOSSLESS_AS_RGB:
        defects.append(
            f"{VIDEO} holds {pixel_format}, not the published BGR24; its colours are FFmpeg's "
            "conversion"
        )
    return PublishedVideo(
        width, height, float(rate),
        "published, of the frame" if times else "nominal, not published", times,
        len(times.time_ns) if times else announced or None, _decode(path, defects),
    )


def _unusable(expected: str, found: object, path: Path) -> CurationError:
    return CurationError(expected=expected, found=found, where=f"at {path}", fix=GET_FILE)


def _decode(path: Path, defects: list[str]) -> Iterator[Picture]:
    """Decode what plays.

    A packet that does not decode is a missing frame; the video ends where it cannot be read on.
    """
    index, undecodable, reason = 0, [], ""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            for packet in container.demux(stream):
                if packet.size and packet.is_corrupt:
                    undecodable.append(index)
                    reason, index = "cut short", index + 1
                    continue
                try:
                    for frame in packet.decode():
                        yield Picture(index, frame.to_ndarray(format="rgb24"))  # type: ignore[union-attr]
                        index += 1
                except av.error.FFmpegError as error:
                    undecodable.append(index)
                    reason, index = error.strerror or str(error), index + 1
    except (OSError, av.error.FFmpegError) as error:
        defects.append(f"{path.name} cannot be read further than frame {index}: {error}")
    if undecodable:
        defects.append(
            f"{len(undecodable)} frames of {path.name} do not decode, the first is "
            f"{undecodable[0]}: {reason}"
        )
