"""What the operator sees and presses, on a real terminal."""

import io
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from acq.commands.info import info
from acq.commands.record import _report
from acq.terminal.panel import Panel
from acquire.recorder.cues import Cue
from acquire.recorder.recorder import Recorder
from acquire.recorder.status import RecordingSummary
from acquire.sensor.finger import FINGER_OFF
from acquire.sensor.port import Sensor
from acquire.simulation.rig import VirtualCamera, VirtualSensor
from acquire.simulation.subject import VirtualSubject
from dataset.session.reader import Session
from dataset.session.subject import Subject, read_subject
from dataset.session.summary import summarise_session
from dataset.signals.filters import bandpass
from dataset.signals.pulse_quality import FAIR, GOOD, POOR, beat_similarity, read_finger
from tests.support.fakes import FakeCamera, FakeSensor
from tests.support.made_videos import pictures, write_video
from tests.support.recording_status import panel_state
from tests.support.terminals import Terminal

pytestmark = pytest.mark.real_time

CUES = """cues:
- {name: rest, seconds: 1.2, text: Sit still}
- {name: talk, seconds: 60, text: Say something}
"""


@pytest.mark.parametrize("rate_hz", [25, 100])
def test_quality_and_rate_of_a_pulse_of_noise_and_of_what_lies_between(rate_hz):
    t_s = np.arange(10 * rate_hz) / rate_hz
    numbers, rng = np.arange(len(t_s)), np.random.default_rng(0)
    pulse = np.concatenate([VirtualSubject("S02").ppg(t_s)])
    clean = read_finger(numbers, pulse, rate_hz)
    assert clean is not None
    assert clean.quality == GOOD
    truth = VirtualSubject("S02").heart_rate(t_s).mean()
    assert clean.hr_bpm == pytest.approx(truth, abs=3)
    noise = read_finger(numbers, rng.normal(size=len(t_s)), rate_hz)
    assert noise is not None
    assert noise.quality == POOR
    moved = pulse + np.cumsum(rng.normal(0, 0.22 * np.sqrt(25 / rate_hz), len(t_s)))
    between = beat_similarity(bandpass(moved, rate_hz), rate_hz)
    assert noise.similarity < between < clean.similarity
    assert read_finger(numbers[: 3 * rate_hz], pulse[: 3 * rate_hz], rate_hz) is None
    assert read_finger(numbers, np.ones(len(t_s)), rate_hz) is None
    after_gap = read_finger(numbers + np.where(numbers >= 9 * rate_hz, rate_hz, 0), pulse, rate_hz)
    assert after_gap is None                                   # one second behind the gap
    assert FAIR not in (clean.quality, noise.quality)


def test_marks_and_cues_are_events_at_their_times(tmp_path, capsys):
    cues = (Cue("rest", 0.5, "Sit still"), Cue("talk", 30.0, ""))
    marked = []
    with FakeSensor(lose={5, 9}) as device:
        sensor = Sensor(device.port)
        recorder = Recorder(FakeCamera(), sensor)
        panel = Panel(recorder, panel_state(), console=Console(file=io.StringIO()))

        def on_status(now):
            if not marked and now.elapsed_s > 0.7:
                marked.append((time.monotonic_ns(), recorder.mark("by hand")))
                for key in ("m", "5", "u", "x", "0"):
                    panel.on_key(key)

        summary = recorder.record(tmp_path, "S01", duration_s=1.5, cues=cues, on_status=on_status)
        sensor.close()
    with Session(summary.path) as session:
        start_ns, events = session.started_monotonic_ns, session.events
    marks = [(event.kind, event.text) for event in events if event.kind in ("mark", "mark_undone")]
    (fifth,) = [event.time_ns for event in events if event.text == "mark 5"]
    assert marks == [
        ("mark", "by hand"), ("mark", "mark"), ("mark", "mark 5"),
        ("mark_undone", f"mark 5 at {fifth}"),
    ]
    (by_hand,) = [event.time_ns for event in events if event.text == "by hand"]
    assert by_hand == marked[0][1]
    assert 0 <= by_hand - marked[0][0] < 1e9
    cue_events = [
        (event.time_ns - start_ns, event.kind, event.text)
        for event in events
        if event.kind.startswith("cue")
    ]
    assert cue_events[:3] == [
        (0, "cue_begin", "rest: Sit still"), (500_000_000, "cue_end", "rest"),
        (500_000_000, "cue_begin", "talk"),
    ]
    assert cue_events[3][1:] == ("cue_end", "talk (cut short)")
    details = summarise_session(summary.path)
    assert [mark.text for mark in details.log.marks] == ["by hand", "mark"]
    assert [cue.text for cue in details.log.cues] == ["rest: Sit still", "talk"]
    assert details.log.cues[0].duration_s == pytest.approx(0.5)
    assert details.log.cues[1].duration_s > 0.5
    assert [cue.cut_short for cue in details.log.cues] == [False, True]
    assert not [
        event
        for event in details.log.others
        if event.text.startswith(("mark", "cue", "lost", "stopped"))
    ]
    info([summary.path])
    assert " s, cut short)" in capsys.readouterr().out
    assert details.ppg.lost_by_cause == summary.lost_samples == {"lost on the serial line": 2}
    assert details.video.lost_by_cause == {}


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
    assert summarise_session(summary.path).ppg.no_finger_s == pytest.approx(
        summary.no_finger_s, abs=0.2
    )
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
        plain = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.output).split())
        _, said, rest = plain.partition("stopped by key q; simulated")
        assert said
        assert not rest or rest.startswith(" lost ")     # last, what a busy machine lost
        # the cursor is back
        assert terminal.output.count("\x1b[?25h") >= terminal.output.count("\x1b[?25l") == 1
    (path,) = tmp_path.rglob("*.h5")
    with Session(path) as session:
        kinds = [event.kind for event in session.events]
        assert session.complete
    assert [kind for kind in kinds if kind.startswith(("mark", "cue"))] == [
        "cue_begin", "cue_end", "cue_begin", "mark", "mark", "mark_undone", "cue_end",
    ]


