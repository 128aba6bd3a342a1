"""Lossless video in AVI: written frame by frame, read back frame by frame.

Two codecs. `rawvideo` is BGR24, what UBFC-rPPG itself is made of and what every reader takes; above
2 GiB the file goes on in OpenDML parts. `ffv1` holds the same pixels (as RGB, not as YUV: the
colours must not depend on the reader's conversion) in a third of the space, for several times the
work. OpenCV's own "raw" writer (fourcc 0) stores I420 and is up to 220/255 off.

An AVI has one constant frame rate. The header carries the mean; the true times are in the third row
of `ground_truth.txt`.
"""

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import av.error
import numpy as np

from acquire.errors import CurationError
from dataset.common.files import sha256_of

_STORED_AS = {"rawvideo": "bgr24", "ffv1": "bgr0"}
CODECS = tuple(_STORED_AS)


class PixelHash:
    """SHA-256 over the BGR pixels of a video, and after each frame what it had come to.

    The running digests say which frame differs first, for the price of one pass.
    """

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self.after: list[bytes] = []

    def add(self, bgr: np.ndarray) -> None:
        """Take in one (H, W, 3) frame."""
        self._sha.update(np.ascontiguousarray(bgr).data)
        self.after.append(self._sha.digest())

    @property
    def hexdigest(self) -> str:
        """The hash of all frames so far."""
        return self._sha.hexdigest()


class VideoWriter:
    """Write one AVI; a context manager.

    Raises
    ------
    CurationError : the file cannot be written (disk full, no permission)
    """

    def __init__(self, path: Path, *, codec: str, width: int, height: int, fps: float) -> None:
        self.path = path
        self.pixels = PixelHash()
        try:
            self._container = av.open(str(path), "w", format="avi")
            self._stream = self._container.add_stream(
                codec, rate=Fraction(fps).limit_denominator(10_000)
            )
        except (OSError, av.error.FFmpegError) as error:
            raise _cannot_write(path, error) from error
        self._stream.width, self._stream.height = width, height  # type: ignore[union-attr]
        self._stream.pix_fmt = _STORED_AS[codec]                 # type: ignore[union-attr]

    def add(self, bgr: np.ndarray) -> None:
        """Append one (H, W, 3) uint8 BGR frame; it may be changed afterwards."""
        self.pixels.add(bgr)
        try:
            # Wraps the array without a copy; both encoders have taken the pixels when `encode` is
            # back.
            frame = av.VideoFrame.from_numpy_buffer(bgr, format="bgr24")
            self._container.mux(self._stream.encode(frame))      # type: ignore[union-attr]
        except (OSError, av.error.FFmpegError) as error:
            raise _cannot_write(self.path, error) from error

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._container.mux(self._stream.encode(None))   # type: ignore[union-attr]
            self._container.close()
        except (OSError, av.error.FFmpegError) as failed:
            if error is None:
                raise _cannot_write(self.path, failed) from failed


def read_bgr(path: Path) -> Iterator[np.ndarray]:
    """Decode a video, one (H, W, 3) uint8 BGR frame at a time, in any codec that FFmpeg knows.

    Raises
    ------
    CurationError : the file is missing or not a video, or a frame does not decode
    """
    if not path.is_file():
        raise CurationError(f"expected a video, found nothing at {path}; run acq convert --force")
    count = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise CurationError(
                    f"expected a video, found a file without pictures at {path}; run acq convert "
                    "--force"
                )
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="bgr24")
                count += 1
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise CurationError(
            f"expected a whole video, found {count} frames, then: {error}, in {path}; run acq "
            "convert --force"
        ) from error


def check_video(
    path: Path, pixels: PixelHash, *, on_frame: Callable[[int], None] | None = None
) -> str:
    """Decode a video, compare every frame with what was written, and give the SHA-256 of the file.

    Raises
    ------
    CurationError : a frame differs, lacks or is too many; the first one is named
    """
    found = PixelHash()
    for bgr in read_bgr(path):
        at = len(found.after)
        found.add(bgr)
        if at >= len(pixels.after) or found.after[at] != pixels.after[at]:
            raise CurationError(
                f"expected the frames as written, found frame {at} different in {path}; run acq "
                "convert --force"
            )
        if on_frame:
            on_frame(at + 1)
    if len(found.after) != len(pixels.after):
        raise CurationError(
            f"expected {len(pixels.after)} frames, found {len(found.after)} in {path}; run acq "
            "convert --force"
        )
    return sha256_of(path)


def _cannot_write(path: Path, error: Exception) -> CurationError:
    return CurationError(
        f"expected to write {path}, got: {error}; make room or mend the disk, then convert again"
    )
