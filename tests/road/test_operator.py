"""What the operator sees and presses, on a real terminal."""

import io
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from acq.commands.info import info
from acq.commands.record import _report
from acq.terminal.curves import clock, trace
from acq.terminal.panel import Panel
from acq.terminal.panel_view import PanelState, render, render_line
from acquire import host_time
from acquire.camera.source import CameraInfo
from acquire.recorder.cues import Cue, CueProtocol
from acquire.recorder.recorder import Recorder
from acquire.recorder.status import RecordingStatus, RecordingSummary
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE
from acquire.sensor.port import Sensor
from acquire.simulation.rig import VirtualCamera, VirtualSensor
from acquire.simulation.subject import VirtualSubject
from dataset.session.reader import Session
from dataset.session.subject import Subject, read_subject
from dataset.session.summary import summarise
from dataset.signals.beats import FAIR, GOOD, POOR, PulseReading, beat_similarity, read_pulse
from dataset.signals.filters import bandpass
from tests.support.fakes import FakeCamera, FakeSensor
from tests.support.terminals import Terminal

pytestmark = pytest.mark.real_time

CUES = "cues:\n- {name: rest, seconds: 1.2, text: Sit still}\n- {name: talk, seconds: 60, text: Say something}\n"


def status(**changes):
    """A recording that goes well."""
    numbers = np.arange(250)
    return RecordingStatus(
        **{
            "start_ns": 0, "elapsed_s": 65.0, "frames": 1625, "samples": 1624, "lost_frames": {},
            "lost_samples": {}, "fps": 24.98, "sync_bound_ms": 0.52, "free_bytes": 20_000_000_000,
            "file_bytes": 195_000_000,
            "camera": CameraInfo("csi", 640, 360, 25.0, "I420", "end of frame"), "frame": None,
            "ppg_rate_hz": 25, "ppg_sequence": numbers,
            "ppg_value": 30000 + 5000 * np.sin(numbers / 25 * 2 * np.pi * 1.2),
            "camera_silent_s": 0.02, "sensor_silent_s": 0.02, "states": {}, "no_finger_s": 0.0,
            **changes,
        }
    )


def shown(**changes):
    return PanelState(
        **{
            "subject": "S01", "sensor": "/dev/ttyACM0", "pulse": PulseReading(72.2, 0.9, GOOD),
            "face": True, **changes,
        }
    )


def drawn(*, width=80, height=24, elapsed_s=65.0, what=None, **changes):
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(
        render(status(**changes), what or shown(), elapsed_s=elapsed_s, width=width, height=height)
    )
    return console.file.getvalue()


def test_the_panel_shows_everything_and_fits_80_by_24():
    cues = CueProtocol(
        "p", (Cue("rest", 70.0, "Sit still"), Cue("turn head", 30.0, "Turn " + "x" * 150))
    )
    text = drawn(what=shown(duration_s=100.0, cues=cues, keys=True, marks=[(1, "mark 3")]))
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
    small = drawn(height=14, what=shown(cues=cues, keys=True))
    assert len(small.splitlines()) <= 13
    assert "m mark" in small


