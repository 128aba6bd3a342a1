"""Virtual people to calibrate heart rates on, kept as 36x36 frames: a file for each person.

Two kinds of them, for one alone would be one kind of error: people drawn at 36x36 directly
(`models.drawn`, seeds that no network was trained on), and people rendered whole, filmed by a
camera of the varied world and averaged (`acquire.simulation`). Both have all skin types, rates from
38 to 180 bpm and 7 to 60 frames/s. One of eight has no pulse; half of these are a photograph: one
instant again and again, with the noise (and, rendered, the coding) of its camera.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from acquire.errors import AcqError
from acquire.simulation.camera_timing import CameraTiming
from acquire.simulation.rendering.camera_pipeline import CameraPipeline
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import World, draw_world
from dataset.face.box import ENLARGE, SIZE, FaceBox, enlarge
from dataset.face.find import find_face
from dataset.face.frames import UNIT, average_face, face_colour
from dataset.signals.pulse_rate import finger_rate
from dataset.signals.windows import even_grid, to_even_grid
from models.drawn.clips import draw
from models.drawn.faces import draw_faces
from models.drawn.time_courses import frame_times
from models.live.recorded import open_recorded

SEED = 61
DRAWN_FRAMES, DRAWN_S = 360, 14.0
RENDERED_S, BEGIN_S = 14.0, 3.0
PULSE, NO_PULSE, PHOTOGRAPH = "pulse", "no pulse", "photograph"
# that 36x36 frames without a picture are averaged in
_SIDE = round(SIZE / ENLARGE)
DRAWN_BOX = enlarge(FaceBox(0, 0, _SIDE, _SIDE), ENLARGE)


def has_pulse(number: int) -> bool:
    """Return whether a person has one: seven of eight."""
    return number % 8 != 0


def kind_of(number: int) -> str:
    """Return what a person is."""
    return PULSE if has_pulse(number) else (PHOTOGRAPH if number % 16 else NO_PULSE)


def draw_person(number: int, **changed: Any) -> dict:
    """Return frames, times and truth of a person who is drawn at 36x36; `changed` is for `draw`."""
    torch.set_num_threads(1)
    with torch.no_grad():
        clip = draw(1, DRAWN_FRAMES, _generator(number), has_pulse=has_pulse(number), **changed)
    time_s = clip.time_s[0].numpy().astype(np.float64)
    kept = time_s - time_s[0] <= DRAWN_S
    frames = clip.frames[0].permute(0, 2, 3, 1).numpy()[kept]
    if kind_of(number) == PHOTOGRAPH:
        rng = np.random.default_rng([SEED, number])
        level = np.exp(rng.uniform(np.log(0.03), np.log(0.8)))
        frames = np.clip(frames[:1] + level * rng.normal(size=frames.shape), 0.5, 255)
    frames = np.rint(frames * UNIT).astype(np.uint16)
    return {
        "frames": frames, "time_s": time_s[kept] - time_s[0], "pulse": clip.pulse[0].numpy()[kept],
        "colour": face_colour(frames, DRAWN_BOX), "kind": kind_of(number),
    }


def _generator(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(10**9 + SEED * 10**6 + number)


def ita_deg(how: str, number: int) -> float:
    """Return a person's skin as its individual typology angle; above 41 it is light.

    Source: Chardon, Cretois, Hourseau, Int. J. Cosmet. Sci. 13(4), 1991.
    """
    if how == "rendered":
        skin = draw_world(_name(number), seed=SEED, session=0).skin
        assert skin is not None
        return skin.ita_deg
    generator = _generator(number)
    with torch.no_grad():
        frame_times(1, DRAWN_FRAMES, generator)     # which are drawn before the face
        return float(draw_faces(1, generator).ita_deg)


def _name(number: int) -> str:
    return f"S{number:03d}"


def subject_of(number: int) -> VirtualSubject:
    """Return the subject who is rendered."""
    return VirtualSubject(_name(number), seed=SEED, session=0, world=world_of(number))


def world_of(number: int) -> World:
    """Return the varied world of a person who is rendered."""
    world = draw_world(_name(number), seed=SEED, session=0)
    return world if kind_of(number) == PULSE else replace(world, pulse_ratio=0.0)


def camera_times(number: int, world: World) -> np.ndarray:
    """Return when the camera exposes each frame of a person who is rendered, (T,) [s]."""
    how = world.timing
    assert how is not None
    timing = CameraTiming(np.random.default_rng([SEED, number]), fps=how.fps, irregular=how)
    return np.array([timing.exposed_ns(at) / 1e9 for at in range(round(RENDERED_S * how.fps))])


def render_person(number: int) -> dict:
    """Return the same of a person who is rendered; empty without a face in the first frame."""
    cv2.setNumThreads(1)
    kind = kind_of(number)
    world = world_of(number)
    subject = subject_of(number)
    time_s = camera_times(number, world)
    box, averaged = None, []
    assert world.timing is not None
    with CameraPipeline(world.processing, fps=world.timing.fps) as pipeline:
        for index, t_s in enumerate((BEGIN_S + time_s).tolist()):
            at_s = BEGIN_S if kind == PHOTOGRAPH else t_s
            picture = pipeline.process(subject.frame(at_s, index))
            rgb = cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)
            try:
                box = box or find_face([rgb], name=_name(number))
            except AcqError:
                return {}
            averaged.append(average_face(rgb, box))
    assert box is not None
    frames = np.stack(averaged)
    return {
        "frames": frames, "time_s": time_s - time_s[0],
        "pulse": subject.ppg(BEGIN_S + time_s), "colour": face_colour(frames, box), "kind": kind,
    }


MAKERS = {"drawn": draw_person, "rendered": render_person}


def keep_person(folder: Path, how: str, number: int) -> Path:
    """Make one person, where it is not made yet; return its file."""
    path = folder / f"{how}-{number:04d}.npz"
    if not path.exists():
        part = folder / f".{path.name}"
        np.savez(part, **MAKERS[how](number))
        part.rename(path)
    return path


def keep_backgrounds(folder: Path, videos: list[Path]) -> int:
    """Keep patches beside the face of real videos as people without a pulse; return how many."""
    count = len(list(folder.glob("noise-*.npz")))
    if count:
        return count
    for video in videos:
        with open_recorded(video) as recorded:
            times_s, patches, averaged = [], [], []
            for image, time_s in recorded.frames:
                patches = patches or _patches(image, find_face([image], name=str(video)))
                times_s.append(time_s)
                averaged.append([average_face(image, patch) for patch in patches])
        for frames in map(np.stack, zip(*averaged, strict=True)):
            count += 1
            np.savez(
                folder / f"noise-{count:04d}.npz", frames=frames, kind=NO_PULSE,
                time_s=np.array(times_s) - times_s[0], colour=face_colour(frames, DRAWN_BOX),
            )
    return count


def _patches(image: np.ndarray, face: FaceBox, most: int = 6) -> list[FaceBox]:
    """Return boxes beside the face and above it, which do not cover each other much."""
    height, width = image.shape[:2]
    rng, found = np.random.default_rng(SEED), []
    for _ in range(2000):
        side = int(min(width, height) * rng.uniform(0.12, 0.35))
        x, y = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
        box = FaceBox(x, y, x + side, y + side)
        is_beside = box.right < face.left or box.left > face.right or box.bottom < face.top
        is_new = all(
            abs(box.left - other.left) + abs(box.top - other.top) > 0.7 * side for other in found
        )
        if is_beside and is_new and len(found) < most:
            found.append(box)
    return found


def true_bpm(pulse: np.ndarray, time_s: np.ndarray) -> float:
    """Return the rate of a contact pulse in a window; NaN where it cannot be told."""
    return finger_rate(to_even_grid(pulse, time_s), even_grid(time_s)[1]).bpm


