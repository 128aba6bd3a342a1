"""The windows of a stretch, each read by several methods, and the rate over all of a clip."""

import math
from dataclasses import dataclass, replace

import numpy as np

from dataset.signals.filters import LEAST_FS_HZ, WINDOW_S
from dataset.signals.windows import STEP_S, even_grid, to_even_grid
from models.fusion.fuse import (
    LEAST_S,
    Cause,
    FusedRate,
    ReadColours,
    fuse_window,
    read_colours,
    why_beside,
)
from models.fusion.methods import pulse_of_network, pulses_of_colours
from models.fusion.parts import BesideLines
from models.fusion.spectra import MeanSpectrum, Spectra, mean_spectrum

from .stretches import Stretch

_AT_ONCE = 64            # windows whose colours are read together
CLIP_S = 60.0            # of more no one rate is told
# A line of light or motion that hardly stands out in ten seconds does so in thirty: so long before
# and after a window it is looked for beside the face.
_AROUND_S = 10.0
_PART_S = 30.0           # of the spectrum over all of a stretch


@dataclass(frozen=True)
class Window:
    """One window, and what was read in it."""

    first_s: float
    last_s: float
    rate: FusedRate


def window_spans(stretch: Stretch) -> list[slice]:
    """Return the frames of each window of 10 s, one every second from the stretch's first frame.

    Of a stretch from 6 s on that is shorter than a window it is the whole; of a shorter one there
    is none.
    """
    time_s = stretch.time_s
    if len(time_s) < 2:
        return []
    # n seconds of frames span a frame less than n seconds
    span_s = stretch.span_s + 1.5 * float(np.median(np.diff(time_s)))
    if span_s < LEAST_S:
        return []
    begins_s = time_s[0] + np.arange(0.0, max(span_s - WINDOW_S, 0.0) + 1e-6, STEP_S)
    firsts = np.searchsorted(time_s, begins_s - 1e-6)
    stops = np.searchsorted(time_s, begins_s + WINDOW_S + 1e-6)
    return [
        slice(first, stop)
        for first, stop in zip(firsts.tolist(), stops.tolist(), strict=True)
        if stretch.is_clear[stop - 1]
    ]


def read_windows(stretch: Stretch, *, is_predicted: bool = False) -> list[Window]:
    """Read every window of a stretch; see `models.fusion.fuse.fuse_window`."""
    spans, windows = window_spans(stretch), []
    for first in range(0, len(spans), _AT_ONCE):
        some = spans[first : first + _AT_ONCE]
        # the network may still be at work
        colours = read_colours([
            (stretch.time_s[frames], stretch.colour[frames], stretch.parts[frames])
            for frames in some
        ])
        windows += [
            Window(
                float(stretch.time_s[frames.start]), float(stretch.time_s[frames.stop - 1]),
                _fuse(stretch, frames, is_predicted, read),
            )
            for frames, read in zip(some, colours, strict=True)
        ]
    return windows


def longest_of(stretches: list[Stretch]) -> Stretch | None:
    """Return the longest stretch; None where that is shorter than a window may be."""
    longest = max(stretches, key=lambda stretch: stretch.span_s, default=None)
    return longest if longest is not None and window_spans(longest) else None


def read_clip(clip: Stretch, *, is_predicted: bool = False) -> FusedRate:
    """Read one heart rate from the spectrum over all of a stretch."""
    return _fuse(clip, slice(0, len(clip.time_s)), is_predicted)


def read_spectrum(stretch: Stretch) -> MeanSpectrum | None:
    """Return the spectrum over all of a stretch; None where it cannot be read.

    It is the mean of those of parts of half a minute, each of which begins a third of that or less
    after the one before, so that every second counts alike; the first and the last part also count
    for the seconds that are in the margin of no other.
    """
    if even_grid(stretch.time_s)[1] <= LEAST_FS_HZ:
        return None
    longer_s = max(stretch.span_s - _PART_S, 0.0)
    begins_s = stretch.time_s[0] + np.linspace(0, longer_s, 1 + math.ceil(3 * longer_s / _PART_S))
    middles_s = (begins_s[:-1] + begins_s[1:] + _PART_S) / 2        # between two parts
    seconds = np.diff([stretch.time_s[0], *middles_s, stretch.time_s[-1]])
    spectra = []
    for begin_s in begins_s.tolist():
        part = slice(*np.searchsorted(stretch.time_s, [begin_s - 1e-6, begin_s + _PART_S + 1e-6]))
        time_s = stretch.time_s[part]
        fs_hz = even_grid(time_s)[1]
        (pulses,) = pulses_of_colours([(to_even_grid(stretch.colour[part], time_s), fs_hz)])
        network = pulse_of_network(time_s, stretch.changes[part])
        spectra.append(Spectra([network, *pulses.values()], fs_hz))
    return mean_spectrum(spectra, seconds.tolist())


def _fuse(
    stretch: Stretch, frames: slice, is_predicted: bool, colours: ReadColours | None = None
) -> FusedRate:
    rate = fuse_window(
        stretch.time_s[frames], stretch.colour[frames], stretch.changes[frames],
        stretch.parts[frames], shifts=stretch.shifts[frames], is_predicted=is_predicted,
        colours=colours,
    )
    first_s, last_s = stretch.time_s[frames.start], stretch.time_s[frames.stop - 1]
    around = slice(*np.searchsorted(
        stretch.time_s, [first_s - _AROUND_S, last_s + _AROUND_S], side="right"
    ).tolist())
    if rate.bpm is None or around == frames:         # nothing more to look at
        return rate
    time_s = stretch.time_s[around]
    lines = BesideLines(to_even_grid(stretch.parts[around], time_s), even_grid(time_s)[1])
    why_not = why_beside(rate.bpm, lines)
    if not why_not:
        return rate
    return replace(rate, bpm=None, why_not=why_not, cause=Cause.ELSEWHERE)
