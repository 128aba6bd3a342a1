"""What a verb costs against the length of a recording: time, and memory that stays flat.

    python -m benchmarks.growth [MINUTES ...]

1, 12 and 60 unless given. A recording of small pictures (128x72, as small as a face is found in)
is written by the recorder's writer as fast as it takes them, from ten seconds of a virtual subject
over and over, with a finger of the same pulse and arrivals up to 16 ms late; then each verb reads
it in a process of its own. Processor time is of the process and those it started, memory the
largest that one of them held. This process itself loads nothing, since a child's peak begins at the
memory of the process that started it.
"""

import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

WIDTH, HEIGHT, FPS, RATE_HZ = 128, 72, 30, 25
VIEW = (slice(36, 324), slice(64, 576))     # of 360 rows and 640 columns: the face and around it
LOOP_S, BPM = 10, 72.0                 # twelve beats: the loop has no seam
START_NS, MOST_LATE_NS = 10**12, 16 * 10**6


def draw_loop(subject):
    """Return ten seconds of a virtual subject, small, as I420."""
    import cv2
    import numpy as np

    from acquire.simulation.subject import VirtualSubject

    person = VirtualSubject(subject)
    rows = []
    for at in range(LOOP_S * FPS):
        rgb = cv2.cvtColor(person.frame(at / FPS, at), cv2.COLOR_YUV2RGB_I420)
        small = cv2.resize(rgb[VIEW], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        beat = np.cos(2 * np.pi * BPM / 60 * at / FPS)       # the loop's own pulse, in green
        small[..., 1] = np.clip(small[..., 1] + 2 * beat, 0, 255)
        rows.append(cv2.cvtColor(small, cv2.COLOR_RGB2YUV_I420))
    return rows


def write_session(data, subject, seconds, pictures):
    """Write one recording."""
    import numpy as np

    from acquire.camera.source import CameraInfo, VideoFrame
    from acquire.data_folder import session_file
    from acquire.sensor.protocol import Hello
    from acquire.session.writer import SessionWriter

    name = f"{subject}-20260101T090000Z"
    path = session_file(data, subject, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    camera = CameraInfo("benchmark", WIDTH, HEIGHT, FPS, "I420", "simulated", simulated=True)
    hello = Hello(1, 0, 1, 0, 77, 2_000_000, RATE_HZ, 10, 0)
    rng = np.random.default_rng(zlib.crc32(subject.encode()) + seconds)
    with SessionWriter(
        path, session_id=name, subject=subject, camera=camera, hello=hello, port="none",
        started_unix_ns=1_767_258_000_000_000_000, started_monotonic_ns=START_NS, simulated=True,
    ) as writer:
        for i in range(seconds * RATE_HZ):
            at_ns = START_NS + i * 10**9 // RATE_HZ
            value = 30_000 + 8_000 * np.sin(2 * np.pi * BPM / 60 * i / RATE_HZ) + rng.normal(0, 99)
            writer.add_sample(
                sequence=i, ticks=i * 80_000, value=round(value), flags=0,
                arrival_ns=at_ns + int(rng.integers(MOST_LATE_NS)), time_ns=at_ns,
                bound_ns=700_000,
            )
        for i in range(seconds * FPS):
            at_ns = START_NS + i * 10**9 // FPS
            arrival_ns = at_ns + int(rng.integers(MOST_LATE_NS))
            writer.add_frame(VideoFrame(pictures[i % len(pictures)], at_ns, arrival_ns, i))
        writer.close(complete=True)


def write_sessions(data, minutes):
    """Write a long recording of one person, and twenty seconds of another, for a split."""
    write_session(data, "S01", 60 * minutes, draw_loop("S01"))
    write_session(data, "S02", 20, draw_loop("S02"))


def draw_an_epoch(data):
    """Load what `acq train-kd --from sessions` trains on, and draw its batches; train on none."""
    import torch

    from models.data.clips import Clips
    from models.data.from_sessions import load_sessions

    sides = load_sessions(data)
    clips = Clips(sides.train, clip=8, batch=8, seed=0, device=torch.device("cpu"), shift=2)
    for _ in clips.epoch(0):
        pass


def run(module, *words):
    """Run one program; return its exit code, wall and processor time [s] and peak memory [MB]."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", module, *words], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(f"acq {words[0]} gave {process.returncode}: {told.strip()[-300:]}", file=sys.stderr)
    taken_s = time.perf_counter() - begun
    return process.returncode, taken_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    """Print the table."""
    if sys.argv[1:2] == ["--write"]:
        write_sessions(Path(sys.argv[2]), int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--draw"]:
        draw_an_epoch(Path(sys.argv[2]))
        return
    lengths = [int(word) for word in sys.argv[1:]] or [1, 12, 60]
    print("| minutes | verb | exit code | wall s | processor s | peak MB |")
    print("|---|---|---|---|---|---|", flush=True)
    for minutes in lengths:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            print_row(minutes, "writing", run("benchmarks.growth", "--write", folder, str(minutes)))
            path = next(data.glob("sessions/S01/*.h5"))
            print(f"| {minutes} | {path.stat().st_size / 1e6:.0f} MB | | | | |", flush=True)
            at = ("--data", str(data))
            time.sleep(3)              # what was written a moment ago is not kept in a list
            for words in (
                ("ls",), ("ls", "again"), ("info", str(path)), ("qc", path.stem),
                ("split", "--holdout", "S02"), ("convert",), ("predict", str(path)),
            ):
                asked = tuple(word for word in words if word != "again")
                where = () if words[0] == "predict" else at
                quiet = () if words[0] == "info" else ("--quiet",)
                name = " ".join(word for word in words if "S0" not in word)
                print_row(minutes, name, run("acq.start", *asked, *where, *quiet))
            # the memory of train-kd --from sessions, without the hours of its training
            for name in ("train-kd's frames", "the same, kept"):
                print_row(minutes, name, run("benchmarks.growth", "--draw", folder))


def print_row(minutes, name, figures):
    """Print one line of the table."""
    code, wall_s, used_s, peak = figures
    print(f"| {minutes} | {name} | {code} | {wall_s:.1f} | {used_s:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
