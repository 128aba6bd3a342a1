"""Whether times that others wrote can be those of one recording: unit, gaps, rates, overlap.

What can be told for certain is told here, in one place for every reader: the unit of stamps by
their median step, which is 1 ms to 1 s for frames and 1 to 200 ms for samples, so that no two units
fit; a lone stamp further from the rest than the rest is long; a gap longer than everything beside
it. The reader mends what is certain, names it, and refuses what is not.
"""

from pathlib import Path

import numpy as np

from acquire.errors import AcqError

UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
FRAME_HZ = (1.0, 1000.0)          # rates of a video
PPG_HZ = (5.0, 1000.0)            # a rate below holds no pulse; above it is no oximeter's
RATE_SHARE = 0.10                 # rates that differ by less are one: headers are rounded
UNIT_SHARE = 0.25                 # by which a rate in another unit may miss the expected one
FARTHEST_NS = 4 * 10**18          # from zero; the difference of two fits into 64 bits
_FEWEST = 20                      # stamps of which one can be called lone
_LONE_SHARE = 0.005               # of all stamps
_LEAST_JUMP_NS = 10 * 10**9
_LONGEST_GAP_NS = 60 * 10**9
_HOUR_NS = 3600 * 10**9


def find_unit(values: np.ndarray, rates_hz: tuple[float, float]) -> str | None:
    """Return the unit in which stamps have one of these rates, by their median step.

    Parameters
    ----------
    values : (N,) float64 or int64 in the order written; NaN is left out
    rates_hz : least and largest rate that can be

    Returns
    -------
    a key of `UNIT_NS`; None where no unit fits, and for numbers that count 0, 1, 2
    """
    known = values[np.isfinite(values)]
    steps = np.diff(known)
    steps = steps[steps > 0]
    if not len(steps) or are_counted(known):
        return None
    step = float(np.median(steps))
    for unit, unit_ns in UNIT_NS.items():
        if 1e9 / rates_hz[1] <= step * unit_ns < 1e9 / rates_hz[0]:
            return unit
    return None


def certain_unit(
    values: np.ndarray, *, said: str, rates_hz: tuple[float, float], expected_hz: float | None,
    error: type[AcqError], where: Path | str,
) -> tuple[str, str]:
    """Return the unit that stamps are certainly in, and a remark where it is not the said one.

    Parameters
    ----------
    said : the unit that they should be in, a key of `UNIT_NS`
    expected_hz : the rate that the video or the set lets expect, which bears out another unit;
        None: nothing does

    Raises
    ------
    AcqError : `error`; they are in no unit that is certain
    """
    found, step = find_unit(values, rates_hz), describe_step(values)
    if found == said:
        return said, ""
    if found is not None and expected_hz:
        steps = np.diff(values[np.isfinite(values)])
        rate_hz = 1e9 / (float(np.median(steps[steps > 0])) * UNIT_NS[found])
        if not rates_differ(rate_hz, expected_hz, share=UNIT_SHARE):
            return found, (
                f"times are {UNIT_WORDS[found]}, not {UNIT_WORDS[said]}: {step}, so {rate_hz:.2f} "
                f"a second where {expected_hz:.2f} are expected; read as such"
            )
    raise error(
        expected=f"times in {UNIT_WORDS[said]}, {rates_hz[0]:g} to {rates_hz[1]:g} a second",
        found=step, where=where, fix=_mend_times(values, found),
    )


def _mend_times(values: np.ndarray, unit: str | None) -> str:
    """Return what mends times of no certain unit: it need not be the unit."""
    known = values[np.isfinite(values)]
    steps = np.diff(known)
    if are_counted(known):
        return "write times in the place of numbers that count"
    if len(steps) and np.mean(steps == 0) > 0.5:
        return "write the times with all their digits"
    if len(steps) and np.mean(steps < 0) > 0.2:
        return "put the rows in the order of their times"
    return "check the unit of the times" + (", and their rate" if unit is None else "")


def whole_ns(
    values: np.ndarray, unit: str, name: str, *, origin: float = 0.0, error: type[AcqError],
    where: Path | str,
) -> np.ndarray:
    """Return stamps in nanoseconds; a lone one beyond 64 bits becomes 126 years, which is as lone.

    Parameters
    ----------
    values : (N,) float64, finite, or int64
    name : what is stamped: "frame", "sample"
    origin : counted from there

    Returns
    -------
    (N,) int64

    Raises
    ------
    AcqError : `error`; more than a few are that far from the origin
    """
    scale = UNIT_NS[unit]
    if values.dtype.kind != "f" and scale == 1 and not origin:
        return values
    most = FARTHEST_NS // scale if values.dtype.kind != "f" else FARTHEST_NS / scale
    since = values - origin if origin else values
    far = np.abs(since) > most
    if np.count_nonzero(far) > (_most_lone(len(values)) if len(values) >= _FEWEST else 0):
        at = 0 if far.all() else int(np.argmax(far[1:] != far[:-1]))
        raise error(
            expected=f"{name} times of one recording",
            found=f"a time of {values[0]:g} {UNIT_WORDS[unit]}" if far.all() else
                  f"a step from {values[at]:g} to {values[at + 1]:g} {UNIT_WORDS[unit]} after the "
                  f"first {at + 1} of {len(values)}",
            where=where, fix="correct the times, or get the file again",
        )
    scaled = np.clip(since, -most, most) * scale
    return np.rint(scaled).astype(np.int64) if scaled.dtype.kind == "f" else scaled


