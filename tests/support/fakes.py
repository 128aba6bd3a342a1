"""Devices that work, and devices that fail on purpose: a sensor on a real pty, and two cameras."""

import fcntl
import os
import struct
import termios
import threading
import time
import tty
from collections import deque
from contextlib import suppress
from dataclasses import replace

import numpy as np

from acquire.camera.source import CameraInfo, EndOfStream, VideoFrame
from acquire.errors import DeviceError
from acquire.sensor.protocol import (
    BAUD,
    SAMPLE_OVERRUN,
    Hello,
    Identify,
    PacketParser,
    Ping,
    Pong,
    Sample,
    Start,
    Status,
    Stop,
    encode,
)

_BYTE_S = 10 / BAUD
HELLO = Hello(1, 0, 1, 0, 77, 2_000_000, 25, 10, 0)


class FakeSensor:
    """A device on a real pty with a 2 MHz counter; faults are scripted.

    Sample n of its life, counted over restarts, holds n * 7 % 65536; `middle_ns[n]` is its true
    time. `unplug`, `plug` and `reset` may be called at any moment.

    Parameters
    ----------
    lose : sample numbers that are never sent
    die_after : samples after which the line is unplugged; with a `link`
    last : the last sample that it ever sends, though it still answers
    mute : it never answers
    noise : bytes that it answers with instead of packets
    loss_flag : flag of the sample behind a lost one
    sampling_from : number of the sample at which it is already, when it is opened
    pongs : how many pings it answers
    link : path of a link to its port, which stays the same when it is plugged in again
    ppm : error of its clock
    buffer_bytes : what the system keeps of it for a host that does not read; a pty keeps more
    deaf_s : a busy host reads nothing for so long after its first ping
    repeat_after : sample numbers behind which the adapter hands on the latest five once more
    """

    def __init__(
        self, *, hello=HELLO, lose=(), die_after=None, last=None, mute=False, noise=b"",
        loss_flag=0, sampling_from=None, pongs=10**9, link=None, ppm=0, buffer_bytes=None,
        deaf_s=0.0, repeat_after=(),
    ):
        # by the number of a pty that is gone, the next pty of any other test would be opened
        assert die_after is None or link is not None
        self.repeat_after, self._sent = set(repeat_after), deque(maxlen=5)
        self.hello, self.mute, self.noise, self.link, self.ppm = hello, mute, noise, link, ppm
        self.lose, self.die_after, self.last = set(lose), die_after, last
        self.loss_flag, self.pongs, self.buffer_bytes = loss_flag, pongs, buffer_bytes
        self.deaf_s, self._heard_at_s, self._held = deaf_s, None, b""
        self.middle_ns = []
        self._zero_ns = 0                                  # when the counter was zero
        self._lock = threading.RLock()
        self._sampling, self._sequence = sampling_from is not None, sampling_from or 0
        self._next_ns = time.monotonic_ns()
        self._parser = PacketParser()
        self._master = self._slave = None
        self.plug()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def period_ns(self):
        return round(10**9 / self.hello.rate_hz / (1 + self.ppm * 1e-6))

    @property
    def sent_ns(self):
        """True times by sequence, of a device that started once."""
        return dict(enumerate(self.middle_ns))

    def plug(self, *, rebooted=False):
        """Plug the line in; a board that is powered by it boots."""
        with self._lock:
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self.port = os.ttyname(self._slave)
            if self.link:
                new = f"{self.link}.new"
                os.symlink(self.port, new)
                os.replace(new, self.link)
                self.port = str(self.link)
            if rebooted:
                self.reset()

    def unplug(self):
        """Unplug the line; the device itself runs on."""
        with self._lock:
            if self._master is not None:
                if self.link:
                    os.unlink(self.link)  # it would lead to the next pty of any process
                os.close(self._slave)
                os.close(self._master)
            self._master = None

    def reset(self, *, say_hello=True):
        """Restart the board while the line stays plugged in."""
        with self._lock:
            self.hello = replace(self.hello, boot_id=self.hello.boot_id + 1)
            self._sampling, self._zero_ns = False, time.monotonic_ns()
            if say_hello:
                self._send(self.hello)

    def run_on(self, seconds):
        """Go on sampling for so long while the host, and its clock, is suspended."""
        with self._lock:
            missed = round(seconds * self.hello.rate_hz)
            self.middle_ns += [None] * missed
            self._sequence += missed
            self._zero_ns -= missed * self.period_ns

    def _ticks(self, ns):
        return round((ns - self._zero_ns) * (1 + self.ppm * 1e-6)) // 500 % 2**32

    def _send(self, packet):
        data = encode(packet)
        time.sleep(len(data) * _BYTE_S)  # on the line; the clock fit counts on it
        self._held += data
        if time.monotonic() < (self._heard_at_s or 0.0):
            return
        data, self._held = self._held, b""
        if self._master is not None:
            with suppress(BlockingIOError):                # if nobody reads, bytes are lost
                os.write(self._master, data[: self._room()])

    def _room(self):
        """Return how many bytes more the system keeps; None for all."""
        if self.buffer_bytes is None:
            return None
        waiting = fcntl.ioctl(self._slave, termios.FIONREAD, b"    ")
        return max(0, self.buffer_bytes - struct.unpack("i", waiting)[0])

    def _take(self, packet, rx_ns):
        if isinstance(packet, Ping):
            if self._heard_at_s is None:
                self._heard_at_s = time.monotonic() + self.deaf_s
            if self.pongs > 0:
                self._send(Pong(packet.id, self._ticks(rx_ns), self._ticks(time.monotonic_ns())))
            self.pongs -= 1
        elif isinstance(packet, Start):
            self._sampling, self._sequence = True, 0
            self._next_ns = time.monotonic_ns() + self.period_ns
            self._send(self.hello)
        elif isinstance(packet, Identify | Stop):
            self._sampling = self._sampling and not isinstance(packet, Stop)
            self._send(self.hello)

    def _sample(self):
        middle_ns = self._next_ns - self.period_ns // 2
        sequence = self._sequence
        number = len(self.middle_ns)                       # of its life
        is_past_last = self.last is not None and number > self.last
        if sequence not in self.lose and not is_past_last:
            flags = self.loss_flag if sequence - 1 in self.lose else 0
            sample = Sample(sequence, self._ticks(middle_ns), number * 7 % 65536, flags)
            self._sent.append(sample)
            for packet in (sample, *(self._sent if sequence in self.repeat_after else ())):
                self._send(packet)
        self.middle_ns.append(middle_ns)
        self._sequence += 1
        if self._sequence % self.hello.rate_hz == 0:
            counts_losses = self.loss_flag == SAMPLE_OVERRUN
            overruns = sum(s < self._sequence for s in self.lose) if counts_losses else 0
            self._send(Status(7 + overruns, 3))            # 7 and 3 are from before the recording
        self._next_ns += self.period_ns
        if self._sequence == self.die_after:
            self.unplug()

    def _run(self):
        while not self._stop.is_set():
            with self._lock:
                data = b""
                if self._master is not None:
                    with suppress(BlockingIOError):
                        data = os.read(self._master, 256)
                time.sleep(len(data) * _BYTE_S)
                rx_ns = time.monotonic_ns()
                if data and self.noise:
                    os.write(self._master, self.noise)
                for packet in self._parser.feed(data) if not self.mute else ():
                    self._take(packet, rx_ns)
                if self._sampling and time.monotonic_ns() >= self._next_ns:
                    self._sample()
            time.sleep(0.0005)

    def close(self):
        self._stop.set()
        self._thread.join()
        self.unplug()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FakeCamera:
    """A camera whose frame i holds the number i % 256.

    Frames in `lose` are never delivered, `last` ends the stream, after `stop_after` it is silent.
    """

    def __init__(
        self, *, fps=25.0, lose=(), last=None, stop_after=None, shape=(64, 48), counts_frames=True
    ):
        width, height = shape
        self.info = CameraInfo(
            "fake", width, height, fps, "I420", "start of exposure", counts_frames=counts_frames
        )
        self.delivered = 0
        self.lose, self.last, self.stop_after = set(lose), last, stop_after
        self._next, self._start_ns = 0, 0

    def start(self, start_ns):
        self._start_ns = start_ns

    def count_until(self, time_ns):
        return None

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
    """A camera that runs in real time from when it is opened; no two frames are identical.

    After frame `silent_after` it is silent, after `gone_after` it raises; the frames in `frozen`
    equal the one before; `stamp` computes a frame's stamp from its number and its true time [ns].
    """

    def __init__(
        self, *, fps=100.0, silent_after=None, gone_after=None, frozen=(),
        stamp=lambda n, true_ns: true_ns, shape=(64, 48), exposure=None,
    ):
        self.info = CameraInfo("live", *shape, fps, "I420", "end of frame", exposure=exposure or {})
        self.silent_after, self.gone_after, self.frozen, self.stamp = (
            silent_after, gone_after, set(frozen), stamp,
        )
        self.closed = False
        self._opened_ns, self._n, self._zero = time.monotonic_ns(), 0, 0
        self._image = None

    def start(self, start_ns):
        while self._due_ns() < start_ns:
            self._n += 1
        self._zero = self._n

    def _due_ns(self):
        return self._opened_ns + round(self._n * 1e9 / self.info.fps)

    def count_until(self, time_ns):
        return None

    def read(self, timeout_s):
        if self.gone_after is not None and self._n > self.gone_after:
            raise DeviceError(expected="the live camera", found="that it is gone")
        wait_s = (self._due_ns() - time.monotonic_ns()) / 1e9
        if wait_s > timeout_s or (self.silent_after is not None and self._n > self.silent_after):
            time.sleep(timeout_s)
            return None
        time.sleep(max(0.0, wait_s))
        if self._n not in self.frozen or self._image is None:
            self._image = np.zeros(self.info.image_shape, dtype=np.uint8)
            self._image[1, 0] = self._n % 256    # not in a row that a quick comparison looks at
        time_ns = self.stamp(self._n, self._due_ns())
        self._n += 1
        return VideoFrame(self._image, time_ns, time.monotonic_ns(), self._n - 1 - self._zero)

    def close(self):
        self.closed = True