def test_ctrl_c_twice_saves_and_leaves_a_terminal_that_echoes(tmp_path):
    with Terminal(
        "record", "--subject", "S01", "--simulate", "--data", tmp_path, cwd=tmp_path
    ) as terminal:
        terminal.wait_for("q stop")
        terminal.type("\x03")
        end = time.monotonic() + 60
        while terminal.modes != terminal.before and time.monotonic() < end:
            terminal.read(0.02)
        assert terminal.modes == terminal.before
        terminal.type("\x03")
        assert terminal.finish() == 0
        assert "saving, Ctrl-C changes nothing now" in terminal.output
        assert "stopped by SIGINT" in terminal.output
        assert terminal.output.count("\x1b[?25h") == terminal.output.count("\x1b[?25l") == 1


def test_a_new_subject_is_asked_once_the_sensor_delivers_and_a_wrong_answer_again(tmp_path):
    write_video(tmp_path / "face.avi", pictures(90, 64, 48))
    with FakeSensor(link=tmp_path / "port") as device:
        words = (
            "record", "--subject", "S07", "--camera", "replay:face.avi", "--port", device.port,
            "--duration", "1s",
        )
        with Terminal(*words, cwd=tmp_path) as terminal:
            terminal.wait_for("age band")
            terminal.type("young\n")
            terminal.wait_for("found 'young'")
            for answer in ("25-34", "female", "iv", "", "C-12"):
                terminal.type(answer + "\n")
            assert terminal.finish() == 0
            assert "saved data/sessions/S07/" in terminal.output
        assert read_subject(tmp_path / "data", "S07") == Subject("25-34", "F", "IV", None, "C-12")
        with Terminal(*words, cwd=tmp_path) as terminal:
            assert terminal.finish() == 0
            assert "age band" not in terminal.output


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        pytest.param({"mute": True}, "silence", id="it does not answer"),
        pytest.param({"pongs": 0}, "to answer a ping", id="it answers no ping"),
        pytest.param({"last": -1}, "a sample from the sensor", id="it delivers no sample"),
    ],
)
def test_nothing_is_asked_where_the_sensor_is_silent(tmp_path, fault, found):
    write_video(tmp_path / "face.avi", pictures(90, 64, 48))
    with FakeSensor(link=tmp_path / "port", **fault) as device:
        words = (
            "record", "--subject", "S07", "--camera", "replay:face.avi", "--port", device.port
        )
        with Terminal(*words, cwd=tmp_path) as terminal:
            assert terminal.finish() == 1
            assert "age band" not in terminal.output
            assert found in " ".join(terminal.output.split())
    assert not (tmp_path / "data/sessions/S07/subject.json").exists()


def test_without_a_terminal_nothing_is_asked_and_lines_are_plain(acq, acq_here, tmp_path):
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
        "--json",
    )
    said = [json.loads(line) for line in short.stderr.splitlines()]
    assert said[0] == {"warning": "--duration of 1 s cuts the protocol p short: it takes 2 s"}
    assert said[1]["note"].startswith("recording S01: ")
    assert any("cue rest" in line["note"] for line in said[2:])
    missing = acq_here(
        "record", "--subject", "S01", "--camera", "replay:none.mkv", "--port", "/dev/none",
        "--json",
    )
    assert missing.returncode == 1
    camera, sensor = map(json.loads, missing.stderr.splitlines())         # a line for each device
    assert (camera["expected"], camera["found"]) == ("a video to replay", "nothing")
    assert "/dev/none" in sensor["error"]
    assert sensor["found"]


def test_a_camera_that_flaps_takes_one_line_of_the_report(capsys):
    summary = RecordingSummary(
        Path("S01.h5"), "S01", "S01", 1, 200, {"lost by the camera": 1}, {}, 8.0, 25.0, 0.5, True,
        "duration", "", False, ["frame period changed"] * 3, 1,
        ["away for 1.0 s, 24 frames missed; no frame for 1 s; opened at try 1"] * 40, 40.5, 1, 0.0,
        samples_without_bound=0, paused_s=0.0, suspended_s=0.0, sync_one_sided="",
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
    summary = replace(summary, streams={"EEG": 225, "Mark": 0}, lost_streams_s={"EEG": 9.04})
    _report(replace(summary, camera_reopened=summary.camera_reopened[:1]), as_json=False)
    told = capsys.readouterr().out
    assert "samples, 225 samples of the stream EEG, 0 samples of the stream Mark, 8.0 s" in told
    assert "lost the stream EEG at 0:09: its sender ended, or the network" in told
    assert "camera opened again: away for 1.0 s, 24 frames missed" in told


def test_quiet_recording_loads_no_panel(tmp_path):
    code = (
        "import sys; sys.argv = ['acq', 'record', '--subject', 'S01', '--simulate', '--duration', "
        "'1s', '--quiet']\n"
        "from acq.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('onnxruntime', 'rich.live', 'scipy.signal', 'acq.terminal.panel')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True,
        env=os.environ,
    )
    assert done.stdout.splitlines()[-1] == "[]"
