"""Cameras through GStreamer: the CSI camera of a Jetson or a Raspberry Pi, or any pipeline.

pip's OpenCV has no GStreamer, so frames come from PyGObject's appsink. A live source stamps each
buffer with the pipeline's clock, which is set to CLOCK_MONOTONIC; PTS plus the pipeline's base time
is that stamp. Frames are recorded as I420, untouched where the camera gives it. Where buffers carry
the frame's number (`offset`, with the next one's in `offset_end`), it is the sequence; elsewhere
the sequence is derived from the stamps.

A pipeline that is not live (a file, held to its own time by `clocksync`) ends as a file ends; a
live one that ends has failed.
"""

import re
import time
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from acquire.errors import DeviceError, StampError

from .exposure import (
    GST_CONTROLS,
    NOT_CONTROLLED,
    lock_element,
    values_to_restore,
    wait_until_steady,
)
from .source import CameraInfo, EndOfStream, VideoFrame
from .stamps import SequenceFromTime, check_first_stamp

_FIRST_FRAME_S = 10.0
_AHEAD_NS = 1_000_000_000
_SOURCE = "acq-source"
_SINK = (
    "videoconvert ! video/x-raw,format=I420,colorimetry=bt601 ! "
    "appsink name=acq sync=false max-buffers=64 drop=false"
)
_PACKAGES = (
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gir1.2-gstreamer-1.0 "
    "gir1.2-gst-plugins-base-1.0"
)

# What appsink gives and the time of its arrival [ns, CLOCK_MONOTONIC]
_Pulled = tuple[Any, int]


def load_gst() -> Any:
    """Import GStreamer and initialise it.

    Raises
    ------
    DeviceError : PyGObject or GStreamer is not installed
    """
    try:
        import gi

        gi.require_version("Gst", "1.0")
        gst = import_module("gi.repository.Gst")
        for methods in ("GstApp", "GstBase"):       # these give appsink and sources their methods
            gi.require_version(methods, "1.0")
            import_module(f"gi.repository.{methods}")
    except (ImportError, ValueError) as error:
        raise DeviceError(
            expected="GStreamer with PyGObject", found=error,
            fix=f"install {_PACKAGES}, and acq with the extra `gstreamer`",
        ) from error
    gst.init(None)
    return gst


def open_csi(
    fps: float, width: int, height: int, *, earlier: dict[str, Any] | None = None
) -> "GstCamera":
    """Open the CSI camera with the element of this board; `earlier` as in `GstCamera`."""
    element = csi_element()
    rate = f"framerate={round(fps)}/1"
    pipeline = {
        "nvarguscamerasrc": f"nvarguscamerasrc name={_SOURCE} ! "
                            f"video/x-raw(memory:NVMM),width=1280,height=720,{rate} ! nvvidconv ! "
                            f"video/x-raw,format=I420,width={width},height={height}",
        "libcamerasrc": f"libcamerasrc name={_SOURCE} ! "
                        f"video/x-raw,width={width},height={height},{rate} ! videoconvert",
    }[element]
    return GstCamera(pipeline, name="csi", fps=fps, locks=GST_CONTROLS[element], earlier=earlier)


def csi_element() -> str:
    """Return the name of the element that this board has for its CSI camera.

    Raises
    ------
    DeviceError : it has none, or no GStreamer
    """
    gst = load_gst()
    for element in GST_CONTROLS:
        if gst.ElementFactory.find(element):
            return element
    raise DeviceError(
        expected="a CSI camera's GStreamer element",
        found=f"none of {', '.join(GST_CONTROLS)} installed",
        fix="install gstreamer1.0-libcamera on a Raspberry Pi, nvidia-l4t-gstreamer on a Jetson "
            "(docs/hardware.md)",
    )


