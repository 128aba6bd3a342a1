"""UBFC-rPPG as it is really published: DATASET_1 and DATASET_2.

DATASET_2 is `subject<int>/` with `vid.avi` and `ground_truth.txt`: three rows (PPG, heart rate,
seconds), a number per frame, apart by runs of spaces. DATASET_1 is `<int>-gt/` with `vid.avi` and
`gtdump.xmp`: lines of ms, heart rate, SpO2, PPG at a rate of their own; when its frames were taken
was not published. `dataset.layouts.ubfc` reads what acq itself wrote, and refuses what is odd; here
what is odd is named, and kept.

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
from dataset.layouts.ubfc import LABELS, VIDEO

from .published import Picture, Recording, Samples, Timeline, numbers, to_ns

DUMP = "gtdump.xmp"
SENSOR = "CMS50E pulse oximeter"
_AS_RAW = ("bgr24", "rgb24", "bgr0", "gbrp")      # pixels that become RGB without loss


def read_dataset_2(folder: Path) -> Recording:
    """Read one `subject<int>` folder of DATASET_2.

    Raises
    ------
    CurationError : a file is missing or is none, or there are too few numbers
    """
    path = folder / LABELS
    rows = [line.split() for line in _text(path).splitlines() if line.strip()]
    if len(rows) != 3:
        raise CurationError(
            f"expected three rows (PPG, heart rate, seconds), found {len(rows)} in {path}; get the "
            "file again"
        )
    defects: list[str] = []
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        defects.append(
            f"rows of unequal length in {LABELS}: PPG {lengths[0]}, heart rate {lengths[1]}, "
            f"seconds {lengths[2]}"
        )
    ppg, hr_bpm, time_s = (
        numbers(row, name, defects)
        for row, name in zip(rows, ("PPG", "heart rate", "time"), strict=True)
    )
    if len(ppg) > len(time_s):
        defects.append(
            f"{len(ppg) - len(time_s)} PPG values have no time; they go on at the median step"
        )
    hr_bpm = np.concatenate([hr_bpm, np.full(len(ppg), np.nan)])[: len(ppg)]
    if not hr_bpm.any():
        defects.append("the heart rate row is all zeros")
    samples = Samples(ppg, hr_bpm, np.full(len(ppg), np.nan))
    times = Timeline(to_ns(time_s, 10**9), "label")
    return _with_video(
        folder, folder.name.removeprefix("subject"), samples, times, frame_times=times,
        defects=defects + times.defects,
    )


def read_dataset_1(folder: Path) -> Recording:
    """Read one `<int>-gt` folder of DATASET_1.

    Raises
    ------
    CurationError : a file is missing or is none, or there are too few numbers
    """
    path = folder / DUMP
    lines = [
        line for line in csv.reader(_text(path).splitlines()) if any(word.strip() for word in line)
    ]
    defects: list[str] = []
    if odd := [at for at, line in enumerate(lines) if len(line) != 4]:
        defects.append(
            f"{len(odd)} lines of {DUMP} are not of four numbers, the first is line {odd[0] + 1}; "
            "left out"
        )
    columns = (
        list(zip(*(line if len(line) == 4 else ("",) * 4 for line in lines), strict=True))
        or [()] * 4
    )
    time_ms, hr_bpm, spo2, ppg = (
        numbers(words, name, defects)
        for words, name in zip(columns, ("time", "heart rate", "SpO2", "PPG"), strict=True)
    )
    times = Timeline(to_ns(time_ms, 10**6), "sample")
    ppg[~np.isfinite(time_ms)] = np.nan
    return _with_video(
        folder,
        folder.name.removesuffix("-gt"),
        Samples(ppg, hr_bpm, spo2),
        times,
        frame_times=None,
        defects=[
            *defects, *times.defects, "frame times are not published; nominal, by the video's rate",
        ],
    )


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError as error:
        raise CurationError(
            f"expected {path.name}, found nothing at {path}; get the folder again"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CurationError(
            f"expected {path.name} as text, got: {error}, at {path}; get the file again"
        ) from error


def _with_video(
    folder: Path, subject: str, samples: Samples, times: Timeline, *, frame_times: Timeline | None,
    defects: list[str],
) -> Recording:
    path = folder / VIDEO
    if not path.is_file():
        raise CurationError(f"expected {VIDEO}, found nothing at {path}; get the folder again")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise CurationError(
                    f"expected a video, found a file without pictures at {path}; get the file again"
                )
            stream = container.streams.video[0]
            rate, width, height, pixels = (
                stream.average_rate, stream.width, stream.height, stream.pix_fmt,
            )
            announced = stream.frames
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise CurationError(
            f"expected a video, got: {error}, at {path}; get the file again"
        ) from error
    if min(width, height) < 1:
        raise CurationError(
            f"expected pictures, found a size of {width}x{height} at {path}; get the file again"
        )
    if not rate or not 1 <= float(rate) <= 1000:
        raise CurationError(
            f"expected a video of 1 to 1000 frames/s, found {rate} at {path}; get the file again"
        )
    if pixels not in _AS_RAW:
        defects.append(
            f"{VIDEO} holds {pixels}, not the published BGR24; its colours are FFmpeg's conversion"
        )
    expected = len(frame_times.time_ns) if frame_times else announced or None
    return Recording(
        folder, subject, subject, SENSOR, width, height, float(rate),
        "published, of the frame" if frame_times else "nominal, not published", 0, 0, samples,
        times, frame_times, expected, _decode(path, defects), defects,
    )


def _decode(path: Path, defects: list[str]) -> Iterator[Picture]:
    """Decode what plays; a packet that does not is a frame that lacks, and the end of what can be
    read ends the video.
    """
    index, lost, reason = 0, [], ""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            for packet in container.demux(stream):
                if packet.size and packet.is_corrupt:
                    lost.append(index)
                    reason, index = "cut short", index + 1
                    continue
                try:
                    for frame in packet.decode():
                        yield Picture(index, frame.to_ndarray(format="rgb24"))  # type: ignore[union-attr]
                        index += 1
                except av.error.FFmpegError as error:
                    lost.append(index)
                    reason, index = error.strerror or str(error), index + 1
    except (OSError, av.error.FFmpegError) as error:
        defects.append(f"{path.name} cannot be read further than frame {index}: {error}")
    if lost:
        defects.append(
            f"{len(lost)} frames of {path.name} do not decode, the first is {lost[0]}: {reason}"
        )
