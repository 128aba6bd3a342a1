"""Place the samples of a sensor without a clock, by when they arrived.

A sample was sent before it arrived, less the least time of its bytes on the line. And it was sent
at least the sensor's shortest period before the next one, which was sent before that arrived; and
so on. The earliest of these is a time that the sample was surely sent by: an adapter or a busy host
that hands on several samples at once delays it little. Nothing bounds it from the other side.

How much later than that the samples came is measured against even spacing: with the sensor's own
period, taken over two seconds again and again, in the place of the shortest one. What all samples
are late by does not show there.

All this holds for a sensor that sends no faster than is stated. The arrivals show when one does: a
host reads whatever waits, so no sample was sent before others were read that came long before it.
Then the shortest period is halved until the arrivals allow it, and no bound is promised.
"""

from dataclasses import replace

import numpy as np

from acquire.sensor.arrival import ArrivalTiming

GAP_S = 0.25                    # samples that are further apart than a period and this: some lost
TOO_FAST = "samples came faster than the sensor's rate allows"
_READ_NS = 10**9                # what waited for a busy host is read within this
_EVEN = 0.1                     # a rate over all and one over two seconds: no further apart
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
    return _sent_by(arrival_ns, sequence, timing.spacing_ns) - timing.line_ns


def _sent_by(arrival_ns: np.ndarray, sequence: np.ndarray, spacing_ns: int) -> np.ndarray:
    shift_ns = sequence * spacing_ns
    earliest_ns = np.minimum.accumulate((arrival_ns - shift_ns)[::-1])[::-1]
    return earliest_ns + shift_ns


def find_spacing_ns(
    arrival_ns: np.ndarray, sequence: np.ndarray, timing: ArrivalTiming, *, rate_hz: float,
    start_ns: int,
) -> int:
    """Return the stated spacing, halved until the arrivals allow it [ns].

    Parameters
    ----------
    arrival_ns, sequence : (N,) int64, as `place_arrivals` takes them; numbered by `number_arrivals`
    rate_hz : nominal
    start_ns : when the recording began; the port was read by then
    """
    before = np.searchsorted(arrival_ns, arrival_ns - _READ_NS, side="right") - 1
    read_ns = np.where(before >= 0, arrival_ns[before], start_ns - _READ_NS)
    period_ns = _period_ns(arrival_ns, sequence, rate_hz)
    is_even = np.diff(arrival_ns).max(initial=0) < period_ns + GAP_S * 1e9
    spacing_ns = timing.spacing_ns
    while spacing_ns > 0 and (
        (_sent_by(arrival_ns, sequence, spacing_ns) < read_ns).any()
        or (is_even and spacing_ns > period_ns)
    ):
        spacing_ns //= 2
    return spacing_ns


def bound_delay(timing: ArrivalTiming, spacing_ns: int, late_ns: int) -> ArrivalTiming:
    """Return a timing with what the arrivals let be promised.

    Parameters
    ----------
    spacing_ns : see `find_spacing_ns`
    late_ns : see `number_arrivals`
    """
    if spacing_ns < timing.spacing_ns:
        return replace(timing, delay_most_ns=-1, delay=TOO_FAST)
    if timing.delay_most_ns < 0:
        return timing
    return replace(timing, delay_most_ns=timing.delay_most_ns + late_ns)


def settle_delay(
    timing: ArrivalTiming, arrival_ns: np.ndarray, sequence: np.ndarray, *, rate_hz: float,
    start_ns: int, is_settled: bool,
) -> ArrivalTiming:
    """Return a stored timing with what the stored arrivals let be promised.

    Parameters
    ----------
    is_settled : the lateness of all arrivals is in `delay_most_ns` already
    others : as `find_spacing_ns` takes them
    """
    is_sound = (
        rate_hz > 0 and (np.diff(arrival_ns) >= 0).all() and (np.diff(sequence) > 0).all()
    )
    if not is_sound:
        return replace(timing, delay_most_ns=-1)
    if not len(arrival_ns):
        return timing
    numbered, late_ns = number_arrivals(arrival_ns, sequence, rate_hz)
    spacing_ns = find_spacing_ns(
        arrival_ns, numbered, timing, rate_hz=rate_hz, start_ns=start_ns
    )
    return bound_delay(timing, spacing_ns, 0 if is_settled else late_ns)


def lateness_text(late_ns: int) -> str:
    """Return how late samples came, for the event of it."""
    return f"up to {late_ns / 1e6:.1f} ms later than even spacing allows"


def doubt_rate(arrival_ns: np.ndarray, rate_hz: float) -> str:
    """Return in words that samples came faster than the rate allows: evenly so, or in bursts."""
    span_ns = max(int(arrival_ns[-1] - arrival_ns[0]), 1)
    came_hz = (len(arrival_ns) - 1) / span_ns * 1e9
    evenly_hz = 1e9 / max(_period_ns(arrival_ns, np.arange(len(arrival_ns)), rate_hz), 1)
    if rate_hz < came_hz and abs(came_hz / evenly_hz - 1) < _EVEN:
        return (
            f"samples came at {evenly_hz:.0f} a second where {rate_hz:.0f} were expected: their "
            f"times are not certain; record again with the rate stated as {evenly_hz:.0f}"
        )
    return (
        f"samples came in bursts, faster than the {rate_hz:.0f} a second that were expected: their "
        "times are not certain; mend what the sensor sends"
    )


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
