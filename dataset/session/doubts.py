"""What contradicts itself in a recording: its times, its numbers, the rate that it states."""

import numpy as np

from acquire.clock.place_arrivals import TOO_FAST, doubt_rate

from .reader import Session, rises

_RATE_OFF = 1.25         # times: further apart are no rounding, and no sensor's tolerance


def doubts_of(session: Session) -> list[str]:
    """Return what is doubtful about the times and the numbers of a recording, in words."""
    doubts = ["frames and samples share no time"] if session.is_apart else []
    for what, time_ns, sequence in (
        ("frame", session.frame_time_ns, session.frame_sequence),
        ("sample", session.ppg_time_ns, session.ppg_sequence),
    ):
        if not rises(time_ns):
            doubts.append(f"{what} times stand still or go back")
        if not rises(sequence):
            doubts.append(f"{what} numbers repeat or go back: what is lost is not known")
    stated_hz = session.sensor.rate_hz
    if not session.imported_from:
        if (timing := session.arrival_timing) is not None and timing.delay == TOO_FAST:
            doubts.append(doubt_rate(session.ppg_arrival_ns, stated_hz))
        elif (rate_hz := sensor_rate_hz(session)) != stated_hz:
            doubts.append(
                f"the sensor's rate is stated as {stated_hz} Hz, and {rate_hz:.1f} Hz by the times"
            )
        if not session.sensor.tick_hz:
            doubts.append("the sensor's clock is stated as 0 Hz")
    return doubts


def sensor_rate_hz(session: Session) -> float:
    """Return the sensor's rate as it is stated, or as its times have it where they contradict."""
    stated_hz, steps = session.sensor.rate_hz, np.diff(session.ppg_time_ns)
    median_ns = float(np.median(steps)) if len(steps) else 0.0
    if median_ns <= 0:
        return stated_hz
    measured_hz = 1e9 / median_ns
    return stated_hz if measured_hz / _RATE_OFF <= stated_hz <= measured_hz * _RATE_OFF else (
        measured_hz
    )
