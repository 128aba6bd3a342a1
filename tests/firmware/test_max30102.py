"""A MAX30102 on the twin: a part with a clock of its own, and what can go wrong with one."""

import numpy as np
import pytest

from acquire.clock.place_samples import place_samples
from acquire.layout import CLOCK_DTYPE, EXCHANGE_DTYPE
from acquire.sensor.protocol import (
    SAMPLE_CLIPPED,
    SAMPLE_OVERRUN,
    SAMPLE_RESTARTED,
    SENSOR_ANALOG,
    SENSOR_MAX30102,
    TICK_HZ,
    Hello,
    Ping,
    Pong,
    Sample,
    Start,
    Status,
    Stop,
    encode,
)
from benchmarks.firmware import BYTE_S, START_S, flood, quiet, run

pytestmark = pytest.mark.twin


@pytest.fixture
def elf(program):
    return program.parent.parent / "build/ppg_logger.elf"


@pytest.fixture
def wave(tmp_path):
    """A beat of 1.2 Hz from 200 to 800 counts that starts with START."""
    path = tmp_path / "wave.csv"
    rows = (f"{i / 100},{np.sin(2 * np.pi * 1.2 * i / 100):.5f}" for i in range(1000))
    path.write_text("time,value\n" + "\n".join(rows) + "\n")
    return path


def play(program, elf, script, seconds, *options, ppm=0.0, faults=()):
    options = [*options, *(word for fault in faults for word in ("--max30102-fault", fault))]
    return run(program, elf, sorted(script), seconds + START_S, "--max30102", ppm, *options)


def test_without_one_the_sensor_is_the_analog_one(program, elf):
    hello = run(program, elf, quiet(25, 0.2), 0.4).all(Hello)[0]
    assert (hello.sensor, hello.adc_bits) == (SENSOR_ANALOG, 10)


@pytest.mark.parametrize(
    ("rate_hz", "ppm"), [(25, 50000), (25, -30000), (50, 0), (100, -50000), (100, 50000)]
)
def test_its_stamps_and_values_are_true_whatever_its_clock_does(program, elf, wave, rate_hz, ppm):
    seconds = 3.0
    result = play(program, elf, quiet(rate_hz, seconds), seconds, "--wave", wave, ppm=ppm)
    samples = result.all(Sample)
    hello = result.all(Hello)[-1]
    assert (hello.sensor, hello.adc_bits, hello.rate_hz) == (SENSOR_MAX30102, 18, rate_hz)
    assert [s.sequence for s in samples] == list(range(len(samples)))
    assert {s.flags for s in samples} == {0}
    assert len(samples) == pytest.approx(seconds * rate_hz * (1 + ppm * 1e-6), abs=3)
    assert result.all(Status)[-1] == Status(0, 0)

    late_us, error, after_ms = result.part_errors()
    # an interrupt's wait, and a pulse that is wider or narrower than it says
    assert np.abs(late_us).max() < 30
    assert -1 < error.min() <= error.max() <= 0      # 18 bits to 16, rounded down
    seen = np.array([s.value / 64 for s in samples])
    assert seen.min() == pytest.approx(200, abs=8)
    assert seen.max() == pytest.approx(800, abs=8)

    # What the host's clock builds on, for a part that is fast and for one that is slow.
    margin_ms = after_ms - 500 / rate_hz
    assert margin_ms.min() > 0.9          # 0.4 ms early, 1.36 ms on the line
    assert np.median(margin_ms) < 3.2


@pytest.mark.parametrize("ppm", [-50000, 50000])
def test_the_host_s_clock_holds_for_it(program, elf, ppm):
    """Placed as in a recording, behind a crystal of its own, no sample lies outside its bound."""
    seconds, rate_hz = 6.0, 25
    pings = [(START_S + 0.3 + 0.21 * k, encode(Ping(k))) for k in range(int(seconds * 4.5))]
    script = [(START_S, encode(Start(rate_hz))), *pings]
    result = play(program, elf, script, seconds, "--ppm", 5000, ppm=ppm)
    sent_ns = {k: round(at * 1e9) for k, (at, _) in enumerate(pings)}
    pongs = [(at, packet) for at, packet in result.arrived if isinstance(packet, Pong)]
    exchanges = np.array(
        [(sent_ns[p.id], p.rx_ticks, p.tx_ticks, at, p.id) for at, p in pongs], dtype=EXCHANGE_DTYPE
    )
    ticks, arrival_ns = np.array(
        [(p.ticks, at) for at, p in result.arrived if isinstance(p, Sample)]
    ).T
    no_clocks = np.empty(0, dtype=CLOCK_DTYPE)
    time_ns, bound_ns = place_samples(
        exchanges, no_clocks, ticks, arrival_ns, tick_hz=TICK_HZ, rate_hz=rate_hz
    )
    true_ns = np.array([int(row["time_ns"]) for row in result.truth if row["kind"] == "part"])
    error_ns = np.abs(true_ns[None, :] - time_ns[:, None]).min(axis=1)
    assert len(time_ns) > 0.9 * seconds * rate_hz
    assert (bound_ns > 0).all()
    assert (error_ns <= bound_ns).all()
    assert np.median(bound_ns) < 1.5e6


