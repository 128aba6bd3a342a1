"""Times of samples against the truth, recorded in real time from the firmware's twin.

`python -m benchmarks.clock_twin [--seconds 60]` records from three boards at once, -5,000, 0 and
+5,000 ppm, each behind an adapter that holds bytes for 16 ms. The twin knows when each window's
middle was. Needs the AVR toolchain and simavr.
"""

import argparse
import csv
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.session.reader import Session

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"
PPM = (-5000, 0, 5000)
HOLD_MS = 16


class DarkCamera:
    """A slow and small camera that films nothing: a recording has to have one."""

    info = CameraInfo("dark", 32, 24, 5.0, "I420", "nothing")

    def start(self, start_ns: int) -> None:
        self._start_ns, self._next = start_ns, 0

    def read(self, timeout_s: float) -> VideoFrame | None:
        due_ns = self._start_ns + round(self._next * 1e9 / self.info.fps)
        wait_s = (due_ns - time.monotonic_ns()) / 1e9
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(0.0, wait_s))
        self._next += 1
        return VideoFrame(
            np.zeros(self.info.image_shape, np.uint8), due_ns, time.monotonic_ns(), self._next - 1
        )

    def count_until(self, time_ns: int) -> None:
        pass

    def close(self) -> None:
        pass


def record(
    ppm: int, *, program: Path, folder: Path, seconds: float
) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Record from one board.

    Returns
    -------
    errors of the times [ns], their bounds [ns], number of samples without a bound, and how late the
    twin was at most [ms]
    """
    truth_path = folder / f"truth{ppm}.csv"
    command = [
        program, "--ppm", ppm, "--hold-ms", HOLD_MS, "--truth", truth_path, "--duration",
        seconds + 60,
    ]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as twin:
        assert twin.stdout
        sensor = Sensor(twin.stdout.readline().split()[1])
        try:
            summary = Recorder(DarkCamera(), sensor).record(
                folder / str(ppm), "S01", duration_s=seconds
            )
        finally:
            sensor.close()
            twin.terminate()
        assert twin.stderr
        behind_ms = float(twin.stderr.read().split("at most ")[1].split(" ms")[0])
    with truth_path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "sample"]
    truth_ns = {
        int(row["sequence"]): int(row["time_ns"])
        for row in rows
        if row["start"] == rows[-1]["start"]
    }
    with Session(summary.path) as session:
        at_ns = np.array([truth_ns[sequence] for sequence in session.ppg_sequence.tolist()])
        known = session.ppg_bound_ns >= 0
        return (
            (session.ppg_time_ns - at_ns)[known], session.ppg_bound_ns[known],
            int(np.count_nonzero(~known)), behind_ms,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each recording")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "twin/twin"
        make = ["make", "-C", FIRMWARE, "twin", f"BUILD={folder / 'build'}", f"TWIN={program}"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        with ProcessPoolExecutor(len(PPM), mp_context=get_context("spawn")) as pool:
            results = list(
                pool.map(partial(record, program=program, folder=folder, seconds=seconds), PPM)
            )
    print("A twin that the machine starves is late like an adapter, which widens certificates.\n")
    print("Times in ms; the last column is how far the twin was behind its clock at most.\n")
    print(
        "| twin | RMS error | largest | certificate, median | 99 % | largest | inside | without | "
        "twin late |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for ppm, (off, width, without, behind_ms) in zip(PPM, results, strict=True):
        figures = (
            np.sqrt(np.mean(off**2.0)), np.abs(off).max(), np.median(width),
            np.percentile(width, 99), width.max(),
        )
        inside = np.count_nonzero(np.abs(off) <= width)
        cells = [
            *(f"{ns / 1e6:.3f}" for ns in figures), f"{inside} of {len(off)}", str(without),
            f"{behind_ms:.1f}",
        ]
        print(f"| {ppm:+,d} ppm, {HOLD_MS} ms adapter | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
