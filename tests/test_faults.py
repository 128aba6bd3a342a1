"""What goes wrong in a lab, done on purpose: lines pulled, boards reset, processes killed and starved, bytes damaged."""

import subprocess
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from fakes import HELLO, FakeCamera, FakeSensor

from acquire import layout
from acquire.ppg import Sensor
from acquire.protocol import Pong, Sample
from acquire.recorder import Recorder
from acquire.recording import Recording
from acquire.sensor_thread import Exchange, SensorBack
from acquire.session import SessionWriter
from dataset.session import Session


def record_through(tmp_path, device, faults, *, duration_s):
    """Record while `faults`, pairs of a moment [s] and what to do then, happen to the sensor."""
    def play():
        began = time.monotonic()
        for moment_s, fault in faults:
            time.sleep(max(0.0, began + moment_s - time.monotonic()))
            fault()

    sensor = Sensor(device.port)
    player = threading.Thread(target=play)
    player.start()
    try:
        return Recorder(FakeCamera(), sensor).record(tmp_path, "S01", duration_s=duration_s)
    finally:
        sensor.close()
        player.join()


def check_samples(session, device):
    """Every sample is where it belongs, on one timeline; what is missing between two is counted right to one sample."""
    made = np.searchsorted(np.array(device.middle_ns), session.ppg_arrival_ns) - 1      # the last window that had ended by then
    truth_ns = np.array(device.middle_ns)
    by_value = {n * 7 % 65536: n for n in range(len(truth_ns))}
    numbers = np.array([by_value[v] for v in session.ppg.tolist()])
    assert (numbers <= made).all()
    assert (np.diff(numbers) > 0).all()
    assert (np.diff(session.ppg_time_ns) > 0).all()
    assert (np.diff(session.ppg_sequence) > 0).all()
    assert (np.diff(session.ppg_ticks) > 0).all()
    assert (session.ppg_bound_ns >= 0).all()
    assert (np.abs(session.ppg_time_ns - truth_ns[numbers]) <= session.ppg_bound_ns).all()
    periods = np.diff(truth_ns[numbers]) / device.period_ns
    assert np.abs(np.diff(session.ppg_sequence) - periods).max() <= 1


def kinds(session):
    return [event.kind for event in session.events]


def test_a_line_that_is_pulled_and_put_back_resumes_the_same_boot(tmp_path):
    with FakeSensor(link=tmp_path / "port") as device:
        summary = record_through(tmp_path, device, [(0.8, device.unplug), (1.4, device.plug)], duration_s=2.6)
    assert summary.complete
    assert list(summary.lost_samples) == ["serial line unplugged"]
    with Session(summary.path) as session:
        check_samples(session, device)
        gaps = np.diff(session.ppg_sequence) - 1
        assert np.count_nonzero(gaps) == 1                                     # one gap, of 0.6 s and the time to resume
        assert 14 <= gaps.max() == session.lost_samples == summary.lost_samples["serial line unplugged"] <= 15 + 50
        assert session.ppg_ticks.max() < layout.BOOT_TICKS
        assert kinds(session)[:2] == ["sensor_lost", "sensor_back"]
        assert len(session.frames) >= 64                                       # the camera went on
        assert "boot" not in kinds(session)


