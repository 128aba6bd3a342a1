"""The pulse of a video or a session, read whole: both ways in time.

A file is no live stream. What a frame shows is known before and after it: its motion is normalised
by the deviation of all frames around it, so that there is nothing to wait for at the beginning, and
from six seconds of a face on there is an answer. Each stretch of one face in one box is read in
windows of ten seconds, and a clip of up to a minute also as one; of a longer one there are the
spectrum over all of it and the way of its windows' rates.
"""

import time
from bisect import bisect_left, bisect_right
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2

from acquire.pool import open_threads
from dataset.published_colour.methods import METHODS as PUBLISHED
from dataset.signals.filters import WINDOW_S
from models.fusion.fuse import AGAINST, LEAST_S, Cause, FusedRate
from models.live.predict import (
    OnFrames,
    Prediction,
    PredictionRow,
    are_apart,
    why_no_reference,
)
from models.live.pulse import LivePulse
from models.live.recorded import RecordedFrames, Reference, choose_reference, open_recorded
from models.live.states import NO_PULSE, READING, SETTLING, LiveReading, reading_of
from models.live.states import TOO_SLOW as TOO_SLOW_STATE

from .methods import read_methods
from .stretches import Stretch
from .watched import Watched, watch
from .windows import CLIP_S, Window, longest_of, read_clip, read_spectrum, read_windows

Span = tuple[float, float, LiveReading]
_OFF_BPM = 5.0           # from the windows' rates, what is read over all of them may be
_NAMED = 2               # withheld windows whose reason is told with a stretch of heart rates


def read_whole(
    pulse: LivePulse, source: Path, *, times: Path | None = None, fps: float | None = None,
    reference: Reference | None = None, methods: tuple[str, ...] = (),
    on_frames: OnFrames | None = None,
) -> Prediction:
    """Read the pulse in a video; in a session, also the finger's beside it.

    Parameters
    ----------
    pulse : of `open_live_pulse`; its network and its face finder are used
    source, times, fps : as `open_recorded`
    reference : what a video's heart rates are held against; a session has its finger
    methods : that are read each alone, too; see `models.whole.methods.METHODS`
    on_frames : called with frames done and frames in all

    Raises
    ------
    DeviceError, SessionError : see `open_recorded`, and the reference's own
    """
    begun = time.perf_counter()
    cv2.setNumThreads(1)            # a face is small, and the other cores have other work
    with open_recorded(source, times=times, fps=fps) as recorded, open_threads(1) as beside:
        def on_frame(done: int) -> None:
            if on_frames is not None and (done % 25 == 0 or done == recorded.total):
                on_frames(done, recorded.total)

        reference = choose_reference(recorded, reference, source)
        if recorded.finger is not None:
            beside.submit(recorded.finger.check, recorded.seconds)
        watched = watch(
            recorded.frames, pulse.net, pulse.find_faces, on_frame=on_frame,
            keeps_regions=not PUBLISHED.keys().isdisjoint(methods), executor=beside,
        )
        coding = {"is_predicted": recorded.is_predicted}
        windows = [read_windows(stretch, **coding) for stretch in watched.stretches]
        states = _states(watched, windows)
        rows = _rows(states, windows, reference)
        prediction = Prediction(
            source=source, simulated=recorded.simulated, frames=watched.frames,
            seconds=watched.seconds, rows=rows, late_frames=watched.late_frames,
            no_finger=why_no_reference(reference, rows),
            ms_per_frame=1000 * (time.perf_counter() - begun) / max(watched.frames, 1),
            remarks=(*recorded.remarks, *_remark_on_coding(recorded, windows)),
            pictures=recorded.pictures, states=states,
        )
        prediction = _with_clip(prediction, watched.stretches, windows, reference, coding)
        return read_methods(prediction, watched.stretches, methods) if methods else prediction


