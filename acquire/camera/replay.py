"""A video file played in real time as if it were a camera, each frame at its own time.

Frame i is delivered at `start_ns + (t_i - t_0)`, where t comes from a CSV beside the video, or from
the container where there is none. Nothing is dropped: a file has no frames to lose. If decoding is
too slow, a frame arrives late, and its arrival time shows it.
"""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np

from acquire import host_time
from acquire.errors import DeviceError

from .frame_times import read_frame_times
from .source import CameraInfo, EndOfStream, VideoFrame

_DECODED_AHEAD = 16   # frames


class ReplayCamera:
    """A video file behind `FrameSource`: yuv420p is delivered as I420, everything else as RGB.

    Started in the past, it is late with every frame, and delivers them as fast as they decode.
    """

    def __init__(self, video: Path, *, times: Path | None = None) -> None:
        self._video = video
        try:
            with av.open(str(video)) as container:
                stream = container.streams.video[0]
                context = stream.codec_context
                width, height, pixels = context.width, context.height, context.pix_fmt
                header_fps = float(stream.average_rate) if stream.average_rate else None
                frame_times_s = [
                    float(packet.pts * stream.time_base)
                    for packet in container.demux(stream)
                    if packet.pts is not None and packet.size and not packet.is_discard
                ]
        except (OSError, IndexError, av.error.FFmpegError) as error:
            raise DeviceError(expected="a video to replay", found=error, where=video) from error
        is_i420 = pixels in ("yuv420p", "yuvj420p") and width % 2 == height % 2 == 0
        self._format = "yuv420p" if is_i420 else "rgb24"
        remarks: list[str] = []
        times_s = (
            np.sort(np.array(frame_times_s)) if times is None
            else read_frame_times(times, fps=header_fps, remarks=remarks)
        )
        if len(times_s) != len(frame_times_s):
            raise DeviceError(
                expected=f"a time for each of the {len(frame_times_s)} frames of {video}",
                found=len(times_s), where=times or video,
            )
        if len(times_s) < 2:
            raise DeviceError(expected="at least 2 frames", found=len(times_s), where=video)
        self.frames = len(times_s)
        self._offset_ns = np.rint((times_s - times_s[0]) * 1e9).astype(np.int64)
        self.info = CameraInfo(
            name=f"replay:{video.name}", width=width, height=height,
            fps=float((len(times_s) - 1) / (times_s[-1] - times_s[0])),
            pixel_format="I420" if is_i420 else "RGB", time_meaning="file",
            pipeline=f"{pixels} decoded as {self._format}, times from "
                     f"{times.name if times else 'the container'}",
            remarks=tuple(remarks),
        )
        self._decoded: queue.Queue[np.ndarray | Exception] = queue.Queue(maxsize=_DECODED_AHEAD)
        self._closed = threading.Event()
        self._start_ns = 0
        self._next = 0
        self._waiting: np.ndarray | None = None
        self._thread = threading.Thread(target=self._decode, name="replay", daemon=True)
        self._thread.start()   # decodes ahead, so that frame 0 is there at the start

    def _decode(self) -> None:
        try:
            for image in self._images():
                if not self._put(image):
                    return
            self._put(EndOfStream())
        except Exception as error:   # handed to the reader, who raises it
            self._put(error)

    def _images(self) -> Iterator[np.ndarray]:
        with av.open(str(self._video)) as container:
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                as_is = frame.format.name == self._format
                yield frame.to_ndarray() if as_is else frame.to_ndarray(format=self._format)

    def _put(self, item: np.ndarray | Exception) -> bool:
        while not self._closed.is_set():
            try:
                self._decoded.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def start(self, start_ns: int) -> None:
        """Play frame 0 at `start_ns`."""
        self._start_ns = start_ns

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame once its time has come; None when that is not in time."""
        give_up_ns = host_time.now_ns() + round(timeout_s * 1e9)
        if self._waiting is None:
            try:
                item = self._decoded.get(timeout=timeout_s)
            except queue.Empty:
                return None
            if isinstance(item, EndOfStream) and self._next == self.frames:
                raise item
            if isinstance(item, Exception) or self._next >= self.frames:
                decoded = f"{self._next} that decode: {item}"
                raise DeviceError(
                    expected=f"{self.frames} frames",
                    found=decoded if isinstance(item, Exception) else "more", where=self._video,
                )
            self._waiting = item
        due_ns = self._start_ns + int(self._offset_ns[self._next])
        now_ns = host_time.now_ns()
        if due_ns > now_ns:
            time.sleep((min(due_ns, give_up_ns) - now_ns) / 1e9 if give_up_ns > now_ns else 0)
            if due_ns > give_up_ns:
                return None
        frame = VideoFrame(self._waiting, due_ns, max(host_time.now_ns(), due_ns), self._next)
        self._waiting = None
        self._next += 1
        return frame

    def close(self) -> None:
        """Stop decoding."""
        self._closed.set()
        self._thread.join(timeout=2.0)