def test_a_board_that_lost_its_power_is_a_new_boot_on_the_same_timeline(tmp_path):
    with FakeSensor(link=tmp_path / "port", ppm=5000) as device:
        faults = [(0.8, device.unplug), (1.2, lambda: device.plug(rebooted=True))]
        summary = record_through(tmp_path, device, faults, duration_s=2.2)
    assert summary.complete
    assert list(summary.lost_samples) == ["serial line unplugged"]
    with Session(summary.path) as session:
        check_samples(session, device)
        assert set(session.ppg_ticks // layout.BOOT_TICKS) == {0, 1}
        (boot,) = [event.text for event in session.events if event.kind == "boot"]
        assert boot == "boot 1: id 0x0000004e"


@pytest.mark.parametrize("say_hello", [True, False])
def test_a_board_that_restarts_while_the_line_stays_in_is_started_again(tmp_path, say_hello):
    """Seen by the boot id in its HELLO; where that is lost, silence makes the recorder ask."""
    with FakeSensor() as device:
        faults = [(moment_s, lambda: device.reset(say_hello=say_hello)) for moment_s in (0.7, 1.5)]
        summary = record_through(tmp_path, device, faults, duration_s=2.6)
    assert summary.complete
    assert list(summary.lost_samples) == ["sensor restarted"]
    with Session(summary.path) as session:
        check_samples(session, device)
        assert set(session.ppg_ticks // layout.BOOT_TICKS) == {0, 1, 2}
        assert np.diff(session.ppg_sequence).max() <= (25 if say_hello else 50)
        assert "sensor_lost" not in kinds(session)


@pytest.mark.parametrize("away_s", [30, 45 * 60])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_gap_longer_than_the_counter_s_turn_is_right_to_one_sample(tmp_path, away_s, restarted):
    """Nobody waits 45 minutes: the packets are handed on as the thread would hand them on, a crystal 0.5 % off."""
    ppm, rate_hz, start_ns = 5000, HELLO.rate_hz, 10**12
    tick_ns = 500 / (1 + ppm * 1e-6)
    period_ns = 2_000_000 / rate_hz * tick_ns
    camera = FakeCamera().info
    writer = SessionWriter(
        tmp_path / "a.h5", session_id="a", subject="S01", camera=camera, hello=HELLO, port="x", started_unix_ns=1,
        started_monotonic_ns=start_ns, simulated=True,
    )
    recording = Recording(writer, camera, HELLO, start_ns, 0)

    def deliver(first, last, sequence, boot_ns):
        """Hand on samples first to last by the true count, a ping beside each fifth."""
        for n in range(first, last):
            middle_ns = start_ns + (n + 0.5) * period_ns
            if n % 5 == 0:
                stamp = round((middle_ns - boot_ns) / tick_ns) % 2**32
                at_ns = round(middle_ns)
                recording.take_exchange(Exchange(at_ns - 400_000, Pong(n % 65536, stamp, stamp), at_ns + 400_000))
            sample = Sample(n - first + sequence, round((middle_ns - boot_ns) / tick_ns) % 2**32, 0, 0)
            recording.take_sample(sample, round(middle_ns + period_ns / 2) + 2_000_000)

    deliver(0, 20 * rate_hz, 0, 0)
    again = 20 * rate_hz + round(away_s * 1e9 / period_ns / 5) * 5
    back_ns = round(start_ns + again * period_ns)
    recording.take_back(SensorBack(back_ns, replace(HELLO, boot_id=78) if restarted else HELLO, "serial line unplugged", "x"))
    deliver(again, again + 50, 0, back_ns - 10**8 if restarted else 0)
    sequence, ticks = writer.column(layout.PPG_SEQUENCE), writer.column(layout.PPG_TICKS)
    writer.close(complete=True)
    missing = again - 20 * rate_hz
    assert recording.sample_losses.by_cause == {"serial line unplugged": pytest.approx(missing, abs=1)}
    assert sequence[-1] == pytest.approx(again + 49, abs=1)
    assert (np.diff(ticks) > 0).all()
    if not restarted:
        assert ticks[-1] - ticks[0] == pytest.approx((again + 49) * 80_000, abs=1)


def run_twin(program, folder):
    """Plug the twin in: power comes from the line, and its EEPROM numbers its boots."""
    link = folder / "board"
    process = subprocess.Popen([program, "--link", link, "--eeprom", folder / "eeprom.bin"], stdout=subprocess.PIPE)
    process.stdout.readline()
    return process, link


@pytest.mark.twin
def test_the_twin_loses_its_power_and_comes_back(program, tmp_path):
    process, link = run_twin(program, tmp_path)
    found = [process]

    def pull():
        process.kill()
        process.wait()

    def put_back():
        link.unlink(missing_ok=True)
        found.append(run_twin(program, tmp_path)[0])

    sensor = Sensor(str(link))
    timer = [threading.Timer(1.2, pull), threading.Timer(1.8, put_back)]
    for t in timer:
        t.start()
    try:
        summary = Recorder(FakeCamera(), sensor).record(tmp_path, "S01", duration_s=3.8)
    finally:
        sensor.close()
        for one in found:
            one.kill()
            one.wait()
            one.stdout.close()
    assert summary.complete
    with Session(summary.path) as session:
        gaps = np.diff(session.ppg_sequence) - 1
        assert np.count_nonzero(gaps) == 1
        assert session.lost_samples == gaps.max() == summary.lost_samples["serial line unplugged"]
        at = int(gaps.argmax())
        assert set(session.ppg_ticks // layout.BOOT_TICKS) == {0, 1}
        away_s = (session.ppg_time_ns[at + 1] - session.ppg_time_ns[at]) / 1e9
        assert gaps.max() + 1 == pytest.approx(away_s * 25, abs=1)
        assert away_s < 0.6 + 2 + 0.5                              # away for 0.6 s, resumed within two, and what the machine took
        assert (session.ppg_bound_ns >= 0).all()
        assert (np.diff(session.ppg_time_ns) > 0).all()
