"""A paper's set, 35 recordings of 12 minutes at 25 fps, on two cores: how long, and how much disk.

Recordings are made, taken through each step of the road as a command, and removed, one after
another (`--recordings`), each beside a short one of a second person, who is held out; the
processor time of all is told for 35. Frames are five seconds of a virtual person's over and over,
compressed once, so that making them takes seconds. `--codecs` names what `acq convert` is timed
with. Of the first recording alone a training from the sessions is timed, too.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RECORDINGS, MINUTES, FPS, RATE_HZ, CORES = 35, 12, 25, 25, 2
WIDTH, HEIGHT = 640, 360
START_NS = 10**12
_ACQ = Path(sys.executable).with_name("acq")


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    cpu_s: float
    peak_mb: float


class Table:
    """What each step took, recording by recording."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Cost | None, int, int]]] = {}

    def add(self, what: str, cost: Cost | None, frames: int, size_bytes: int = 0) -> None:
        """Note and print what a step took with one recording."""
        self.rows.setdefault(what, []).append((cost, frames, size_bytes))
        print(f"{what}: {cost}", file=sys.stderr, flush=True)

    def show(self) -> None:
        """Print each step, its sums told for the whole set."""
        print(
            "| step | recordings | frames/s of processor time (slowest to quickest) | peak MB "
            "| GB of 35 | hours of 35, two cores |\n|---|---|---|---|---|---|"
        )
        whole = RECORDINGS * MINUTES * 60 * FPS
        for what, row in self.rows.items():
            costs = [(cost, frames) for cost, frames, _ in row if cost]
            frames, size_bytes = sum(part[1] for part in row), sum(part[2] for part in row)
            rate = peak = hours = ""
            if costs:
                cpu_s = sum(cost.cpu_s for cost, _ in costs)
                rates = sorted(frames / cost.cpu_s for cost, frames in costs)
                rate = f"{frames / cpu_s:.0f} ({rates[0]:.0f} to {rates[-1]:.0f})"
                peak = f"{max(cost.peak_mb for cost, _ in costs):.0f}"
                hours = f"{whole / frames * cpu_s / CORES / 3600:.2f}"
            size = f"{size_bytes / frames * whole / 1e9:.0f}" if size_bytes else ""
            print(f"| {what} | {len(row)} | {rate} | {peak} | {size} | {hours} |")


def main() -> None:
    """Make the recordings, run the road, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--other-minutes", type=float, default=1.0, help="of the second person")
    parser.add_argument("--codecs", nargs="*", default=["magicyuv", "rawvideo", "ffv1"])
    options = parser.parse_args()
    table = Table()
    for number in range(1, options.recordings + 1):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            # in a process of its own: a command's peak is counted from the one that starts it
            with ProcessPoolExecutor(1) as maker:
                frames = maker.submit(_make, data, 2 * number - 1, options.minutes).result()
                frames += maker.submit(_make, data, 2 * number, options.other_minutes).result()
            _road(table, data, frames, f"S{2 * number:02d}", options.codecs)
            if number == 1:
                _training(table, data, frames)
    table.show()


def _road(table: Table, data: Path, frames: int, held_out: str, codecs: Sequence[str]) -> None:
    """Grade, split, convert, and make face frames from the sessions."""
    table.add("recordings, as made by acq record", None, frames, _size(data / "sessions"))
    table.add("acq qc", _run(data, "qc", "--jobs", "1"), frames)
    table.add("acq split", _run(data, "split", "--holdout", held_out), frames)
    table.add("acq convert --plan", _run(data, "convert", "--plan"), frames)
    for codec in codecs:
        cost = _run(data, "convert", "--codec", codec, "--force", "--jobs", "1")
        table.add(f"acq convert --codec {codec}", cost, frames, _size(data / "ubfc"))
    shutil.rmtree(data / "ubfc", ignore_errors=True)
    loaded = _load_sessions(data)
    table.add("face frames, from sessions", loaded, frames, _size(data / "cache"))
    table.add("the same, from the cache", _load_sessions(data), frames)


def _load_sessions(data: Path) -> Cost:
    script = "from pathlib import Path; from models.data.from_sessions import load_sessions; " \
             f"load_sessions(Path({str(data)!r}))"
    return _child([sys.executable, "-c", script])


def _training(table: Table, data: Path, frames: int) -> None:
    """Train one epoch and two from the sessions."""
    train = ("train-kd", "--from", "sessions", "--jobs", "1", "--epochs")
    one, two = _run(data, *train, "1"), _run(data, *train, "2")
    epoch = Cost(two.cpu_s - one.cpu_s, two.peak_mb)
    table.add("an epoch: teacher, student, student + KD", epoch, frames)
    table.add("twelve epochs, told", Cost(12 * epoch.cpu_s, two.peak_mb), frames)


def _run(data: Path, *words: str) -> Cost:
    return _child([str(_ACQ), *words, "--data", str(data), "--quiet"])


def _child(command: Sequence[str]) -> Cost:
    """Run a command to its end, on one thread; return its processor time and its peak memory."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    if "--plan" in command or "split" in command:
        command = [word for word in command if word != "--quiet"]
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _make(data: Path, number: int, minutes: float) -> int:
    """Make one recording; return its number of frames."""
    from acquire.camera.source import CameraInfo, VideoFrame
    from acquire.sensor.protocol import SENSOR_VIRTUAL, Hello
    from acquire.session.writer import SessionWriter
    from acquire.simulation.subject import VirtualSubject

    subject = f"S{number:02d}"
    person = VirtualSubject(subject, seed=number)
    pictures = [person.frame(i / FPS, i) for i in range(5 * FPS)]
    camera = CameraInfo(
        "benchmark", WIDTH, HEIGHT, FPS, "I420", "start of exposure", simulated=True
    )
    hello = Hello(
        protocol=1, major=0, minor=0, patch=0, boot_id=1, tick_hz=2_000_000, rate_hz=RATE_HZ,
        adc_bits=10, sensor=SENSOR_VIRTUAL,
    )
    path = data / "sessions" / subject / f"{subject}-20260101T09{number:02d}00Z.h5"
    rng, seconds = np.random.default_rng(number), minutes * 60
    frames = round(seconds * FPS)
    if shutil.disk_usage("/tmp").free < 20e9:
        raise SystemExit("expected 20 GB of free space")
    with SessionWriter(
        path, session_id=path.stem, subject=subject, camera=camera, hello=hello, port="none",
        started_unix_ns=START_NS, started_monotonic_ns=START_NS, simulated=True,
    ) as writer:
        compressed: dict[int, tuple[int, bytes]] = {}
        compress = writer.store._compress
        writer.store._compress = lambda image: (
            compressed.get(id(image)) or compressed.setdefault(id(image), compress(image))
        )
        for i in range(round(seconds * RATE_HZ) + 1):
            at_ns = START_NS + i * 10**9 // RATE_HZ
            beat = np.sin(2 * np.pi * (1.2 + 0.2 * (number % 9)) * i / RATE_HZ)
            value = round(30_000 + 8_000 * beat + 200 * rng.standard_normal())
            writer.add_sample(
                sequence=i, ticks=i * 80_000, value=value, flags=0, arrival_ns=at_ns, time_ns=at_ns,
                bound_ns=500_000,
            )
        for i in range(frames):
            at_ns = START_NS + i * 10**9 // FPS
            writer.add_frame(VideoFrame(pictures[i % len(pictures)], at_ns, at_ns, i))
        writer.close(complete=True)
    return frames


if __name__ == "__main__":
    main()
