"""Foot and peak of pulses, and how far a virtual face's are behind the finger's."""

from itertools import pairwise

import numpy as np

from acquire.simulation.rendering.renderer import PULSE_SPREAD_S

T_S = np.arange(5.0, 20.0, 0.005)


def foot_and_peak_s(wave, t_s, beats):
    """Return when, after a beat, a pulse begins and is highest: medians over the beats.

    The foot is where the tangent at the steepest place meets the level of the minimum before.
    """
    found = []
    for beat, following in pairwise(beats):
        inside = (t_s >= beat) & (t_s < beat + 0.3 + 0.75 * (following - beat))
        at, values = t_s[inside], wave[inside]
        peak = int(np.argmax(values))
        least = int(np.argmin(values[: peak + 1]))
        slope = np.gradient(values, at)
        steep = least + int(np.argmax(slope[least : peak + 1]))
        foot = at[steep] - (values[steep] - values[least]) / slope[steep]
        found.append((foot - beat, at[peak] - beat))
    return np.median(found, axis=0)


def face_behind_finger_ms(subject, face=None, t_s=T_S):
    """Return foot and peak of the face, or of its blood, less those of the finger [ms]."""
    if face is None:
        half_s = PULSE_SPREAD_S / 2             # two parts of the skin, early and late
        face = subject.face_pulse(t_s + half_s) + subject.face_pulse(t_s - half_s)
    beats = subject.beat_times(t_s[0] + 0.5, t_s[-1] - 1.5)
    return 1e3 * (
        foot_and_peak_s(face, t_s, beats) - foot_and_peak_s(subject.ppg(t_s), t_s, beats)
    )
