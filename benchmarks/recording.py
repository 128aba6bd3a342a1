"""What recording costs: processor time and memory, and whether every frame is in the file.

`python -m benchmarks.recording`: a minute at 30 and at 60 fps, and a minute at 30 fps while another
process keeps one core busy. `--case 30:600:1` runs other cases: frames a second, seconds, busy
processes. `--hour` feeds an hour of frames to the file as fast as it takes them (13 GB, deleted
again; `--folder` says where).

The recorder is the real one, in a process of its own. Its camera shows frames of the real face clip
(a virtual subject where that is not at hand), each shifted by another step, from memory and in real
time; its sensor is a virtual one on a real pty, in another process. Processor time is user and
system of the recording process, the camera's 0.1 ms a frame for shifting included.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.recorder.recorder import FLUSH_S, Recorder
from acquire.recorder.status import RecordingStatus
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import SENSOR_ANALOG, Hello
from acquire.session.writer import SessionWriter

CLIP = Path(__file__).resolve().parents[2] / "shared/data/real_face/video.mkv"
CASES = ("30:60:0", "60:60:0", "30:60:1")
SCENE_FRAMES = 31
HOUR_FRAMES = 108_000

_SENSOR = """
import sys
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.rig import VirtualSensor
with VirtualSensor(VirtualSubject("S01", seed=0), hold_ms=1.0) as sensor:
    print(sensor.port, flush=True)
    sys.stdin.read()
