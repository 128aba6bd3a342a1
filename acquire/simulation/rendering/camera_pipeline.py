"""The processing in a cheap camera: tone, white balance, denoising, sharpening, compression.

A network that is to read real faces must not depend on any of it, so the varied world (`world`)
draws it anew for each session. Frames go in and come out one by one and in order: denoising and
H.264 use the frames before.

Sources
-------
Webcams and phones denoise in time by a recursive filter and sharpen afterwards (the overshoot at
edges is theirs). UVC cameras send 30 fps at 640x360 and above as MJPEG, or as H.264; what
compression costs the pulse: McDuff, Blackford, Estepp, "The impact of video compression on remote
cardiac pulse measurement using imaging photoplethysmography", FG 2017.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
import cv2
import numpy as np

from .face import HEIGHT, WIDTH


@dataclass(frozen=True)
class CameraProcessing:
    """What a camera does to its pictures."""

    gamma: float = 1.0             # of luma, relative to the scene's
    gain: float = 1.0              # of luma
    white_balance: tuple[float, float] = (0.0, 0.0)     # added to U and V [grey levels]
    saturation: float = 1.0
    denoise: float = 0.0           # share of the frame before that is kept, 0 to 0.7
    sharpen: float = 0.0           # strength of an unsharp mask
    codec: Literal["none", "mjpeg", "h264"] = "none"
    quality: int = 0               # FFmpeg's qscale of MJPEG, 2 (best) to 31; H.264's CRF, 0 to 51


class CameraPipeline:
    """Process the frames of one session; a context manager."""

    def __init__(self, processing: CameraProcessing, *, fps: float) -> None:
        self._processing = processing
        level = np.clip((np.arange(256) - 16) / 219, 0, 1)
        toned = np.clip(processing.gain * level**processing.gamma, 0, 1)
        self._luma_table = _as_table(16 + 219 * toned)
        chroma = processing.saturation * (np.arange(256) - 128)
        self._chroma_tables = [_as_table(128 + chroma + s) for s in processing.white_balance]
        self._denoised: np.ndarray | None = None     # the frame before
        self._codec = _Codec(processing, fps) if processing.codec != "none" else None

    def process(self, frame: np.ndarray) -> np.ndarray:
        """Return the stored picture of a frame, (540, 640) uint8 I420, as a new array."""
        out = np.empty_like(frame)
        cv2.LUT(frame[:HEIGHT], self._luma_table, dst=out[:HEIGHT])
        quarter = HEIGHT // 4
        for plane, table in enumerate(self._chroma_tables):
            rows = slice(HEIGHT + plane * quarter, HEIGHT + (plane + 1) * quarter)
            cv2.LUT(frame[rows], table, dst=out[rows])
        if (kept := self._processing.denoise) > 0:
            now = out.astype(np.float32)
            self._denoised = now if self._denoised is None else cv2.addWeighted(
                now, 1 - kept, self._denoised, kept, 0.0)
            out = np.rint(self._denoised).astype(np.uint8)
        if (strength := self._processing.sharpen) > 0:
            luma = out[:HEIGHT]
            soft = cv2.GaussianBlur(luma, (0, 0), 1.2)
            cv2.addWeighted(luma, 1 + strength, soft, -strength, 0.0, dst=luma)
        return out if self._codec is None else self._codec.pass_through(out)

    def close(self) -> None:
        """End the stream; may be called twice."""
        self._codec = None

    def __enter__(self) -> "CameraPipeline":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _as_table(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


class _Codec:
    """Encodes and decodes; every frame comes back before the next one goes in."""

    def __init__(self, processing: CameraProcessing, fps: float) -> None:
        rate = Fraction(fps).limit_denominator(1000)
        mjpeg = processing.codec == "mjpeg"
        encoder: Any = av.CodecContext.create("mjpeg" if mjpeg else "libx264", "w")
        encoder.width, encoder.height, encoder.time_base = WIDTH, HEIGHT, 1 / rate
        encoder.pix_fmt = "yuvj420p" if mjpeg else "yuv420p"
        encoder.thread_count = 1
        if mjpeg:
            encoder.options = {"qmin": str(processing.quality), "qmax": str(processing.quality)}
            encoder.qmin = encoder.qmax = processing.quality
        else:
            encoder.options = {
                "crf": str(processing.quality), "preset": "superfast", "tune": "zerolatency",
            }
        self._encoder = encoder
        self._decoder: Any = av.CodecContext.create("mjpeg" if mjpeg else "h264", "r")
        self._decoder.thread_count = 1
        self._full_range = mjpeg
        self._count = 0

    def pass_through(self, frame: np.ndarray) -> np.ndarray:
        picture = av.VideoFrame.from_ndarray(
            frame, format="yuvj420p" if self._full_range else "yuv420p"
        )
        picture.pts = self._count
        self._count += 1
        decoded = [
            frame
            for packet in self._encoder.encode(picture)
            for frame in self._decoder.decode(packet)
        ]
        if len(decoded) != 1:
            raise RuntimeError(
                f"expected one frame back from {self._encoder.name}, found {len(decoded)}"
            )
        return decoded[0].to_ndarray()