class GstCamera:
    """A GStreamer pipeline behind `FrameSource`.

    It delivers as soon as it is open; `start` drops what is older.

    Parameters
    ----------
    pipeline : ends in raw video and has no sink
    locks : which properties of the element named `acq-source` lock exposure and white balance, and
        which report them; None: the pipeline is the user's own, and its controls are left alone
    earlier : `CameraInfo.exposure` of the same camera before, to be requested again; where it holds
        no values, and where it is None, the picture settles first

    Raises
    ------
    DeviceError : the pipeline does not run, gives no frame or one of a size that cannot be stored
    StampError : it stamps on another clock
    """

    def __init__(
        self, pipeline: str, *, name: str, fps: float,
        locks: tuple[dict[str, Any], tuple[str, ...]] | None = None,
        earlier: dict[str, Any] | None = None,
    ) -> None:
        self._gst = load_gst()
        self._name = name
        self._description = f"{pipeline} ! {_SINK}"
        try:
            self._pipeline = self._gst.parse_launch(self._description)
        except Exception as error:  # GLib.Error, which exists only once gi is loaded
            raise DeviceError(
                expected="a GStreamer pipeline without its sink", found=f"{pipeline!r}: {error}"
            ) from error
        self._sink = self._pipeline.get_by_name("acq")
        self._first: _Pulled | None = None       # found by `start`, to be read first
        self._zero: int | None = None            # number of the first frame recorded
        # a source may offer another clock, such as a sound card's
        self._pipeline.use_clock(self._gst.SystemClock.obtain())
        self.is_live = True               # False: it plays a file, and its end is no failure
        self._pipeline.set_state(self._gst.State.PLAYING)
        try:
            self.info = self._inspect(fps)
            if locks is not None:
                self.info = replace(self.info, exposure=self._lock(*locks, earlier))
        except EndOfStream:
            self.close()
            raise self._no_frames("that its stream ended") from None
        except BaseException:
            self.close()
            raise

    def _inspect(self, fps: float) -> CameraInfo:
        """Wait for the first frame and read from it what the camera delivers."""
        first = self._pull_first()
        # a file's first frame is there before the base time is
        self._pipeline.get_state(self._gst.SECOND)
        self.is_live = self._has_live_source()
        caps = first[0].get_caps().get_structure(0)
        width, height = caps.get_value("width"), caps.get_value("height")
        if width % 8 or height % 4:
            raise DeviceError(
                expected="a width of a multiple of 8 and a height of a multiple of 4",
                found=f"{width}x{height}", where=f"from camera {self._name}",
            )
        ok, numerator, denominator = caps.get_fraction("framerate")
        actual_fps = numerator / denominator if ok and numerator else fps
        self._shape = (height * 3 // 2, width)
        self._sequence = SequenceFromTime(actual_fps)
        check_first_stamp(self._stamp_ns(first), self._name, self.close)
        buffer = first[0].get_buffer()
        return CameraInfo(
            name=self._name, width=width, height=height, fps=actual_fps, pixel_format="I420",
            time_meaning="camera's GStreamer stamp" if self.is_live else "file",
            pipeline=self._description, exposure=NOT_CONTROLLED,
            counts_frames=(
                buffer.offset != self._gst.BUFFER_OFFSET_NONE
                and buffer.offset_end == buffer.offset + 1
            ),
        )

    def _lock(
        self, locks: dict[str, Any], reported: tuple[str, ...], earlier: dict[str, Any] | None
    ) -> dict[str, Any]:
        restored = values_to_restore(earlier, reported)
        settled = "as before" if restored else wait_until_steady(self._brightness)
        element = self._pipeline.get_by_name(_SOURCE)
        return {**lock_element(element, locks, reported, earlier=earlier), "settled": settled}

    def _has_live_source(self) -> bool:
        """Return whether a source of the pipeline is live, or does not say (as libcamerasrc)."""
        elements = self._pipeline.iterate_recurse()
        while (step := elements.next())[0] == self._gst.IteratorResult.OK:
            element = step[1]
            is_source = element.numsinkpads == 0 and not isinstance(element, self._gst.Bin)
            # GstBaseSrc's field; it hides the method of its name
            if is_source and getattr(element, "is_live", True):
                return True
        return False

    def _brightness(self) -> float:
        height, width = self._shape
        return float(self._image(self._pull_first())[: height * 2 // 3 : 8, :width:8].mean())

    def _image(self, pulled: _Pulled) -> np.ndarray:
        buffer = pulled[0].get_buffer()
        pixels = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), dtype=np.uint8)
        return pixels.reshape(self._shape)

    def _no_frames(self, found: str) -> DeviceError:
        return DeviceError(expected=f"frames from camera {self._name}", found=found)

    def _pull(self, timeout_s: float) -> _Pulled | None:
        """Return the next GStreamer sample and its arrival; raise what the pipeline reports."""
        sample = self._sink.try_pull_sample(int(timeout_s * self._gst.SECOND))
        arrival_ns = time.monotonic_ns()
        if sample is not None:
            return sample, arrival_ns
        message = self._pipeline.get_bus().pop_filtered(self._gst.MessageType.ERROR)
        if message is not None:
            raise self._no_frames(message.parse_error()[0].message)
        if self._sink.is_eos():
            raise self._no_frames("that its stream ended") if self.is_live else EndOfStream
        return None

    def _pull_first(self) -> _Pulled:
        """Return the next frame, after as long as a camera may take to wake up."""
        give_up = time.monotonic() + _FIRST_FRAME_S
        while time.monotonic() < give_up:
            if (pulled := self._pull(0.2)) is not None:
                return pulled
        raise self._no_frames(f"none within {_FIRST_FRAME_S:g} s")

    def _stamp_ns(self, pulled: _Pulled) -> int:
        pts = pulled[0].get_buffer().pts
        running_ns = pulled[0].get_segment().to_running_time(self._gst.Format.TIME, pts)
        if self._gst.CLOCK_TIME_NONE in (pts, running_ns):
            raise DeviceError(
                expected=f"a stamp on every frame of camera {self._name}",
                found="a frame without one",
            )
        return running_ns + self._pipeline.get_base_time()

    def start(self, start_ns: int) -> None:
        """Drop what was captured before `start_ns`."""
        try:
            while self._stamp_ns(pulled := self._pull_first()) < start_ns:
                self._sequence.learn(self._stamp_ns(pulled))
        except EndOfStream:
            raise self._no_frames("that its file ended before the start") from None
        self._first, self._zero = pulled, None
        self._sequence.restart()

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame; None when none came in time."""
        pulled, self._first = self._first or self._pull(timeout_s), None
        if pulled is None:
            return None
        time_ns = self._stamp_ns(pulled)
        if not self.is_live and time_ns - pulled[1] > _AHEAD_NS:
            raise StampError(
                expected=f"the file behind {self._name} to be held to its own time",
                found=f"it {(time_ns - pulled[1]) / 1e9:.1f} s ahead",
                fix="put clocksync behind its decoder",
            )
        return VideoFrame(
            self._image(pulled), time_ns, pulled[1], self._number(pulled[0].get_buffer(), time_ns)
        )

    def _number(self, buffer: Any, time_ns: int) -> int:
        if not self.info.counts_frames:
            return self._sequence.number(time_ns)
        if buffer.offset_end != buffer.offset + 1:
            raise DeviceError(
                expected=f"a number on every frame of camera {self._name}",
                found="a frame without one",
            )
        if self._zero is None:
            self._zero = buffer.offset
        return buffer.offset - self._zero

    def count_until(self, time_ns: int) -> None:
        """Return None: its frames are known when they come."""

    def close(self) -> None:
        """Stop the pipeline."""
        self._pipeline.set_state(self._gst.State.NULL)


def list_formats() -> dict[str, list[str]]:
    """Return the formats of each video source by its path: "video/x-raw YUY2 640x360 at 30".

    Raises
    ------
    DeviceError : GStreamer is not installed
    """
    gst = load_gst()
    monitor = gst.DeviceMonitor.new()
    monitor.add_filter("Video/Source", None)
    monitor.start()
    try:
        devices = monitor.get_devices()
    finally:
        monitor.stop()
    formats: dict[str, list[str]] = {}
    for device in devices:
        properties, caps = device.get_properties(), device.get_caps()
        path = properties and (
            properties.get_string("device.path") or properties.get_string("api.v4l2.path")
        )
        if path and caps:
            formats[path] = [_in_words(caps.get_structure(n)) for n in range(caps.get_size())]
    return formats


def _in_words(structure: Any) -> str:
    """Return one structure of caps in words; lists and ranges as GStreamer writes them."""
    fields = dict(re.findall(r"(\w+)=\(\w+\)(\{[^}]*\}|\[[^\]]*\]|[^,;]+)", structure.to_string()))
    words = [
        structure.get_name(), fields.get("format", ""),
        "x".join(fields.get(n, "?") for n in ("width", "height")),
    ]
    rate = re.sub(r"/1\b", "", fields.get("framerate", "?")).replace("(fraction)", "")
    return " ".join([*filter(None, words), f"at {rate}"])
