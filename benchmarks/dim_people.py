"""Virtual people as a training sees them: for `benchmarks.distillation` and `benchmarks.motions`.

36 people at 25 fps: 16 to learn from (30 s each), 20 held out (40 s). The room is dim, a camera
well of 1,500 electrons in place of 15,000: in full light nearly every window is read right, the
error depends on a few whose peak jumps, and little can be concluded from it. `benchmarks.motions`
films the same people in full light, too. Frames go from the simulator to the 36x36 average without
a file in between; files are lossless and give the same.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch

from acquire.atomic import atomic_file
from acquire.simulation.rendering.exposure import ImageSensor
from acquire.simulation.subject import VirtualSubject
from dataset.face.box import FaceBox
from dataset.face.find import find_face
from dataset.face.frames import FaceFrames, Motion, average_face
from dataset.signals.filters import bandpass
from models.data.videos import CuratedVideo, TrainingData, change_of_ppg, to_curated_video

# seeds 21 and 22 were looked at while methods were chosen
PEOPLE, LEARN, TEST = 23, range(1, 17), range(17, 37)
LEARN_S, TEST_S, FPS = 30.0, 40.0, 25.0
BOX = FaceBox(0, 0, 1600, 1600)     # colours are of its middle, the detector's own, at any scale
DIM = ImageSensor(full_well_electrons=1500.0, read_noise_electrons=10.0)


def keep_film(job: tuple[Path, int], *, sensor: ImageSensor | None = DIM) -> None:
    """Film one person, unless this was done before; with the simulator's own sensor for None."""
    folder, number = job
    path = film_of(folder, number)
    if not path.exists():
        frames, ppg, time_s = film(number, sensor)
        with atomic_file(path) as part, open(part, "wb") as file:
            np.savez(file, frames=frames, ppg=ppg, time_s=time_s)


def film_of(folder: Path, number: int) -> Path:
    """Return the file of one person's film, of this length."""
    return folder / f"{number}-{LEARN_S if number in LEARN else TEST_S:g}s.npz"


def film(number: int, sensor: ImageSensor | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make the 36x36 frames, the PPG and the times of one person."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    person = VirtualSubject(f"S{number:02d}", seed=PEOPLE)
    person.image_sensor = sensor or person.image_sensor
    time_s = 3.0 + np.arange(round((LEARN_S if number in LEARN else TEST_S) * FPS)) / FPS
    box, averaged = None, []
    for index, t_s in enumerate(time_s):
        bgr = cv2.cvtColor(person.frame(float(t_s), index), cv2.COLOR_YUV2BGR_I420)
        box = box or find_face([bgr[:, :, ::-1]], name=person.subject_id)
        averaged.append(average_face(bgr, box)[:, :, ::-1])
    return np.stack(averaged), person.ppg(time_s), time_s


@cache
def load_people(folder: Path, motion: Motion) -> TrainingData:
    """Load what `keep_film` kept, once in a process."""
    learn, test = (
        [_load_person(folder, number, motion) for number in side] for side in (LEARN, TEST)
    )
    return TrainingData(learn, test, "", "")


def _load_person(folder: Path, number: int, motion: Motion) -> CuratedVideo:
    with np.load(film_of(folder, number)) as stored:
        frames, ppg, time_s = (stored[name] for name in ("frames", "ppg", "time_s"))
    filtered = bandpass(ppg, FPS)
    side = "train" if number in LEARN else "test"
    video = to_curated_video(
        FaceFrames(frames, BOX, "", motion_kind=motion), filtered, time_s=time_s,
        ppg_change=change_of_ppg(filtered, time_s), folder=f"{side}/subject{number}",
        subject=f"S{number:02d}", session=str(number), simulated=True, video=Path(),
    )
    return replace(video, virtual_seed=PEOPLE)
