"""The virtual subject in front of a virtual camera and a virtual sensor, in real time.

The recorder cannot tell them from hardware: frames come in real time and are lost when nobody takes
them, bytes come late and in lumps over a real pty, the sensor's clock is its own. Only
`CameraInfo.simulated` and the sensor number of the HELLO show it. Both devices share one subject
time, whose zero is set by the camera's `start`. POSIX only, for the pty.
"""

import os
import secrets
import select
import threading
import time
import tty
import zlib
from contextlib import suppress
from types import TracebackType

import cv2
import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import DeviceError

from .camera_timing import LATENCY_NS, CameraTiming
from .led import LedView
from .rendering.face import HEIGHT, WIDTH
from .sensor_device import Crystal, SensorDevice, SerialLine, SwitchedLed
from .subject import VirtualSubject

ADAPTERS_MS = (1, 2, 4, 8, 16)    # how long USB adapters hold bytes
_BUFFERED_FRAMES = 8           # kept by driver and pipeline for a reader that is late
_ROOM_LIGHT = 1.5              # pulse heights above the baseline
_BEFORE_S = 30.0               # before the camera starts, subject time repeats these seconds


class SubjectClock:
    """Subject time on CLOCK_MONOTONIC; zero is where the camera starts."""

    def __init__(self, now_ns: int) -> None:
        self._created_ns = now_ns
        self.zero_ns: int | None = None

    def t_s(self, host_ns: np.ndarray) -> np.ndarray:
        """Return subject times [s] at host times [ns]."""
        if self.zero_ns is None:
            return ((host_ns - self._created_ns) * 1e-9) % _BEFORE_S - _BEFORE_S
        return (host_ns - self.zero_ns) * 1e-9


def camera_info(subject: VirtualSubject, fps: float) -> CameraInfo:
    """Return the description of the virtual camera."""
    return CameraInfo(
        name=f"virtual:{subject.subject_id}?seed={subject.seed}", width=WIDTH, height=HEIGHT,
        fps=fps,
        pixel_format="I420", time_meaning="simulated", pipeline="acquire.simulation.subject",
        simulated=True,
    )


