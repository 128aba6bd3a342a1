"""The firmware on its twin, cycle by cycle: what a flooded line does to its samples."""

import shutil

import numpy as np
import pytest

from acquire.sensor.protocol import SAMPLE_OVERRUN, Led, Ping, Sample, Status, encode
from benchmarks.firmware import BYTE_S, CONTROL, CYCLE_HZ, START_S, build, flood, quiet, run

pytestmark = pytest.mark.twin
FIVE_US = 5e-6 * CYCLE_HZ


@pytest.fixture
def elf(program):
    return program.parent.parent / "build/ppg_logger.elf"


@pytest.mark.parametrize("rate_hz", [25, 50, 100])
def test_a_flooded_line_does_not_move_an_instant_of_sampling(program, elf, rate_hz):
    result = run(program, elf, flood(rate_hz, 2.0, seed=rate_hz), 2.0 + START_S, cycles=True)
    assert len(result.holds) >= 1990
    # the simulator notices a compare match after an instruction, so up to four late
    assert result.jitter_cycles <= 4
    assert result.jitter_cycles < FIVE_US
    assert 0 < result.off_cycles < 0.05e-3 * CYCLE_HZ
    assert result.bad_packets == 0


def test_a_sketch_that_samples_in_an_interrupt_would_be_found_out(program, tmp_path):
    # the core is the same
    shutil.copytree(program.parent.parent / "build/core", tmp_path / "control/build/core")
    _, control, _ = build(tmp_path / "control", CONTROL)
    # how interrupts and samples meet is drawn anew at each boot: four seconds show 100 and more
    result = run(program, control, flood(100, 4.0), 4.0 + START_S, cycles=True)
    assert result.jitter_cycles > FIVE_US


def test_each_bad_packet_is_counted_once(program, elf):
    torn, damaged, foreign = (
        encode(Led(1))[1:], encode(Ping(1))[:-2] + b"\x7f\0", encode(Status(0, 0)),
    )
    endless = b"\1" * 60 + b"\0"
    noise = [b"\x05noise\0", damaged, endless, torn, foreign, b"\0"]
    script = quiet(100, 3.0) + [(START_S + 2.1 + 0.02 * k, data) for k, data in enumerate(noise)]
    result = run(program, elf, sorted(script), 3.5 + START_S)
    # two zeros in a row are none
    assert result.all(Status)[-1] == Status(overruns=0, bad_packets=5)


def test_overruns_are_counted_to_one_and_flagged(program, elf):
    """Answers precede samples: a second of pings as fast as the line allows leaves no room."""
    pings = [(START_S + 1 + 7 * BYTE_S * k, encode(Ping(k))) for k in range(int(1 / (7 * BYTE_S)))]
    result = run(program, elf, quiet(100, 1.0) + pings, 4.0 + START_S, cycles=True)
    samples = result.all(Sample)
    step = np.diff([s.sequence for s in samples])
    assert samples[0].sequence == 0
    lost = int((step - 1).sum())
    assert 50 < lost < 100
    assert result.all(Status)[-1].overruns == lost
    assert [s.flags & SAMPLE_OVERRUN for s in samples[1:]] == [int(n > 1) for n in step]
    # a window is ten conversions
    assert len(samples) + lost == pytest.approx(len(result.holds) // 10, abs=2)
    assert np.ptp(np.diff([s.ticks for s in samples]) / step) == 0  # a hole is as long as it says
