"""From answered pings to bounds: when the host was surely past, and not yet past, a tick."""

import numpy as np

from .steering import ClockSteering
from .ticks import PING_NS, PONG_NS


def exchange_bounds(
    exchanges: np.ndarray, host: ClockSteering, *, has_line: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Turn PINGs and their PONGs into bounds on the host's time of the device's ticks.

    A PING was sent before the device received it, and the PONG was received after it was sent.

    Parameters
    ----------
    exchanges : (E,) EXCHANGE_DTYPE
    host : from CLOCK_MONOTONIC to the unsteered clock that the fit works on
    has_line : whether packets cross a serial line, which takes at least `PING_NS` and `PONG_NS`

    Returns
    -------
    (E,) int64 [ns]: the unsteered clock was later than this at `rx_ticks`;
    (E,) int64 [ns]: and earlier than this at `tx_ticks`
    """
    after_ns = host.to_raw(exchanges["send_ns"])[0] + has_line * PING_NS
    before_ns = host.to_raw(exchanges["recv_ns"])[1] - has_line * PONG_NS
    return after_ns, before_ns