class VirtualCamera:
    """Film the virtual subject in real time; a `FrameSource`.

    A frame is made when it is read. A reader later than eight frames loses the oldest, and their
    sequence numbers are skipped: time is never slowed down.
    """

    def __init__(
        self, subject: VirtualSubject, *, fps: float, clock: SubjectClock | None = None,
        seed: int = 0, led: SwitchedLed | None = None, view: LedView | None = None,
    ) -> None:
        """Set it up.

        Parameters
        ----------
        led : the sensor's LED, in the picture
        view : where the LED is, and how late the stamps are; without it the LED is beside the face
            and the stamps are right
        """
        self.info = camera_info(subject, fps)
        self.subject = subject.prepare()
        self._led = led or SwitchedLed()
        self._view = view or LedView()
        self._clock = clock or SubjectClock(time.monotonic_ns())
        self._timing = CameraTiming(
            np.random.default_rng([zlib.crc32(subject.subject_id.encode()), seed, 4]), fps=fps
        )
        self._start_ns: int | None = None
        self._next = 0
        self._closed = threading.Event()

    def start(self, start_ns: int) -> None:
        """Start to deliver; `start_ns` is the zero of subject time."""
        if self._start_ns is not None:
            raise ValueError("expected start() once")
        # a frame is too small for several threads, and the recorder needs the other cores
        cv2.setNumThreads(1)
        self._clock.zero_ns = start_ns
        self._start_ns = start_ns

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame when it is due; None when none is within `timeout_s`."""
        if self._closed.is_set():
            raise DeviceError(expected=f"{self.info.name} to be open", found="it closed")
        if self._start_ns is None:
            self._closed.wait(timeout_s)
            return None
        late_ns = time.monotonic_ns() - self._start_ns - self._delivered_ns(self._next)
        behind = int(late_ns // self._timing.period_ns)       # frames
        if behind >= _BUFFERED_FRAMES:
            self._next += behind - _BUFFERED_FRAMES + 1
        elif late_ns < 0:
            if -late_ns > timeout_s * 1e9:
                self._closed.wait(timeout_s)
                return None
            if self._closed.wait(-late_ns * 1e-9):
                return None
        n = self._next
        self._next += 1
        image, time_ns = self.expose(n)
        return VideoFrame(image, time_ns, time.monotonic_ns(), n)

    def _delivered_ns(self, n: int) -> int:
        return self._timing.delivered_ns(n) + max(
            0, self._view.ready_ns(self.info.height) - LATENCY_NS
        )

    def expose(self, n: int) -> tuple[np.ndarray, int]:
        """Return frame n and its stamp [ns], whatever the time is.

        All switching of the LED before the end of the exposure must have been done.
        """
        if self._start_ns is None:
            raise ValueError("expected start() to be called before")
        exposed_ns = self._timing.exposed_ns(n)
        image = self.subject.frame(exposed_ns * 1e-9, n)
        self._view.add_light(image[: self.info.height], self._led, self._start_ns + exposed_ns)
        return image, self._start_ns + exposed_ns + round(self._view.latency_ms * 1e6)

    def count_until(self, time_ns: int) -> int:
        """Return how many frames are stamped up to `time_ns`."""
        since_ns = time_ns - (self._start_ns or 0) - round(self._view.latency_ms * 1e6)
        count = max(0, round(since_ns / self._timing.period_ns) - 1)
        while self._timing.exposed_ns(count) <= since_ns:    # the jitter is far below a period
            count += 1
        return count

    def close(self) -> None:
        """Stop; a waiting `read` returns."""
        self._closed.set()


class VirtualSensor:
    """A PPG sensor on the virtual subject's finger, behind a pty; a context manager.

    Raises
    ------
    DeviceError : the system has no pty left
    """

    def __init__(
        self, subject: VirtualSubject, *, clock: SubjectClock | None = None, seed: int = 0,
        ppm: float | None = None, hold_ms: float | None = None,
        lifted_s: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Plug the sensor in; it sends HELLO.

        Parameters
        ----------
        ppm : error of its crystal; drawn within +-50 when not given
        hold_ms : how long its USB adapter holds bytes; drawn from 1, 2, 4, 8, 16 when not given
        lifted_s : start and end, in subject time, of the finger being off the sensor, which then
            reads the light of the room
        """
        now_ns = time.monotonic_ns()
        rng = np.random.default_rng([zlib.crc32(subject.subject_id.encode()), seed, 5])
        clock = clock or SubjectClock(now_ns)
        self.crystal = Crystal(rng, boot_ns=now_ns, ppm=ppm)
        self.hold_ms = float(rng.choice(ADAPTERS_MS)) if hold_ms is None else hold_ms

        def ppg_at(host_ns: np.ndarray) -> np.ndarray:
            t_s = clock.t_s(host_ns)
            return np.where(
                (t_s >= lifted_s[0]) & (t_s < lifted_s[1]), _ROOM_LIGHT, subject.ppg(t_s)
            )

        self._device = SensorDevice(
            ppg_at, self.crystal, SerialLine(rng, hold_ms=self.hold_ms),
            rng=rng, boot_id=secrets.randbelow(2**32 - 1) + 1,
        )
        self.led = self._device.led
        try:
            self._master, self._slave = os.openpty()
        except OSError as error:
            raise DeviceError(expected="a pty for the virtual sensor", found=error) from error
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        # the slave stays open here, so that the host may close and open it again
        self.port = os.ttyname(self._slave)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(
            target=self._serve, name=f"virtual sensor {self.port}", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> "VirtualSensor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self) -> None:
        """Run the device until `close` wakes this thread."""
        device = self._device
        while True:
            due_ns = device.next_ns()
            wait_s = None if due_ns is None else max(0.0, (due_ns - time.monotonic_ns()) * 1e-9)
            ready, _, _ = select.select([self._master, self._wake_read], [], [], wait_s)
            if self._wake_read in ready:
                return
            now_ns = time.monotonic_ns()
            device.run(now_ns)
            if self._master in ready:
                device.receive(os.read(self._master, 4096), time.monotonic_ns())
            data = device.line.arrived(time.monotonic_ns())
            if data:
                # if nobody reads, bytes are lost as on a line; the sequence shows it
                with suppress(BlockingIOError):
                    os.write(self._master, data)

    def close(self) -> None:
        """Unplug it. May be called twice."""
        if self._thread.is_alive():
            os.write(self._wake_write, b"x")
            self._thread.join()
        for fd in (self._master, self._slave, self._wake_read, self._wake_write):
            if fd >= 0:
                os.close(fd)
        self._master = self._slave = self._wake_read = self._wake_write = -1


class VirtualRig:
    """One virtual subject with a camera and a sensor; a context manager."""

    def __init__(
        self, subject: VirtualSubject, *, fps: float, seed: int = 0, view: LedView | None = None,
        ppm: float | None = None, hold_ms: float | None = None,
    ) -> None:
        """Set it up; `view` as in `VirtualCamera`, `ppm` and `hold_ms` as in `VirtualSensor`."""
        self.subject = subject
        self.clock = SubjectClock(time.monotonic_ns())
        self.sensor = VirtualSensor(subject, clock=self.clock, seed=seed, ppm=ppm, hold_ms=hold_ms)
        self.camera = VirtualCamera(
            subject, fps=fps, clock=self.clock, seed=seed, led=self.sensor.led, view=view
        )
        self.port = self.sensor.port

    def __enter__(self) -> "VirtualRig":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close both devices. May be called twice."""
        self.camera.close()
        self.sensor.close()


def open_virtual_rig(subject_id: str, *, fps: float, seed: int = 0, session: int = 0) -> VirtualRig:
    """Open the devices in front of a virtual subject; another `session` is another day."""
    return VirtualRig(VirtualSubject(subject_id, seed=seed, session=session), fps=fps, seed=seed)
