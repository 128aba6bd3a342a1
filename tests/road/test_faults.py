"""What goes wrong in a lab: lines pulled, boards reset, processes killed and stopped, bad bytes."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acquire import layout
from acquire.recorder.host_watch import HostPause
from acquire.recorder.sample_stream import SampleStream
from acquire.sensor import protocol
from acquire.sensor.items import SensorBack
from acquire.sensor.pings import Exchange
from acquire.sensor.protocol import Pong, Sample
from acquire.session.writer import SessionWriter
from dataset.session.reader import Session
from tests.support.fakes import HELLO, FakeCamera, FakeSensor
from tests.support.faults import check_samples, record_with_faults
from tests.support.fuzzing import fuzz_parser


def kinds(session):
    return [event.kind for event in session.events]


@pytest.mark.real_time
def test_a_line_that_is_pulled_and_put_back_resumes_the_same_boot(tmp_path):
    with FakeSensor(link=tmp_path / "port") as device:
        summary = record_with_faults(
            tmp_path, device, [(0.8, device.unplug), (1.4, device.plug)], duration_s=2.6
        )
    assert summary.complete
    assert list(summary.lost_samples) == ["serial line unplugged"]
    with Session(summary.path) as session:
        check_samples(session, device.middle_ns, device.period_ns)
        gaps = np.diff(session.ppg_sequence) - 1
        assert np.count_nonzero(gaps) == 1  # one gap, of 0.6 s and the time to resume
        assert (
            14
            <= gaps.max()
            == session.lost_samples
            == summary.lost_samples["serial line unplugged"]
            <= 15 + 50
        )
        assert session.ppg_ticks.max() < layout.BOOT_TICKS
        assert kinds(session)[:2] == ["sensor_lost", "sensor_back"]
        assert len(session.frames) >= 64                                       # the camera went on
        assert "boot" not in kinds(session)


@pytest.mark.real_time
def test_a_board_that_lost_its_power_is_a_new_boot_on_the_same_timeline(tmp_path):
    with FakeSensor(link=tmp_path / "port", ppm=5000) as device:
        faults = [(0.8, device.unplug), (1.2, lambda: device.plug(rebooted=True))]
        summary = record_with_faults(tmp_path, device, faults, duration_s=2.2)
    assert summary.complete
    assert list(summary.lost_samples) == ["serial line unplugged"]
    with Session(summary.path) as session:
        check_samples(session, device.middle_ns, device.period_ns)
        assert set(session.ppg_ticks // layout.BOOT_TICKS) == {0, 1}
        (boot,) = [event.text for event in session.events if event.kind == "boot"]
        assert boot == "boot 1: id 0x0000004e"


@pytest.mark.real_time
@pytest.mark.parametrize("say_hello", [True, False])
def test_a_board_that_restarts_while_the_line_stays_in_is_started_again(tmp_path, say_hello):
    """Seen by the boot id in its HELLO; where that is lost, silence makes the recorder ask."""
    with FakeSensor() as device:
        faults = [(moment_s, lambda: device.reset(say_hello=say_hello)) for moment_s in (0.6, 1.7)]
        summary = record_with_faults(tmp_path, device, faults, duration_s=2.9)
    assert summary.complete
    assert list(summary.lost_samples) == ["sensor restarted"]
    with Session(summary.path) as session:
        check_samples(session, device.middle_ns, device.period_ns)
        assert set(session.ppg_ticks // layout.BOOT_TICKS) == {0, 1, 2}
        assert np.diff(session.ppg_sequence).max() <= (25 if say_hello else 50)
        away = [event for event in session.events if event.kind in ("sensor_lost", "sensor_back")]
        assert [event.kind for event in away] == ["sensor_lost", "sensor_back"] * 2
        assert (np.diff([event.time_ns for event in away]) > 0).all()


@pytest.mark.real_time
def test_another_kind_of_sensor_in_its_place_is_not_taken_for_it(tmp_path):
    """What the file says of resolution and ticks would be false."""
    with FakeSensor(link=tmp_path / "port") as device:
        def swap():
            device.hello = replace(device.hello, adc_bits=16)
            device.plug(rebooted=True)

        summary = record_with_faults(
            tmp_path, device, [(0.5, device.unplug), (0.6, swap)], duration_s=1.5
        )
    assert not summary.complete
    assert "found one with adc_bits 16 instead of 10" in summary.fault
    with Session(summary.path) as session:
        # the line, and the other one: once, not with every try
        assert kinds(session).count("sensor_lost") == 2


@pytest.mark.parametrize("away_s", [30, 45 * 60])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_gap_longer_than_the_counter_s_turn_is_right_to_one_sample(tmp_path, away_s, restarted):
    """The packets are handed on as by the thread, without the wait; the crystal is 0.5 % off."""
    ppm, rate_hz, start_ns = 5000, HELLO.rate_hz, 10**12
    tick_ns = 500 / (1 + ppm * 1e-6)
    period_ns = 2_000_000 / rate_hz * tick_ns
    camera = FakeCamera().info
    writer = SessionWriter(
        tmp_path / "a.h5", session_id="a", subject="S01", camera=camera, hello=HELLO, port="x",
        started_unix_ns=1, started_monotonic_ns=start_ns, simulated=True,
    )
    samples = SampleStream(writer, HELLO, start_ns)

    def deliver(first, last, sequence, boot_ns):
        """Hand on samples first to last by the true count, a ping beside each fifth."""
        for n in range(first, last):
            middle_ns = start_ns + (n + 0.5) * period_ns
            if n % 5 == 0:
                stamp = round((middle_ns - boot_ns) / tick_ns) % 2**32
                at_ns = round(middle_ns)
                samples.add_exchange(
                    Exchange(at_ns - 400_000, Pong(n % 65536, stamp, stamp), at_ns + 400_000)
                )
            sample = Sample(
                n - first + sequence, round((middle_ns - boot_ns) / tick_ns) % 2**32, 0, 0
            )
            samples.add_sample(sample, round(middle_ns + period_ns / 2) + 2_000_000)

    deliver(0, 20 * rate_hz, 0, 0)
    again = 20 * rate_hz + round(away_s * 1e9 / period_ns / 5) * 5
    back_ns = round(start_ns + again * period_ns)
    samples.sensor_back(
        SensorBack(
            back_ns, replace(HELLO, boot_id=78) if restarted else HELLO, "serial line unplugged",
            "x",
        )
    )
    deliver(again, again + 50, 0, back_ns - 10**8 if restarted else 0)
    sequence, ticks = writer.column(layout.PPG_SEQUENCE), writer.column(layout.PPG_TICKS)
    writer.close(complete=True)
    missing = again - 20 * rate_hz
    assert samples.losses.by_cause == {
        "serial line unplugged": pytest.approx(missing, abs=1)
    }
    assert sequence[-1] == pytest.approx(again + 49, abs=1)
    assert (np.diff(ticks) > 0).all()
    if not restarted:
        assert ticks[-1] - ticks[0] == pytest.approx((again + 49) * 80_000, abs=1)


def test_a_pause_longer_than_the_counter_s_turn_misplaces_nothing(tmp_path):
    """Samples that waited come first, then those behind what could not be kept, and an answer."""
    start_ns, pause_ns, kept = 10**12, 25 * 60 * 10**9, 250
    writer = SessionWriter(
        tmp_path / "a.h5", session_id="a", subject="S01", camera=FakeCamera().info, hello=HELLO,
        port="x", started_unix_ns=1, started_monotonic_ns=start_ns, simulated=True,
    )
    samples = SampleStream(writer, HELLO, start_ns)
    missing = pause_ns // 40_000_000 - kept

    def deliver(first, last, read_ns=0):
        for n in range(first, last):
            middle_ns = start_ns + n * 40_000_000
            stamp = n * 80_000 % 2**32
            at_ns = max(middle_ns + 20_000_000 + 3_000_000, read_ns)
            samples.add_sample(Sample(n, stamp, 0, 0), at_ns)
            if n % 5 == 0 and not read_ns:
                pong = Pong(n % 65536, stamp, stamp)
                samples.add_exchange(Exchange(middle_ns - 900_000, pong, middle_ns + 1_500_000))

    paused_ns = start_ns + 500 * 40_000_000
    deliver(0, 500)
    deliver(500, 500 + kept, read_ns=paused_ns + pause_ns)
    deliver(500 + kept + missing, 500 + kept + missing + 100)
    samples.place_all([HostPause(paused_ns, paused_ns + pause_ns)])
    sequence, ticks = writer.column(layout.PPG_SEQUENCE), writer.column(layout.PPG_TICKS)
    off_ns = writer.column(layout.PPG_TIME) - (start_ns + sequence * 40_000_000)
    bound_ns = writer.column(layout.PPG_BOUND)
    writer.close(complete=True)
    assert (ticks == sequence * 80_000).all()
    assert samples.losses.by_cause == {"the host did not run": missing}
    assert (bound_ns >= 0).all()
    assert (np.abs(off_ns) <= bound_ns).all()


class Twin:
    """The firmware's twin, powered by its line; the EEPROM numbers its boots."""

    def __init__(self, program, folder):
        self.port = str(folder / "board")
        self.command = [
            program, "--link", self.port, "--eeprom", folder / "eeprom.bin", "--duration", "60",
        ]
        self.plug()

    def plug(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE)
        assert self.process.stdout.readline().startswith(b"port")

    def unplug(self):
        # one that is killed leaves it behind, leading to anybody's next pty
        Path(self.port).unlink(missing_ok=True)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.mark.real_time
