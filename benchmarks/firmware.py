"""The firmware, cycle by cycle: jitter of its sampling on a flooded line, interrupt latency, size.

`python -m benchmarks.firmware [--quick]` builds the sketch and its twin, which here runs as fast as
it can on scripted input, and prints Markdown tables. The last row of the first is a control: the
same sketch, but its conversions started by software in an interrupt, so that it shows the figures
of a sketch that jitters.
"""

import csv
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from acquire.sensor.protocol import (
    BAUD,
    TICK_HZ,
    Identify,
    Led,
    Packet,
    PacketParser,
    Ping,
    Pong,
    Sample,
    Start,
    encode,
)

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"
CYCLE_HZ = 16_000_000
GRID_CYCLES = 16_000                    # a conversion a millisecond
NS_PER_TICK = 1e9 / TICK_HZ
BYTE_S = 10 / BAUD
START_S = 0.2                           # the sketch is up; until then its UART hears nothing
# Conversions by software, in the interrupt that only lowers the flag; the hardware's trigger goes
# to one that never comes.
CONTROL = {
    "EMPTY_INTERRUPT(TIMER1_COMPB_vect)": "ISR(TIMER1_COMPB_vect) { ADCSRA |= _BV(ADSC); }",
    "ADCSRB = _BV(ADTS2) | _BV(ADTS0);": "ADCSRB = _BV(ADTS2) | _BV(ADTS1);",
}


