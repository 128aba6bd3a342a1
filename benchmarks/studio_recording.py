"""What the studio costs a recording, and how late its pictures are.

`python -m benchmarks.studio_recording`: ten minutes of 640x360 at 30 frames/s beside one busy
process, without a studio and then with one that a viewer looks at; `--seconds 60` for less. The
recorder is that of `benchmarks.recording` with the socket of `acq record`, in a process of its own;
processor time is its own. The viewer is a WebSocket client without a browser, which answers each
message at once, as a page does that has shown it. A picture's latency is from its light to the
client, on the clock of this machine. Before the recordings the same is measured of the picture of a
virtual subject, and how long the first page takes from the request to its last byte.
"""

import argparse
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import connect

from acq.running.recording_socket import RecordingSocket
from acq.terminal.panel_view import PanelState
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor

from .recording import _SENSOR, MemoryCamera, in_a_process, keep_busy, make_scene, used_s

FPS = 30.0
_HEAD = struct.Struct("<dq")


def record(seconds: str, port: str, saved: str, folder: str) -> dict:
    """Record in this process; return what it cost."""
    camera, sensor = MemoryCamera(np.load(saved), FPS), Sensor(port)
    recorder, shown = Recorder(camera, sensor), PanelState("S01", port, float(seconds))
    cpu_s, wall_s = used_s(), time.monotonic()
    with RecordingSocket(recorder, shown, Path(folder), "memory", is_watched=False) as told:
        summary = recorder.record(
            Path(folder), "S01", duration_s=float(seconds), on_status=told.on_status
        )
        told.on_end(summary)
    wall_s = time.monotonic() - wall_s
    sensor.close()
    return {
        "cpu": 100 * (used_s() - cpu_s) / wall_s, "captured": camera.taken,
        "written": summary.frames, "raw": summary.raw_frames,
        "lost": {**summary.lost_frames, **summary.lost_samples},
    }


class Viewer:
    """A page's WebSocket without a browser: it answers at once, and notes how late pictures are."""

    def __init__(self, link: str) -> None:
        self.address, _, _ = link.partition("/?")
        cookies = CookieJar()
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
        self._browser.open(link).read()
        self._cookie = "; ".join(f"{one.name}={one.value}" for one in cookies)
        self.latencies_s: list[float] = []
        self.begun_s = time.monotonic()

    def first_page_s(self) -> float:
        """Return how long the page of the rig takes."""
        begun_s = time.monotonic()
        self._browser.open(f"{self.address}/rig").read()
        return time.monotonic() - begun_s

    def post(self, path: str, body: dict) -> None:
        """Ask for something as a page does."""
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), {"Origin": self.address}
        )
        self._browser.open(request).read()

    def look(self, is_over: threading.Event) -> None:
        """Look until it is over."""
        self.latencies_s, self.begun_s = [], time.monotonic()
        with connect(
            self.address.replace("http", "ws") + "/rig/follow", max_size=None, origin=self.address,
            additional_headers={"Cookie": self._cookie},
        ) as page:
            while not is_over.is_set():
                try:
                    message = page.recv(timeout=0.5)
                except TimeoutError:
                    continue
                if isinstance(message, bytes):
                    _, light_ns = _HEAD.unpack_from(message)
                    self.latencies_s.append((time.monotonic_ns() - light_ns) / 1e9)
                page.send("p" if isinstance(message, bytes) else "s")

    def told(self) -> str:
        """Return the pictures a second, and their latency."""
        rate = len(self.latencies_s) / (time.monotonic() - self.begun_s)
        middle, late = np.quantile(self.latencies_s or [np.nan], (0.5, 0.95))
        return f"{rate:.1f} | {middle:.2f} | {late:.2f}"


def begin_studio(data: Path) -> tuple[subprocess.Popen, str]:
    """Start a studio; return its process and its link."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = "studio", "--data", str(data), "--port", str(port), "--json"
    process = subprocess.Popen(
        [sys.executable, "-m", "acq.start", *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["link"]


def run(seconds: float, scene: Path, data: Path, busy_count: int) -> dict:
    """Record once, in a process of its own."""
    sensor = subprocess.Popen(
        [sys.executable, "-c", _SENSOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert sensor.stdin is not None
    assert sensor.stdout is not None
    port = sensor.stdout.readline().strip()
    busy = keep_busy(busy_count)
    try:
        return in_a_process(
            "benchmarks.studio_recording", "record", str(seconds), port, str(scene), str(data)
        )
    finally:
        for process in busy:
            process.kill()
        sensor.stdin.close()
        sensor.wait()


def looked_at(viewer: Viewer, work: Callable[[], Any]) -> tuple[Any, str]:
    """Do some work while a viewer looks; return what it returns, and how late pictures were."""
    is_over = threading.Event()
    looking = threading.Thread(target=viewer.look, args=(is_over,))
    looking.start()
    try:
        result = work()
        return result, viewer.told()
    finally:
        is_over.set()
        looking.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--busy", type=int, default=1, help="processes that keep a core busy")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scene, data = Path(name) / "scene.npy", Path(name) / "data"
        data.mkdir()
        os.environ["XDG_RUNTIME_DIR"] = name
        what = make_scene(scene)
        print(f"640x360 I420 at {FPS:g}/s, {what}; {os.cpu_count()} cores, load {os.getloadavg()}")
        without = run(given.seconds, scene, data, given.busy)
        studio, link = begin_studio(data)
        try:
            viewer = Viewer(link)
            print(f"first page {viewer.first_page_s():.2f} s")
            viewer.post("/rig/look", {"camera": "virtual", "port": "auto", "fps": FPS})
            _, told = looked_at(viewer, lambda: time.sleep(20))
            print(f"picture before a recording (pictures/s, latency, 95 %): {told}")
            viewer.post("/rig/let-go", {})
            beside, told = looked_at(viewer, lambda: run(given.seconds, scene, data, given.busy))
        finally:
            studio.terminate()
            studio.wait()
    print(
        "| studio | s | % of a core | captured | written | raw | lost | pictures/s | latency s "
        "| 95 % |"
    )
    print("|---" * 10 + "|")
    for is_open, cost, seen in (("no", without, "– | – | –"), ("yes", beside, told)):
        print(
            f"| {is_open} | {given.seconds:g} | {cost['cpu']:.1f} | {cost['captured']} | "
            f"{cost['written']} | {cost['raw']} | {cost['lost'] or 'none'} | {seen} |"
        )


if __name__ == "__main__":
    main()
