"""What watching a camera costs, and how soon it is opened again, on real GStreamer pipelines.

    python -m benchmarks.cameras [--quick]

A live test source at 25 fps is stalled by a valve; `ReconnectingCamera` opens it again. From the
stamps follows how many frames passed, so the count of missed frames can be compared with the truth.
Times depend on the machine, counts do not.
"""

import argparse
import time

import numpy as np

from acquire.camera.gstreamer import GstCamera
from acquire.camera.reconnecting import ReconnectingCamera, _identical

FPS = 25
SOURCE = (
    f"videotestsrc is-live=true ! video/x-raw,format=I420,width=640,height=360,framerate={FPS}/1"
)


def stall(times):
    """Stall so many pipelines.

    Returns
    -------
    times from the last frame to the next [s], and errors of the frame count
    """
    away_s, off = [], []
    for _ in range(times):
        opened = []

        def opener(_, opened=opened):
            opened.append(GstCamera(f"{SOURCE} ! valve name=valve", name="gst", fps=FPS))
            return opened[-1]

        camera = ReconnectingCamera(opener, asked_fps=FPS, measure_s=0.5)
        camera.start(time.monotonic_ns())
        first = camera.read(1.0)
        for _ in range(20):
            before = camera.read(1.0)
        opened[0]._pipeline.get_by_name("valve").set_property("drop", True)
        while (frame := camera.read(0.2)) is None or frame.note is None:
            before = frame or before
        camera.close()
        away_s.append((frame.time_ns - before.time_ns) / 1e9)
        off.append(frame.sequence - first.sequence - (frame.time_ns - first.time_ns) * FPS / 1e9)
    return away_s, off


def read_live(seconds):
    """Return the rate of a steady source, delays from stamp to arrival [ms], and lost frames."""
    camera = ReconnectingCamera(lambda _: GstCamera(SOURCE, name="gst", fps=FPS), asked_fps=FPS)
    camera.start(time.monotonic_ns())
    frames = [camera.read(1.0) for _ in range(round(seconds * FPS))]
    camera.close()
    late_ms = [(frame.arrival_ns - frame.time_ns) / 1e6 for frame in frames if frame is not None]
    lost = sum(frame is None for frame in frames) + int(frames[-1].sequence) + 1 - len(frames)
    return camera.info.rate, late_ms, lost


def time_comparison(times):
    """Return how long two frames are compared [us]: two that differ, two that are the same."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (540, 640), dtype=np.uint8)
    spent_us = []
    for other in (rng.integers(0, 256, (540, 640), dtype=np.uint8), image.copy()):
        began = time.perf_counter()
        for _ in range(times):
            _identical(image, other)
        spent_us.append((time.perf_counter() - began) / times * 1e6)
    return spent_us


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="3 stalls and 5 s instead of 20 and 60"
    )
    quick = parser.parse_args().quick
    away_s, off = stall(3 if quick else 20)
    rate, late_ms, lost = read_live(5 if quick else 60)
    differ_us, same_us = time_comparison(500)
    print("| camera | found |\n|---|---|")
    print(f"| stalled pipeline, {len(away_s)} times: last frame to the next | "
          f"median {np.median(away_s):.2f} s, longest {max(away_s):.2f} s |")
    print(
        "| the same: frames counted as missed, off the stamps by at most | "
        f"{np.abs(off).max():.2f} frames |"
    )
    print(f"| live test source, {len(late_ms)} frames: lost | {lost} |")
    print(
        f"| the same: rate measured before the start | {rate.fps:.3f} of {FPS}, jitter "
        f"{rate.jitter_ms:.3f} ms |"
    )
    print(
        f"| the same: stamp to arrival | median {np.median(late_ms):.1f} ms, longest "
        f"{max(late_ms):.1f} ms |"
    )
    print(
        f"| search for identical frames, 640x360 I420 | {differ_us:.0f} us where they differ, "
        f"{same_us:.0f} us where not |"
    )


if __name__ == "__main__":
    main()
