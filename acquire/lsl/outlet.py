"""The PPG and the camera's stamps as streams for other programs, on the session's clock."""

import uuid

from acquire.camera.source import VideoFrame

from .library import load, read_local

PPG, FRAMES = "acq-ppg", "acq-frames"      # names of the streams


class Outlets:
    """Sends each PPG sample and each frame's number while a recording runs.

    Their stamps are the times of the session, live ones, on the library's clock: a program that
    records them with its own clock offsets has them where the session has them, within the live
    bound that is the second channel.
    """

    def __init__(self) -> None:
        self._lsl = load()
        self._local_ns = 0
        self._ppg = self._frames = None

    def open(self, *, rate_hz: float, fps: float) -> None:
        """Make both streams known in the network."""
        self._local_ns = read_local(self._lsl.local_clock)[0]
        self._ppg = self._outlet(PPG, "PPG", ("ppg", "bound_ms"), rate_hz)
        self._frames = self._outlet(FRAMES, "VideoFrames", ("frame",), fps)

    def _outlet(self, name: str, kind: str, channels: tuple[str, ...], rate_hz: float):
        source = f"{name}-{uuid.uuid4().hex[:8]}"           # no pseudonym goes into the network
        info = self._lsl.StreamInfo(
            name, kind, len(channels), rate_hz, self._lsl.cf_double64, source
        )
        described = info.desc().append_child("channels")
        for label in channels:
            described.append_child("channel").append_child_value("label", label)
        return self._lsl.StreamOutlet(info)

    def sample(self, time_ns: int, bound_ns: int, value: float) -> None:
        """Send a PPG sample; a bound of -1 is sent as -1."""
        bound_ms = bound_ns / 1e6 if bound_ns >= 0 else -1.0
        assert self._ppg is not None
        self._ppg.push_sample([value, bound_ms], (time_ns - self._local_ns) / 1e9)

    def frame(self, frame: VideoFrame) -> None:
        """Send a frame's number with its stamp."""
        assert self._frames is not None
        self._frames.push_sample([float(frame.sequence)], (frame.time_ns - self._local_ns) / 1e9)

    def close(self) -> None:
        """End both streams; may be called twice."""
        self._ppg = self._frames = None
