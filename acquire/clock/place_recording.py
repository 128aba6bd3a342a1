"""Place and number the samples of a whole recording, whatever sensor they are of."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from acquire.sensor.arrival import ArrivalTiming

from .number_samples import number_samples
from .place_arrivals import bound_delay, find_spacing_ns, number_arrivals, place_arrivals
from .place_samples import NEVER_SUSPENDED, place_samples


class Placed(NamedTuple):
    """Times, bounds and numbers of the samples of a recording."""

    time_ns: np.ndarray         # (N,) int64
    bound_ns: np.ndarray        # (N,) int64; -1 where there is none
    sequence: np.ndarray        # (N,) int64
    late_ns: int                # of a sensor without a clock: lateness, as measured; else 0
    timing: ArrivalTiming | None    # of one: with what the arrivals let be promised


def place_recording(
    exchanges: np.ndarray, clocks: np.ndarray, ticks: np.ndarray, arrival_ns: np.ndarray,
    counted: np.ndarray, *, tick_hz: float, rate_hz: float, timing: ArrivalTiming | None = None,
    suspensions: np.ndarray = NEVER_SUSPENDED, start_ns: int = 0,
) -> Placed:
    """Place and number samples by the pings, or by their arrivals where the sensor has no clock.

    Parameters
    ----------
    counted : (N,) int64; numbers as counted while recording
    timing : of a sensor without a clock, as it was stated
    start_ns : when the recording began
    others : as `place_samples` takes them
    """
    if timing is not None:
        sequence, late_ns = number_arrivals(arrival_ns, counted, rate_hz)
        spacing_ns = find_spacing_ns(
            arrival_ns, sequence, timing, rate_hz=rate_hz, start_ns=start_ns
        )
        time_ns = place_arrivals(arrival_ns, sequence, replace(timing, spacing_ns=spacing_ns))
        return Placed(
            time_ns, np.full(len(time_ns), -1, np.int64), sequence, late_ns,
            bound_delay(timing, spacing_ns, late_ns),
        )
    time_ns, bound_ns = place_samples(
        exchanges, clocks, ticks, arrival_ns, tick_hz=tick_hz, rate_hz=rate_hz,
        suspensions=suspensions,
    )
    sequence = number_samples(
        counted, ticks, time_ns, bound_ns, rate_hz=rate_hz, suspensions=suspensions
    )
    return Placed(time_ns, bound_ns, sequence, 0, None)