def _with_clip(
    prediction: Prediction, stretches: list[Stretch], windows: list[list[Window]],
    reference: Reference | None, coding: dict[str, bool],
) -> Prediction:
    """Return a prediction with the spectrum over the longest stretch, and its rate if it has one.
    """
    clip = longest_of(stretches)
    if clip is None:
        return prediction
    first_s, last_s = float(clip.time_s[0]), float(clip.time_s[-1])
    prediction = replace(prediction, clip_span_s=(first_s, last_s), spectrum=read_spectrum(clip))
    of_clip = windows[next(at for at, stretch in enumerate(stretches) if stretch is clip)]
    if why_not := _why_not_one(clip.span_s, of_clip):
        return replace(
            prediction, clip=FusedRate(None, why_not=why_not, cause=Cause.NOT_ONE)
        )
    return replace(
        prediction, clip=_withhold_against(read_clip(clip, **coding), prediction.rows, of_clip),
        clip_reference_bpm=_reference_bpm(reference, first_s, last_s),
    )


def _why_not_one(span_s: float, windows: list[Window]) -> str:
    """Return why one rate is not told over all of a stretch, whatever its spectrum is; else ""."""
    rates = [window.rate for window in windows if window.rate.bpm is not None]
    if not rates:
        none = f"none of its {len(windows)} windows has a heart rate"
        return none if span_s > CLIP_S else ""
    low, high = (of(rates, key=lambda rate: rate.bpm or 0.0) for of in (min, max))
    if are_apart(low, high):
        return f"the rates of its windows lie apart, {low.bpm:.0f} to {high.bpm:.0f}"
    return f"one rate is not told of more than {CLIP_S:.0f} s" if span_s > CLIP_S else ""


def _withhold_against(
    clip: FusedRate, rows: list[PredictionRow], windows: list[Window]
) -> FusedRate:
    """Return the rate over all of a clip, withheld where windows speak against it.

    Parameters
    ----------
    rows : of the file; a rate that none of them has is withheld
    windows : of the clip; so is one that most of them have, and that they were withheld for
    """
    if clip.bpm is None:
        return clip
    told = [row.hr_bpm for row in rows if row.hr_bpm is not None]
    against = [window.rate.why_not for window in windows if _is_against(window.rate, clip.bpm)]
    if 2 * len(against) > len(windows):
        words = f"{len(against)} of its {len(windows)} windows cannot be told: {against[0]}"
    elif told and not min(told) - _OFF_BPM <= clip.bpm <= max(told) + _OFF_BPM:
        words = f"its windows say {sum(told) / len(told):.0f}, all of it {clip.bpm:.0f}"
    else:
        return clip
    return replace(
        clip, bpm=None, low_bpm=None, high_bpm=None, why_not=words, extrapolated=""
    )


def _is_against(window: FusedRate, bpm: float) -> bool:
    """Return whether a window was withheld for a reason that speaks against a rate."""
    if window.cause not in AGAINST:
        return False
    if window.low_bpm is None or window.high_bpm is None:       # against any
        return True
    return window.low_bpm - _OFF_BPM <= bpm <= window.high_bpm + _OFF_BPM


def _remark_on_coding(recorded: RecordedFrames, windows: list[list[Window]]) -> list[str]:
    """Return that coding may have cost the pulse, where it may be why most windows are withheld.

    More bits mend a pulse that is too weak and pictures that repeat themselves; not, say, light.
    """
    causes = [window.rate.cause for of_stretch in windows for window in of_stretch]
    may_be = [cause in (Cause.WEAK, Cause.CODED) for cause in causes]
    if not recorded.is_predicted or 2 * sum(may_be) <= len(may_be):
        return []
    return ["its coding may have cost the pulse; the same with more bits a second may be read"]


def _rows(
    states: list[Span], windows: list[list[Window]], reference: Reference | None
) -> list[PredictionRow]:
    """Return a row for each window at its end, and for what was no window at its beginning."""
    rows = [
        _row(window, reference) for of_stretch in windows for window in of_stretch
    ]
    rows += [
        PredictionRow(reading, None) for _, _, reading in states
        if reading.state not in (READING, NO_PULSE, TOO_SLOW_STATE)
    ]
    return sorted(rows, key=lambda row: row.reading.time_s)


def _row(window: Window, reference: Reference | None) -> PredictionRow:
    bpm = _reference_bpm(reference, window.first_s, window.last_s)
    reading = reading_of(window.rate, window.last_s, is_over=True)
    return PredictionRow(reading, bpm, first_s=window.first_s)


