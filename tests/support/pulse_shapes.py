"""Traces of a finger with a known rate, of no finger at all, and of a face behind its finger."""

import numpy as np

from dataset.signals.filters import bandpass
from dataset.signals.lag import GRID_HZ, PulseWave

NOISES = ("white", "pink", "brown", "blue", "steps of one count", "spikes", "aliased hum")


def make_ppg(
    bpm, fs_hz, seconds, rng, *, dicrotic=0.4, noise=0.05, baseline=0.3, breath_hz=0.22,
    variation=0.015, jitter_s=0.0, hum=0.0, is_derivative=False,
):
    """Return a PPG of unit variance: a systolic and a dicrotic wave in each beat.

    Parameters
    ----------
    dicrotic : height of the second wave, of the first
    noise, baseline, hum : standard deviations of white noise, of the wave of breathing, of a tone
    variation : of the beats' lengths, relative; half as much again by breathing
    jitter_s : standard deviation of the samples' times
    """
    beat_s = 60 / bpm
    beats_s = [-2 * beat_s * rng.random()]
    while beats_s[-1] < seconds + 3:
        breath = np.sin(2 * np.pi * breath_hz * beats_s[-1])
        beats_s.append(
            beats_s[-1] + beat_s * (1 + variation * (1.5 * breath + rng.standard_normal()))
        )
    t_s = np.arange(round(seconds * fs_hz)) / fs_hz
    at_s = t_s + jitter_s * rng.standard_normal(len(t_s))
    phase = np.interp(at_s, beats_s, np.arange(len(beats_s))) % 1
    # both waves last as long in seconds at any rate, but for fast ones
    width, second_width = min(0.12 / beat_s, 0.16), min(0.14 / beat_s, 0.16)
    first = min(0.2 / beat_s, 0.3)
    second = min(first + 0.32 / beat_s, first + 0.45)
    wave = sum(
        np.exp(-0.5 * ((phase - first - turn) / width) ** 2)
        + dicrotic * np.exp(-0.5 * ((phase - second - turn) / second_width) ** 2)
        for turn in (-1, 0, 1)
    )
    wave = (wave - wave.mean()) / wave.std()
    if is_derivative:
        wave = np.gradient(wave)
        wave /= wave.std()
    return (
        wave + baseline * 2**0.5 * np.sin(2 * np.pi * breath_hz * t_s + 6 * rng.random())
        + hum * 2**0.5 * np.sin(2 * np.pi * 9.3 * t_s) + noise * rng.standard_normal(len(t_s))
    )


def make_beats(bpm, fs_hz, seconds, rng, *, turn):
    """Return a PPG whose beats differ in turn: an early one is weak, the one after it strong.

    Parameters
    ----------
    turn : intervals before each beat of one turn, of the mean one; (0.7, 1.3) is bigeminy
    """
    intervals = np.resize(turn, round(seconds * bpm / 60) + 6)
    beats_s = 60 / bpm * np.cumsum(intervals * (1 + 0.01 * rng.standard_normal(len(intervals))))
    t_s = 2.0 + np.arange(round(seconds * fs_hz)) / fs_hz
    wave = sum(
        height * (
            np.exp(-0.5 * ((t_s - beat_s) / 0.09) ** 2)
            + 0.35 * np.exp(-0.5 * ((t_s - beat_s - 0.27) / 0.1) ** 2)
        )
        for height, beat_s in zip(np.minimum(intervals, 1.4), beats_s, strict=True)
    )
    return wave / wave.std() + 0.05 * rng.standard_normal(len(t_s))


def make_noise(kind, fs_hz, seconds, rng):
    """Return noise of one of `NOISES`."""
    count = round(seconds * fs_hz)
    white = rng.standard_normal(count)
    if kind == "brown":
        return np.cumsum(white)
    if kind in ("pink", "blue"):
        frequency = np.fft.rfftfreq(4 * count)
        frequency[0] = 1
        slope = -0.5 if kind == "pink" else 0.5
        return np.fft.irfft(np.fft.rfft(rng.standard_normal(4 * count)) * frequency**slope)[:count]
    if kind == "steps of one count":
        return np.round(0.6 * white)
    if kind == "spikes":
        return (rng.random(count) < 0.03) * rng.standard_normal(count) * 10 + 0.1 * white
    if kind == "aliased hum":
        return 3 * np.sin(2 * np.pi * (50.03 % fs_hz) * np.arange(count) / fs_hz) + white
    return white


def two_pulses(*, beats_off, variation, r, seconds=60.0, bpm=70.0, lag_s=0.1, seed=0):
    """Return a face that is `lag_s` and so many beats behind its finger, and a beat's length [s].

    Parameters
    ----------
    variation : of the beats' lengths, relative, half of it by breathing
    r : correlation of the face with the finger's pulse, by noise in the band
    """
    rng = np.random.default_rng(seed)
    beat_s, beats_s = 60 / bpm, [-6.0]
    while beats_s[-1] < seconds + 6:
        breath = np.sin(2 * np.pi * 0.23 * beats_s[-1])
        beats_s.append(beats_s[-1] + beat_s * (1 + variation * (breath + rng.normal()) / 1.2))
    t_s = np.arange(round(seconds * GRID_HZ)) / GRID_HZ

    def wave(late_s, width):
        phase = np.interp(t_s - late_s, beats_s, np.arange(len(beats_s))) % 1
        return bandpass(np.exp(-0.5 * ((phase - 0.4) / width) ** 2), GRID_HZ)

    face = wave(lag_s + beats_off * beat_s, 0.14)
    noise = bandpass(rng.standard_normal(len(t_s)), GRID_HZ)
    face = face / face.std() + noise / noise.std() * np.sqrt(1 / r**2 - 1)
    return PulseWave(0.0, face), PulseWave(0.0, wave(0.0, 0.11)), beat_s
