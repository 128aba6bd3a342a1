"""`acq record` as a process: refused, stopped, killed, and on a disk that fills."""

import os
import re
import resource
import signal
import subprocess
import sys
import time

import h5py
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire.errors import SessionError
from dataset.recovery.recover import recover
from dataset.recovery.resync import resync
from dataset.session.reader import Session

pytestmark = pytest.mark.real_time


def start_recording(data, **options):
    """Start `acq record --simulate` as a process and wait for its file."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "acq.main", "record", "--subject", "S01", "--simulate", "--quiet",
            "--data", data,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    deadline = time.monotonic() + 200
    while not list(data.rglob("*.h5")) and time.monotonic() < deadline:
        time.sleep(0.1)
    return process


@pytest.mark.parametrize("subject", ["", "../etc", "a b", "-x", "x" * 33, "ä"])
def test_a_wrong_subject_id_is_one_line(acq_here, tmp_path, subject):
    done = acq_here("record", f"--subject={subject}", "--simulate", "--duration", "1s")
    assert done.returncode == 1
    assert "expected a subject id" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_no_hardware_is_an_error_that_lists_what_was_looked_for(acq_here, tmp_path):
    if any(name.startswith(("ttyUSB", "ttyACM", "video")) for name in os.listdir("/dev")):
        pytest.skip("a serial adapter or a camera is plugged in")
    done = acq_here("record", "--subject", "S01", "--duration", "1s")
    assert done.returncode == 1
    assert "--simulate" in done.stderr
    assert "serial port" in done.stderr
    assert "/dev/video*" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_closes_the_file_cleanly_and_says_what_was_saved(tmp_path, name):
    process = start_recording(tmp_path)
    time.sleep(1.5)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert f"stopped by {name}" in out
    (path,) = tmp_path.rglob("*.h5")
    with Session(path) as session:
        assert session.complete
        assert session.simulated
        assert len(session.ppg) > 20


@pytest.mark.parametrize("verb", [recover, resync])
def test_a_recorder_that_stands_still_keeps_its_file(tmp_path, verb):
    process = start_recording(tmp_path)
    time.sleep(0.5)
    process.send_signal(signal.SIGSTOP)         # as where a board or a disk stalls
    (path,) = tmp_path.rglob("*.h5")
    before = path.read_bytes()
    os.utime(path, (1, 1))                      # it did so long ago
    with pytest.raises(SessionError, match=f"still recorded by process {process.pid}"):
        verb(path)
    assert [*path.parent.iterdir()] == [path]
    assert path.read_bytes() == before
    process.kill()
    process.communicate()


def test_sigkill_loses_at_most_a_second_and_the_file_says_it_was_cut_short(acq_here, tmp_path):
    process = start_recording(tmp_path)
    time.sleep(3.0)
    process.kill()
    killed_ns = time.monotonic_ns()
    process.communicate()
    (path,) = tmp_path.rglob("*.h5")
    with Session(path) as session:
        assert not session.complete
        # a second, and what this machine was busy with
        assert killed_ns - session.frame_time_ns[-1] < 1.5e9
        assert killed_ns - session.ppg_time_ns[-1] < 1.5e9
        assert session.frames[len(session.frames) - 1].std() > 5
        assert (session.ppg_bound_ns >= 0).all()
    info = acq_here("info", path)
    assert info.returncode == 0
    assert "cut short" in info.stdout or "incomplete" in info.stdout


def test_a_disk_that_fills_ends_it_in_one_line_with_what_was_flushed_readable(tmp_path):
    """Another process takes the last byte at once, faster than the free space is checked."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=450m", "tmpfs", tmp_path], check=True)
    try:
        process = start_recording(tmp_path / "data")
        time.sleep(2.0)
        subprocess.run(
            ["dd", "if=/dev/zero", f"of={tmp_path}/other", "bs=1M"], check=False,
            stderr=subprocess.DEVNULL,
        )
        out, err = process.communicate(timeout=300)
        assert process.returncode == 1, (out, err)
        assert "Traceback" not in err
        assert len(err.strip().splitlines()) == 1
        (path,) = tmp_path.rglob("*.h5")
        with Session(path) as session:
            assert not session.complete
            assert len(session.frames) >= 25
            assert session.frames[len(session.frames) - 1].std() > 5
            assert f"{len(session.frames)} frames" in out
            assert {event.kind for event in session.events} >= {"stopped", "fault"}
            assert (session.ppg_bound_ns >= 0).all()
        with h5py.File(path) as file:  # plainly: it was closed, in the room kept for that
            assert file.attrs["lost_frames"] >= 0
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_write_that_fails_ends_it_in_one_line_and_what_it_took_is_counted(tmp_path):
    """No reserve helps against a file that may not grow: HDF5 itself meets the end."""
    process = start_recording(
        tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6 * 2**20, 6 * 2**20)),
    )
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, (out, err)
    assert len(err.strip().splitlines()) == 1
    assert "File too large" in err
    (path,) = tmp_path.rglob("*.h5")
    with Session(path) as session:
        assert not session.complete
        assert len(session.frames) >= 10
        assert session.frames[len(session.frames) - 1].std() > 5
        assert f"{len(session.frames)} frames" in out
    lost = re.search(r"lost (\d+) frames: could not be written", out)
    assert lost
    assert int(lost[1]) >= 1


