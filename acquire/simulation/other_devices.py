"""Sensors of other makers on a virtual finger, behind a pty, in real time; context managers.

Like the real ones they stream by themselves or when asked to, have their own idea of a second, and
answer no ping. They look at the settings of the line, and send what a UART of another rate would
make of their bytes. POSIX only, for the pty.
"""

import os
import select
import termios
import threading
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

import numpy as np
import serial

from acquire.errors import DeviceError
from acquire.other_sensors.contec_9byte import LIVE, REQUEST, START, STOP, pack
from acquire.sensor.stamped_port import Line

_SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in (9_600, 19_200, 57_600, 115_200)}
_GARBLED = bytes((byte * 37 + 101) % 256 | 0x80 for byte in range(256))


class OtherDevice:
    """A streaming sensor; `bytes_of` makes a packet of each sample.

    Parameters
    ----------
    ppg_at : (N,) int64 host times [ns] -> (N,) float64, about -1 to 1
    bytes_of : number of a sample and its PPG -> the bytes that it sends
    rate_hz : by its own clock
    ppm : how much faster that clock runs
    delay_ns : from the light to the first byte of its sample
    hold_ms : the adapter hands bytes on in steps of this
    answer : what the host wrote -> whether it streams from now on, None for no change; without it
        it streams from the beginning
    silent_s : it is silent for so long after it was plugged in
    """

    def __init__(
        self, ppg_at: Callable[[np.ndarray], np.ndarray], bytes_of: Callable[[int, float], bytes],
        line: Line, *, rate_hz: float, ppm: float = 0.0, delay_ns: int = 0, hold_ms: float = 0.0,
        answer: Callable[[bytes], bool | None] | None = None, silent_s: float = 0.0,
    ) -> None:
        self.light_ns: list[int] = []           # true time of each sample that was sent
        self.asked = b""                        # what the host wrote
        self._ppg_at, self._bytes_of, self._line = ppg_at, bytes_of, line
        self._period_ns = 1e9 / rate_hz / (1 + ppm * 1e-6)
        self._delay_ns, self._hold_ns = delay_ns, round(hold_ms * 1e6)
        self._answer = answer
        self.lose = 0                           # the next so many samples never reach the line
        self._is_streaming = answer is None
        self._next_ns = time.monotonic_ns() + silent_s * 1e9
        self._number = 0
        self._waiting: list[tuple[int, bytes]] = []         # when the host gets it, in order
        self.is_paused = False                  # it is switched off, or its line is cut
        self.instead = b""                      # what it sends in place of each reading
        try:
            self._master, self._slave = os.openpty()
        except OSError as error:
            raise DeviceError(expected="a pty for the virtual sensor", found=error) from error
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="other sensor", daemon=True)
        self._thread.start()

    def __enter__(self) -> "OtherDevice":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        while not self._closing.is_set():
            ready, _, _ = select.select([self._master], [], [], 0.001)
            if ready:
                self._hear(os.read(self._master, 4096))
            now_ns = time.monotonic_ns()
            while self._next_ns + self._delay_ns <= now_ns:
                self._sample()
            while self._waiting and self._waiting[0][0] <= now_ns:
                with suppress(BlockingIOError):              # nobody reads: lost, as on a line
                    os.write(self._master, self._waiting.pop(0)[1])

    def _hear(self, data: bytes) -> None:
        self.asked += data
        streams = self._answer(data) if self._answer else None
        if streams is not None and self._is_set_right():
            self._is_streaming = streams

    def _is_set_right(self) -> bool:
        """Return whether the host has set the line as the device has."""
        # a pty takes any rate, and no parity
        return _SPEEDS.get(termios.tcgetattr(self._slave)[4]) == self._line.baud

    def _sample(self) -> None:
        light_ns, number = round(self._next_ns), self._number
        self._next_ns += self._period_ns
        if not self._is_streaming or self.is_paused:
            return
        self._number += 1
        if self.lose:
            self.lose -= 1
            return
        data = self.instead or self._bytes_of(
            number, float(self._ppg_at(np.array([light_ns]))[0])
        )
        wire_ns = round(len(data) * self._line.bits_per_byte * 1e9 / self._line.baud)
        out_ns = light_ns + self._delay_ns + wire_ns
        if self._hold_ns:
            out_ns += -out_ns % self._hold_ns
        self.light_ns.append(light_ns)
        self._waiting.append((out_ns, data if self._is_set_right() else data.translate(_GARBLED)))


def ascii_sketch(
    ppg_at: Callable[[np.ndarray], np.ndarray], *, rate_hz: float = 50.0, baud: int = 9_600,
    **faults,
) -> OtherDevice:
    """Return a sketch that prints ten-bit readings, as those for analog pulse sensors do."""
    return OtherDevice(
        ppg_at, lambda _number, ppg: b"%d\r\n" % round(512 + 180 * ppg), Line(baud),
        rate_hz=rate_hz, **faults,
    )


def contec_5byte(ppg_at: Callable[[np.ndarray], np.ndarray], **faults) -> OtherDevice:
    """Return an oximeter with packets of five bytes, which streams by itself."""

    def packet(_number: int, ppg: float) -> bytes:
        return bytes([0x85, round(60 + 40 * ppg), 0x07, 72, 98])

    line = Line(19_200, serial.PARITY_ODD)
    return OtherDevice(ppg_at, packet, line, rate_hz=60.0, **faults)


def contec_9byte(ppg_at: Callable[[np.ndarray], np.ndarray], **faults) -> OtherDevice:
    """Return an oximeter with packets of nine bytes, which streams for as long as it is asked."""

    def packet(_number: int, ppg: float) -> bytes:
        return pack(LIVE, bytes([0x05, round(60 + 40 * ppg), 0x07, 72, 98]))

    def answer(data: bytes) -> bool | None:
        if pack(REQUEST, bytes([START])) in data:
            return True
        return False if pack(REQUEST, bytes([STOP])) in data else None

    return OtherDevice(ppg_at, packet, Line(115_200), rate_hz=60.0, answer=answer, **faults)
