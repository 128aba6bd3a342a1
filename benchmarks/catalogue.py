"""How long `acq ls` takes over many sessions.

    python -m benchmarks.catalogue [SESSIONS] [SECONDS]

A thousand sessions of 60 s unless given, each in a file of its own, with grades, exclusions and a
split: eight are written by the recorder's writer and copied under other names. 100 of 20 s take a
few seconds.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.data_folder import sessions_dir
from acquire.layout import PPG_VALUE
from acquire.sensor.protocol import Hello
from acquire.session.writer import SessionWriter
from dataset.quality.curves import Curve, write_curves
from dataset.quality.result import SessionQuality, write_quality
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.make_exclusion import make_exclusion
from dataset.session.hdf5 import find_inside
from dataset.session.reader import Session

PEOPLE = 50
CURVES, POINTS = 12, 2000          # as many as `acq qc` writes, thinned
START_NS = 10**12


def write_session(path, seconds, bpm):
    """Write one session of a small grey picture and a pulse."""
    camera = CameraInfo("benchmark", 32, 24, 30.0, "I420", "simulated", simulated=True)
    picture = np.full(camera.image_shape, 128, np.uint8)
    hello = Hello(1, 0, 1, 0, 77, 2_000_000, 25, 10, 0)
    with SessionWriter(
        path, session_id=path.stem, subject=path.parent.name, camera=camera, hello=hello,
        port="none", started_unix_ns=1_767_258_000_000_000_000, started_monotonic_ns=START_NS,
        simulated=True,
    ) as writer:
        for i in range(round(seconds * 25)):
            at_ns = START_NS + i * 40_000_000
            value = round(30_000 + 8_000 * np.sin(2 * np.pi * bpm / 60 * i / 25))
            writer.add_sample(
                sequence=i, ticks=i * 80_000, value=value, flags=0, arrival_ns=at_ns, time_ns=at_ns,
                bound_ns=700_000,
            )
        for i in range(round(seconds * 30)):
            at_ns = START_NS + i * 33_333_333
            writer.add_frame(VideoFrame(picture, at_ns, at_ns, i))
        writer.close(complete=True)


def make_data_folder(data, count, seconds):
    """Write sessions of 50 subjects, with a grade each and some exclusions."""
    rng = np.random.default_rng(0)
    templates = []
    for at in range(min(8, count)):
        path = sessions_dir(data) / "T00" / f"T00-20260101T09000{at}Z.h5"
        write_session(path, seconds, 55 + 6 * at)
        templates.append(path)
    curve = Curve(np.arange(POINTS) / 30, rng.normal(size=POINTS), "1")
    exclusions = Exclusions()
    for at in range(count):
        subject = f"S{at % PEOPLE:02}"
        name = f"{subject}-20260101T{at // 3600:02}{at // 60 % 60:02}{at % 60:02}Z"
        path = sessions_dir(data) / subject / f"{name}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(templates[at % len(templates)], path)
        with h5py.File(path, "r+") as file:
            file.attrs["session_id"], file.attrs["subject"] = path.stem, subject
            ppg = find_inside(file, PPG_VALUE, path)
            ppg[:] = ppg[:] + rng.normal(scale=3000, size=len(ppg))     # no duplicates
        with Session(path) as session:
            write_quality(path, SessionQuality(
                path.stem, subject, "0" * 64, True, session.duration_s, "good", (),
                {"ppg_rate_hz": 25.0, "ppg_hr_bpm": 55.0 + 6 * (at % len(templates))}, "", "0",
            ))
        write_curves(path, "0" * 64, {f"curve {n}": curve for n in range(CURVES)})
        if at % 20 == 0:
            exclusion = make_exclusion(path, from_s=1.0, to_s=2.0, reason="benchmark")
            exclusions = exclusions.adding(exclusion)
    shutil.rmtree(sessions_dir(data) / "T00")
    write_exclusions(data, exclusions)


def time_command(*words):
    """Run one command; return its wall and processor seconds, and what it printed."""
    began_s, before = time.perf_counter(), os.times()
    command = subprocess.run(
        [sys.executable, "-m", "acq.main", *words], capture_output=True, text=True, check=True
    )
    after = os.times()
    used_s = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return time.perf_counter() - began_s, used_s, command.stdout


def main():
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make_data_folder(data, count, seconds)
        time.sleep(3)                    # what was written a moment ago is not kept in a list
        size = sum(path.stat().st_size for path in data.rglob("*.h5")) / 1e6
        print(
            f"{count} sessions of {seconds:g} s, {size:.0f} MB\n\n| command | wall s | processor s "
            "|\n|---|---|---|"
        )
        for name, words in (
            ("acq ls", ("ls",)), ("acq ls --table -", ("ls", "--table", "-")),
            ("acq exclude, the list", ("exclude",)),
            ("acq split --folds 5 (hashes every recording)", ("split", "--folds", "5", "--force")),
            ("acq ls, with a split", ("ls",)), ("acq ls, without grades", ("ls",)),
        ):
            if name.endswith("without grades"):
                for file in data.rglob("*.qc.json"):
                    file.unlink()
            quiet = () if words[0] == "exclude" else ("--quiet",)
            wall_s, used_s, out = time_command(*words, "--data", str(data), *quiet)
            assert out.strip(), f"acq {words[0]} printed nothing"
            print(f"| {name} | {wall_s:.1f} | {used_s:.1f} |")
        print(f"\n{out.strip().splitlines()[-1]}")


if __name__ == "__main__":
    main()
