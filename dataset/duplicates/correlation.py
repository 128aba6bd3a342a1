"""Whether two traces are of the same event, at whatever shift: copies that noise, trimming or
another encoding changed a little.

All pairs are searched by correlation, many transforms at once. Two pulses of one heart rate
correlate well at any shift that brings beat onto beat, so each trace is whitened first: every part
of its spectrum counts alike, and what is left of the likeness is the irregularity of its beats,
which no other recording has. What the search finds is then measured at full rate, window by window.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy import fft
from scipy.ndimage import uniform_filter1d

from dataset.common.spans import true_runs
from dataset.signals.peaks import peak_offset

SEARCH_HZ = 12.5             # rate at which pairs are searched
_SMOOTH_HZ = 0.3  # a spectral line narrower than this is levelled: a heart rate, a lamp's flicker
_UNSURE_S = 0.2              # how far the search may be off
# correlations above are not told apart: a tone sampled between its summits would seem to differ
_AS_GOOD = 0.999
_TILE = 48                   # sessions a side of what is transformed at once


@dataclass(frozen=True)
class Trace:
    """One trace, made ready."""

    fs_hz: float             # of `band`, the same for all that are compared
    band: np.ndarray         # (T,) float32, in its band, zero mean
    search: np.ndarray       # (M,) float32 at about SEARCH_HZ, whitened, unit variance


@dataclass(frozen=True)
class Likeness:
    """How to tell that two traces are of one event."""

    low_hz: float
    high_hz: float
    # what is added to the spectrum's smoothed amplitude before dividing by it, of its highest
    floor: float
    whiten: bool             # compare windows of the whitened trace, not of the trace in its band
    window_s: float
    alike: float             # correlation that every window must reach
    found: float             # correlation that the search must reach, over all of the overlap
    # and how many times what chance makes of two white traces: it falls with the overlap's root
    sigmas: float
    # how much better than a beat away it must fit, in Fisher's z: atanh of the correlation
    apart: float

    def by_chance(self, overlap_s: np.ndarray | float) -> np.ndarray | float:
        """Give the correlation that traces of nothing in common reach, as a standard deviation."""
        return 1 / np.sqrt(np.maximum(2 * (self.high_hz - self.low_hz) * overlap_s, 1))


@dataclass(frozen=True)
class Match:
    """A stretch that two traces share."""

    alike: float             # correlation over it
    first_s: float           # where it begins, after the first value of each trace
    second_s: float
    length_s: float


def make_ready(values: np.ndarray, fs_hz: float, like: Likeness) -> Trace | None:
    """Filter and whiten a trace; None where it is flat.

    Parameters
    ----------
    values : (T,) float array at a constant rate
    """
    values = np.asarray(values, float)
    values = (
        values - np.linspace(values[:1].mean(), values[-1:].mean(), len(values))
        if len(values)
        else values
    )
    if len(values) < 4 * fs_hz or not np.ptp(values):
        return None
    spectrum = _spectrum(values - values.mean(), 2 * len(values))
    hz = np.fft.rfftfreq(2 * len(values), 1 / fs_hz)
    inside = (hz >= like.low_hz) & (hz <= like.high_hz)
    level = np.sqrt(uniform_filter1d(np.abs(spectrum) ** 2, max(1, round(_SMOOTH_HZ / hz[1]))))
    if not level[inside].any():
        return None
    white = np.where(inside, spectrum, 0) / (
        level + like.floor * level[inside].max() + np.finfo(float).tiny
    )
    length = round(len(values) * SEARCH_HZ / fs_hz)
    search = _series(white[: length + 1] if length < len(values) else white, 2 * length)[:length]
    band = _series(white if like.whiten else np.where(inside, spectrum, 0), 2 * len(values))[
        : len(values)
    ]
    return Trace(fs_hz, band.astype(np.float32), (search / search.std()).astype(np.float32))


def search(
    traces: Sequence[Trace], like: Likeness, *, shortest_s: float,
    on_tile: Callable[[int, int], None],
) -> Iterator[tuple[int, int, float]]:
    """Compare all pairs; yield those that may be alike: their places and the second's delay against
    the first [s].

    Parameters
    ----------
    shortest_s : the least overlap that is looked at
    on_tile : told how many of how many tiles of pairs are done
    """
    longest_first = sorted(range(len(traces)), key=lambda i: (-len(traces[i].search), i))
    # Traces in a tile are of like length, so that one long recording does not pad a thousand short
    # ones.
    tiles = []
    for _, alike in groupby(longest_first, key=lambda i: len(traces[i].search).bit_length()):
        members = list(alike)
        tiles += [members[at : at + _TILE] for at in range(0, len(members), _TILE)]
    pairs = [(a, b) for a in range(len(tiles)) for b in range(a, len(tiles))]
    shortest = round(shortest_s * SEARCH_HZ)
    for done, (a, b) in enumerate(pairs):
        yield from _search_tile(traces, tiles[a], tiles[b], like, shortest)
        on_tile(done + 1, len(pairs))


def _search_tile(
    traces: Sequence[Trace], ones: list[int], others: list[int], like: Likeness, shortest: int
) -> Iterator[tuple[int, int, float]]:
    longest = len(traces[ones[0]].search), len(traces[others[0]].search)
    size: int = fft.next_fast_len(sum(longest) - 1, real=True)  # type: ignore[assignment]
    spectra = _spectrum(np.stack([_padded(traces[j].search, size) for j in others]), size)
    delays = np.arange(size)
    # of the second's begin in the first
    delays = np.where(delays < longest[0], delays, delays - size)
    lengths = np.array([len(traces[j].search) for j in others])[:, None]
    for at, i in enumerate(ones):
        later = range(at + 1, len(others)) if ones is others else range(len(others))
        if not len(later):
            continue
        rows = slice(later.start, later.stop)
        mine = traces[i].search
        products = _series(np.conj(spectra[rows]) * _spectrum(mine, size), size)
        overlap = np.minimum(len(mine), delays + lengths[rows]) - np.maximum(delays, 0)
        weight = np.where(
            overlap >= shortest, 1 / np.sqrt(np.maximum(overlap, 1), dtype=np.float32),
            np.float32(0),
        )
        best = np.argmax(products * weight, axis=1)
        every = np.arange(len(best))
        correlation = products[every, best] * weight[every, best] ** 2
        chance = like.by_chance(overlap[every, best] / SEARCH_HZ)
        for k in np.flatnonzero(
            (correlation >= like.found) & (correlation >= like.sigmas * chance)
        ):
            yield i, others[later.start + int(k)], float(delays[best[k]]) / SEARCH_HZ


def _padded(values: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros(size, np.float32)
    out[: len(values)] = values
    return out


def measure(
    one: Trace, other: Trace, delay_s: float, like: Likeness, *, shortest_s: float
) -> Match | None:
    """Measure the stretch over which two traces are alike, near this delay of the second.

    None where that is short, or where they fit nearly as well a beat further: then a rhythm is
    alike, and not a recording.
    """
    rate = one.fs_hz
    near = range(round((delay_s - _UNSURE_S) * rate), round((delay_s + _UNSURE_S) * rate) + 1)
    fits = [_correlation(*_overlap(one.band, other.band, delay)) for delay in near]
    best = int(np.argmax(fits))
    delay = near[best]
    moved = _delayed(other.band, peak_offset(np.array(fits), best))
    first, second = _overlap(one.band, moved, delay)
    window = round(like.window_s * rate)
    edge = round(rate)  # the band's filter knows too little of the ends
    starts = range(edge, len(first) - edge - window + 1, max(1, window // 4))
    windows = np.array(
        [_correlation(first[at : at + window], second[at : at + window]) for at in starts]
    )
    longest = max(true_runs(windows >= like.alike), key=len, default=range(0))
    if not longest:
        return None
    begin, end = longest.start, longest.stop
    from_ = 0 if begin == 0 else starts[begin]
    to = len(first) if end == len(windows) else starts[end - 1] + window
    inner = slice(max(from_, edge), min(to, len(first) - edge))
    alike, length_s = _correlation(first[inner], second[inner]), (to - from_) / rate
    there, here = max(-delay, 0) + from_, max(delay, 0) + from_
    if length_s < shortest_s or alike < like.sigmas * like.by_chance(length_s):
        return None
    elsewhere = _a_beat_away(first[inner], moved, max(-delay, 0) + inner.start, rate, edge)
    if math.atanh(min(alike, _AS_GOOD)) - math.atanh(min(elsewhere, _AS_GOOD)) < like.apart:
        return None
    return Match(alike, here / rate, there / rate, length_s)


def _a_beat_away(
    stretch: np.ndarray, other: np.ndarray, there: int, rate: float, edge: int
) -> float:
    """Give the best correlation where the stretch is moved by the time of a heartbeat, 0.35 to 1.6
    s, to either side.
    """
    fits = []
    for shift in range(round(0.35 * rate), round(1.6 * rate)):
        for first in (there - shift, there + shift):
            cut = slice(max(edge, first), min(len(other) - edge, first + len(stretch)))
            fits.append(_correlation(stretch[cut.start - first : cut.stop - first], other[cut]))
    return max(fits)


def _overlap(one: np.ndarray, other: np.ndarray, delay: int) -> tuple[np.ndarray, np.ndarray]:
    first, last = max(0, delay), min(len(one), len(other) + delay)
    return one[first:last], other[first - delay : last - delay]


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    power = float(one @ one) * float(other @ other)
    return float(one @ other) / math.sqrt(power) if power > 0 else 0.0


def _delayed(values: np.ndarray, by: float) -> np.ndarray:
    """Delay a trace by a part of a sample."""
    size = 2 * len(values)
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * by)
    return _series(_spectrum(values, size) * turn, size)[: len(values)]


def _spectrum(values: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(fft.rfft(values, size))  # unlike numpy's of before 2.0, it keeps float32


def _series(spectrum: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(fft.irfft(spectrum, size))
