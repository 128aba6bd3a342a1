"""The twin in a test: built with its firmware, run on a pty, its packets against its truth."""

import csv
import os
import select
import signal
import subprocess
import time
from pathlib import Path

import numpy as np

from acquire.sensor.protocol import Hello, Packet, PacketParser, Sample, Start, encode
from tests.support import REPO

FIRMWARE = REPO / "firmware"


def make(*arguments: str, **variables: object) -> subprocess.CompletedProcess[str]:
    """Run make in the firmware's folder."""
    command = ["make", "-C", str(FIRMWARE), *arguments, *(f"{k}={v}" for k, v in variables.items())]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


class Twin:
    """A running twin and the host's end of its port; keeps each packet with its arrival time."""

    def __init__(self, program: Path, *options: object, raw_truth: Path | None = None):
        self.truth_path = raw_truth
        command = [
            program, "--duration", 60, *options, *(["--truth", raw_truth] if raw_truth else []),
        ]
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        word, self.path = self.process.stdout.readline().split()
        assert word == "port"
        self.fd = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.parser = PacketParser()
        self.arrived: list[tuple[int, Packet]] = []
        self.last_words = ""

    def send(self, packet: Packet) -> int:
        sent_ns = time.monotonic_ns()
        os.write(self.fd, encode(packet))
        return sent_ns

    def start(self, rate_hz: int) -> None:
        """Start sampling once the board has booted: until then its UART hears nothing."""
        self.wait_for(Hello)
        self.send(Start(rate_hz))

    def listen(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                data = os.read(self.fd, 4096)
                now = time.monotonic_ns()
                self.arrived += [(now, packet) for packet in self.parser.feed(data)]

    def wait_for(self, kind: type, count: int = 1) -> list:
        end = time.monotonic() + 60
        while len(self.all(kind)) < count and time.monotonic() < end:
            self.listen(0.01)
        return self.all(kind)

    def all(self, kind: type) -> list:
        return [packet for _, packet in self.arrived if isinstance(packet, kind)]

    def truth_rows(self, kind: str) -> list[dict[str, str]]:
        """Return the rows of the truth about the last START."""
        assert self.truth_path
        with self.truth_path.open() as file:
            rows = list(csv.DictReader(file))
        return [row for row in rows if row["start"] == rows[-1]["start"] and row["kind"] == kind]

    def truth(self) -> dict[int, tuple[int, float]]:
        """Return by sequence the true time of the window's middle [ns] and the true value."""
        return {
            int(r["sequence"]): (int(r["time_ns"]), float(r["value"]))
            for r in self.truth_rows("sample")
        }

    def __enter__(self) -> "Twin":
        return self

    def __exit__(self, *_) -> None:
        os.close(self.fd)
        self.process.send_signal(signal.SIGTERM)
        _, self.last_words = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, self.last_words


def host_from_ticks(twin: Twin):
    """Fit true host time over device ticks, as a perfect clock fit would.

    Returns
    -------
    a function from ticks to host time [ns], the slope [ns per tick], and the residuals [us]
    """
    truth = twin.truth()
    samples = [s for s in twin.all(Sample) if s.sequence in truth]
    ticks = np.array([s.ticks for s in samples], float)
    true_ns = np.array([truth[s.sequence][0] for s in samples])
    origin = true_ns[0]
    slope, offset = np.polyfit(ticks - ticks[0], true_ns - origin, 1)
    residual_us = (true_ns - origin - (slope * (ticks - ticks[0]) + offset)) / 1e3

    def host_ns(tick: float) -> float:
        return float(origin + offset + slope * (tick - ticks[0]))

    return host_ns, slope, residual_us