def _most_lone(count: int) -> int:
    return max(1, int(_LONE_SHARE * count))


def are_counted(values: np.ndarray) -> bool:
    """Return whether numbers rise by exactly 1: frame numbers, not times."""
    known = values[np.isfinite(values)]
    return len(known) > 2 and bool(np.mean(np.diff(known) == 1) > 0.9)


def do_fall(values: np.ndarray) -> bool:
    """Return whether numbers fall nearly always: their order is reversed."""
    return len(values) > 1 and bool(np.mean(np.diff(values) < 0) > 0.9)


def describe_step(values: np.ndarray) -> str:
    """Return in words what stamps rise by, for an error."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return f"{len(known)} numbers"
    if are_counted(known):
        return f"numbers that count {known[0]:g}, {known[1]:g}, {known[2]:g}"
    steps = np.diff(known)
    if do_fall(known):
        return "numbers that fall from first to last"
    if np.mean(steps == 0) > 0.5:
        return "numbers most of which repeat the one before"
    if np.mean(steps < 0) > 0.2:
        return "numbers that rise and fall"
    return f"a median step of {np.median(steps):g}"


def is_rising(values: np.ndarray) -> bool:
    """Return whether nearly all finite numbers are not less than the one before, and most more."""
    steps = np.diff(values[np.isfinite(values)])
    return len(steps) > 1 and bool(np.mean(steps >= 0) > 0.95 and np.mean(steps > 0) > 0.25)


def rates_differ(rate_hz: float, other_hz: float, *, share: float = RATE_SHARE) -> bool:
    """Return whether two rates differ by more than a share, whichever is larger."""
    return abs(np.log(rate_hz / other_hz)) > np.log1p(share)


def is_lone(stamps: np.ndarray) -> np.ndarray:
    """Mark lone stamps that are further from all others than these span, such as a lost digit.

    Parameters
    ----------
    stamps : (N,) int64 [ns], in any order

    Returns
    -------
    (N,) bool; none of fewer than 20 stamps, and none where more than 1 in 200 lie apart
    """
    lone = np.zeros(len(stamps), bool)
    if len(stamps) < _FEWEST:
        return lone
    order = np.argsort(stamps, kind="stable")
    ordered = stamps[order]
    most = _most_lone(len(stamps))
    span = int(ordered[-1 - most]) - int(ordered[most])       # without what may be lone
    cuts = np.flatnonzero(np.diff(ordered) > max(_LEAST_JUMP_NS, 2 * span)) + 1
    low = int(cuts[cuts <= most].max(initial=0))
    high = int(cuts[cuts >= len(stamps) - most].min(initial=len(stamps)))
    if low + len(stamps) - high <= most:
        lone[order[:low]] = lone[order[high:]] = True
    return lone


def check_one_stretch(
    time_ns: np.ndarray, name: str, *, error: type[AcqError], where: Path | str = ""
) -> None:
    """Refuse rising times with a gap longer than a minute and than all the rest together.

    Raises
    ------
    AcqError : `error`; the gap, where it is, and an hour's change of the clock where it may be one
    """
    steps = np.diff(time_ns)
    if not len(steps):
        return
    at = int(np.argmax(steps))
    gap_ns, span_ns = int(steps[at]), int(time_ns[-1]) - int(time_ns[0])
    if gap_ns <= max(_LONGEST_GAP_NS, span_ns - gap_ns):
        return
    raise error(
        expected=f"{name} times of one recording",
        found=f"a gap of {gap_ns / 1e9:.2f} s after the first {at + 1} of {len(time_ns)}"
              + word_hours(gap_ns - int(np.median(steps))),
        where=where, fix="correct the times, or name each part apart",
    )


def word_hours(difference_ns: int) -> str:
    """Return ", whole hours: ..." where a difference is whole hours to half a second; else ""."""
    hours = round(difference_ns / _HOUR_NS)
    if not 1 <= abs(hours) <= 14 or abs(difference_ns - hours * _HOUR_NS) > 5 * 10**8:
        return ""
    return ", whole hours (another time zone, or summer time?)"


def describe_overlap(frame_ns: np.ndarray, sample_ns: np.ndarray) -> str:
    """Return what is wrong with the time that frames and samples share; "" where nothing is."""
    first_ns = int(sample_ns[0]) - int(frame_ns[0])
    last_ns = int(sample_ns[-1]) - int(frame_ns[-1])
    both_ns = min(int(frame_ns[-1]), int(sample_ns[-1])) - max(int(frame_ns[0]), int(sample_ns[0]))
    if both_ns <= 0:
        side = "after" if first_ns > 0 else "before"
        return (
            f"PPG and pictures share no time: the PPG begins {abs(first_ns) / 1e9:.2f} s {side} "
            f"the pictures{word_hours(first_ns)}"
        )
    span_ns = max(int(frame_ns[-1]) - int(frame_ns[0]), int(sample_ns[-1]) - int(sample_ns[0]))
    if span_ns - both_ns <= min(10**9, max(5 * 10**8, RATE_SHARE * span_ns)):
        return ""
    return (
        f"PPG and pictures share {both_ns / 1e9:.2f} s only: the PPG begins "
        f"{first_ns / 1e9:+.2f} s and ends {last_ns / 1e9:+.2f} s from the pictures"
    )
