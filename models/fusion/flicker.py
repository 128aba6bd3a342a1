"""Rates that a lamp may make: a tone in one colour, and mains light at a rate of frames.

Of virtual people whose pulse cannot be told most rates that were shown wrongly were of light, and
every method agreed on them: nothing right stood beside. What a lamp does differs from a beat. It is
one colour, so that no second one swings beside it; and it is a tone, or mains light, which swings
100 or 120 times a second and looks slower to a camera. Many a clear pulse is nearly as pure, so
that only a rate that is less than certain is withheld for it.
"""

import numpy as np

_CERTAIN = 0.96             # from this probability on a rate is shown
_LEAST_S = 9.5              # of a shorter window hardly a rate is so certain
# Logarithms of power: at twice the rate against at the rate, and of the second colour against the
# strongest. Of virtual people's rates that were shown below `_CERTAIN` 1 of 397 right ones had as
# little of both, and 7 of 13 wrong ones (`benchmarks.rate_people`, 3,001 to 3,060 and 7,001 on).
_NO_OVERTONE, _ONE_COLOUR = -4.0, -8.0
_MAINS_HZ, _MAINS_ONE_COLOUR = (100.0, 120.0), -6.0
_OFF_BPM = 3.0              # mains are off by up to 0.02 Hz, light by twice that


def why_flicker(
    bpm: float, confidence: float, features: dict[str, float], time_s: np.ndarray
) -> str:
    """Return why a rate cannot be stood by that may be a lamp's; "" where it is not.

    Parameters
    ----------
    confidence : probability that the rate is right
    features : of the rate, by the names of `candidates.FEATURES`
    time_s : (T,) of the frames
    """
    if confidence >= _CERTAIN or time_s[-1] - time_s[0] < _LEAST_S:
        return ""
    if features["second colour"] <= _MAINS_ONE_COLOUR:
        fps = frame_rate(time_s)
        for hz in _MAINS_HZ:
            if abs(60 * abs(hz - round(hz / fps) * fps) - bpm) <= _OFF_BPM:
                return (
                    f"lamps that flicker {hz:.0f} times a second look like {bpm:.0f} bpm at "
                    f"{fps:.2f} frames/s"
                )
    if features["second colour"] <= _ONE_COLOUR and features["double"] <= _NO_OVERTONE:
        return f"{bpm:.0f} is a tone of one colour without an overtone, as of a lamp"
    return ""


def frame_rate(time_s: np.ndarray) -> float:
    """Return the rate of frames [Hz], as if none had been lost."""
    steps = np.diff(time_s)
    numbers = np.cumsum([0.0, *np.rint(steps / np.median(steps))])
    return float(1 / np.polyfit(numbers, time_s - time_s[0], 1)[0])