@pytest.mark.twin
def test_the_twin_loses_its_power_and_comes_back(program, tmp_path):
    twin = Twin(program, tmp_path)
    try:
        summary = record_with_faults(
            tmp_path, twin, [(1.2, twin.unplug), (1.8, twin.plug)], duration_s=4.0
        )
    finally:
        twin.unplug()
    assert summary.complete
    with Session(summary.path) as session:
        gaps = np.diff(session.ppg_sequence) - 1
        assert np.count_nonzero(gaps) == 1
        assert session.lost_samples == gaps.max() == summary.lost_samples["serial line unplugged"]
        at = int(gaps.argmax())
        assert set(session.ppg_ticks // layout.BOOT_TICKS) == {0, 1}
        away_s = (session.ppg_time_ns[at + 1] - session.ppg_time_ns[at]) / 1e9
        assert gaps.max() + 1 == pytest.approx(away_s * 25, abs=1)
        assert (session.ppg_bound_ns >= 0).all()
        assert (np.diff(session.ppg_time_ns) > 0).all()


def test_damaged_bytes_never_stop_the_parser():
    done = fuzz_parser(400_000, seed=7)
    assert done.intact > 5_000
    assert done.candidates > 500


def test_a_parser_that_believed_the_wrong_would_be_found_out(monkeypatch):
    """The fuzzer's own test: a CRC that is never wrong lets every candidate pass."""
    monkeypatch.setattr(protocol, "crc16", lambda body: _Anything())
    with pytest.raises(AssertionError, match="damaged packets accepted"):
        fuzz_parser(50_000)


class _Anything(int):
    __hash__ = int.__hash__

    def __ne__(self, other):
        return False


def run_soak(repo, *words):
    """Run the harness as `make soak` does, in a process without threads, which may fork."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", *words], cwd=repo, capture_output=True, text=True,
        timeout=120, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.real_time
def test_recorders_that_are_killed_leave_files_that_open_with_nothing_wrong_in_them(repo):
    output = run_soak(repo, "kills", "--trials", "8")
    assert "8 recorders" in output


@pytest.mark.real_time
def test_a_recorder_that_was_stopped_loses_what_the_system_could_not_keep_and_counts_it(repo):
    """For 3.2 s, all kept; for 3.5 s at 100 Hz, more than 4 kB; and a board that restarts then."""
    output = run_soak(repo, "paused", "--trials", "3")
    assert "3 recordings" in output


@pytest.mark.real_time
def test_a_wall_clock_that_jumps_moves_nothing(tmp_path, monkeypatch):
    jump_s = [0.0]
    time_s, time_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: time_s() + jump_s[0])
    monkeypatch.setattr(time, "time_ns", lambda: time_ns() + round(jump_s[0] * 1e9))
    jumps = [
        (moment_s, lambda by_s=by_s: jump_s.__setitem__(0, by_s))
        for moment_s, by_s in ((0.4, 3600.0), (0.7, -86400.0))
    ]
    with FakeSensor() as device:
        summary = record_with_faults(tmp_path, device, jumps, duration_s=1.0)
        assert summary.complete
        assert (summary.lost_frames, summary.lost_samples) == ({}, {})
        with Session(summary.path) as session:
            check_samples(session, device.middle_ns, device.period_ns)
            assert (np.diff(session.frame_time_ns) > 0).all()
            assert session.duration_s == pytest.approx(1.0, abs=0.3)
            assert abs(session.started_unix_ns - time_ns()) < 60e9
