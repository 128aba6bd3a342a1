"""Student alone against student + KD over seeds: `python -m benchmarks.distillation [SEED ...]`.

24 virtual subjects at 25 fps: 16 train (30 s each), 8 are held out (40 s). The room is dim, a
camera well of 1,500 electrons in place of 15,000: in full light nearly every window is read right,
the error depends on a few whose peak jumps, and nothing can be concluded from it. Frames go from
the simulator to the 36x36 average without a file in between; files are lossless and give the same.
A seed is that of the students: initial weights, batches and dropout, the same for both. Two
teachers, of seeds 0 and 1, teach the even and the odd seeds. One thread a training, two trainings
at a time; an hour on two cores.
"""

import argparse
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
from models.data.videos import CuratedVideo, TrainingData, change_of_ppg, to_curated_video
from models.distillation.distill import DistillConfig
from models.evaluation.assess import assess
from models.nets.can import Teacher
from models.training.recipe import Recipe, Trained
from models.training.train import train_student, train_teacher

PEOPLE, TRAIN, TEST = 22, range(1, 17), range(17, 25)
TRAIN_S, TEST_S, FPS = 30.0, 40.0, 25.0
DIM = ImageSensor(full_well_electrons=1500.0, read_noise_electrons=10.0)
TEACHERS = 2
CPU = torch.device("cpu")


def film(number: int, people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make the 36x36 frames, the PPG and the times of one person."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    person = VirtualSubject(f"S{number:02d}", seed=people)
    person.image_sensor = DIM
    time_s = 3.0 + np.arange(round((TRAIN_S if number in TRAIN else TEST_S) * FPS)) / FPS
    box, averaged = None, []
    for index, t_s in enumerate(time_s):
        bgr = cv2.cvtColor(person.frame(float(t_s), index), cv2.COLOR_YUV2BGR_I420)
        box = box or find_face([bgr[:, :, ::-1]], name=person.subject_id)
        averaged.append(average_face(bgr, box)[:, :, ::-1])
    return np.stack(averaged), person.ppg(time_s), time_s


def to_video(number: int, frames: np.ndarray, ppg: np.ndarray, time_s: np.ndarray) -> CuratedVideo:
    side = "train" if number in TRAIN else "test"
    filtered = bandpass(ppg, FPS)
    return to_curated_video(
        FaceFrames(frames, FaceBox(0, 0, 1, 1), ""), filtered, time_s=time_s,
        ppg_change=change_of_ppg(filtered, time_s), folder=f"{side}/subject{number}",
        subject=f"S{number:02d}", session=str(number), simulated=True, video=Path(),
    )


@cache
def people(folder: Path) -> TrainingData:
    """Load what `film` made, once in a process."""
    torch.set_num_threads(1)
    sides: dict[str, list[CuratedVideo]] = {"train": [], "test": []}
    for number in (*TRAIN, *TEST):
        with np.load(folder / f"{number}.npz") as stored:
            video = to_video(number, stored["frames"], stored["ppg"], stored["time_s"])
        sides["train" if number in TRAIN else "test"].append(video)
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
    assert isinstance(teacher.net, Teacher)
    trained = {
        "student": train_student(people(folder), recipe, device=CPU),
        "student_kd": train_student(people(folder), recipe, teacher=teacher.net, device=CPU),
    }
    return seed, {name: assess(student.videos) for name, student in trained.items()}


def cells(figures: dict) -> str:
    return f"{figures['mae_bpm']:.2f} / {figures['rmse_bpm']:.2f}, {figures['snr_db']:.2f}"


def mean_with_interval(values: np.ndarray) -> str:
    """Return a mean and its 95 % interval (t)."""
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
        help="TaT alone, without the teacher's answer",
    )
    options = parser.parse_args()
    config = DistillConfig(weight_pulse=0.0) if options.paper else DistillConfig()
    options.folder.mkdir(parents=True, exist_ok=True)
    figures: dict[int, dict[str, dict]] = {}
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(keep_film, [(options.folder, n, PEOPLE) for n in (*TRAIN, *TEST)]))
        teachers = dict(
            pool.map(make_teacher, [(options.folder, seed) for seed in range(TEACHERS)])
        )
        teacher_figures = {
            seed: assess(teacher.videos) for seed, teacher in teachers.items()
        }
        print(
            "| seed | teacher MAE / RMSE bpm, SNR dB | student | student + KD | gain bpm | gap "
            "closed |"
        )
        print("|---|---|---|---|---|---|", flush=True)
        jobs = [(options.folder, seed, teachers[seed % TEACHERS], config) for seed in options.seeds]
        for seed, students in pool.map(make_students, jobs):
            figures[seed] = {"teacher": teacher_figures[seed % TEACHERS], **students}
            gain = students["student"]["mae_bpm"] - students["student_kd"]["mae_bpm"]
            gap = students["student"]["mae_bpm"] - figures[seed]["teacher"]["mae_bpm"]
            row = " | ".join(
                cells(figures[seed][name]) for name in ("teacher", "student", "student_kd")
            )
            print(f"| {seed} | {row} | {gain:.2f} | {100 * gain / gap:.0f} % |", flush=True)
    (options.folder / "found.json").write_text(json.dumps(figures))
    mae = {
        name: np.array([of_seed[name]["mae_bpm"] for of_seed in figures.values()])
        for name in ("teacher", "student", "student_kd")
    }
    snr = {
        name: np.array([of_seed[name]["snr_db"] for of_seed in figures.values()])
        for name in ("student", "student_kd")
    }
    gain, gap = mae["student"] - mae["student_kd"], mae["student"] - mae["teacher"]
    print(
        f"\nahead in MAE: {(gain > 0).sum()} of {len(gain)} seeds, by "
        f"{mean_with_interval(gain)} bpm; in SNR: "
        f"{(snr['student_kd'] > snr['student']).sum()}, by "
        f"{mean_with_interval(snr['student_kd'] - snr['student'])} dB; "
        "of the gap between mean student and mean teacher closed: "
        f"{100 * gain.mean() / gap.mean():.0f} % (published: 31 %)"
    )


if __name__ == "__main__":
    main()