def _reference_bpm(reference: Reference | None, first_s: float, last_s: float) -> float | None:
    return None if reference is None else reference.hr_bpm(first_s, last_s)


def _states(watched: Watched, windows: list[list[Window]]) -> list[Span]:
    """Return from when to when [s] each state is; a stretch of frames begins with its reason."""
    spans: list[Span] = []
    for first_s, last_s, part in watched.spans:
        if part.problem is not None:
            # that is told as it began, and holds for a time
            words = part.problem.words.replace(" s ago", " s before")
            spans.append((first_s, last_s, replace(part.problem, words=words)))
        elif part.stretch is not None:
            stretch, of_stretch = watched.stretches[part.stretch], windows[part.stretch]
            joined = _joined(_states_of(stretch, of_stretch, first_s, last_s))
            spans += [_with_withheld(span, of_stretch) for span in joined]
    return spans


def _with_withheld(span: Span, windows: list[Window]) -> Span:
    """Add to a stretch which windows inside it were withheld, and why, beyond its first words."""
    first_s, last_s, reading = span
    inside = [window for window in windows if first_s <= window.first_s < window.last_s <= last_s]
    withheld = [window.rate.why_not for window in inside if window.rate.bpm is None]
    if reading.state == NO_PULSE:
        others = list(dict.fromkeys(why for why in withheld if why not in reading.words))
        if not others:
            return span
        more = f"; and {len(others) - 1} more" if len(others) > 1 else ""
        words = f"{reading.words}; of other windows: {others[0]}{more}"
        return first_s, last_s, replace(reading, words=words)
    if reading.state != READING or not withheld:
        return span
    each = "; ".join(dict.fromkeys(withheld[:_NAMED]))
    more = f"; and {len(withheld) - _NAMED} more" if len(withheld) > _NAMED else ""
    words = f"{len(withheld)} of {len(inside)} windows cannot be told: {each}{more}"
    return first_s, last_s, replace(reading, words=f"{reading.words}; {words}")


def _joined(spans: list[Span]) -> list[Span]:
    """Join neighbours of one state; the words of the first remain."""
    joined: list[Span] = []
    for first_s, last_s, reading in spans:
        if joined and joined[-1][2].state == reading.state:
            joined[-1] = (joined[-1][0], last_s, joined[-1][2])
        else:
            joined.append((first_s, last_s, reading))
    return joined


def _states_of(
    stretch: Stretch, windows: list[Window], first_s: float, last_s: float
) -> list[Span]:
    """Return the states of a part of a stretch: what a window shows holds for all of it.

    Where windows overlap, one with a heart rate counts.
    """
    if not windows:
        words = f"{stretch.why}; {stretch.span_s:.1f} s of it: a heart rate takes {LEAST_S:g} s"
        return [(first_s, last_s, LiveReading(first_s, SETTLING, words))]
    begins_s = [window.first_s for window in windows]
    edges = sorted({first_s, last_s} | {
        edge for window in windows for edge in (window.first_s, window.last_s)
        if first_s < edge < last_s
    })
    spans = [
        (begin_s, end_s, reading_of(
            _window_at(windows, begins_s, (begin_s + end_s) / 2), begin_s, is_over=True
        ))
        for begin_s, end_s in pairwise(edges)
    ] or [(first_s, last_s, reading_of(windows[-1].rate, first_s, is_over=True))]
    if first_s <= stretch.time_s[0]:
        begin_s, end_s, reading = spans[0]
        others = f"; {stretch.others}" if stretch.others else ""
        reading = replace(reading, words=f"{stretch.why}; {reading.words}{others}")
        spans[0] = (begin_s, end_s, reading)
    return spans


def _window_at(windows: list[Window], begins_s: list[float], time_s: float) -> FusedRate:
    """Return the rate of a window around a time, one with a heart rate if there is one."""
    stop = bisect_right(begins_s, time_s)
    around = [
        window for window in windows[bisect_left(begins_s, time_s - WINDOW_S - 1):stop]
        if window.last_s >= time_s
    ]
    # between windows, or after the last: the one before
    around = around or [windows[max(stop - 1, 0)]]
    return min(around, key=lambda window: window.rate.bpm is None).rate
