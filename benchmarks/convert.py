"""How fast `acq convert` is: frames per second of one core with the check, and peak memory.

A clip of virtual pixels at 640x360 is stored as acq stores it, and converted by the unit of work of
`acq convert`, each row in a process of its own, timed without the import of its libraries. It is
compared with OpenCV's VideoWriter, which stores FFV1 and checks nothing, and with decoding alone.
`--seconds 30` is the figure of the table; `--long` adds a file above 2 GiB; `--clip VIDEO` takes a
real video.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FPS, RATE_HZ, WIDTH, HEIGHT = 30, 25, 640, 360
START_NS = 10**12
LONG_S = 110            # 2.28 GB of BGR24: above 2 GiB
ROWS = (
    "acq convert, rawvideo", "acq convert, magicyuv", "acq convert, ffv1",
    "OpenCV VideoWriter, FFV1, no check", "decoding the session alone", "acq convert --to pure",
)


def main() -> None:
    """Make the clip and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument(
        "--clip", type=Path, help="a video to take the pictures from, 640x360, over and over"
    )
    parser.add_argument(
        "--long", action="store_true", help=f"also {LONG_S} s as rawvideo: more than 2 GiB"
    )
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        _row(*options.row)
        return
    print(
        "| what | clip | frames | frames/s of processor time | frames/s of wall time | peak memory "
        "[MB] | file [MB] |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    clips = [(options.seconds, ROWS)] + ([(LONG_S, ROWS[:1])] if options.long else [])
    with tempfile.TemporaryDirectory() as folder:
        for seconds, rows in clips:
            path = Path(folder) / "sessions/S01" / f"S01-{seconds:g}.h5"
            _make(path, seconds=seconds, clip=options.clip)
            for row in rows:
                _print_row(row, path, seconds)
            path.unlink()


def _print_row(row: str, path: Path, seconds: float) -> None:
    """Do one row's work in a process of its own, and print the row."""
    command = [sys.executable, "-m", "benchmarks.convert", "--row", row, str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    frames, cpu_s, wall_s, peak_mb, file_mb = map(float, done.stdout.split())
    print(
        f"| {row} | {seconds:g} s | {frames:.0f} | {frames / cpu_s:.0f} | {frames / wall_s:.0f} | "
        f"{peak_mb:.0f} | {file_mb:.0f} |",
        flush=True,
    )


def _make(path: Path, *, seconds: float, clip: Path | None) -> None:
    from acquire.camera.source import CameraInfo, VideoFrame
    from acquire.sensor.protocol import SENSOR_VIRTUAL, Hello
    from acquire.session.writer import SessionWriter

    camera = CameraInfo(
        "benchmark", WIDTH, HEIGHT, FPS, "I420", "start of exposure", simulated=True
    )
    hello = Hello(
        protocol=1, major=0, minor=0, patch=0, boot_id=1, tick_hz=2_000_000, rate_hz=RATE_HZ,
        adc_bits=10, sensor=SENSOR_VIRTUAL,
    )
    pictures = _clip(clip) if clip else _virtual()
    with SessionWriter(
        path, session_id=path.stem.replace(".", "-"), subject="S01", camera=camera, hello=hello,
        port="none", started_unix_ns=START_NS, started_monotonic_ns=START_NS, simulated=True,
    ) as writer:
        for i in range(round(seconds * RATE_HZ) + 1):
            at_ns = START_NS + i * 10**9 // RATE_HZ
            value = round(30_000 + 8_000 * np.sin(2 * np.pi * 1.2 * i / RATE_HZ))
            writer.add_sample(
                sequence=i, ticks=i, value=value, flags=0, arrival_ns=at_ns, time_ns=at_ns,
                bound_ns=500_000,
            )
        for i in range(round(seconds * FPS)):
            at_ns = START_NS + i * 10**9 // FPS
            writer.add_frame(VideoFrame(pictures[i % len(pictures)], at_ns, at_ns, i))
        writer.close(complete=True)


def _clip(path: Path) -> list[np.ndarray]:
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]


def _virtual() -> list[np.ndarray]:
    """Draw five seconds of the virtual subject, noise included."""
    from acquire.simulation.subject import VirtualSubject

    subject = VirtualSubject("S01", seed=0)
    return [subject.frame(i / FPS, i) for i in range(5 * FPS)]


def _row(row: str, path: str) -> None:
    """Do one row's work in this process, and print its figures."""
    import cv2
    import scipy.interpolate  # noqa: F401 - the rows of a session take it: half a second

    cv2.setNumThreads(1)
    session, out = Path(path), Path(path).with_suffix(".out")
    out.mkdir()
    work = {
        ROWS[0]: lambda: _convert(session, out, "rawvideo"),
        ROWS[1]: lambda: _convert(session, out, "magicyuv"),
        ROWS[2]: lambda: _convert(session, out, "ffv1"),
        ROWS[3]: lambda: _opencv(session, out / "vid.avi"), ROWS[4]: lambda: _decode(session),
        ROWS[5]: lambda: _convert(session, out, "png"),
    }[row]
    if row != ROWS[5]:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    frames = work()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    size = sum(file.stat().st_size for file in out.rglob("*") if file.suffix in (".avi", ".png"))
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    subprocess.run(["rm", "-r", str(out)], check=True)
    print(frames, cpu_s, wall_s, peak_kb / 1e3, size / 1e6)


def _convert(path: Path, out: Path, codec: str) -> int:
    from dataset.convert.settings import Settings
    from dataset.convert.tasks import SessionTask
    from dataset.export.session_folders import session_writer
    from dataset.layouts.places import PURE, UBFC
    from dataset.selection.identities import SessionIdentity

    identity = SessionIdentity(path.stem, "S01", path.name, "0", True, True)
    layout, folder = (PURE, "train/1-1") if codec == "png" else (UBFC, "train/subject1")
    task = SessionTask(
        identity, path, "train", Settings(codec, "filtered", "native", "keep"), (),
        folders=(folder,), partial=out,
    )
    return sum(entry.frames for entry in session_writer(layout)(task))


def _opencv(path: Path, out: Path) -> int:
    import cv2

    from dataset.session.reader import Session

    with Session(path) as session:
        video = cv2.VideoWriter(
            str(out), cv2.VideoWriter.fourcc(*"FFV1"), session.fps, (WIDTH, HEIGHT)
        )
        for rgb in session.frames:
            video.write(rgb[..., ::-1])
        video.release()
        return len(session.frames)


def _decode(path: Path) -> int:
    from dataset.session.reader import Session

    with Session(path) as session:
        bgr = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        for index in range(len(session.frames)):
            session.frames.read_into(index, bgr, bgr=True)
        return len(session.frames)


if __name__ == "__main__":
    main()
