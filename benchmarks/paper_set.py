"""A paper's set, 35 recordings of 12 minutes at 25 fps, on two cores: how long, and how much disk.

Two recordings are made, one of which may be short; each step of the road is run on them as a
command, one after another, and its processor time is told for 35 recordings. Frames are five
seconds of a virtual person's over and over, compressed once, so that making them takes seconds.
`--minutes 12` is the figure of the table; `--codecs` names what `acq convert` is timed with.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
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


def main() -> None:
    """Make the recordings, run the road, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--other-minutes", type=float, default=1.0, help="of the second recording")
    parser.add_argument("--codecs", nargs="*", default=["magicyuv", "rawvideo", "ffv1"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        frames = 0
        for number, minutes in enumerate((options.minutes, options.other_minutes), start=1):
            frames += _make(data, number, minutes)
        print("| step | frames/s of processor time | peak MB | GB of 35 | hours of 35, two cores |")
        print("|---|---|---|---|---|", flush=True)
        stored = _size(data / "sessions")
        _row("recordings, as made by acq record", None, frames, stored)
        _row("acq qc", _run(data, "qc", "--jobs", "1"), frames)
        _row("acq split", _run(data, "split", "--holdout", "S02"), frames)
        _row("acq convert --plan", _run(data, "convert", "--plan"), frames)
        _sessions_road(data, frames)
        for codec in options.codecs:
            cost = _run(data, "convert", "--codec", codec, "--force", "--jobs", "1")
            _row(f"acq convert --codec {codec}", cost, frames, _size(data / "ubfc"))


def _sessions_road(data: Path, frames: int) -> None:
    """Train from the sessions: face frames first, then epochs."""
    script = "from pathlib import Path; from models.data.from_sessions import load_sessions; " \
             f"load_sessions(Path({str(data)!r}))"
    loaded = _child([sys.executable, "-c", script])
    _row("face frames, from sessions", loaded, frames, _size(data / "cache"))
    again = _child([sys.executable, "-c", script])
    _row("the same, from the cache", again, frames)
    train = ("train-kd", "--from", "sessions", "--jobs", "1", "--epochs")
    one, two = _run(data, *train, "1"), _run(data, *train, "2")
    epoch = Cost(two.cpu_s - one.cpu_s, two.peak_mb)
    _row("an epoch: teacher, student, student + KD", epoch, frames)
    _row("twelve epochs, told", Cost(12 * epoch.cpu_s, two.peak_mb), frames)


def _row(what: str, cost: Cost | None, frames: int, size_bytes: int = 0) -> None:
    """Print one step, told for the whole set."""
    whole = RECORDINGS * MINUTES * 60 * FPS
    rate = hours = peak = ""
    if cost is not None:
        rate, peak = f"{frames / max(cost.cpu_s, 1e-9):.0f}", f"{cost.peak_mb:.0f}"
        hours = f"{whole / frames * cost.cpu_s / CORES / 3600:.2f}"
    size = f"{size_bytes / frames * whole / 1e9:.0f}" if size_bytes else ""
    print(f"| {what} | {rate} | {peak} | {size} | {hours} |", flush=True)


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

    subject = f"S0{number}"
    person = VirtualSubject(subject, seed=number)
    pictures = [person.frame(i / FPS, i) for i in range(5 * FPS)]
    camera = CameraInfo(
        "benchmark", WIDTH, HEIGHT, FPS, "I420", "start of exposure", simulated=True
    )
    hello = Hello(
        protocol=1, major=0, minor=0, patch=0, boot_id=1, tick_hz=2_000_000, rate_hz=RATE_HZ,
        adc_bits=10, sensor=SENSOR_VIRTUAL,
    )
    path = data / "sessions" / subject / f"{subject}-20260101T09000{number}Z.h5"
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
            beat = np.sin(2 * np.pi * (1.2 + 0.2 * number) * i / RATE_HZ)
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
