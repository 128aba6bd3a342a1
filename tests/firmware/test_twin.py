"""The real firmware on the simulated board: stamps, samples and answers against the truth."""

import csv
import os
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from acquire.calibration.blink import record_blinks
from acquire.sensor.port import open_sensor
from acquire.sensor.protocol import (
    SAMPLE_CLIPPED,
    SAMPLE_LED,
    SENSOR_ANALOG,
    TICK_HZ,
    Hello,
    Identify,
    Led,
    Light,
    Ping,
    Pong,
    Sample,
    Start,
    Status,
    Stop,
)
from tests.support import SHARED
from tests.support.fakes import FakeCamera
from tests.support.twin import Twin, host_from_ticks

pytestmark = [pytest.mark.real_time, pytest.mark.twin]


def write_wave(path: Path, values: np.ndarray, rate_hz: float) -> Path:
    rows = (f"{i / rate_hz:.6f},{v:.4f}" for i, v in enumerate(values))
    path.write_text("time,value\n" + "\n".join(rows) + "\n")
    return path


def test_says_who_it_is(program):
    with Twin(program) as twin:
        (boot,) = twin.wait_for(Hello)
        assert (boot.protocol, boot.tick_hz, boot.rate_hz, boot.adc_bits, boot.sensor) == (
            1, TICK_HZ, 25, 10, SENSOR_ANALOG,
        )
        twin.send(Identify())
        assert twin.wait_for(Hello, 2) == [boot, boot]
        twin.send(Start(50))
        assert twin.wait_for(Hello, 3)[-1].rate_hz == 50
        twin.send(Start(33))         # not offered: the rate in force stays, and HELLO says so
        assert twin.wait_for(Hello, 4)[-1].rate_hz == 50
        twin.send(Stop())
        assert len(twin.wait_for(Hello, 5)) == 5
        assert twin.parser.bad_packets == 0


def test_boot_ids_differ(program, tmp_path):
    def boot(*options: object) -> int:
        with Twin(program, *options) as twin:
            return twin.wait_for(Hello)[0].boot_id

    kept = ("--eeprom", tmp_path / "eeprom.bin")
    first, second, third = (boot(*kept) for _ in range(3))
    assert (second, third) == (first + 1, first + 2)     # one board
    assert len({first, boot(), boot()}) == 3             # three boards


