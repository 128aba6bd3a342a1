"""What a frame and a sample of the virtual subject cost on one core.

`python -m benchmarks.virtual_subject`. In `make demo` four recorders run side by side on two cores
at 25 fps, so a frame may take a few milliseconds. The 20th percentile is near the cost on a quiet
machine.
"""

import itertools
import time

import cv2
import numpy as np

from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world


def milliseconds(call, times: int) -> np.ndarray:
    cost = []
    for i in range(times):
        start_s = time.perf_counter()
        call(i)
        cost.append((time.perf_counter() - start_s) * 1e3)
    return np.array(cost)


def main() -> None:
    cv2.setNumThreads(1)
    print(
        f"{'subject':8} {'world':6} {'paint ms':>9} {'frame ms (20 %, median)':>25} "
        f"{'ppg sample ms':>14}"
    )
    for n, name in itertools.product(range(1, 9), ("usual", "varied")):
        subject_id = f"S{n:02d}"
        world = draw_world(subject_id, seed=0, session=0) if name == "varied" else None
        subject = VirtualSubject(subject_id, world=world)
        paint = milliseconds(lambda _, s=subject: s.prepare(), 1)[0]
        frame = milliseconds(lambda i, s=subject: s.frame(i / 25, i), 150)
        sample = milliseconds(lambda i, s=subject: s.ppg(i / 25 + np.arange(8) / 200), 150)
        low, middle = np.percentile(frame, [20, 50])
        print(
            f"{subject_id:8} {name:6} {paint:9.0f} {low:15.2f} {middle:9.2f} "
            f"{np.median(sample):14.3f}"
        )


if __name__ == "__main__":
    main()
