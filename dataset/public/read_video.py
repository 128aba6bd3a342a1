"""A video file of a public set: its header checked, its frames decoded as they are asked for."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import av.error

from acquire.camera.video_pictures import (
    PictureForm,
    UprightPictures,
    check_pictures,
    describe_failure,
    form_of,
    raw_kind,
)
from acquire.errors import CurationError
from acquire.stamps.rising import StampedTimes

from .folders import what_instead
from .published import GET_FILE, GET_FOLDER, Picture, PublishedVideo

_LOSSLESS_AS_RGB = ("bgr24", "rgb24", "bgr0", "gbrp")


@dataclass(frozen=True)
class VideoHeader:
    """What a video says of itself before a frame is decoded."""

    path: Path
    width: int               # of the upright picture [px]
    height: int              # [px]
    fps: float               # [Hz]
    frames: int | None       # None: it does not say


def read_header(path: Path, defects: list[str], *, is_raw: bool = True) -> VideoHeader:
    """Read the header of a video, and check it.

    Parameters
    ----------
    is_raw : the set publishes uncompressed BGR24; else what the compression is, is named

    Raises
    ------
    CurationError : there is none, or it cannot be used
    """
    if not path.is_file():
        raise CurationError(
            expected=path.name, found=what_instead(path), where=f"at {path}", fix=GET_FOLDER
        )
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise _unusable("a video", "a file without pictures", path)
            stream = container.streams.video[0]
            check_pictures(stream)
            rate, width, height = stream.average_rate, stream.width, stream.height
            pixel_format, frames = stream.pix_fmt, stream.frames
            codec, seconds = stream.codec_context.name, frames / float(rate) if rate else 0.0
            streams, raw = len(container.streams.video), raw_kind(container)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise _unusable("a video", describe_failure(path, error), path) from error
    if raw or not rate or not 1 <= float(rate) <= 1000:
        found = f"{raw}, which says none," if raw else rate
        raise _unusable("a video of 1 to 1000 frames/s", found, path)
    if streams > 1:
        defects.append(f"{path.name} holds {streams} streams of pictures; the first is read")
    form = _first_form(path)
    if pixel_format not in _LOSSLESS_AS_RGB:
        held = f"{path.name} holds {form or pixel_format}"
        at = f" at {path.stat().st_size / 125 / seconds:.0f} kbit/s" if seconds else ""
        defects.append(
            f"{held}, not the published BGR24; converted to RGB" if is_raw else
            f"{held}, compressed with loss as it is published ({codec}{at}); converted to RGB"
        )
    elif form is not None and form.turned:
        defects.append(f"{path.name} is {form.turned}, as it states")
    if form is not None:
        width, height = form.width, form.height
    return VideoHeader(path, width, height, float(rate), frames or None)


def _first_form(path: Path) -> PictureForm | None:
    """Return what the first frame that decodes says of its pixels; None where none does."""
    with suppress(OSError, av.error.FFmpegError), av.open(str(path)) as container:
        stream = container.streams.video[0]
        for packet in container.demux(stream):
            with suppress(av.error.FFmpegError):
                for frame in stream.decode(packet):
                    return form_of(frame, path, error=CurationError)
    return None


def open_video(
    header: VideoHeader, times: StampedTimes | None, defects: list[str]
) -> PublishedVideo:
    """Return a video with the times of its frames; None: by its rate."""
    return PublishedVideo(
        header.width, header.height, header.fps,
        "published, of the frame" if times else "nominal, not published", times,
        len(times.time_ns) if times else header.frames, _decode(header.path, defects),
        announced_frames=header.frames,
    )


def _unusable(expected: str, found: object, path: Path) -> CurationError:
    return CurationError(expected=expected, found=found, where=f"at {path}", fix=GET_FILE)


def _decode(path: Path, defects: list[str]) -> Iterator[Picture]:
    """Decode what plays.

    A packet that does not decode is a missing frame; the video ends where it cannot be read on.
    """
    index, undecodable, reason = 0, [], ""
    pictures = UprightPictures("rgb24", path, error=CurationError)
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            for packet in container.demux(stream):
                if packet.size and packet.is_corrupt:
                    undecodable.append(index)
                    reason, index = "cut short", index + 1
                    continue
                try:
                    for frame in stream.decode(packet):
                        yield Picture(index, pictures.convert(frame))
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
