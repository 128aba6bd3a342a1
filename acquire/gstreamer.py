"""Cameras through GStreamer: the CSI camera of a Jetson or a Raspberry Pi, or any pipeline.

pip's OpenCV has no GStreamer, so frames come from PyGObject's appsink. A live source stamps each buffer with the pipeline's
clock, which is told to be CLOCK_MONOTONIC; PTS plus the pipeline's base time is that stamp. Frames are recorded as I420,
untouched where the camera gives it. Where buffers carry their frame's number (`offset`, with the next one's in `offset_end`), it
is the sequence; elsewhere the stamps tell it.
"""

import time
from importlib import import_module
from typing import Any

import numpy as np

from .devices import CameraInfo, VideoFrame
from .errors import DeviceError
from .v4l2 import SequenceFromTime, check_stamp

_FIRST_FRAME_S = 10.0
_PACKAGES = (
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0, "
    "and `pip install -e '.[gstreamer]'`"
)


def load_gst() -> Any:
    """Import GStreamer, initialised.

    Raises
    ------
    DeviceError : PyGObject or GStreamer is not installed
    """
    try:
        import gi

        gi.require_version("Gst", "1.0")
        gi.require_version("GstApp", "1.0")
        gst = import_module("gi.repository.Gst")
        import_module("gi.repository.GstApp")      # gives appsink its methods
    except (ImportError, ValueError) as error:
        raise DeviceError(f"expected GStreamer with PyGObject, got: {error}; install {_PACKAGES}") from error
    gst.init(None)
    return gst


def open_csi(fps: float, width: int, height: int) -> "GstCamera":
    """Open the CSI camera with the element this board has for it."""
    gst = load_gst()
    rate = f"{round(fps)}/1"
    candidates = {
        "nvarguscamerasrc": f"nvarguscamerasrc ! video/x-raw(memory:NVMM),width=1280,height=720,framerate={rate} "
        f"! nvvidconv ! video/x-raw,format=I420,width={width},height={height}",
        "libcamerasrc": f"libcamerasrc ! video/x-raw,width={width},height={height},framerate={rate} ! videoconvert",
    }
    for element, pipeline in candidates.items():
        if gst.ElementFactory.find(element):
            return GstCamera(pipeline, name="csi", fps=fps)
    raise DeviceError(f"expected a CSI camera's GStreamer element, found none of {', '.join(candidates)} installed")


class GstCamera:
    """A GStreamer pipeline behind `FrameSource`; `pipeline` ends in raw video and has no sink."""

    def __init__(self, pipeline: str, *, name: str, fps: float) -> None:
        self._gst = load_gst()
        full = f"{pipeline} ! videoconvert ! video/x-raw,format=I420 ! appsink name=acq sync=false max-buffers=64 drop=false"
        try:
            self._pipeline = self._gst.parse_launch(full)
        except Exception as error:   # GLib.Error, which exists only once gi is loaded
            raise DeviceError(f"expected a GStreamer pipeline without its sink, found {pipeline!r}: {error}") from error
        self._sink = self._pipeline.get_by_name("acq")
        self._name = name
        self._first: tuple[Any, int] | None = None
        self._pipeline.use_clock(self._gst.SystemClock.obtain())      # a source may offer another, such as a sound card's
        self._pipeline.set_state(self._gst.State.PLAYING)
        try:
            first = self._pull(_FIRST_FRAME_S)
            if first is None:
                raise DeviceError(f"expected a frame within {_FIRST_FRAME_S:g} s, found none from {pipeline!r}")
            caps = first[0].get_caps().get_structure(0)
            width, height = caps.get_value("width"), caps.get_value("height")
            if width % 8 or height % 4:
                raise DeviceError(
                    f"expected a width of a multiple of 8 and a height of 4, found {width}x{height} from {pipeline!r}"
                )
            ok, numerator, denominator = caps.get_fraction("framerate")
            actual_fps = numerator / denominator if ok and numerator else fps
            self._shape = (height * 3 // 2, width)
            self._sequence = SequenceFromTime(actual_fps)
            buffer = first[0].get_buffer()
            counts_frames = buffer.offset != self._gst.BUFFER_OFFSET_NONE and buffer.offset_end == buffer.offset + 1
            self._zero: int | None = None            # number of the first frame recorded
            check_stamp(self._stamp_ns(first), name, self.close)
        except BaseException:
            self.close()
            raise
        self.info = CameraInfo(
            name=name,
            width=width,
            height=height,
            fps=actual_fps,
            pixel_format="I420",
            time_meaning="camera's GStreamer stamp",
            pipeline=full,
            counts_frames=counts_frames,
        )

    def _pull(self, timeout_s: float) -> tuple[Any, int] | None:
        """Give the next GStreamer sample and its arrival; raise what the pipeline reports."""
        sample = self._sink.try_pull_sample(int(timeout_s * self._gst.SECOND))
        arrival_ns = time.monotonic_ns()
        if sample is not None:
            return sample, arrival_ns
        message = self._pipeline.get_bus().pop_filtered(self._gst.MessageType.ERROR)
        if message is not None:
            raise DeviceError(f"expected frames from camera {self._name}, got: {message.parse_error()[0].message}")
        if self._sink.is_eos():
            raise DeviceError(f"expected frames from camera {self._name}, found that its stream ended")
        return None

    def _stamp_ns(self, pulled: tuple[Any, int]) -> int:
        pts = pulled[0].get_buffer().pts
        if pts == self._gst.CLOCK_TIME_NONE:
            raise DeviceError(f"expected a stamp on every frame of camera {self._name}, found a frame without one")
        return pts + self._pipeline.get_base_time()

    def start(self, start_ns: int) -> None:
        """Drop what was captured before `start_ns`."""
        while (pulled := self._pull(_FIRST_FRAME_S)) is not None:
            if self._stamp_ns(pulled) >= start_ns:
                self._first = pulled
                return
            self._sequence.learn(self._stamp_ns(pulled))

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Give the next frame."""
        pulled, self._first = self._first or self._pull(timeout_s), None
        if pulled is None:
            return None
        time_ns = self._stamp_ns(pulled)
        buffer = pulled[0].get_buffer()
        image = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), dtype=np.uint8)
        return VideoFrame(image.reshape(self._shape), time_ns, pulled[1], self._number(buffer, time_ns))

    def _number(self, buffer: Any, time_ns: int) -> int:
        if not self.info.counts_frames:
            return self._sequence.number(time_ns)
        if buffer.offset_end != buffer.offset + 1:
            raise DeviceError(f"expected a number on every frame of camera {self._name}, found a frame without one")
        if self._zero is None:
            self._zero = buffer.offset
        return buffer.offset - self._zero

    def close(self) -> None:
        """Stop the pipeline."""
        self._pipeline.set_state(self._gst.State.NULL)