def test_opening_the_port_can_reset_the_board(program):
    with Twin(program, "--reset-on-open", 400) as twin:
        opened_ns = time.monotonic_ns()
        (first,) = twin.wait_for(Hello)
        assert twin.arrived[0][0] - opened_ns > 0.3e9       # the bootloader's silence
        os.close(twin.fd)
        time.sleep(0.1)
        twin.fd = os.open(twin.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        second = twin.wait_for(Hello, 2)[-1]
        assert second.boot_id == first.boot_id + 1


@pytest.mark.parametrize(
    ("rate_hz", "options"),
    [
        pytest.param(25, [], id="25 Hz"),
        pytest.param(50, ["--ppm", 5000], id="50 Hz, crystal 5000 ppm fast"),
        pytest.param(100, ["--ppm", -5000], id="100 Hz, crystal 5000 ppm slow"),
    ],
)
def test_stamps_samples_and_pings_are_true(program, tmp_path, rate_hz, options):
    seconds = 4
    wave = write_wave(tmp_path / "wave.csv", np.sin(np.arange(1000) / 100 * 2 * np.pi * 1.2), 100)
    with Twin(program, "--wave", wave, *options, raw_truth=tmp_path / "truth.csv") as twin:
        twin.start(rate_hz)
        sent = {}
        for ping in range(seconds * 20):
            sent[ping] = twin.send(Ping(ping))
            twin.listen(0.05)
        twin.send(Stop())
        twin.wait_for(Hello, 3)
    samples, truth = twin.all(Sample), twin.truth()
    ppm = options[1] if options else 0

    assert twin.parser.bad_packets == 0
    assert [s.sequence for s in samples] == list(range(len(samples)))
    assert len(samples) > 0.97 * seconds * rate_hz
    assert {s.flags for s in samples} == {0}
    assert twin.all(Status)[-1] == Status(overruns=0, bad_packets=0)

    # The device's stamps are the truth but for the crystal: 0.5 us a tick, jitter within an
    # instruction.
    host_ns, slope, residual_us = host_from_ticks(twin)
    assert slope == pytest.approx(500 / (1 + ppm * 1e-6), rel=2e-7)
    assert np.abs(residual_us).max() < 1
    assert np.ptp(np.diff([s.ticks for s in samples])) == 0
    assert np.ptp(np.diff([t for t, _ in truth.values()])) < 1000        # sampling jitter [ns]

    # The values are what was converted, and that is the waveform.
    assert all(0 <= truth[s.sequence][1] - s.value < 1 for s in samples)
    seen = np.array([s.value / 64 for s in samples])
    assert seen.min() == pytest.approx(200, abs=6)
    assert seen.max() == pytest.approx(800, abs=6)

    # What the clock fit is built on.
    pongs = [(at, p) for at, p in twin.arrived if isinstance(p, Pong)]
    assert [p.id for _, p in pongs] == list(range(len(sent)))
    for received_ns, pong in pongs:
        assert sent[pong.id] <= host_ns(pong.rx_ticks)
        assert host_ns(pong.rx_ticks) <= host_ns(pong.tx_ticks) <= received_ns

    # `host_ns` depends on the stamps of samples, and those of pings have a truth of their own: a
    # constant error would show here.
    received_ns = {int(r["sequence"]): int(r["time_ns"]) for r in twin.truth_rows("ping")}
    late_us = (
        np.array(
            [
                host_ns(pong.rx_ticks) - received_ns[pong.id]
                for _, pong in pongs
                if pong.id in received_ns
            ]
        )
        / 1e3
    )
    assert len(late_us) > 0.9 * len(pongs)
    assert late_us.min() > -2                    # a tick, and the fit
    assert np.median(late_us) < 100              # the sketch's loop comes round
    for arrived_ns, packet in twin.arrived:
        if isinstance(packet, Sample):
            # half a window must pass first
            assert host_ns(packet.ticks) + 0.45e9 / rate_hz < arrived_ns


def test_waveform_starts_with_start(program, tmp_path):
    ramp = write_wave(tmp_path / "ramp.csv", np.arange(0, 501), 100)
    with Twin(program, "--wave", ramp, "--scale", "none", raw_truth=tmp_path / "truth.csv") as twin:
        twin.listen(0.3)
        twin.start(100)
        twin.wait_for(Sample, 100)
    value = np.array([s.value / 64 for s in twin.all(Sample)])
    # one count a sample: a window's middle is at (k + 0.5) / 100 s
    start = value - np.arange(len(value))
    assert np.abs(start - 0.5).max() < 0.2


def test_mains_hum_is_nulled(program, tmp_path):
    hum = write_wave(
        tmp_path / "hum.csv", 500 + 300 * np.sin(np.arange(40000) / 10000 * 2 * np.pi * 50), 10000
    )
    with Twin(program, "--wave", hum, "--scale", "none") as twin:
        twin.start(25)
        twin.wait_for(Sample, 45)
    value = np.array([s.value / 64 for s in twin.all(Sample)])[1:]
    assert value.mean() == pytest.approx(500, abs=1)
    assert np.abs(value - value.mean()).max() < 300 / 100        # 40 dB


def test_flags(program, tmp_path):
    high = write_wave(tmp_path / "high.csv", np.array([1023.0, 1023.0, 400.0, 400.0]), 4)
    with Twin(program, "--wave", high, "--scale", "none") as twin:
        twin.start(50)
        twin.send(Led(1))
        twin.listen(0.7)
        twin.send(Led(0))
        os.write(twin.fd, b"\x05noise\0")
        twin.listen(0.7)
    flags = [s.flags for s in twin.all(Sample)]
    assert flags[5] == SAMPLE_CLIPPED | SAMPLE_LED
    assert flags[30] == SAMPLE_LED
    assert flags[-1] == 0
    assert twin.all(Status)[-1].bad_packets == 1


def test_the_led_is_stamped_as_its_pin_changes(program, tmp_path):
    with Twin(program, "--ppm", 5000, raw_truth=tmp_path / "truth.csv") as twin:
        twin.start(100)
        twin.wait_for(Sample)
        rng = np.random.default_rng(1)
        for n in range(1, 61):
            twin.send(Led(n % 2 if n < 60 else 1))        # the last leaves it as it is
            twin.listen(rng.uniform(0.01, 0.04))
        twin.wait_for(Light, 60)
    lights, changes = twin.all(Light), twin.truth_rows("light")
    assert [light.on for light in lights] == [1, 0] * 29 + [1, 1]
    assert [int(change["value"]) for change in changes] == [1, 0] * 29 + [1]
    host_ns, _, _ = host_from_ticks(twin)
    late_us = (
        np.array(
            [
                host_ns(light.ticks) - int(change["time_ns"])
                for light, change in zip(lights[:-1], changes, strict=True)
            ]
        )
        / 1e3
    )
    assert late_us.min() > -2                    # a tick, and the fit
    assert late_us.max() < 60                    # an interrupt in between


def test_acq_calibrate_knows_when_the_led_was_switched(program, tmp_path):
    """Through an adapter that holds bytes, the truth is within the bound of every toggle."""
    with Twin(program, "--ppm", -5000, "--hold-ms", 16, raw_truth=tmp_path / "truth.csv") as twin:
        twin.wait_for(Hello)
        with closing(open_sensor(twin.path)) as sensor:
            toggles = record_blinks(FakeCamera(fps=60), sensor, toggles=30).toggles
    truth_ns = np.array([int(change["time_ns"]) for change in twin.truth_rows("light")])
    assert toggles.on.tolist() == [True, False] * 15
    assert (np.abs(toggles.time_ns - truth_ns) <= toggles.bound_ns).all()
    assert 0 < np.median(toggles.bound_ns) < 3e6


def test_a_flood_of_pings_loses_no_sample(program):
    with Twin(program) as twin:
        twin.start(100)
        for burst in range(20):
            for ping in range(8):        # 120 bytes of answers against a TX buffer of 64
                twin.send(Ping(8 * burst + ping))
            twin.listen(0.1)
    assert [p.id for p in twin.all(Pong)] == list(range(160))
    assert [s.sequence for s in twin.all(Sample)] == list(range(len(twin.all(Sample))))
    assert twin.all(Status)[-1] == Status(0, 0)


def test_adapter_holds_bytes(program, tmp_path):
    with Twin(program, "--hold-ms", 16, raw_truth=tmp_path / "truth.csv") as twin:
        twin.start(25)
        twin.wait_for(Sample, 30)
    truth = twin.truth()
    delay_ms = np.array(
        [(at - truth[p.sequence][0]) / 1e6 - 20 for at, p in twin.arrived if isinstance(p, Sample)]
    )
    assert delay_ms.min() > 15
    assert np.median(delay_ms) < 35


def test_starved_of_time_it_is_late_but_never_early(program, tmp_path):
    with Twin(program, raw_truth=tmp_path / "truth.csv") as twin:
        twin.start(25)
        twin.listen(0.5)
        twin.process.send_signal(signal.SIGSTOP)
        time.sleep(0.4)
        sent = {1: twin.send(Ping(1))}
        twin.process.send_signal(signal.SIGCONT)
        for ping in range(2, 30):        # while it catches up
            sent[ping] = twin.send(Ping(ping))
            twin.listen(0.02)
        twin.wait_for(Pong, 29)
    host_ns, _, residual_us = host_from_ticks(twin)
    assert np.abs(residual_us).max() < 1
    assert len(twin.all(Pong)) == 29
    for received_ns, pong in ((at, p) for at, p in twin.arrived if isinstance(p, Pong)):
        assert sent[pong.id] <= host_ns(pong.rx_ticks) <= host_ns(pong.tx_ticks) <= received_ns
    assert float(twin.last_words.split("at most ")[1].split(" ms")[0]) > 350


def test_leaves_nothing_behind(program, tmp_path):
    link = tmp_path / "board"
    with Twin(program, "--link", link) as twin:
        assert os.readlink(link) == twin.path
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["--ppm", "fast"], "expected a number from -50000 to 50000 for --ppm, found fast",
            id="not a number",
        ),
        pytest.param(
            ["--wave", "missing.csv"], "cannot read the waveform missing.csv", id="no waveform"
        ),
        pytest.param(
            ["--wave", "bad.csv"], "a number in column 2 of bad.csv line 3, found 1,one",
            id="bad line",
        ),
        pytest.param(["--wave", "back.csv"], "found a step back at line 2", id="time runs back"),
        pytest.param(["missing.elf"], "cannot read the firmware missing.elf", id="no firmware"),
        pytest.param(["bad.csv"], "expected an AVR ELF file, found bad.csv", id="not a firmware"),
    ],
)
def test_bad_input_is_one_clear_line(program, tmp_path, arguments, message):
    (tmp_path / "bad.csv").write_text("time,value\n0,1\n1,one\n")
    (tmp_path / "back.csv").write_text("1,1\n0,2\n")
    done = subprocess.run(
        [program, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=10, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


@pytest.mark.shared
def test_real_ppg_comes_through(program, tmp_path):
    recording = SHARED / "real_face/ppg.csv"
    if not recording.exists():
        pytest.skip(f"no {recording}")
    with recording.open() as file:
        rows = [(float(r["timestamp"]), float(r["bvp"])) for r in csv.DictReader(file)]
    t, bvp = np.array(rows).T
    with Twin(program, "--wave", recording, raw_truth=tmp_path / "truth.csv") as twin:
        twin.start(25)
        twin.wait_for(Sample, 100)
    seen = np.array([s.value for s in twin.all(Sample)])[:100]
    at_s = (np.arange(100) + 0.5) / 25
    expected = np.interp(at_s, t - t[0], bvp)
    assert np.corrcoef(seen, expected)[0, 1] > 0.998
