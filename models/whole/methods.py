"""Each method alone, over a file that is read whole: what tables of methods compare.

A method's pulse is computed over a whole stretch, brought onto an even grid by the frames' own
times and band-passed; its heart rate in a window is the highest peak of the spectrum from 42 bpm
on, as in every table of an evaluation. Nothing is withheld here, and from 30 bpm on drift would be
read as a pulse: the network was 24 bpm and more too low in six of 14 windows of real faces.
"""

from dataclasses import replace

import numpy as np

from dataset.published_colour.methods import ALL_METHODS, read_pulse
from dataset.signals.filters import LEAST_FS_HZ, bandpass, heart_rate, highest_hz, min_samples
from dataset.signals.windows import even_grid, to_even_grid
from models.fusion.fuse import Cause
from models.fusion.methods import NETWORK
from models.live.predict import MethodResult, Prediction, mean_of_known

from .stretches import Stretch
from .windows import longest_of, window_spans

METHODS = (NETWORK, *ALL_METHODS)


def read_methods(
    prediction: Prediction, stretches: list[Stretch], names: tuple[str, ...]
) -> Prediction:
    """Return a prediction with what each of these methods reads alone, by window and by clip."""
    rates: dict[tuple[float, float], dict[str, float | None]] = {}
    clip: dict[str, float | None] = {}
    is_one = prediction.clip is not None and prediction.clip.cause is not Cause.NOT_ONE
    whole = longest_of(stretches) if is_one else None
    for stretch in stretches:
        spans = window_spans(stretch)
        pulses, fs_hz = _pulses(stretch, names) if spans else ({}, 0.0)
        begin_s = stretch.time_s[0]
        for frames in spans:
            first_s, last_s = stretch.time_s[frames.start], stretch.time_s[frames.stop - 1]
            first, last = (round((at_s - begin_s) * fs_hz) for at_s in (first_s, last_s))
            rates[float(first_s), float(last_s)] = {
                name: _rate(pulse[first : last + 1], fs_hz) for name, pulse in pulses.items()
            }
        if stretch is whole:
            clip = {name: _rate(pulse, fs_hz) for name, pulse in pulses.items()}
    rows = [
        row if row.first_s is None
        else replace(row, methods=rates.get((row.first_s, row.reading.time_s), {}))
        for row in prediction.rows
    ]
    results = []
    for name in names:
        bpm = [row.methods.get(name) for row in rows if row.first_s is not None]
        errors_bpm = [
            abs(row.methods[name] - row.finger_bpm)       # type: ignore[operator]
            for row in rows
            if row.methods.get(name) is not None and row.finger_bpm is not None
        ]
        known = sum(one is not None for one in bpm)
        results.append(MethodResult(
            name, known, mean_of_known(bpm), clip.get(name), mean_of_known(errors_bpm)
        ))
    return replace(prediction, rows=rows, methods=tuple(results))


def _pulses(stretch: Stretch, names: tuple[str, ...]) -> tuple[dict[str, np.ndarray], float]:
    """Return the band-passed pulse by each method that can read a stretch, and its rate [Hz].

    NaN where the method's region cannot be seen.
    """
    _, fs_hz = even_grid(stretch.time_s)
    if fs_hz <= LEAST_FS_HZ or stretch.span_s * fs_hz < min_samples(fs_hz):
        return {}, fs_hz
    colours = to_even_grid(stretch.colour, stretch.time_s)
    regions = None
    if stretch.regions is not None:
        regions = to_even_grid(stretch.regions, stretch.time_s)
    pulses = {}
    for name in names:
        if name == NETWORK:
            pulse = to_even_grid(np.cumsum(stretch.changes), stretch.time_s)
        else:
            try:
                pulse = read_pulse(name, colours, regions, fs_hz)
            except ValueError:              # black
                continue
        is_seen = np.isfinite(pulse)
        if is_seen.any():
            at = np.arange(len(pulse))
            whole = np.interp(at, at[is_seen], pulse[is_seen])
            kept = bandpass(whole, fs_hz, high_hz=highest_hz(fs_hz))
            pulses[name] = np.where(is_seen, kept, np.nan)
    return pulses, fs_hz


def _rate(pulse: np.ndarray, fs_hz: float) -> float | None:
    if len(pulse) < min_samples(fs_hz) or not np.isfinite(pulse).all():
        return None
    bpm = heart_rate(pulse, fs_hz, high_hz=highest_hz(fs_hz))
    return None if np.isnan(bpm) else bpm
