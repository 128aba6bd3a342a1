"""The events of a recording, sorted by what they are about: losses, cues, marks, the camera."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from acquire.camera.source import CAMERA_COMPLAINT, CAMERA_REOPENED, IDENTICAL_FRAMES
from acquire.recorder.cues import CUE_BEGIN, CUE_END, CUT_SHORT

from .reader import Event

CAMERA_NOTES = (CAMERA_COMPLAINT, CAMERA_REOPENED, IDENTICAL_FRAMES)
LOST_FRAMES, LOST_SAMPLES = "lost_frames", "lost_samples"
MARK, MARK_UNDONE = "mark", "mark_undone"
_SUMMARISED = (
    *CAMERA_NOTES, CUE_BEGIN, CUE_END, MARK, MARK_UNDONE, LOST_FRAMES, LOST_SAMPLES, "stopped",
    "fault",
)
# kinds, the first of which are told first: those that cost data, then those that may have
_COSTLY = (
    ("sensor_lost", "sensor_back", "boot", "stream_lost", "host_suspended", "overruns",
     "bad_packets"),
    ("host_paused",),
)
_STORAGE = ("storage_raw", "storage_compressed")      # come often and cost nothing: told last


@dataclass(frozen=True)
class Note:
    """A text with its time."""

    at_s: float                    # after the session's start
    text: str


@dataclass(frozen=True)
class CueNote:
    """A cue that the subject was given."""

    at_s: float                    # after the session's start
    duration_s: float | None       # None where a file that was never closed lacks its end
    text: str
    cut_short: bool                # it ended before its time


@dataclass(frozen=True)
class Log:
    """What happened in a recording."""

    cues: list[CueNote]
    marks: list[Note]              # those undone left out
    others: list[Note]             # what neither these nor the rest of a summary contain
    events: list[Event]            # all of them, as they are in the file


def read_log(events: list[Event], start_ns: int) -> Log:
    """Sort the events of a session that started at `start_ns`."""
    return Log(
        cues=_cues(events, start_ns), marks=_marks(events, start_ns),
        others=[
            Note((event.time_ns - start_ns) / 1e9, f"{event.kind}: {event.text}")
            for event in events
            if event.kind not in _SUMMARISED
        ],
        events=events,
    )


def costly_first(notes: Sequence[Note]) -> list[Note]:
    """Sort `Log.others` by what they cost, and those that cost the same by time."""
    return sorted(notes, key=lambda note: (_cost_rank(note.text.partition(":")[0]), note.at_s))


def _cost_rank(kind: str) -> int:
    ranks = (rank for rank, kinds in enumerate(_COSTLY) if kind in kinds)
    return next(ranks, len(_COSTLY) + (kind in _STORAGE))


def camera_notes(events: Sequence[Event]) -> list[str]:
    """Return what the recorder noted of the camera: complaints, reopenings, identical frames."""
    return [f"{event.kind}: {event.text}" for event in events if event.kind in CAMERA_NOTES]


def losses_by_cause(events: Sequence[Event], kind: str) -> dict[str, int]:
    """Return the totals by cause of LOST_FRAMES or LOST_SAMPLES; empty in an unclosed file.

    Events of the same kind such as `3 before frame 20` say where, not why.
    """
    matches = (re.fullmatch(r"(\d+): (.+)", event.text) for event in events if event.kind == kind)
    return {match[2]: int(match[1]) for match in matches if match}


def _cues(events: Sequence[Event], start_ns: int) -> list[CueNote]:
    """Pair the beginning of each cue with its end; an unclosed file lacks the last one's."""
    cues: list[CueNote] = []
    for event in events:
        at_s = (event.time_ns - start_ns) / 1e9
        if event.kind == CUE_BEGIN:
            cues.append(CueNote(at_s, None, event.text, cut_short=True))
        elif event.kind == CUE_END and cues:
            begun = cues[-1]
            name = begun.text.partition(":")[0]
            cues[-1] = CueNote(
                begun.at_s, at_s - begun.at_s, begun.text,
                cut_short=event.text == f"{name}{CUT_SHORT}",
            )
    return cues


def _marks(events: Sequence[Event], start_ns: int) -> list[Note]:
    undone = {event.text for event in events if event.kind == MARK_UNDONE}
    return [
        Note((event.time_ns - start_ns) / 1e9, event.text)
        for event in events
        if event.kind == MARK and f"{event.text} at {event.time_ns}" not in undone
    ]
