"""Heart rate variability and breathing in words, for a terminal or a page."""

from collections.abc import Iterator

from dataset.common.wording import counted

from .measure import STANDARD_S, Variability


def variability_rows(found: Variability) -> Iterator[tuple[str, str]]:
    """Yield what is told of a finger's variability, what it leaves out, and its breathing."""
    yield "hrv", _figures(found)
    yield "left out", _left_out(found)
    rate = found.breaths_per_min
    yield "breathing", (
        f"cannot be told: {found.breaths_why_not}" if rate is None else
        f"{rate:.1f} breaths/min (by the beats' times and their heights, 6 to 24)"
    )


def _figures(found: Variability) -> str:
    if found.why_not:
        return f"cannot be told: {found.why_not}"
    short = "" if found.used_s >= STANDARD_S else (
        "; shorter than the usual five minutes, on whose length SDNN depends"
    )
    return (
        f"RMSSD {found.rmssd_ms:.1f} ms, SDNN {found.sdnn_ms:.1f} ms, "
        f"pNN50 {found.pnn50_percent:.1f} %, mean interval {found.mean_nn_ms:.1f} ms "
        f"({counted(found.intervals, 'interval')} of the finger's beats, {found.used_s:.0f} s"
        f"{short})"
    )


def _left_out(found: Variability) -> str:
    parts = [f"{cause}, {seconds:.1f} s" for cause, seconds in found.left_out_s.items()]
    if found.unlike:
        parts.append(f"{counted(found.unlike, 'interval')} unlike those around")
    return "; ".join(parts)
