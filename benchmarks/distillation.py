"""Student alone against student + KD over seeds, on virtual people in a dim room: `python -m
benchmarks.distillation [SEED ...]`.

24 virtual subjects at 25 fps: 16 train (30 s each), 8 are held out (40 s). The room is dim, a
camera well of 1,500 electrons in place of 15,000: in full light nearly every window is read right,
the error hangs on a few whose peak jumps, and nothing can be told from it. Frames go from the
simulator to the 36x36 average without a file in between; the road over files is lossless and gives
the same. A seed is that of the students: first weights, batches and dropout, the same for both. Two
teachers, of seeds 0 and 1, teach the even and the odd seeds. One thread a training, two trainings
at a time; an hour on two cores.
"""

import argparse
import copy
import json
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy import stats

from acquire.simulation.rendering.exposure import ImageSensor
from acquire.simulation.subject import VirtualSubject
from dataset.face.box import FaceBox
from dataset.face.find import find_face
from dataset.face.frames import FaceFrames, average_face
from dataset.signals.filters import bandpass
from models.data.videos import CuratedVideo, TrainingData, change_of_ppg
from models.distillation.distill import DistillConfig
from models.evaluation.assess import assess
from models.training.recipe import Recipe, Trained
from models.training.train import train_student, train_teacher

PEOPLE, TRAIN, TEST = 22, range(1, 17), range(17, 25)
TRAIN_S, TEST_S, FPS = 30.0, 40.0, 25.0
DIM = ImageSensor(full_well_electrons=1500.0, read_noise_electrons=10.0)
TEACHERS = 2
CPU = torch.device("cpu")


def film(number: int, people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the 36x36 frames, the PPG and the times of one person."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    person = VirtualSubject(f"S{number:02d}", seed=people)
    person.image_sensor = DIM
    time_s = 3.0 + np.arange(round((TRAIN_S if number in TRAIN else TEST_S) * FPS)) / FPS
    box, small = None, []
    for index, t_s in enumerate(time_s):
        bgr = cv2.cvtColor(person.frame(float(t_s), index), cv2.COLOR_YUV2BGR_I420)
        box = box or find_face([bgr[:, :, ::-1]], name=person.subject_id)
        small.append(average_face(bgr, box)[:, :, ::-1])
    return np.stack(small), person.ppg(time_s), time_s


def recording(number: int, frames: np.ndarray, ppg: np.ndarray, time_s: np.ndarray) -> CuratedVideo:
    side = "train" if number in TRAIN else "test"
    seen = FaceFrames(frames, FaceBox(0, 0, 1, 1), "")
    kept = bandpass(ppg, FPS)
    return CuratedVideo(
        folder=f"{side}/subject{number}", subject=f"S{number:02d}", session=str(number),
        simulated=True, motion=torch.from_numpy(seen.motion().astype(np.float16)),
        appearance=torch.from_numpy((frames[:-1] >> 8).astype(np.uint8)), colour=seen.colour(),
        ppg_change=torch.from_numpy(change_of_ppg(kept, time_s)), ppg=kept, time_s=time_s, video=Path(),
        box=seen.box,
    )


@cache
def people(folder: Path) -> TrainingData:
    """Load what `film` gave, once in a process."""
    torch.set_num_threads(1)
    sides: dict[str, list[CuratedVideo]] = {"train": [], "test": []}
    for number in (*TRAIN, *TEST):
        with np.load(folder / f"{number}.npz") as kept:
            one = recording(number, kept["frames"], kept["ppg"], kept["time_s"])
        sides["train" if number in TRAIN else "test"].append(one)
    return TrainingData(sides["train"], sides["test"], "", "")


def keep_film(job: tuple[Path, int, int]) -> int:
    folder, number, people = job
    if not (folder / f"{number}.npz").exists():
        frames, ppg, time_s = film(number, people)
        np.savez(folder / f"{number}.npz", frames=frames, ppg=ppg, time_s=time_s)
    return number


def make_teacher(job: tuple[Path, int]) -> tuple[int, Trained]:
    folder, seed = job
    return seed, train_teacher(people(folder), Recipe(seed=seed), device=CPU)


def make_students(job: tuple[Path, int, Trained, DistillConfig]) -> tuple[int, dict[str, dict]]:
    folder, seed, teacher, config = job
    recipe = Recipe(seed=seed, distill=config)
    made = {
        "student": train_student(people(folder), recipe, device=CPU),
        "student_kd": train_student(people(folder), recipe, teacher=copy.deepcopy(teacher.net), device=CPU),
    }
    return seed, {name: assess(one.videos) for name, one in made.items()}


def cells(found: dict) -> str:
    return f"{found['mae_bpm']:.2f} / {found['rmse_bpm']:.2f}, {found['snr_db']:.2f}"


def between(values: np.ndarray) -> str:
    """Give a mean and its 95 % interval (t)."""
    half = (
        stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        if len(values) > 1
        else float("nan")
    )
    return f"{values.mean():.2f} [{values.mean() - half:.2f}, {values.mean() + half:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=list(range(10)))
    parser.add_argument(
        "--folder", type=Path, default=Path("/tmp/acq-distillation"),
        help="where the people's frames are kept",
    )
    parser.add_argument(
        "--paper", action="store_true",
        help="the paper's loss: TaT alone, without the teacher's answer",
    )
    options = parser.parse_args()
    config = DistillConfig(weight_pulse=0.0) if options.paper else DistillConfig()
    options.folder.mkdir(parents=True, exist_ok=True)
    found: dict[int, dict[str, dict]] = {}
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(keep_film, [(options.folder, n, PEOPLE) for n in (*TRAIN, *TEST)]))
        teachers = dict(
            pool.map(make_teacher, [(options.folder, seed) for seed in range(TEACHERS)])
        )
        taught = {seed: assess(one.videos) for seed, one in teachers.items()}
        print(
            "| seed | teacher MAE / RMSE bpm, SNR dB | student | student + KD | gain bpm | gap "
            "closed |"
        )
        print("|---|---|---|---|---|---|", flush=True)
        jobs = [(options.folder, seed, teachers[seed % TEACHERS], config) for seed in options.seeds]
        for seed, made in pool.map(make_students, jobs):
            found[seed] = {"teacher": taught[seed % TEACHERS], **made}
            gain = made["student"]["mae_bpm"] - made["student_kd"]["mae_bpm"]
            gap = made["student"]["mae_bpm"] - found[seed]["teacher"]["mae_bpm"]
            row = " | ".join(
                cells(found[seed][name]) for name in ("teacher", "student", "student_kd")
            )
            print(f"| {seed} | {row} | {gain:.2f} | {100 * gain / gap:.0f} % |", flush=True)
    (options.folder / "found.json").write_text(json.dumps(found))
    mae = {
        name: np.array([one[name]["mae_bpm"] for one in found.values()])
        for name in ("teacher", "student", "student_kd")
    }
    snr = {
        name: np.array([one[name]["snr_db"] for one in found.values()])
        for name in ("student", "student_kd")
    }
    gain, gap = mae["student"] - mae["student_kd"], mae["student"] - mae["teacher"]
    print(
        f"\nahead in MAE: {(gain > 0).sum()} of {len(gain)} seeds, by {between(gain)} bpm; in SNR: "
        f"{(snr['student_kd'] > snr['student']).sum()}, by "
        f"{between(snr['student_kd'] - snr['student'])} dB; "
        "of the gap between mean student and mean teacher closed: "
        f"{100 * gain.mean() / gap.mean():.0f} % (published: 31 %)"
    )


if __name__ == "__main__":
    main()