@pytest.mark.parametrize(
    ("first", "then"), [("SIGINT", "SIGINT"), ("SIGINT", "SIGTERM"), ("SIGTERM", "SIGHUP")]
)
def test_signals_while_it_saves_are_answered_and_the_file_is_whole(tmp_path, first, then):
    """Until the very end of the process, as a key that is held sends them."""
    process = start_recording(tmp_path)
    process.send_signal(getattr(signal, first))
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        process.send_signal(getattr(signal, then))
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, (out, err)
    assert f"stopped by {first}" in out
    (line,) = err.strip().splitlines()
    assert "saving" in line
    assert f"kill -9 {process.pid}" in line
    (path,) = tmp_path.rglob("*.h5")
    with Session(path) as session:
        assert session.complete


def test_a_data_folder_that_is_a_file_is_one_line(acq_here, tmp_path):
    (tmp_path / "file").write_text("")
    done = acq_here(
        "record", "--subject", "S01", "--simulate", "--duration", "1s", "--quiet", "--data",
        tmp_path / "file",
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "--data" in done.stderr


def record_at(unix_s, cwd):
    """Run `acq record` for a second on a machine whose clock says so."""
    code = (
        f"import sys, time; ahead = {unix_s} - time.time(); now, now_ns = time.time, time.time_ns; "
        "time.time = lambda: now() + ahead; time.time_ns = lambda: now_ns() + round(ahead * 1e9); "
        "sys.argv = 'acq record --subject S01 --simulate --duration 1s --quiet'.split(); "
        "from acq.main import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False,
        timeout=300,
    )


def test_a_clock_at_1970_is_told_of_and_noted_in_a_file_that_is_read(tmp_path):
    done = record_at(30, tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert "clock says 1970-01-01 00:00 UTC" in line
    (path,) = tmp_path.rglob("*.h5")
    assert path.name.startswith("S01-19700101T0000")
    with Session(path) as session:
        assert session.complete
        assert any(event.kind == "doubtful_date" for event in session.events)


def test_a_clock_before_1970_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "time", lambda: -100.0)
    done = CliRunner().invoke(app, ["record", "--subject", "S01", "--simulate"])
    assert "expected a date after 1970, found 1969-12-31 23:58 UTC" in str(done.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--live", "--net", "none.onnx"], "none.onnx", id="no such network"),
        pytest.param(["--bell"], "--protocol", id="a bell without cues"),
        pytest.param(["--camera", "uvc:front"], "uvc:front", id="no such camera's name"),
        pytest.param(
            ["--camera", "replay:a.mkv?fps=abc"], "'abc'", id="no number in a camera's name"
        ),
        pytest.param(["--fps", "abc"], "number", id="no rate"),
        pytest.param(["--duration", "soon"], "'soon'", id="no time"),
        pytest.param(["--data", "taken"], "a file", id="a file instead of a folder"),
    ],
)
def test_what_can_be_seen_to_be_wrong_is_refused_before_a_device_is_opened(
    tmp_path, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    done = CliRunner().invoke(app, ["record", "--subject", "S01", "--port", "/dev/none", *words])
    assert done.exit_code in (1, 2)
    output = f"{done.output} {done.exception}"
    assert said in " ".join(output.split())
    assert "/dev/none" not in output