def test_the_panel_says_what_is_wrong():
    assert "NOT FOUND" in drawn(what=shown(face=False))
    assert "NO FINGER on the sensor  0:03" in drawn(states={FINGER_OFF: 3.2})
    assert "FLAT LINE" in drawn(states={FLAT_LINE: 3.2, "clipped": 3.0})
    assert "(7 s without a finger so far)" in drawn(no_finger_s=7.0)
    assert "NO FRAME for 0:02" in drawn(camera_silent_s=2.4)
    assert "NO SAMPLE for 0:02" in drawn(sensor_silent_s=2.4)
    unplugged = drawn(sensor_silent_s=4.4, states={FINGER_OFF: 9.0})
    assert "pulse   no sample" in unplugged  # neither the pulse from before nor what was wrong then
    assert "bpm" not in unplugged
    assert "lost    about 110 samples so far: sensor silent" in unplugged
    away = drawn(camera_silent_s=2.4, lost_frames={"storage fell behind": 1})
    assert "lost    about 60 frames so far: camera silent; 1 frame: storage fell behind" in away
    assert "face    no frame" in away
    lost = drawn(
        lost_frames={"storage fell behind": 3}, lost_samples={"lost on the serial line": 2}
    )
    assert "3 frames: storage fell behind; 2 samples: lost on the serial line" in lost
    assert "sync    not yet" in drawn(sync_bound_ms=None)
    assert max(map(len, drawn(width=40, lost_frames={"storage fell behind": 3}).splitlines())) <= 40


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
    assert render_line(status(), shown(), elapsed_s=65.0) == (
        "1:05 1625 frames 25.0/s · face found · 72 bpm, good · lost nothing · ±0.5 ms · room for "
        "1:50:44"
    )
    assert "NO FACE · NO FINGER" in render_line(
        status(states={FINGER_OFF: 1.0}), shown(face=False), elapsed_s=65.0
    )
    line = render_line(
        status(
            sensor_silent_s=4.4, camera_silent_s=2.0, states={FLAT_LINE: 5.0},
            lost_frames={"storage fell behind": 2},
        ),
        shown(),
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


def test_a_line_is_printed_at_once_when_a_device_falls_silent_and_when_it_is_back():
    out = io.StringIO()
    with FakeSensor() as device, closing(Sensor(device.port)) as sensor, Panel(
        Recorder(FakeCamera(), sensor), shown(), console=Console(file=out)
    ) as panel:
        start_ns = host_time.now_ns()
        for changes, told in (
            ({"sensor_silent_s": 2.0}, "NO SAMPLE for 0:02"), ({}, "no pulse yet"),
            ({"camera_silent_s": 3.0}, "NO FRAME for 0:03"), ({}, "lost nothing"),
        ):
            panel.on_status(
                status(
                    start_ns=start_ns, ppg_sequence=np.empty(0, int), ppg_value=np.empty(0),
                    **changes,
                )
            )
            end = time.monotonic() + 4
            while told not in (out.getvalue().splitlines() or [""])[-1] and time.monotonic() < end:
                time.sleep(0.02)
            assert told in out.getvalue().splitlines()[-1]
    assert len(out.getvalue().splitlines()) == 4


@pytest.mark.parametrize("rate_hz", [25, 100])
def test_quality_and_rate_of_a_pulse_of_noise_and_of_what_lies_between(rate_hz):
    t_s = np.arange(10 * rate_hz) / rate_hz
    numbers, rng = np.arange(len(t_s)), np.random.default_rng(0)
    pulse = np.concatenate([VirtualSubject("S02").ppg(t_s)])
    found = read_pulse(numbers, pulse, rate_hz)
    assert found is not None
    assert found.quality == GOOD
    truth = VirtualSubject("S02").heart_rate(t_s).mean()
    assert found.hr_bpm == pytest.approx(truth, abs=3)
    noise = read_pulse(numbers, rng.normal(size=len(t_s)), rate_hz)
    assert noise is not None
    assert noise.quality == POOR
    moved = pulse + np.cumsum(rng.normal(0, 0.22 * np.sqrt(25 / rate_hz), len(t_s)))
    between = beat_similarity(bandpass(moved, rate_hz), rate_hz)
    assert noise.similarity < between < found.similarity
    assert read_pulse(numbers[: 3 * rate_hz], pulse[: 3 * rate_hz], rate_hz) is None
    assert read_pulse(numbers, np.ones(len(t_s)), rate_hz) is None
    after_gap = read_pulse(numbers + np.where(numbers >= 9 * rate_hz, rate_hz, 0), pulse, rate_hz)
    assert after_gap is None                                   # one second behind the gap
    assert FAIR not in (found.quality, noise.quality)


def test_marks_and_cues_are_events_at_their_times(tmp_path, capsys):
    cues = (Cue("rest", 0.5, "Sit still"), Cue("talk", 30.0, ""))
    marked = []
    with FakeSensor(lose={5, 9}) as device:
        sensor = Sensor(device.port)
        recorder = Recorder(FakeCamera(), sensor)
        panel = Panel(recorder, shown(), console=Console(file=io.StringIO()))

        def on_status(now):
            if not marked and now.elapsed_s > 0.7:
                marked.append((time.monotonic_ns(), recorder.mark("by hand")))
                for key in ("m", "5", "u", "x", "0"):
                    panel.on_key(key)

        summary = recorder.record(tmp_path, "S01", duration_s=1.5, cues=cues, on_status=on_status)
        sensor.close()
    with Session(summary.path) as session:
        start_ns, events = session.started_monotonic_ns, session.events
    told = [(event.kind, event.text) for event in events if event.kind in ("mark", "mark_undone")]
    (fifth,) = [event.time_ns for event in events if event.text == "mark 5"]
    assert told == [
        ("mark", "by hand"), ("mark", "mark"), ("mark", "mark 5"),
        ("mark_undone", f"mark 5 at {fifth}"),
    ]
    (by_hand,) = [event.time_ns for event in events if event.text == "by hand"]
    assert by_hand == marked[0][1]
    assert 0 <= by_hand - marked[0][0] < 1e9
    cues_told = [
        (event.time_ns - start_ns, event.kind, event.text)
        for event in events
        if event.kind.startswith("cue")
    ]
    assert cues_told[:3] == [
        (0, "cue_begin", "rest: Sit still"), (500_000_000, "cue_end", "rest"),
        (500_000_000, "cue_begin", "talk"),
    ]
    assert cues_told[3][1:] == ("cue_end", "talk (cut short)")
    told_of = summarise(summary.path)
    assert [mark.text for mark in told_of.log.marks] == ["by hand", "mark"]
    assert [cue.text for cue in told_of.log.cues] == ["rest: Sit still", "talk"]
    assert told_of.log.cues[0].duration_s == pytest.approx(0.5)
    assert told_of.log.cues[1].duration_s > 0.5
    assert [cue.cut_short for cue in told_of.log.cues] == [False, True]
    assert not [
        event
        for event in told_of.log.others
        if event.text.startswith(("mark", "cue", "lost", "stopped"))
    ]
    info([summary.path])
    assert " s, cut short)" in capsys.readouterr().out
    assert told_of.ppg.lost_by_cause == summary.lost_samples == {"lost on the serial line": 2}
    assert told_of.video.lost_by_cause == {}


def test_a_lifted_finger_is_in_the_file_and_the_summary(tmp_path):
    subject, statuses = VirtualSubject("S02"), []
    camera = VirtualCamera(subject, fps=25.0)
    with VirtualSensor(subject, clock=camera._clock, lifted_s=(2.0, 60.0)) as device:
        sensor = Sensor(device.port)
        summary = Recorder(camera, sensor).record(
            tmp_path, "S02", duration_s=4.5, on_status=statuses.append
        )
        sensor.close()
    first = next(now for now in statuses if FINGER_OFF in now.states)
    assert 2.0 < first.elapsed_s < 4.5
    assert summarise(summary.path).ppg.no_finger_s == pytest.approx(summary.no_finger_s, abs=0.2)
    assert statuses[-1].frame is not None
    assert len(statuses[-1].ppg_sequence) == len(statuses[-1].ppg_value) > 100
    assert summary.no_finger_s == pytest.approx(2.5, abs=0.7)
    with Session(summary.path) as session:
        (event,) = [event for event in session.events if event.kind == FINGER_OFF]
        assert event.text == "begins"
        assert (event.time_ns - session.started_monotonic_ns) / 1e9 == pytest.approx(2.0, abs=0.5)


def test_keys_and_cues_on_a_terminal_which_is_then_as_it_was(tmp_path):
    (tmp_path / "p.yaml").write_text(CUES)
    with Terminal(
        "record", "--subject", "S01", "--simulate", "--protocol", "p.yaml", "--bell", cwd=tmp_path
    ) as terminal:
        terminal.wait_for("q stop")
        assert terminal.modes != terminal.before
        terminal.wait_for("TALK")
        terminal.type("m")
        terminal.wait_for("mark set")
        terminal.type("3")
        terminal.wait_for("mark 3 set")
        terminal.type("u")
        terminal.wait_for("undone")
        terminal.type("\x1b[A\x1a")  # an arrow and Ctrl-Z do nothing
        terminal.type("q")
        terminal.wait_for("press q again")
        terminal.type("q")
        assert terminal.finish() == 0
        assert terminal.modes == terminal.before
        assert "\a" in terminal.output
        assert "stopped by key q" in terminal.output
        assert terminal.output.rstrip().endswith("simulated")
        # the cursor is back
        assert terminal.output.count("\x1b[?25h") >= terminal.output.count("\x1b[?25l") == 1
    (path,) = tmp_path.rglob("*.h5")
    with Session(path) as session:
        kinds = [event.kind for event in session.events]
        assert session.complete
    assert [kind for kind in kinds if kind.startswith(("mark", "cue"))] == [
        "cue_begin", "cue_end", "cue_begin", "mark", "mark", "mark_undone", "cue_end",
    ]


def test_ctrl_c_twice_leaves_a_terminal_that_echoes(tmp_path):
    with Terminal(
        "record", "--subject", "S01", "--simulate", "--data", tmp_path, cwd=tmp_path
    ) as terminal:
        terminal.wait_for("q stop")
        terminal.type("\x03")
        end = time.monotonic() + 5
        while terminal.modes != terminal.before and time.monotonic() < end:
            terminal.read(0.02)
        assert terminal.modes == terminal.before
        terminal.type("\x03")
        assert terminal.finish() in (0, -signal.SIGINT)


def test_a_new_subject_is_asked_once_and_a_wrong_answer_again(tmp_path):
    """Asked before the devices are looked for, so that no hardware is needed to see it."""
    words = ("record", "--subject", "S07", "--camera", "replay:none.mkv", "--port", "/dev/none")
    with Terminal(*words, cwd=tmp_path) as terminal:
        terminal.wait_for("age band")
        terminal.type("young\n")
        terminal.wait_for("found 'young'")
        for answer in ("25-34", "f", "iv", "", "C-12"):
            terminal.type(answer + "\n")
        assert terminal.finish() == 1
        assert "none.mkv" in terminal.output
        assert "/dev/none" in terminal.output
    assert read_subject(tmp_path / "data", "S07") == Subject("25-34", "F", "IV", None, "C-12")
    with Terminal(*words, cwd=tmp_path) as terminal:
        assert terminal.finish() == 1
        assert "age band" not in terminal.output


def test_without_a_terminal_nothing_is_asked_and_lines_are_plain(acq, tmp_path):
    (tmp_path / "p.yaml").write_text(
        "cues:\n- {name: rest, seconds: 1, text: Sit still}\n- {name: talk, seconds: 1}\n"
    )
    done = acq(
        "record", "--subject", "S01", "--simulate", "--protocol", "p.yaml", stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0
    assert "\x1b" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("recording S01")
    assert any("cue rest: Sit still (0:01)" in line for line in lines)
    assert any("cue talk" in line for line in lines)
    assert "stopped by duration" in done.stdout                           # the protocol's length
    assert not (tmp_path / "data/sessions/S01/subject.json").exists()
    short = acq(
        "record", "--subject", "S01", "--simulate", "--protocol", "p.yaml", "--duration", "1s",
        "--quiet",
    )
    assert short.stderr == "acq: --duration of 1 s cuts the protocol p short: it takes 2 s\n"
    missing = acq(
        "record", "--subject", "S01", "--camera", "replay:none.mkv", "--port", "/dev/none",
        stdin=subprocess.DEVNULL,
    )
    assert missing.returncode == 1
    assert len(missing.stderr.splitlines()) == 2                          # a line for each device


def test_a_panel_whose_terminal_is_gone_holds_up_nothing():
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError("no terminal")

    with FakeSensor() as device, closing(Sensor(device.port)) as sensor, Panel(
        Recorder(FakeCamera(), sensor), shown(), console=Console(file=Gone(), force_terminal=True)
    ) as panel:
        panel.on_status(status())
        end = time.monotonic() + 5
        while panel._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        assert not panel._thread.is_alive()
        panel.on_status(status())


def test_a_camera_that_flaps_takes_one_line_of_the_report(capsys):
    summary = RecordingSummary(
        Path("S01.h5"), "S01", "S01", 1, 200, {"lost by the camera": 1}, {}, 8.0, 25.0, 0.5, True,
        "duration", "", False, ["frame period changed"] * 3, 1,
        ["away for 1.0 s, 24 frames missed; no frame for 1 s; opened at try 1"] * 40, 40.5, 1, 0.0,
    )
    _report(summary, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "S01.h5: 1 frame at 25.00/s, 200 samples" in lines[0]
    assert lines[1:] == [
        "lost 1 frame: lost by the camera", "1 frame stored raw: compressing fell behind",
        "frame period changed; and 2 changes more",
        "camera opened again 40 times, away for 40.5 s in all",
        "1 frame is the one before it, byte for byte: the camera froze",
    ]
    _report(replace(summary, camera_reopened=summary.camera_reopened[:1]), as_json=False)
    assert "camera opened again: away for 1.0 s, 24 frames missed" in capsys.readouterr().out


def test_quiet_recording_loads_no_panel(tmp_path):
    code = (
        "import sys; sys.argv = ['acq', 'record', '--subject', 'S01', '--simulate', '--duration', "
        "'1s', '--quiet']\n"
        "from acq.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('onnxruntime', 'rich.live', 'scipy.signal', 'acq.terminal.panel') if "
        "name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True,
        env=os.environ,
    )
    assert done.stdout.splitlines()[-1] == "[]"
