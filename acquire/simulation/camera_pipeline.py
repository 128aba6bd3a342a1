"""What lies between a scene and a stored picture in a cheap camera: tone, white balance, denoising,
sharpening, compression.

A network that is to read real faces must not mind any of it, so the varied world (`virtual_world`)
draws it anew for each session. Frames go in and come out one by one and in order: denoising and
H.264 know the frames before.

Sources
-------
Webcams and phones denoise in time by a recursive filter and sharpen afterwards (the overshoot at
edges is theirs). UVC cameras send 30 fps at 640x360 and above as MJPEG, or as H.264; what
compression costs the pulse: McDuff, Blackford, Estepp, "The impact of video compression on remote
cardiac pulse measurement using imaging photoplethysmography", FG 2017.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
import cv2
import numpy as np

from .face import HEIGHT, WIDTH


@dataclass(frozen=True)
class Film:
    """What a camera does to its pictures."""

    gamma: float = 1.0             # of luma, relative to the scene's
    gain: float = 1.0              # of luma
    warm: tuple[float, float] = (0.0, 0.0)     # added to U and V [grey levels]: white balance
    saturation: float = 1.0
    denoise: float = 0.0           # share of the frame before that is kept, 0 to 0.7
    sharpen: float = 0.0           # strength of an unsharp mask
    codec: Literal["none", "mjpeg", "h264"] = "none"
    quality: int = 0  # of MJPEG 2 (best) to 31, FFmpeg's qscale; of H.264 the CRF, 0 to 51


class Developer:
    """Pass frames of one session through a film; opened and closed."""

    def __init__(self, film: Film, *, fps: float) -> None:
        self.film = film
        level = np.clip((np.arange(256) - 16) / 219, 0, 1)
        self._tone = np.clip(
            np.rint(16 + 219 * np.clip(film.gain * level**film.gamma, 0, 1)), 0, 255
        ).astype(np.uint8)
        self._chroma = [
            np.clip(np.rint(128 + film.saturation * (np.arange(256) - 128) + shift), 0, 255).astype(
                np.uint8
            )
            for shift in film.warm
        ]
        self._before: np.ndarray | None = None
        self._coder = _Coder(film, fps) if film.codec != "none" else None

    def develop(self, frame: np.ndarray) -> np.ndarray:
        """Give the (540, 640) uint8 I420 picture that is stored for a frame; the argument is left
        as it was.
        """
        out = np.empty_like(frame)
        cv2.LUT(frame[:HEIGHT], self._tone, dst=out[:HEIGHT])
        quarter = HEIGHT // 4
        for at, table in enumerate(self._chroma):
            rows = slice(HEIGHT + at * quarter, HEIGHT + (at + 1) * quarter)
            cv2.LUT(frame[rows], table, dst=out[rows])
        if self.film.denoise > 0:
            now = out.astype(np.float32)
            self._before = now if self._before is None else cv2.addWeighted(
                now, 1 - self.film.denoise, self._before, self.film.denoise, 0.0)
            out = np.rint(self._before).astype(np.uint8)
        if self.film.sharpen > 0:
            soft = cv2.GaussianBlur(out[:HEIGHT], (0, 0), 1.2)
            cv2.addWeighted(
                out[:HEIGHT], 1 + self.film.sharpen, soft, -self.film.sharpen, 0.0, dst=out[:HEIGHT]
            )
        return out if self._coder is None else self._coder.pass_through(out)

    def close(self) -> None:
        """End the stream; may be called twice."""
        self._coder = None

    def __enter__(self) -> "Developer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Coder:
    """Encode and decode at once: every frame comes back before the next one goes in."""

    def __init__(self, film: Film, fps: float) -> None:
        rate = Fraction(fps).limit_denominator(1000)
        mjpeg = film.codec == "mjpeg"
        encoder = av.CodecContext.create("mjpeg" if mjpeg else "libx264", "w")
        encoder.width, encoder.height, encoder.time_base = WIDTH, HEIGHT, 1 / rate  # type: ignore[attr-defined]
        encoder.pix_fmt = "yuvj420p" if mjpeg else "yuv420p"  # type: ignore[attr-defined]
        encoder.thread_count = 1
        if mjpeg:
            encoder.options = {"qmin": str(film.quality), "qmax": str(film.quality)}
            encoder.qmin = encoder.qmax = film.quality  # type: ignore[attr-defined]
        else:
            encoder.options = {
                "crf": str(film.quality), "preset": "superfast", "tune": "zerolatency",
            }
        self._encoder = encoder
        self._decoder = av.CodecContext.create("mjpeg" if mjpeg else "h264", "r")
        self._decoder.thread_count = 1
        self._full_range = mjpeg
        self._count = 0

    def pass_through(self, frame: np.ndarray) -> np.ndarray:
        picture = av.VideoFrame.from_ndarray(
            frame, format="yuvj420p" if self._full_range else "yuv420p"
        )
        picture.pts = self._count
        self._count += 1
        found = [
            one for packet in self._encoder.encode(picture) for one in self._decoder.decode(packet)
        ]  # type: ignore[attr-defined]
        if len(found) != 1:
            raise RuntimeError(
                f"expected one frame back from {self._encoder.name}, got {len(found)}"
            )
        return found[0].to_ndarray()
