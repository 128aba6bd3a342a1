"""Devices that obey, and devices that do not: a sensor on a real pty, and a camera made of numbers."""

import os
import threading
import time
import tty

import numpy as np

from acquire.devices import CameraInfo, EndOfStream, VideoFrame
from acquire.errors import DeviceError
from acquire.protocol import SAMPLE_OVERRUN, Hello, Identify, PacketParser, Ping, Pong, Sample, Start, Status, Stop, encode

HELLO = Hello(1, 0, 1, 0, 77, 2_000_000, 25, 10, 0)


class FakeSensor:
    """A device on a real pty with a 2 MHz counter; faults are scripted.

    `lose` are sample numbers that never leave; `die_after` closes the port after so many samples; `mute` never answers;
    `pongs` is how many pings it answers.
    """

    def __init__(
        self, *, hello=HELLO, lose=(), die_after=None, mute=False, noise=b"", reboot_after=None, overrun=False,
        sampling_from=None, pongs=10**9,
    ):
        self.hello, self.lose, self.die_after, self.mute = hello, set(lose), die_after, mute
        self.noise, self.reboot_after, self.overrun = noise, reboot_after, overrun
        self.pongs = pongs
        self.sampling_from = sampling_from                 # it was sampling already, and is here
        self.sent_ns = {}                                  # sequence -> true time of the middle of the window
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._slave = slave
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _ticks(self, ns):
        return ns // 500 % 2**32

    def _send(self, packet):
        os.write(self._master, encode(packet))

    def _run(self):
        os.set_blocking(self._master, False)
        parser, flags = PacketParser(), 0
        sampling, sequence, next_ns = self.sampling_from is not None, self.sampling_from or 0, time.monotonic_ns()
        period_ns = 10**9 // self.hello.rate_hz
        try:
            while not self._stop.is_set():
                try:
                    data = os.read(self._master, 256)
                except BlockingIOError:
                    data = b""
                rx_ns = time.monotonic_ns()
                if data and self.noise:                    # it answers, in another language
                    os.write(self._master, self.noise)
                for packet in parser.feed(data) if not self.mute else ():
                    if isinstance(packet, Ping):
                        if self.pongs > 0:
                            self._send(Pong(packet.id, self._ticks(rx_ns), self._ticks(time.monotonic_ns())))
                        self.pongs -= 1
                    elif isinstance(packet, Start):
                        sampling, sequence, next_ns = True, 0, time.monotonic_ns() + period_ns
                        self._send(self.hello)
                    elif isinstance(packet, Identify | Stop):
                        sampling = sampling and not isinstance(packet, Stop)
                        self._send(self.hello)
                if sampling and time.monotonic_ns() >= next_ns:
                    middle_ns = next_ns - period_ns // 2
                    if sequence in self.lose:
                        flags = SAMPLE_OVERRUN if self.overrun else 0
                    else:
                        self._send(Sample(sequence, self._ticks(middle_ns), sequence * 7 % 65536, flags))
                        flags = 0
                        self.sent_ns[sequence] = middle_ns
                    sequence += 1
                    if sequence % self.hello.rate_hz == 0:
                        lost = len([s for s in self.lose if s < sequence]) if self.overrun else 0
                        self._send(Status(7 + lost, 3))        # it has counted since it booted
                    next_ns += period_ns
                    if sequence == self.reboot_after:
                        self._send(Hello(1, 0, 1, 0, 78, 2_000_000, 25, 10, 0))
                    if sequence == self.die_after:
                        break
                time.sleep(0.0005)
        finally:
            os.close(self._slave)
            os.close(self._master)

    def close(self):
        self._stop.set()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FakeCamera:
    """A camera that counts: frame i holds the number i.

    `lose` are never delivered, `last` ends the stream, behind `stop_after` it is silent.
    """

    def __init__(self, *, fps=25.0, lose=(), last=None, stop_after=None, shape=(64, 48), counts_frames=True):
        width, height = shape
        self.info = CameraInfo("fake", width, height, fps, "I420", "start of exposure", counts_frames=counts_frames)
        self.delivered = 0
        self.lose, self.last, self.stop_after = set(lose), last, stop_after
        self._next, self._start_ns = 0, 0

    def start(self, start_ns):
        self._start_ns = start_ns

    def read(self, timeout_s):
        while self._next in self.lose:
            self._next += 1
        if self.last is not None and self._next > self.last:
            raise EndOfStream
        if self.stop_after is not None and self._next > self.stop_after:
            time.sleep(timeout_s)
            return None
        due_ns = self._start_ns + round(self._next * 1e9 / self.info.fps)
        wait_s = (due_ns - time.monotonic_ns()) / 1e9
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            return None
        image = np.full(self.info.image_shape, self._next % 256, dtype=np.uint8)
        self._next += 1
        self.delivered += 1
        return VideoFrame(image, due_ns, time.monotonic_ns(), self._next - 1)

    def close(self):
        pass


class LiveCamera:
    """A camera that runs from when it is opened, in real time; no two frames are alike unless asked.

    Behind frame `silent_after` it is silent, behind `gone_after` it raises; the frames of `frozen` are like the one before;
    `stamp` gives a frame's stamp from its number and its true time [ns].
    """

    def __init__(
        self, *, fps=100.0, silent_after=None, gone_after=None, frozen=(), stamp=lambda n, true_ns: true_ns, shape=(64, 48),
        exposure=None,
    ):
        self.info = CameraInfo("live", *shape, fps, "I420", "end of frame", exposure=exposure or {})
        self.silent_after, self.gone_after, self.frozen, self.stamp = silent_after, gone_after, set(frozen), stamp
        self.closed = False
        self._opened_ns, self._n, self._zero = time.monotonic_ns(), 0, 0
        self._image = None

    def start(self, start_ns):
        while self._due_ns() < start_ns:
            self._n += 1
        self._zero = self._n

    def _due_ns(self):
        return self._opened_ns + round(self._n * 1e9 / self.info.fps)

    def read(self, timeout_s):
        if self.gone_after is not None and self._n > self.gone_after:
            raise DeviceError("expected the live camera, found that it is gone")
        wait_s = (self._due_ns() - time.monotonic_ns()) / 1e9
        if wait_s > timeout_s or (self.silent_after is not None and self._n > self.silent_after):
            time.sleep(timeout_s)
            return None
        time.sleep(max(0.0, wait_s))
        if self._n not in self.frozen or self._image is None:
            self._image = np.zeros(self.info.image_shape, dtype=np.uint8)
            self._image[1, 0] = self._n % 256                # not in a row that a quick look sees
        time_ns = self.stamp(self._n, self._due_ns())
        self._n += 1
        return VideoFrame(self._image, time_ns, time.monotonic_ns(), self._n - 1 - self._zero)

    def close(self):
        self.closed = True