@dataclass
class ScriptedRun:
    """The output of a scripted run of the twin."""

    # time of the last byte [ns], packet
    arrived: list[tuple[int, Packet]] = field(default_factory=list)
    # (N,) int64 cycle of each conversion since the last START
    holds: np.ndarray = field(default_factory=lambda: np.empty(0))
    off_cycles: int = 0             # the longest that interrupts were disabled
    truth: list[dict[str, str]] = field(default_factory=list)           # rows of --truth
    bad_packets: int = 0            # from the chip

    def all(self, kind: type) -> list:
        return [packet for _, packet in self.arrived if isinstance(packet, kind)]

    @property
    def jitter_cycles(self) -> int:
        """Peak to peak, of the holds against a grid of one millisecond."""
        off_grid = self.holds - self.holds[0] - np.arange(len(self.holds)) * GRID_CYCLES
        return int(np.ptp(off_grid))

    def true_ns(self, ticks: int) -> float:
        """Return the time of the device's ticks [ns]; the twin's crystal is exact."""
        zero_ns = max(int(row["time_ns"]) for row in self.truth if row["kind"] == "ticks")
        return zero_ns + ticks * NS_PER_TICK

    def ping_received_ns(self) -> dict[int, int]:
        """Return the true time of the last byte of each PING, by id [ns]."""
        return {
            int(row["sequence"]): int(row["time_ns"]) for row in self.truth if row["kind"] == "ping"
        }

    def ping_latency_us(self) -> np.ndarray:
        """Return, for each answered PING, how long after its last byte it was read [us]."""
        received_ns = self.ping_received_ns()
        return np.array(
            [
                (self.true_ns(pong.rx_ticks) - received_ns[pong.id]) / 1e3
                for pong in self.all(Pong)
                if pong.id in received_ns
            ]
        )

    def part_errors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Compare each sample of a MAX30102 with what the part itself made.

        Returns
        -------
        (N,) how late its stamp is [us]; (N,) error of its value [of 65536]; (N,) its arrival after
        its stamp [ms]
        """
        parts = np.array(
            [
                (float(row["time_ns"]), float(row["value"]))
                for row in self.truth
                if row["kind"] == "part"
            ]
        )
        arrivals_ns = np.array([at for at, packet in self.arrived if isinstance(packet, Sample)])
        stamp_ns = np.array([self.true_ns(sample.ticks) for sample in self.all(Sample)])
        nearest = np.abs(parts[:, 0][None, :] - stamp_ns[:, None]).argmin(axis=1)
        if len(set(nearest)) < len(nearest):
            raise ValueError(
                "expected a different sample of the part behind each packet, found one sent twice"
            )
        error = np.array([sample.value for sample in self.all(Sample)]) - parts[nearest, 1]
        return (stamp_ns - parts[nearest, 0]) / 1e3, error, (arrivals_ns - stamp_ns) / 1e6


def build(folder: Path, changes: dict[str, str] | None = None) -> tuple[Path, Path, str]:
    """Build the twin and the sketch, with `changes` made in sensor.h.

    Returns
    -------
    path of the twin, path of the sketch, and the output of make
    """
    source = folder / "firmware"
    source.mkdir(parents=True)
    subprocess.run(
        [
            "cp", "-r", *(str(FIRMWARE / name) for name in ("Makefile", "ppg_logger", "twin")),
            str(source),
        ],
        check=True,
    )
    sensor = source / "ppg_logger/sensor.h"
    text = sensor.read_text()
    for old, new in (changes or {}).items():
        if text.count(old) != 1:
            raise ValueError(f"expected {old!r} once in {sensor}")
        text = text.replace(old, new)
    sensor.write_text(text)
    command = [
        "make", "-C", str(source), "all", "twin", f"BUILD={folder}/build", f"TWIN={folder}/twin",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return folder / "twin", folder / "build/ppg_logger.elf", made.stdout


def run(
    program: Path, elf: Path, script: list[tuple[float, bytes]], duration_s: float,
    *options: object, cycles: bool = False,
) -> ScriptedRun:
    """Run the sketch on the twin.

    Parameters
    ----------
    script : what the host sends, time [s] and bytes
    cycles : watch each conversion and instruction
    """
    result = ScriptedRun()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "script.csv").write_text(
            "".join(f"{at:.9f},{data.hex()}\n" for at, data in script)
        )
        watched = ["--cycles", "cycles.csv"] if cycles else []
        command = [
            program, "--script", "script.csv", "--duration", duration_s, "--truth", "truth.csv",
            *watched, *options, elf,
        ]
        done = subprocess.run(
            list(map(str, command)), cwd=folder, capture_output=True, text=True, check=True
        )
        with (folder / "truth.csv").open() as file:
            result.truth = list(csv.DictReader(file))
        if cycles:
            with (folder / "cycles.csv").open() as file:
                *holds, off = csv.DictReader(file)
            last = [int(row["cycle"]) for row in holds if row["start"] == holds[-1]["start"]]
            result.holds, result.off_cycles = np.array(last, np.int64), int(off["cycle"])
    parser = PacketParser()
    for line in done.stdout.splitlines():
        at, byte = line.split(",")
        result.arrived += [(int(at), packet) for packet in parser.feed(bytes.fromhex(byte))]
    result.bad_packets = parser.bad_packets
    return result


def quiet(rate_hz: int, seconds: float) -> list[tuple[float, bytes]]:
    """Return the script of a host that pings once a second."""
    pings = [(START_S + 1 + k, encode(Ping(k))) for k in range(int(seconds) - 1)]
    return [(START_S, encode(Start(rate_hz))), *pings]


def flood(
    rate_hz: int, seconds: float, *, load: float = 1.0, seed: int = 0
) -> list[tuple[float, bytes]]:
    """Return a script that fills `load` of the line to the chip.

    It sends pings, LED switches, damaged packets and noise, at random.
    """
    rng = random.Random(seed)
    script = [(START_S, encode(Start(rate_hz)))]
    at, ping = START_S + 0.01, 0
    while at < START_S + seconds:
        kind = rng.random()
        if kind < 0.6:
            data, ping = encode(Ping(ping % 50_000)), ping + 1
        elif kind < 0.75:
            data = encode(Led(rng.randrange(2)))
        elif kind < 0.9:
            *whole, crc, end = encode(Ping(rng.randrange(50_000, 65_536)))
            data = bytes([*whole, crc % 255 + 1, end])
        elif kind < 0.95:
            data = rng.randbytes(rng.randrange(1, 40)) + b"\0"
        else:
            data = encode(Identify())
        script.append((at, data))
        at += len(data) * BYTE_S / load
    return script


def sampling_table(program: Path, elf: Path, control: Path, seconds: float) -> None:
    print(
        "| rate | line to the chip | conversions | jitter, peak to peak | interrupts disabled | "
        "ping read after: median, max |"
    )
    print("|---|---|---|---|---|---|")
    rows = [
        (rate, label, elf)
        for rate in (25, 50, 100)
        for label in ("quiet", "flooded by a half", "flooded")
    ]
    for rate_hz, label, sketch in [*rows, (100, "flooded, control", control)]:
        load = 0.5 if "half" in label else 1.0
        script = quiet(rate_hz, seconds) if label == "quiet" else flood(rate_hz, seconds, load=load)
        result = run(program, sketch, script, seconds + START_S, cycles=True)
        latency = result.ping_latency_us()
        print(
            f"| {rate_hz} Hz | {label} | {len(result.holds)} | {result.jitter_cycles} cycles, "
            f"{result.jitter_cycles / CYCLE_HZ * 1e6:.2f} us | "
            f"{result.off_cycles / CYCLE_HZ * 1e6:.1f} us at most | "
            f"{np.median(latency):.0f}, {latency.max():.0f} us |",
            flush=True,
        )


def part_table(program: Path, elf: Path, seconds: float) -> None:
    print(
        "| rate | the part's clock | samples | stamp against the truth | arrival after the nominal "
        "window's end, at least |"
    )
    print("|---|---|---|---|---|")
    for rate_hz in (25, 50, 100):
        for ppm in (-50_000, 0, 20_000, 50_000):
            result = run(
                program, elf, quiet(rate_hz, seconds), seconds + START_S, "--max30102", ppm
            )
            late_us, _, after_ms = result.part_errors()
            print(
                f"| {rate_hz} Hz | {ppm / 1e4:+.0f} % | {len(late_us)} | {late_us.min():.0f} to "
                f"{late_us.max():.0f} us | "
                f"{after_ms.min() - 500 / rate_hz:.2f} ms |",
                flush=True,
            )


def main() -> None:
    seconds = 5.0 if "--quick" in sys.argv else 60.0
    with tempfile.TemporaryDirectory() as name:
        program, elf, output = build(Path(name) / "sketch")
        _, control, _ = build(Path(name) / "control", CONTROL)
        began = time.monotonic()
        sampling_table(program, elf, control, seconds)
        print(
            f"\n{10 * seconds / (time.monotonic() - began):.1f} times faster than real time, every "
            "instruction watched.\n"
        )
        part_table(program, elf, seconds)
        print("\n" + "\n".join(re.findall(r"^flash.*|^RAM.*", output, re.MULTILINE)))


if __name__ == "__main__":
    main()