def test_a_flooded_line_changes_nothing_of_it(program, elf, wave):
    result = play(program, elf, flood(100, 2.0, load=0.5), 2.0, "--wave", wave, ppm=20000)
    samples = result.all(Sample)
    assert [s.sequence for s in samples] == list(range(len(samples)))
    late_us, error, _ = result.part_errors()
    assert np.abs(late_us).max() < 30
    assert -1 < error.min() <= error.max() <= 0


def test_overruns_are_counted_with_it_too(program, elf):
    pings = [(START_S + 1 + 7 * BYTE_S * k, encode(Ping(k))) for k in range(int(1 / (7 * BYTE_S)))]
    result = play(program, elf, quiet(100, 1.0) + pings, 4.0)
    samples = result.all(Sample)
    step = np.diff([s.sequence for s in samples])
    lost = int((step - 1).sum())
    assert lost > 20
    assert result.all(Status)[-1].overruns == lost
    assert [s.flags & SAMPLE_OVERRUN for s in samples[1:]] == [int(n > 1) for n in step]


@pytest.mark.parametrize(
    ("rate_hz", "fault", "down_s"),
    [
        pytest.param(25, "absent@1.2:0.5", 0.5, id="its plug comes out for half a second"),
        pytest.param(100, "absent@1.2:0.5", 0.5, id="its plug comes out, 100 Hz"),
        pytest.param(50, "nack@1.2:0.3", 0.3, id="it does not acknowledge"),
        pytest.param(25, "stuck@1.2:0", 0.0, id="it holds SDA low until it is clocked"),
        pytest.param(100, "stuck@1.2:0.7", 0.7, id="it holds SDA low for long"),
        pytest.param(25, "power@1.2:0", 0.0, id="its supply dips"),
        pytest.param(100, "power@1.2003:0", 0.0, id="its supply dips, at 100 Hz"),
        pytest.param(25, "wire@1.2:0.3", 0.3, id="INT is not connected"),
        pytest.param(100, "wire@1.2:0.3", 0.3, id="INT is not connected, 100 Hz"),
    ],
)
def test_what_goes_wrong_is_a_gap_of_the_right_length_with_its_cause(
    program, elf, wave, rate_hz, fault, down_s
):
    pings = [(START_S + 0.1 + 0.02 * k, encode(Ping(k))) for k in range(120)]
    result = play(
        program, elf, [(START_S, encode(Start(rate_hz))), *pings], 2.6, "--wave", wave, ppm=-20000,
        faults=[fault],
    )
    samples = result.all(Sample)
    period_s = 1 / rate_hz / 0.98
    step = np.diff([s.sequence for s in samples])
    (hole,) = np.flatnonzero(step > 1)
    assert [bool(s.flags & SAMPLE_RESTARTED) for s in samples] == [
        k == hole + 1 for k in range(len(samples))
    ]
    # found, tried again, three periods
    assert down_s - 2 * period_s < step[hole] * period_s < down_s + 0.12 + 7 * period_s
    ticks = np.diff([s.ticks for s in samples])[hole] / TICK_HZ
    # to the nearest period, within what the stamps show
    assert step[hole] == pytest.approx(ticks / period_s, abs=0.55)
    assert samples[-1].sequence == pytest.approx(2.6 / period_s, abs=4)
    late_us, error, _ = result.part_errors()
    assert np.abs(late_us).max() < 30
    assert -1 < error.min() <= error.max() <= 0
    received_ns = result.ping_received_ns()
    took_ns = [at - received_ns[p.id] for at, p in result.arrived if isinstance(p, Pong)]
    assert len(took_ns) == 120
    assert max(took_ns) < 8e6             # and loop() went round all the while


def test_a_loose_contact_at_int_makes_no_false_stamp(program, elf):
    # half a period each: some show a fall late
    faults = [f"wire@{at}:0.005" for at in (0.8, 1.003, 1.206, 1.409, 1.612)]
    result = play(program, elf, quiet(100, 2.0), 2.0, faults=faults)
    assert sum(bool(s.flags & SAMPLE_RESTARTED) for s in result.all(Sample)) >= 2
    late_us, error, _ = result.part_errors()
    assert np.abs(late_us).max() < 30
    assert -1 < error.min() <= error.max() <= 0


def test_one_that_is_missing_at_start_begins_with_a_gap(program, elf):
    script = [(START_S, encode(Start(50)))]
    result = play(program, elf, script, 3.0, faults=["absent@0.15:1.0"])
    first = result.all(Sample)[0]
    assert first.flags == SAMPLE_RESTARTED
    assert first.sequence == pytest.approx((1.15 - START_S) * 50, abs=8)


def test_stop_and_start_begin_anew(program, elf):
    script = [(START_S, encode(Start(50))), (1.0, encode(Stop())), (1.5, encode(Start(100)))]
    result = play(program, elf, script, 2.0)
    sequences = [s.sequence for s in result.all(Sample)]
    again = sequences.index(0, 1)
    assert sequences == [*range(again), *range(len(sequences) - again)]
    assert {s.flags for s in result.all(Sample)} == {0}
    late_us, _, _ = result.part_errors()
    assert np.abs(late_us).max() < 30


def test_full_scale_is_flagged(program, elf, tmp_path):
    (tmp_path / "high.csv").write_text("0,1023\n1,1023\n1.2,500\n9,500\n")
    result = play(
        program, elf, quiet(25, 2.0), 2.0, "--wave", tmp_path / "high.csv", "--scale", "none"
    )
    flags = [s.flags for s in result.all(Sample)]
    assert flags[5] == SAMPLE_CLIPPED
    assert flags[-1] == 0
