"""Drawn people beside rendered ones: `python -m benchmarks.drawn_people FOLDER [--people N]`.

The people that are drawn at 36x36 (`models.drawn`) are there so that a network can learn from
thousands of them; the renderer (`acquire.simulation`) films whole pictures, and is slow. Here both
are measured in one way, in the frames that a network reads. The pulse is measured by making each
person without it, too: all else is the same. Then the drawn people are drawn again, with the
pulse's height, the sway and the noise of the rendered ones, to see which of them it is that POS
does not read. People are those of `benchmarks.rate_people`, with a pulse, kept in FOLDER.
"""

import argparse
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from acquire.simulation.rendering.camera_pipeline import CameraPipeline
from benchmarks.rate_groups import FACE, measure
from benchmarks.rate_people import (
    BEGIN_S,
    DRAWN_BOX,
    SEED,
    camera_times,
    draw_person,
    has_pulse,
    keep_person,
    subject_of,
    world_of,
)
from benchmarks.rate_windows import POS, RIGHT_BPM, Windows, read_windows, windows_of
from dataset.face.box import SIZE
from dataset.face.find import find_face
from dataset.face.frames import UNIT, average_face, face_colour
from dataset.signals.filters import HIGH_HZ, bandpass
from dataset.signals.windows import even_grid, to_even_grid
from models.board.onnx_net import SHIPPED, open_net
from models.drawn.clips import HEIGHTS

NET = SHIPPED / "student.onnx"
NO_HEIGHT = (1e-12, 1e-12)
QUANTITIES = (
    "pulse in green, RMS [% of the mean]", "red of its colour", "green", "blue",
    "head moves, RMS [cells]", "from 0.7 to 4 Hz", "face in green changes, RMS [%]",
    "from 0.7 to 4 Hz, the pulse in it", "noise of a cell [grey levels]", "frames/s",
)


def pulse_of_drawn(number: int) -> np.ndarray:
    """Return the RMS of a drawn person's pulse in the face, relative to its mean, (3,) RGB."""
    alive, still = (draw_person(number, **how)["colour"] for how in ({}, {"heights": NO_HEIGHT}))
    return np.std(alive / still, axis=0)


def pulse_of_rendered(number: int) -> np.ndarray:
    """Return the same of a rendered person: of one instant with blood and without, times its RMS.

    Without the camera's coding and denoising, which go over several frames.
    """
    world, subject = world_of(number), subject_of(number)
    flicker = subject.behaviour.flicker(BEGIN_S + subject.renderer.light.row_delays_s)
    assert world.timing is not None
    processing = replace(world.processing, codec="none", denoise=0.0)
    with CameraPipeline(processing, fps=world.timing.fps) as pipeline:
        still, alive = (
            cv2.cvtColor(pipeline.process(subject.renderer.render(
                subject.behaviour.at(BEGIN_S), (blood, blood), flicker, 0,
            )), cv2.COLOR_YUV2RGB_I420)
            for blood in (0.0, 1.0)
        )
    box = find_face([still], name=f"{number}")
    colours = face_colour(np.stack([average_face(one, box) for one in (still, alive)]), box)
    rms = np.std(subject.face_pulse(BEGIN_S + camera_times(number, world)))
    return rms * np.abs(colours[1] / colours[0] - 1)


