"""The device's tick counter, and the least time that its packets take on the line."""

import numpy as np

from acquire.sensor.protocol import BAUD, SIZE_PING, SIZE_PONG, SIZE_SAMPLE

RATE_ERROR = 0.02               # no oscillator that a UART works with is further off
# a UART's rate above its nominal one: 2.1 % by an ATmega's divider, 0.5 % by its resonator, and
# some reserve
_FASTEST = 1.04
_FRAMING = 5                    # bytes around a payload: type, CRC, one COBS code, the closing zero


def least_wire_ns(payload: int) -> int:
    """Return the least time that a packet with `payload` bytes takes on the line [ns].

    Ten bits a byte; the last stop bit does not count, because a UART may call a byte complete in
    the middle of it.
    """
    return int((10 * (payload + _FRAMING) - 1) * 1_000_000_000 / (BAUD * _FASTEST))


PING_NS, PONG_NS, SAMPLE_NS = (
    least_wire_ns(size) for size in (SIZE_PING, SIZE_PONG, SIZE_SAMPLE)
)


def crosses_serial_line(exchanges: np.ndarray, tick_hz: float) -> bool:
    """Return whether every exchange took as long as its bytes on a line.

    A quicker one comes from a port that has no line (native USB).
    """
    at_device_ns = (
        (exchanges["tx_ticks"] - exchanges["rx_ticks"]) * (1e9 / tick_hz) * (1 - RATE_ERROR)
    )
    on_line_ns = exchanges["recv_ns"] - exchanges["send_ns"] - at_device_ns
    return bool(np.all(on_line_ns >= PING_NS + PONG_NS))


class TickCounter:
    """Unwrap a 32-bit tick counter.

    Stamps may step back a little, because the middle of a sample lies before a later pong.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, ticks: int) -> int:
        """Return the 64-bit count nearest the last one.

        It is right for steps below 2^31 ticks (17.9 min at 2 MHz).
        """
        if self._last is None:
            self._last = ticks
        else:
            self._last += (ticks - self._last + 2**31) % 2**32 - 2**31
        return self._last

    def expect(self, ticks: int) -> None:
        """Expect the next count near this 64-bit one."""
        if self._last is not None:
            self._last = ticks

    def skip(self, ticks: int) -> None:
        """Expect the next count about `ticks` later: nothing was received meanwhile."""
        if self._last is not None:
            self._last += ticks
