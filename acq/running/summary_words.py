"""The summary of a recording in words: what was saved, and all that it lacks."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dataset.common.wording import clock_time, counted

if TYPE_CHECKING:
    from acquire.recorder.status import RecordingSummary


def saved(summary: "RecordingSummary") -> str:
    """Return what was saved, as one line."""
    without = summary.samples_without_bound
    widest_ms = summary.sync_bound_ms
    bounds = ["no sync bound" if widest_ms is None else f"sync within {widest_ms:.2f} ms"]
    if summary.sync_one_sided:
        bounds = [f"sync {summary.sync_one_sided}"]
    if without and widest_ms is not None:
        bounds.append(f"{counted(without, 'sample')} without a bound")
    simulated = "; simulated" if summary.simulated else ""
    return (
        f"saved {summary.path}: {counted(summary.frames, 'frame')} at {summary.fps:.2f}/s, "
        f"{counted(summary.samples, 'sample')}, {_streams(summary)}"
        f"{summary.duration_s:.1f} s, {', '.join(bounds)}; "
        f"stopped by {summary.stopped_by}{simulated}"
    )


def _streams(summary: "RecordingSummary") -> str:
    return "".join(
        f"{counted(count, 'sample')} of the stream {name}, "
        for name, count in summary.streams.items()
    )


def marked(marks: Iterable[tuple[float, str]]) -> str:
    """Return the marks of a recording, as one line: seconds after its start, and the text of each.
    """
    listed = [f"{text} at {clock_time(at_s)}" for at_s, text in marks]
    return f"{counted(len(listed), 'mark')}: {', '.join(listed)}" if listed else "no marks"


def shortcomings(summary: "RecordingSummary") -> Iterator[str]:
    """Yield a line for everything that the recording lacks."""
    for doubt in summary.doubts:
        yield f"doubtful: {doubt}"
    for what, losses in (("frame", summary.lost_frames), ("sample", summary.lost_samples)):
        for cause, count in losses.items():
            yield f"lost {counted(count, what)}: {cause}"
    if summary.without_frames_s >= 1:
        yield f"{summary.without_frames_s:.1f} s of samples have no frames beside them"
    for name, lost_s in summary.lost_streams_s.items():
        yield f"lost the stream {name} at {clock_time(lost_s)}: its sender ended, or the network"
    if summary.paused_s:
        yield f"acq did not run for {summary.paused_s:.1f} s: it was stopped, or the machine busy"
    if summary.suspended_s:
        yield f"the host was suspended for {summary.suspended_s:.1f} s, which no time shows"
    if summary.no_finger_s >= 0.1:
        yield f"{summary.no_finger_s:.1f} s without a finger on the sensor"
    yield from _camera_shortcomings(summary)


def _camera_shortcomings(summary: "RecordingSummary") -> Iterator[str]:
    if summary.raw_frames:
        yield f"{counted(summary.raw_frames, 'frame')} stored raw: compressing fell behind"
    if summary.period_changes:                     # in changing light there is no end of them
        more = len(summary.period_changes) - 1
        yield summary.period_changes[0] + (f"; and {counted(more, 'change')} more" if more else "")
    if len(summary.camera_reopened) == 1:
        yield f"camera opened again: {summary.camera_reopened[0]}"
    elif summary.camera_reopened:
        times = len(summary.camera_reopened)
        yield f"camera opened again {times} times, away for {summary.camera_away_s:.1f} s in all"
    if summary.identical_frames == 1:
        yield "1 frame is the one before it, byte for byte: the camera froze"
    elif summary.identical_frames:
        count = summary.identical_frames
        yield f"{count} frames are the ones before them, byte for byte: the camera froze"
