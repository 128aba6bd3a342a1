"""How long a picture takes as PNG, and how large it is, by level, strategy and filter.

    python -m benchmarks.pictures [VIDEO ...]

A virtual subject at 640x360, and every 20th of the first frames of each video; processor time of
one core, the least of five. What acq writes (`dataset.layouts.pure`) is the last row.
"""

import sys
import time

import av
import cv2
import numpy as np

from acquire.simulation.subject import VirtualSubject

LEVEL, STRATEGY, FILTER = (
    cv2.IMWRITE_PNG_COMPRESSION, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_FILTER
)
RUNS = cv2.IMWRITE_PNG_STRATEGY_RLE
WAYS = {
    "level 1": [LEVEL, 1],
    "level 3": [LEVEL, 3],
    "runs, left": [],                       # OpenCV's own choice
    "runs, average": [LEVEL, 1, STRATEGY, RUNS, FILTER, cv2.IMWRITE_PNG_FILTER_AVG],
    "runs, above": [LEVEL, 1, STRATEGY, RUNS, FILTER, cv2.IMWRITE_PNG_FILTER_UP],
}


def least_s(work):
    """Return the least processor time of five runs [s]."""
    taken = []
    for _ in range(5):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def pictures_of(path):
    """Return three pictures of a video, BGR."""
    with av.open(path) as video:
        frames = zip(range(60), video.decode(video=0), strict=False)
        return [frame.to_ndarray(format="bgr24") for at, frame in frames if at % 20 == 0]


def print_row(name, way, parameters, bgr):
    """Write and read pictures one way, and print what each took."""
    stored = [cv2.imencode(".png", one, parameters)[1] for one in bgr]
    read = [cv2.imdecode(one, cv2.IMREAD_COLOR) for one in stored]
    assert all(map(np.array_equal, read, bgr))
    write_s = least_s(lambda: [cv2.imencode(".png", one, parameters) for one in bgr]) / len(bgr)
    read_s = least_s(lambda: [cv2.imdecode(one, cv2.IMREAD_COLOR) for one in stored]) / len(bgr)
    size = sum(map(len, stored)) / len(bgr) / 1e3
    print(
        f"| {name} | {way} | {1e3 * write_s:.1f} | {1e3 * read_s:.1f} | {size:.0f} |", flush=True
    )


def main():
    """Print the table."""
    person = VirtualSubject("S01")
    virtual = [
        cv2.cvtColor(person.frame(at / 30, at), cv2.COLOR_YUV2BGR_I420) for at in (0, 100, 200)
    ]
    print("| pictures | way | write ms | read ms | kB |\n|---|---|---|---|---|")
    clips = {"virtual": virtual} | {path: pictures_of(path) for path in sys.argv[1:]}
    for name, bgr in clips.items():
        for way, parameters in WAYS.items():
            print_row(f"{name} {bgr[0].shape[1]}x{bgr[0].shape[0]}", way, parameters, bgr)


if __name__ == "__main__":
    main()
