"""Whether two signals are of the same event, at any shift between them.

It finds copies that noise, trimming or another encoding changed a little. All pairs are searched by
correlation, many transforms at once. Two pulses of one heart rate correlate well at any shift that
brings beat onto beat, so each signal is whitened first: every part of its spectrum has the same
weight, and what correlates then is the irregularity of the beats, which no other recording has.
What the search finds is then measured at the full rate, window by window.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from dataset.common.spans import true_runs
from dataset.signals.peaks import peak_offset

SEARCH_HZ = 12.5             # rate at which pairs are searched
_SMOOTH_HZ = 0.3             # narrower spectral lines are levelled: a heart rate, a lamp's flicker
_DELAY_ERROR_S = 0.2         # by which the delay that the search gives may be off
_BEAT_S = (0.35, 1.6)        # shortest and longest time of a heartbeat
# Higher correlations count as this one: a tone sampled between its peaks would seem to differ.
_HIGHEST_R = 0.999
_TILE = 48                   # signals a side of what is transformed at once


@dataclass(frozen=True)
class PreparedSignal:
    """A signal, filtered and whitened."""

    fs_hz: float             # of `band`, the same for all that are compared
    band: np.ndarray         # (T,) float32, in its band, zero mean
    search: np.ndarray       # (M,) float32 at about SEARCH_HZ, whitened, unit variance


@dataclass(frozen=True)
class MatchCriteria:
    """When two signals of a kind are of one event."""

    low_hz: float            # the band that is compared
    high_hz: float
    # added to the smoothed amplitude before dividing by it, as a part of its highest value
    floor: float
    is_white: bool           # compare windows of the whitened signal, not of the signal in its band
    window_s: float
    window_r: float          # correlation that every window must reach
    search_r: float          # correlation that the search must reach, over all of the overlap
    # correlation to reach in standard deviations of chance, which falls with the overlap's root
    min_deviations: float
    # how much better than a beat away it must fit, in Fisher's z: atanh of the correlation
    min_gain_z: float

    def deviation(self, overlap_s: np.ndarray | float) -> np.ndarray | float:
        """Return the standard deviation of the correlation of unrelated signals."""
        return 1 / np.sqrt(np.maximum(2 * (self.high_hz - self.low_hz) * overlap_s, 1))


@dataclass(frozen=True)
class Match:
    """A stretch that two signals share."""

    r: float                 # correlation over it
    first_s: float           # where it begins, after the first value of each signal
    second_s: float
    length_s: float


def prepare_signal(
    values: np.ndarray, fs_hz: float, criteria: MatchCriteria
) -> PreparedSignal | None:
    """Filter and whiten a signal; None where it is flat or shorter than 4 s.

    Parameters
    ----------
    values : (T,) float array at a constant rate
    """
    from scipy.ndimage import uniform_filter1d

    values = np.asarray(values, float)
    if len(values) < 4 * fs_hz:
        return None
    values = values - np.linspace(values[0], values[-1], len(values))
    if not np.ptp(values):
        return None
    spectrum = _spectrum(values - values.mean(), 2 * len(values))
    hz = np.fft.rfftfreq(2 * len(values), 1 / fs_hz)
    inside = (hz >= criteria.low_hz) & (hz <= criteria.high_hz)
    level = np.sqrt(uniform_filter1d(np.abs(spectrum) ** 2, max(1, round(_SMOOTH_HZ / hz[1]))))
    if not level[inside].any():
        return None
    floor = criteria.floor * level[inside].max() + np.finfo(float).tiny
    filtered = np.where(inside, spectrum, 0)
    white = filtered / (level + floor)
    length = round(len(values) * SEARCH_HZ / fs_hz)
    search = _inverse(white[: length + 1] if length < len(values) else white, 2 * length)[:length]
    band = _inverse(white if criteria.is_white else filtered, 2 * len(values))[: len(values)]
    return PreparedSignal(
        fs_hz, band.astype(np.float32), (search / search.std()).astype(np.float32)
    )


def search_pairs(
    signals: Sequence[PreparedSignal], criteria: MatchCriteria, *, shortest_s: float,
    on_tile: Callable[[int, int], None],
) -> Iterator[tuple[int, int, float]]:
    """Compare all pairs; yield the indices of those that may match, and the second's delay [s].

    Parameters
    ----------
    shortest_s : the least overlap that is looked at
    on_tile : called with how many tiles of pairs are done, of how many
    """
    longest_first = sorted(range(len(signals)), key=lambda i: (-len(signals[i].search), i))
    # Signals in a tile are of similar length, so that one long recording does not pad a thousand
    # short ones.
    tiles = []
    for _, similar in groupby(longest_first, key=lambda i: len(signals[i].search).bit_length()):
        members = list(similar)
        tiles += [members[at : at + _TILE] for at in range(0, len(members), _TILE)]
    pairs = [(a, b) for a in range(len(tiles)) for b in range(a, len(tiles))]
    shortest = round(shortest_s * SEARCH_HZ)
    for done, (a, b) in enumerate(pairs):
        yield from _search_tile(signals, tiles[a], tiles[b], criteria, shortest)
        on_tile(done + 1, len(pairs))


def _search_tile(
    signals: Sequence[PreparedSignal], firsts: list[int], seconds: list[int],
    criteria: MatchCriteria, shortest: int,
) -> Iterator[tuple[int, int, float]]:
    from scipy import fft

    longest = len(signals[firsts[0]].search), len(signals[seconds[0]].search)
    size: int = fft.next_fast_len(sum(longest) - 1, real=True)  # type: ignore[assignment]
    spectra = _spectrum(np.stack([_padded(signals[j].search, size) for j in seconds]), size)
    delays = np.arange(size)         # of the second's begin in the first
    delays = np.where(delays < longest[0], delays, delays - size)
    lengths = np.array([len(signals[j].search) for j in seconds])[:, None]
    for at, i in enumerate(firsts):
        later = range(at + 1, len(seconds)) if firsts is seconds else range(len(seconds))
        if not len(later):
            continue
        rows = slice(later.start, later.stop)
        first = signals[i].search
        products = _inverse(np.conj(spectra[rows]) * _spectrum(first, size), size)
        overlap = np.minimum(len(first), delays + lengths[rows]) - np.maximum(delays, 0)
        weight = np.where(
            overlap >= shortest, 1 / np.sqrt(np.maximum(overlap, 1), dtype=np.float32),
            np.float32(0),
        )
        best = np.argmax(products * weight, axis=1)
        every = np.arange(len(best))
        r = products[every, best] * weight[every, best] ** 2
        least = criteria.min_deviations * criteria.deviation(overlap[every, best] / SEARCH_HZ)
        for k in np.flatnonzero((r >= criteria.search_r) & (r >= least)):
            yield i, seconds[later.start + int(k)], float(delays[best[k]]) / SEARCH_HZ


def _padded(values: np.ndarray, size: int) -> np.ndarray:
    padded = np.zeros(size, np.float32)
    padded[: len(values)] = values
    return padded


def match_pair(
    first: PreparedSignal, second: PreparedSignal, delay_s: float, criteria: MatchCriteria, *,
    shortest_s: float,
) -> Match | None:
    """Find the stretch over which two signals match, near this delay of the second.

    None where it is short, or where they fit nearly as well a beat away: then they share a rhythm,
    and are not one recording.
    """
    rate = first.fs_hz
    near = range(
        round((delay_s - _DELAY_ERROR_S) * rate), round((delay_s + _DELAY_ERROR_S) * rate) + 1
    )
    fits = [_correlation(*_overlap(first.band, second.band, delay)) for delay in near]
    best = int(np.argmax(fits))
    delay = near[best]
    moved = _delayed(second.band, peak_offset(np.array(fits), best))
    a, b = _overlap(first.band, moved, delay)
    window = round(criteria.window_s * rate)
    edge = round(rate)  # the first and last second are not filtered well
    starts = range(edge, len(a) - edge - window + 1, max(1, window // 4))
    window_r = np.array([_correlation(a[at : at + window], b[at : at + window]) for at in starts])
    run = max(true_runs(window_r >= criteria.window_r), key=len, default=range(0))
    if not run:
        return None
    begin = 0 if run.start == 0 else starts[run.start]
    end = len(a) if run.stop == len(window_r) else starts[run.stop - 1] + window
    inner = slice(max(begin, edge), min(end, len(a) - edge))
    r, length_s = _correlation(a[inner], b[inner]), (end - begin) / rate
    if length_s < shortest_s or r < criteria.min_deviations * criteria.deviation(length_s):
        return None
    beat_r = _best_a_beat_away(a[inner], moved, max(-delay, 0) + inner.start, rate)
    if math.atanh(min(r, _HIGHEST_R)) - math.atanh(min(beat_r, _HIGHEST_R)) < criteria.min_gain_z:
        return None
    first_s, second_s = (max(delay, 0) + begin) / rate, (max(-delay, 0) + begin) / rate
    return Match(r, first_s, second_s, length_s)


def _best_a_beat_away(stretch: np.ndarray, other: np.ndarray, at: int, rate: float) -> float:
    """Return the best correlation of a stretch moved by a heartbeat to either side of `at`."""
    edge = round(rate)
    fits = []
    for shift in range(*(round(beat_s * rate) for beat_s in _BEAT_S)):
        for first in (at - shift, at + shift):
            cut = slice(max(edge, first), min(len(other) - edge, first + len(stretch)))
            fits.append(_correlation(stretch[cut.start - first : cut.stop - first], other[cut]))
    return max(fits)


def _overlap(first: np.ndarray, second: np.ndarray, delay: int) -> tuple[np.ndarray, np.ndarray]:
    begin, end = max(0, delay), min(len(first), len(second) + delay)
    return first[begin:end], second[begin - delay : end - delay]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the correlation of signals whose mean is 0 already; 0 where one of them is flat."""
    power = float(a @ a) * float(b @ b)
    return float(a @ b) / math.sqrt(power) if power > 0 else 0.0


def _delayed(values: np.ndarray, by: float) -> np.ndarray:
    """Delay a signal by a part of a sample."""
    size = 2 * len(values)
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * by)
    return _inverse(_spectrum(values, size) * turn, size)[: len(values)]


def _spectrum(values: np.ndarray, size: int) -> np.ndarray:
    from scipy import fft

    return np.asarray(fft.rfft(values, size))  # unlike numpy's of before 2.0, it keeps float32


def _inverse(spectrum: np.ndarray, size: int) -> np.ndarray:
    from scipy import fft

    return np.asarray(fft.irfft(spectrum, size))
