"""The windows of a stretch, each read by several methods, and the rate over all of a clip."""

from dataclasses import dataclass

import numpy as np

from dataset.signals.filters import WINDOW_S
from dataset.signals.windows import STEP_S
from models.fusion.fuse import LEAST_S, FusedRate, fuse_window

from .stretches import Stretch

CLIP_S = 60.0            # a heart does not keep one rate for longer


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


def read_windows(stretch: Stretch) -> list[Window]:
    """Read every window of a stretch."""
    return [
        Window(
            float(stretch.time_s[frames.start]), float(stretch.time_s[frames.stop - 1]),
            _fuse(stretch, frames),
        )
        for frames in window_spans(stretch)
    ]


def clip_of(stretches: list[Stretch]) -> Stretch | None:
    """Return the longest stretch, of which one heart rate is read over all of it.

    None where that is shorter than a window may be, or so long that a heart changes its rate.
    """
    longest = max(stretches, key=lambda stretch: stretch.span_s, default=None)
    if longest is None or not window_spans(longest) or longest.span_s > CLIP_S:
        return None
    return longest


def read_clip(clip: Stretch) -> FusedRate:
    """Read one heart rate from the spectrum over all of a stretch."""
    return _fuse(clip, slice(0, len(clip.time_s)))


def _fuse(stretch: Stretch, frames: slice) -> FusedRate:
    return fuse_window(
        stretch.time_s[frames], stretch.colour[frames], stretch.changes[frames],
        stretch.parts[frames],
    )
