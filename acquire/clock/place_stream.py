"""Place the samples of a stream with a clock of its own, by measured offsets of that clock.

Each measurement says where the sender's clock stood on the host's, to within half the time that the
question and its answer took (Lab Streaming Layer asks as NTP does, several times, and keeps the
quickest). So it bounds the two clocks against each other on both sides, as an answered ping does,
and `fit` goes on from there: the same hulls, the same limit on how fast a rate may change.

Source: liblsl, time_receiver.cpp: the offset of the exchange with the shortest round trip, and that
round trip as its uncertainty.
"""

import numpy as np

from .fit import ClockFit
from .steering import ClockSteering

_ROUNDING_NS = 1_000            # stamps are float64 seconds; and the clocks are read one by one


def place_stream(
    stamp_s: np.ndarray, offsets: np.ndarray, clocks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place stamps of a sender's clock on the host's.

    Parameters
    ----------
    stamp_s : (N,) float64, on the sender's clock
    offsets : (M,) OFFSET_DTYPE
    clocks : (C,) CLOCK_DTYPE, of the host; without them CLOCK_MONOTONIC is taken for unsteered

    Returns
    -------
    (N,) int64 time [ns], (N,) int64 bound [ns]: the sender's clock showed the stamp at the time,
    within the bound; -1 where the offsets contradict each other or there are none, and the time is
    0
    """
    usable = offsets[np.isfinite(offsets["offset_s"]) & (offsets["uncertainty_s"] >= 0)]
    usable = usable[np.argsort(usable["remote_s"], kind="stable")]
    known = np.isfinite(stamp_s) & (np.abs(stamp_s) < 2**32)
    if len(usable) == 0 or not known.any():
        return np.zeros(len(stamp_s), np.int64), np.full(len(stamp_s), -1, np.int64)
    host = ClockSteering(clocks)
    ticks = np.rint(usable["remote_s"] * 1e9).astype(np.int64)
    host_ns = ticks + np.rint(usable["offset_s"] * 1e9).astype(np.int64) + usable["local_ns"]
    within_ns = (
        np.ceil(usable["uncertainty_s"] * 1e9).astype(np.int64) + usable["local_bound_ns"]
        + _ROUNDING_NS
    )
    after_ns, before_ns = host.to_raw(host_ns - within_ns)[0], host.to_raw(host_ns + within_ns)[1]
    fit = ClockFit(int(ticks[0]), int(after_ns[0]), 1e9)
    fit.after(ticks, after_ns)
    fit.before(ticks, before_ns)
    stamps = np.rint(np.where(known, stamp_s, usable["remote_s"][0]) * 1e9).astype(np.int64)
    time_ns, bound_ns = host.to_monotonic(*fit.host_time(stamps))
    bound_ns = np.where(known, bound_ns, -1)
    return np.where(bound_ns >= 0, time_ns, 0), bound_ns
