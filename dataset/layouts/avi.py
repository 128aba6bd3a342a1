"""Lossless video in AVI: written frame by frame, read back frame by frame.

Three codecs, the quickest first. `rawvideo` is BGR24, what UBFC-rPPG itself is made of and what
every reader takes; above 2 GiB the file goes on in OpenDML parts. `magicyuv` and `ffv1` hold the
same pixels in a third of the space, `ffv1` in a little less for several times the work. Both store
RGB, though I420 as recorded would halve them again: every reader turns I420 into RGB in its own
way, and OpenCV's reader is 1.2 of 255 off on average. OpenCV's own "raw" writer (fourcc 0) stores
I420 and is up to 220/255 off. One thread writes, so that the bytes do not depend on the machine.

An AVI has one constant frame rate. The header carries the mean; the true times are in the third row
of `ground_truth.txt`.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

import av
import av.error
import numpy as np

from acquire.camera.video_mark import SIMULATED_MARK
from acquire.camera.video_pictures import UprightPictures, check_pictures
from acquire.data_folder import name_kind
from acquire.errors import CurationError
from dataset.common.files import sha256_of

from .pixel_hash import PixelHash

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_STORED_AS = {"rawvideo": "bgr24", "magicyuv": "gbrp", "ffv1": "bgr0"}
# an eighth smaller than by its own choice
_OPTIONS: dict[str, dict[str, object]] = {"magicyuv": {"pred": "median"}}
CODECS = tuple(_STORED_AS)


class VideoWriter:
    """Write one AVI; a context manager.

    Parameters
    ----------
    codec : one of `CODECS`
    width, height : [px]
    fps : mean rate [Hz]
    simulated : whether the file is marked as made of simulated frames

    Raises
    ------
    CurationError : the file cannot be written (disk full, no permission)
    """

    def __init__(
        self, path: Path, *, codec: str, width: int, height: int, fps: float,
        simulated: bool = False,
    ) -> None:
        self.path = path
        self.pixels = PixelHash()
        self.stored_bytes = 0            # of the frames, without the container's own
        try:
            self._container = av.open(str(path), "w", format="avi")
            if simulated:
                self._container.metadata["comment"] = SIMULATED_MARK
            self._stream = cast("VideoStream", self._container.add_stream(
                codec, rate=Fraction(fps).limit_denominator(10_000)
            ))
        except (OSError, av.error.FFmpegError) as error:
            raise _cannot_write(path, error) from error
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = _STORED_AS[codec]
        self._stream.options = _OPTIONS.get(codec, {})
        self._stream.codec_context.thread_count = 1

    def add(self, bgr: np.ndarray) -> None:
        """Append one (H, W, 3) uint8 BGR frame; it may be changed afterwards."""
        self.pixels.add(bgr)
        try:
            # Wraps the array without a copy; both encoders have taken the pixels when `encode`
            # returns.
            frame = av.VideoFrame.from_numpy_buffer(bgr, format="bgr24")
            self._mux(self._stream.encode(frame))
        except (OSError, av.error.FFmpegError) as error:
            raise _cannot_write(self.path, error) from error

    def _mux(self, packets: "list[Packet]") -> None:
        self._container.mux(packets)
        self.stored_bytes += sum(packet.size for packet in packets)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._mux(self._stream.encode(None))
            self._container.close()
        except (OSError, av.error.FFmpegError) as failed:
            if error is None:
                raise _cannot_write(self.path, failed) from failed


def read_bgr(path: Path) -> Iterator[np.ndarray]:
    """Decode a video, one (H, W, 3) uint8 BGR frame at a time, in any codec that FFmpeg knows.

    Frames are upright, in the colours that the video states (`UprightPictures`).

    Raises
    ------
    CurationError : the file is missing or not a video, or a frame does not decode; the caller
        knows what mends it
    """
    if not path.is_file():
        raise CurationError(expected="a video", found=name_kind(path), where=f"at {path}")
    count, pictures = 0, UprightPictures("bgr24", path, error=CurationError)
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise CurationError(
                    expected="a video", found="a file without pictures", where=f"at {path}"
                )
            stream = container.streams.video[0]
            check_pictures(stream)
            stream.thread_type = "AUTO"
            for frame in container.decode(video=0):
                yield pictures.convert(frame)
                count += 1
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise CurationError(
            expected="a whole video", found=f"{count} frames, then: {error},", where=path
        ) from error


def check_video(
    path: Path, written: PixelHash, *, on_frame: Callable[[int], None] | None = None
) -> str:
    """Decode a video, compare it with the frames written, and return the SHA-256 of the file.

    Parameters
    ----------
    on_frame : called after each frame with the count so far

    Raises
    ------
    CurationError : a frame differs, lacks or is too many; the first one is named
    """
    decoded = PixelHash()
    for bgr in read_bgr(path):
        index = len(decoded.after)
        decoded.add(bgr)
        if index >= len(written.after) or decoded.after[index] != written.after[index]:
            raise CurationError(
                expected="the frames as written", found=f"frame {index} different", where=path
            )
        if on_frame:
            on_frame(index + 1)
    if len(decoded.after) != len(written.after):
        raise CurationError(
            expected=f"{len(written.after)} frames", found=len(decoded.after), where=path
        )
    return sha256_of(path)


def _cannot_write(path: Path, error: Exception) -> CurationError:
    return CurationError(
        expected=f"to write {path}", found=error,
        fix="make room or mend the disk, then convert again",
    )