"""


class MemoryCamera:
    """Frames from memory in real time, no two of them alike."""

    def __init__(self, scene: np.ndarray, fps: float) -> None:
        self._scene = scene
        self.info = CameraInfo(
            "memory", scene.shape[2], scene.shape[1] * 2 // 3, fps, "I420", "simulated"
        )
        self.taken = 0
        self._start_ns = 0

    def start(self, start_ns: int) -> None:
        self._start_ns = start_ns

    def read(self, timeout_s: float) -> VideoFrame | None:
        due_ns = self._start_ns + round(self.taken * 1e9 / self.info.fps)
        wait_s = (due_ns - time.monotonic_ns()) / 1e9
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            return None
        frame = VideoFrame(
            picture(self._scene, self.taken), due_ns, time.monotonic_ns(), self.taken
        )
        self.taken += 1
        return frame

    def count_until(self, time_ns: int) -> None:
        pass

    def close(self) -> None:
        pass


def picture(scene: np.ndarray, i: int) -> np.ndarray:
    """Return frame i: one of the scene's, shifted to the side."""
    return np.roll(scene[i % len(scene)], 2 * (i // len(scene)), axis=1)


def rss_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """Return the most this process ever had; getrusage would count the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def used_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def in_a_process(module: str, function: str, *words: str) -> dict:
    """Call a function with words in a process of its own; return what it returns."""
    code = (
        f"import json, sys; from {module} import {function} as f; "
        "print(json.dumps(f(*sys.argv[1:])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def record(case: str, port: str, saved: str, folder: str) -> dict:
    """Record one case; return what it cost."""
    fps, seconds, _ = map(float, case.split(":"))
    scene = np.load(saved)
    memory: list[tuple[float, float]] = []          # elapsed [s], RSS [MB]
    base_mb = rss_mb()
    camera, sensor = MemoryCamera(scene, fps), Sensor(port)

    def on_status(status: RecordingStatus) -> None:
        memory.append((status.elapsed_s, rss_mb()))

    cpu_s, wall_s = used_s(), time.monotonic()
    summary = Recorder(camera, sensor).record(
        Path(folder), "S01", duration_s=seconds, on_status=on_status
    )
    wall_s = time.monotonic() - wall_s
    sensor.close()
    settled = [mb for elapsed_s, mb in memory if elapsed_s > min(10.0, seconds / 3)]
    return {
        "cpu": 100 * (used_s() - cpu_s) / wall_s, "base": base_mb,
        "early": float(np.median(settled[:20])), "late": float(np.median(settled[-20:])),
        "peak": peak_mb(),
        "captured": camera.taken, "written": summary.frames, "raw": summary.raw_frames,
        "lost": {**summary.lost_frames, **summary.lost_samples}, "bound_ms": summary.sync_bound_ms,
        "times": summary.frames * scene[0].nbytes / summary.path.stat().st_size,
    }


def write_an_hour(count: str, saved: str, folder: str) -> dict:
    """Write an hour of frames and samples, flushed as by the recorder; return the memory in use."""
    frames, scene = int(count), np.load(saved)
    info = MemoryCamera(scene, 30.0).info
    start_s, cpu_s = time.monotonic(), used_s()
    memory_mb = []
    hello = Hello(1, 0, SENSOR_ANALOG, 0, 7, 2_000_000, 25, 10, 0)
    with SessionWriter(
        Path(folder) / "hour.h5", session_id="hour", subject="S01", camera=info, hello=hello,
        port="none", started_unix_ns=1, started_monotonic_ns=1, simulated=True,
    ) as writer:
        for i in range(frames):
            writer.add_frame(VideoFrame(picture(scene, i), i, i, i))
            writer.add_sample(
                sequence=i, ticks=i, value=i % 65536, flags=0, arrival_ns=i, time_ns=i, bound_ns=1
            )
            writer.add_clocks(i, i)
            if i % round(30 * FLUSH_S) == 0:
                writer.flush()
            if i % (frames // 6) == frames // 60:
                memory_mb.append(round(rss_mb(), 1))
        writer.place_ppg(np.arange(frames), np.ones(frames, np.int64))
        memory_mb.append(round(rss_mb(), 1))
        writer.close(complete=True)
    return {
        "frames": frames, "rss": memory_mb, "s": time.monotonic() - start_s,
        "cpu_s": used_s() - cpu_s,
        "times": frames * scene[0].nbytes / writer.path.stat().st_size,
    }


def make_scene(path: Path) -> str:
    """Save the frames that the camera shows, (T, 540, 640) uint8 I420; return what they are."""
    if CLIP.exists():
        import av

        with av.open(str(CLIP)) as container:
            frames = [
                frame.to_ndarray()
                for frame, _ in zip(container.decode(video=0), range(SCENE_FRAMES), strict=False)
            ]
        what = "the real face clip"
    else:
        from acquire.simulation.subject import VirtualSubject

        subject = VirtualSubject("S01", seed=0)
        frames, what = (
            [subject.frame(i / 30, i) for i in range(SCENE_FRAMES)], "virtual subject S01",
        )
    np.save(path, np.stack(frames))
    return what


def keep_busy(count: int) -> list[subprocess.Popen]:
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]


def run_case(case: str, scene: Path, folder: Path) -> dict:
    """Run one case in a process of its own."""
    sensor = subprocess.Popen(
        [sys.executable, "-c", _SENSOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert sensor.stdin is not None
    assert sensor.stdout is not None
    port = sensor.stdout.readline().strip()
    busy = keep_busy(int(case.split(":")[2]))
    try:
        return in_a_process("benchmarks.recording", "record", case, port, str(scene), str(folder))
    finally:
        for process in busy:
            process.kill()
        sensor.stdin.close()
        sensor.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", action="append", metavar="FPS:SECONDS:BUSY")
    parser.add_argument("--hour", nargs="?", type=int, const=HOUR_FRAMES, metavar="FRAMES")
    parser.add_argument(
        "--folder", type=Path, help="where the recordings go until they are measured"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        scene = folder / "scene.npy"
        print(f"640x360 I420, frames of {make_scene(scene)}; {os.cpu_count()} cores\n")
        if given.hour:
            result = in_a_process(
                "benchmarks.recording", "write_an_hour", str(given.hour), str(scene), str(folder)
            )
            print(
                f"{result['frames']} frames in {result['s']:.0f} s "
                f"({result['frames'] / result['s']:.0f} a second, "
                f"{1e3 * result['cpu_s'] / result['frames']:.2f} ms of processor time each), "
                f"{result['times']:.2f} times smaller; "
                f"memory at every sixth and at the end: {', '.join(map(str, result['rss']))} MB"
            )
            return
        print(
            "| fps | s | busy processes | % of a core | MB before | after 10 s | at the end | peak "
            "| captured | written | raw |"
            " lost | times smaller | sync within ms |"
        )
        print("|---" * 14 + "|")
        for case in given.case or CASES:
            data = folder / "data"
            result = run_case(case, scene, data)
            shutil.rmtree(data)
            print(
                f"| {' | '.join(case.split(':'))} | {result['cpu']:.1f} | {result['base']:.0f} | "
                f"{result['early']:.0f} | "
                f"{result['late']:.0f} | {result['peak']:.0f} | {result['captured']} | "
                f"{result['written']} | {result['raw']} | "
                f"{result['lost'] or 'none'} | {result['times']:.2f} | {result['bound_ms']:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
