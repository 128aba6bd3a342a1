"""What the panel and the plain line show of a recording's status."""

import io

import numpy as np
import pytest
from rich.console import Console

from acq.terminal.curves import clock, trace
from acq.terminal.panel_view import faults, render_line, render_panel
from acquire.recorder.cues import Cue, CueProtocol
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE
from models.live.reader import LiveSnapshot
from models.live.states import SETTLING, LiveReading
from tests.support.recording_status import panel_state, recording_status


def drawn_text(*, width=80, height=24, elapsed_s=65.0, state=None, **changes):
    console = Console(file=io.StringIO(), width=width, height=height)
    status, state = recording_status(**changes), state or panel_state()
    console.print(render_panel(status, state, elapsed_s=elapsed_s, width=width, height=height))
    return console.file.getvalue()


def test_the_panel_shows_everything_and_fits_80_by_24():
    cues = CueProtocol(
        "p", (Cue("rest", 70.0, "Sit still"), Cue("turn head", 30.0, "Turn " + "x" * 150))
    )
    state = panel_state(duration_s=100.0, cues=cues, keys=True, marks=[(1, "mark 3")])
    text = drawn_text(state=state)
    lines = text.splitlines()
    assert len(lines) <= 21
    assert max(map(len, lines)) <= 80
    for part in (
        "S01 1:05 of 1:40", "csi and /dev/ttyACM0", "72 bpm", "good", "face    found",
        "25.0 of 25 frames/s", "1625 frames", "1624 samples", "lost    nothing", "±0.52 ms",
        "20.0 GB free, room for 1:50:44 at 3.0 MB/s", "1, the last: mark 3", "REST", "0:05",
        "Sit still", "next: turn head, Turn xxx", "m mark", "q stop",
    ):
        assert part in text, part
    assert sum(any(0x2800 < ord(c) < 0x2900 for c in line) for line in lines) == 5
    small = drawn_text(height=14, state=panel_state(cues=cues, keys=True))
    assert len(small.splitlines()) <= 13
    assert "m mark" in small


def test_the_panel_says_what_is_wrong():
    assert "NOT FOUND" in drawn_text(state=panel_state(face=False))
    assert "NO FINGER on the sensor  0:03" in drawn_text(states={FINGER_OFF: 3.2})
    assert "FLAT LINE" in drawn_text(states={FLAT_LINE: 3.2, "clipped": 3.0})
    assert "(7 s without a finger so far)" in drawn_text(no_finger_s=7.0)
    assert "NO FRAME for 0:02" in drawn_text(camera_silent_s=2.4)
    assert "NO SAMPLE for 0:02" in drawn_text(sensor_silent_s=2.4)
    unplugged = drawn_text(sensor_silent_s=4.4, states={FINGER_OFF: 9.0})
    assert "pulse   no sample" in unplugged  # neither the pulse from before nor what was wrong then
    assert "bpm" not in unplugged
    assert "lost    about 110 samples so far: sensor silent" in unplugged
    away = drawn_text(camera_silent_s=2.4, lost_frames={"storage fell behind": 1})
    assert "lost    about 60 frames so far: camera silent; 1 frame: storage fell behind" in away
    assert "face    no frame" in away
    reading = LiveReading(1.0, SETTLING, "face found; heart rate in 9 s")
    snapshot = LiveSnapshot(reading, np.empty(0), np.empty(0), 25, 25.0, 1.0)
    live = panel_state(is_live=True, snapshot=snapshot)
    assert "camera  no frame" in drawn_text(camera_silent_s=2.4, state=live)
    assert "face found" not in drawn_text(camera_silent_s=2.4, state=live)
    assert "camera no frame" in render_line(
        recording_status(camera_silent_s=2.4), live, elapsed_s=65.0
    )
    lost = drawn_text(
        lost_frames={"storage fell behind": 3}, lost_samples={"lost on the serial line": 2}
    )
    assert "3 frames: storage fell behind; 2 samples: lost on the serial line" in lost
    stream = {"streams": {"EEG": 225, "Mark": 1}, "lost_streams_s": {"EEG": 9.2}}
    assert "stream  EEG 225 samples, Mark 1 sample" in drawn_text(**stream)
    assert "lost    the stream EEG since 0:09" in drawn_text(**stream)
    assert "no stream EEG" in faults(recording_status(**stream))       # a line is printed at once
    assert "sync    one-sided: the light was earlier by 0 to 31 ms" in drawn_text(
        sync_bound_ms=None, sync_one_sided="0 to 31 ms"
    )
    assert "sync    not yet" in drawn_text(sync_bound_ms=None)


@pytest.mark.parametrize(("width", "height", "is_live"), [
    (80, 24, False), (60, 24, True), (40, 24, False), (60, 16, False), (80, 17, True),
])
def test_no_loss_is_cut_from_the_panel(width, height, is_live):
    text = drawn_text(
        width=width, height=height, state=panel_state(is_live=is_live), camera_silent_s=17.2,
        sensor_silent_s=17.0, lost_frames={"read too late, as the machine was busy": 1},
        lost_samples={"sensor fell silent": 12345},
    )
    for part in ("430 frames so far: camera silent", "425 samples so far: sensor silent",
                 "1 frame: read too late, as the machine was busy", "12345 samples: sensor fell"):
        assert part in " ".join(text.split()), part
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < height
    assert "Ctrl-C stops" in lines[-1]


def test_the_trace_is_as_wide_as_its_seconds_and_shows_a_gap():
    numbers = np.arange(100)                                   # 4 of 8 s
    lines = trace(numbers, np.sin(numbers / 3.0) * 1000, 25, width=40)
    assert [len(line) for line in lines] == [40] * 5
    inked = [any(line[c] != "⠀" for line in lines) for c in range(40)]
    assert not any(inked[:19])
    assert all(inked[21:])
    gap = numbers + np.where(numbers >= 50, 50, 0)  # two seconds are missing
    inked = [
        any(line[c] != "⠀" for line in trace(gap, np.sin(numbers / 3.0) * 1000, 25, width=40))
        for c in range(40)
    ]
    assert inked.count(False) == pytest.approx(20, abs=2)
    assert set("".join(trace(np.empty(0, int), np.empty(0), 25, width=5))) == {"⠀"}
    assert [clock(s) for s in (0, 61.9, 3600)] == ["0:00", "1:01", "1:00:00"]


def test_the_plain_line():
    assert render_line(recording_status(), panel_state(), elapsed_s=65.0) == (
        "1:05 1625 frames 25.0/s · face found · 72 bpm, good · lost nothing · ±0.5 ms · room for "
        "1:50:44"
    )
    assert "NO FACE · NO FINGER" in render_line(
        recording_status(states={FINGER_OFF: 1.0}), panel_state(face=False), elapsed_s=65.0
    )
    one_sided = recording_status(sync_bound_ms=None, sync_one_sided="0 to 31 ms")
    assert "light earlier by 0 to 31 ms" in render_line(one_sided, panel_state(), elapsed_s=65.0)
    line = render_line(
        recording_status(
            sensor_silent_s=4.4, camera_silent_s=2.0, states={FLAT_LINE: 5.0},
            lost_frames={"storage fell behind": 2},
        ),
        panel_state(),
        elapsed_s=65.0,
    )
    assert (
        "1625 frames NO FRAME for 0:02 · NO SAMPLE for 0:04 · lost about 50 frames so far: camera "
        "silent; "
        in line
    )
    assert "2 frames: storage fell behind" in line
    assert "face" not in line
    assert "bpm" not in line
