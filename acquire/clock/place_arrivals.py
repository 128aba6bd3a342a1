"""Place the samples of a sensor without a clock, by when they arrived.

A sample was sent before it arrived, less the least time of its bytes on the line. And it was sent
at least the sensor's shortest period before the next one, which was sent before that arrived; and
so on. The earliest of these is a time that the sample was surely sent by: an adapter or a busy host
that hands on several samples at once delays it little. Nothing bounds it from the other side.

How much later than that the samples came is measured against even spacing: with the sensor's own
period, taken over two seconds again and again, in the place of the shortest one. What all samples
are late by does not show there.
"""

import numpy as np

from acquire.sensor.arrival import ArrivalTiming

GAP_S = 0.25                    # samples that are further apart than a period and this: some lost
_PERIOD_OVER_S = 2.0
_HORIZON_S = 10.0               # a period that is a thousandth wrong shifts a time by 10 ms so far


def place_arrivals(
    arrival_ns: np.ndarray, sequence: np.ndarray, timing: ArrivalTiming
) -> np.ndarray:
    """Return when each sample was surely sent by, (N,) int64 [ns]; rising by `spacing_ns` a number.

    Parameters
    ----------
    arrival_ns, sequence : (N,) int64; arrivals that do not fall, numbers that rise
    """
    shift_ns = sequence * timing.spacing_ns
    earliest_ns = np.minimum.accumulate((arrival_ns - shift_ns)[::-1])[::-1]
    return earliest_ns + shift_ns - timing.line_ns


def number_arrivals(
    arrival_ns: np.ndarray, sequence: np.ndarray, rate_hz: float
) -> tuple[np.ndarray, int]:
    """Number samples anew so that a time in which none came is a jump, and measure their lateness.

    Parameters
    ----------
    arrival_ns, sequence : (N,) int64, as `place_arrivals` takes them
    rate_hz : nominal

    Returns
    -------
    (N,) int64 numbers; [ns] by how much samples came later than the earliest that even spacing
    allows, at most
    """
    period_ns = _period_ns(arrival_ns, sequence, rate_hz)
    even_ns = _lowest_ahead(
        arrival_ns - sequence * period_ns, max(1, round(_HORIZON_S * 1e9 / period_ns))
    ) + sequence * period_ns
    late_ns = int((arrival_ns - even_ns).max(initial=0))
    steps_ns = np.diff(even_ns)
    counted = np.diff(sequence)
    passed = np.rint(steps_ns / period_ns).astype(np.int64)
    is_gap = steps_ns > counted * period_ns + GAP_S * 1e9
    missing = np.where(is_gap, np.maximum(passed - counted, 0), 0)
    return sequence + np.concatenate([[0], np.cumsum(missing)])[: len(sequence)], late_ns


def _period_ns(arrival_ns: np.ndarray, sequence: np.ndarray, rate_hz: float) -> float:
    """Return the time from sample to sample, the median over spans of two seconds."""
    over = round(_PERIOD_OVER_S * rate_hz)
    if len(sequence) <= 2 * over:
        return 1e9 / rate_hz
    spans = (arrival_ns[over:] - arrival_ns[:-over]) / (sequence[over:] - sequence[:-over])
    return float(np.median(spans))


def _lowest_ahead(values: np.ndarray, count: int) -> np.ndarray:
    """Return the lowest of each value and the `count` - 1 behind it, (N,) float64.

    By the lowest up to the end of each block, and from its beginning on.
    """
    padded = np.full(-(-(len(values) + count) // count) * count, np.inf)
    padded[: len(values)] = values
    blocks = padded.reshape(-1, count)
    to_end = np.minimum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    from_start = np.minimum.accumulate(blocks, axis=1).ravel()
    at = np.arange(len(values))
    return np.minimum(to_end[at], from_start[at + count - 1])