def noise_and_shifts(frames: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the noise of a cell of the face in green [grey levels], and the face's place, (T, 2).

    The noise, the median over cells, is what is left of the change from frame to frame without a
    shift and a change of light; the place [cells], down and right, is the sum of these shifts.
    """
    green = frames[:, FACE, FACE, 1].astype(np.float64) / UNIT
    left, shifts = [], [np.zeros(2)]
    for before, after in pairwise(green):
        middle = (before + after) / 2
        known = np.stack([middle, *np.gradient(middle)]).reshape(3, -1).T
        change = (after - before).ravel()
        parts = np.linalg.lstsq(known, change, rcond=None)[0]
        left.append(change - known @ parts)
        shifts.append(parts[1:])
    return float(np.median(np.std(left, axis=0)) / 2**0.5), np.cumsum(shifts, axis=0)


def rms_in_band(values: np.ndarray, time_s: np.ndarray) -> float:
    """Return the RMS of (T, N) values, all N together, in the band of heart rates."""
    even, fs_hz = to_even_grid(values, time_s), even_grid(time_s)[1]
    high_hz = min(HIGH_HZ, 0.45 * fs_hz)        # of 7 frames/s no more can be seen
    kept = [bandpass(column, fs_hz, high_hz=high_hz) for column in even.T]
    return float(np.sqrt(np.mean(np.square(kept), axis=1).sum()))


def quantities_of(folder: Path, how: str, number: int) -> list[float]:
    """Return what a person is like, in the order of `QUANTITIES`."""
    pulse = (pulse_of_drawn if how == "drawn" else pulse_of_rendered)(number)
    _, motion_percent, _, _, fps = measure(folder, how, number)
    with np.load(folder / f"{how}-{number:04d}.npz") as stored:
        green, time_s = np.log(stored["colour"][:, 1:2]), stored["time_s"]
        noise, shifts = noise_and_shifts(stored["frames"])
    return [
        100 * pulse[1], *pulse / np.linalg.norm(pulse), motion_percent * SIZE / 100,
        rms_in_band(shifts, time_s), 100 * float(np.std(green)), 100 * rms_in_band(green, time_s),
        noise, fps,
    ]


def share_text(windows: Iterable[dict[str, np.ndarray]]) -> str:
    """Return the share of windows that POS reads within 5 bpm."""
    parts = [part for part in windows if part]
    errors = np.concatenate([part["alone_bpm"][:, POS] - part["true_bpm"] for part in parts])
    is_right = np.abs(np.nan_to_num(errors, nan=np.inf)) <= RIGHT_BPM
    return f"{100 * is_right.mean():.0f} % of {len(errors)}"


def as_parts(windows: Windows, how: str) -> list[dict[str, np.ndarray]]:
    """Return the windows of one kind of people."""
    of_kind = windows.kind == how
    return [{"alone_bpm": windows.alone_bpm[of_kind], "true_bpm": windows.true_bpm[of_kind]}]


def drawn_again(
    numbers: list[int], *, height: float = 1.0, sway: float = 1.0, noise: float = 0.0
) -> str:
    """Return the share of POS of people who are drawn once more.

    Parameters
    ----------
    height, sway : of the pulse and of the head, relative to those that were drawn
    noise : that is added to each cell [grey levels]
    """
    heights = (HEIGHTS[0] * height, HEIGHTS[1] * height)
    read, net = [], open_net(NET)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "person.npz"
        for number in numbers:
            person = draw_person(number, heights=heights, sway=sway)
            frames = person["frames"]
            added = UNIT * noise * np.random.default_rng([SEED, number]).normal(size=frames.shape)
            frames = np.rint(np.clip(frames + added, 1, 255 * UNIT)).astype(np.uint16)
            np.savez(path, **person | {"frames": frames, "colour": face_colour(frames, DRAWN_BOX)})
            read.append(windows_of(net, path))
    return share_text(read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where people and what is read of them are kept")
    parser.add_argument("--people", type=int, default=46, help="of each kind; one of eight has no "
                                                               "pulse, and is left out")
    parser.add_argument("--first", type=int, default=7001, help="number of the first person")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    numbers = [
        number for number in range(options.first, options.first + options.people)
        if has_pulse(number)
    ]
    people = {}
    for how in ("drawn", "rendered"):
        for number in numbers:
            with np.load(keep_person(options.folder, how, number)) as stored:
                if "frames" in stored:      # a face was seen
                    people.setdefault(how, []).append(number)
    measured = {
        how: np.array([quantities_of(options.folder, how, one) for one in of_kind])
        for how, of_kind in people.items()
    }
    drawn, rendered = (np.percentile(measured[how], [50, 10, 90], axis=0) for how in people)
    print(f"\n| median (10 to 90 % of people) | {len(people['drawn'])} drawn | "
          f"{len(people['rendered'])} rendered |\n|---|---|---|")
    for name, *kinds in zip(QUANTITIES, drawn.T, rendered.T, strict=True):
        cells = [f"{middle:.2f} ({low:.2f} to {high:.2f})" for middle, low, high in kinds]
        print(f"| {name} | {' | '.join(cells)} |")
    windows = read_windows(
        NET, options.folder, [(how, one) for how, of_kind in people.items() for one in of_kind]
    )
    shares = [share_text(as_parts(windows, how)) for how in ("drawn", "rendered")]
    print(f"| windows that POS reads within 5 bpm | {' | '.join(shares)} |")
    height, sway = (float(rendered[0, at] / drawn[0, at]) for at in (0, 4))
    noise = float((rendered[0, 8] ** 2 - drawn[0, 8] ** 2) ** 0.5)
    print("\n| drawn people once more | windows that POS reads within 5 bpm |\n|---|---|")
    for words, changed in (
        ("as they are", {}),
        (f"pulse {height:.2f} times as high", {"height": height}),
        (f"head sways {sway:.1f} times as far", {"sway": sway}),
        (f"noise of {noise:.2f} grey levels more", {"noise": noise}),
        ("all three", {"height": height, "sway": sway, "noise": noise}),
    ):
        print(f"| {words} | {drawn_again(people['drawn'], **changed)} |", flush=True)


if __name__ == "__main__":
    main()
