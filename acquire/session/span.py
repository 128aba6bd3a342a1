"""How long a session is, and for how long one of its streams is alone.

By the first and the last stamp of each stream, which the recorder has at its end and readers find
in the file: both say the same.
"""

Span = tuple[int, int]          # first and last stamp of a stream [ns]


def are_apart(frames: Span | None, samples: Span | None) -> bool:
    """Return whether there are frames and samples, and no time at which there are both."""
    if frames is None or samples is None:
        return False
    return samples[0] > frames[1] or frames[0] > samples[1]


def duration_s(frames: Span | None, samples: Span | None) -> float:
    """Return the time from the first to the last stamp of either stream [s].

    Where the two share no time, as with a clock that was an hour off, it is that of the frames.
    """
    spans = [span for span in (frames, samples) if span is not None]
    spans = spans[:1] if are_apart(frames, samples) else spans
    first_ns, last_ns = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else (0, 0)
    return (last_ns - first_ns) / 1e9


def without_frames_s(frames: Span | None, samples: Span | None) -> float:
    """Return for how long there are samples before the first frame and after the last [s].

    0 where there are none of one kind, or the two share no time.
    """
    if frames is None or samples is None or are_apart(frames, samples):
        return 0.0
    return (max(0, frames[0] - samples[0]) + max(0, samples[1] - frames[1])) / 1e9
