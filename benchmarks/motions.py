"""What a student reads of two frames, and how it reads then: `python -m benchmarks.motions FOLDER`.

Students alone, by the recipe `acq` in float32, each with one of the three kinds of motion
(`dataset.face.frames`): 16 people to learn from, 20 held out (`benchmarks.dim_people`), in a dim
room and in full light. Students of a seed have the same first weights, batches and dropout.
Intervals are of a two-way bootstrap over seeds and people, as in `benchmarks.distillation`.

Films and figures are kept in FOLDER and not made again: call it again where it was stopped. One
thread a training, two trainings at a time; some four minutes a student. `--table` prints what is
there.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import torch

from acquire.atomic import atomic_file
from benchmarks.dim_people import DIM, LEARN, TEST, keep_film, load_people
from benchmarks.distillation import CPU, figures, mean_and_interval
from dataset.face.frames import Motion
from models.training.named_recipes import read_recipe
from models.training.train import train_student

SENSORS = {"dim room": DIM, "full light": None}
BESIDE: Motion = "normalised"           # what the others are compared with


class Job(NamedTuple):
    """One student."""

    room: str
    motion: Motion
    seed: int

    def file(self, folder: Path) -> Path:
        """Return where its figures are kept."""
        return room_folder(folder, self.room) / f"{self.motion}-{self.seed}.json"


def room_folder(folder: Path, room: str) -> Path:
    return folder / room.replace(" ", "-")


def keep_figures(job: Job, folder: Path) -> None:
    """Train and test one student, unless this was done before."""
    if (path := job.file(folder)).exists():
        return
    torch.set_num_threads(1)
    recipe = replace(read_recipe("acq"), motion=job.motion, seed=job.seed, precision="float32")
    trained = train_student(load_people(path.parent, job.motion), recipe, device=CPU)
    found = figures(trained.videos)
    with atomic_file(path) as part:
        part.write_text(json.dumps(found))
    print(f"{job.room}, {job.motion}, {job.seed}: {np.mean(found['mae_bpm']):.2f} bpm", flush=True)


def print_table(folder: Path, seeds: int) -> None:
    """Print what the folder has; a row is of the seeds that all kinds of its room have."""
    print("| room | motion | seeds | MAE [bpm] | SNR [dB] | less MAE than normalised | more SNR |")
    print("|---|---|---|---|---|---|---|")
    for room in SENSORS:
        there = [
            seed for seed in range(seeds)
            if all(Job(room, motion, seed).file(folder).exists() for motion in get_args(Motion))
        ]
        if not there:
            print(f"| {room} | none of {seeds} seeds yet | | | | | |")
            continue
        known = {
            motion: [json.loads(Job(room, motion, seed).file(folder).read_text()) for seed in there]
            for motion in get_args(Motion)
        }
        mae_bpm, snr_db = (
            {motion: np.array([one[name] for one in found]) for motion, found in known.items()}
            for name in ("mae_bpm", "snr_db")
        )
        for motion in get_args(Motion):
            gains = ["", ""] if motion == BESIDE else [
                mean_and_interval(mae_bpm[BESIDE] - mae_bpm[motion]),
                mean_and_interval(snr_db[motion] - snr_db[BESIDE]),
            ]
            print(f"| {room} | `{motion}` | {len(there)} | {mean_and_interval(mae_bpm[motion])} | "
                  f"{snr_db[motion].mean():.2f} | {gains[0]} | {gains[1]} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument("--table", action="store_true", help="train nothing")
    options = parser.parse_args()
    if not options.table:
        with ProcessPoolExecutor(options.jobs) as pool:
            for room, sensor in SENSORS.items():
                place = room_folder(options.folder, room)
                place.mkdir(parents=True, exist_ok=True)
                people = [(place, number) for number in (*LEARN, *TEST)]
                list(pool.map(partial(keep_film, sensor=sensor), people))
            jobs = [
                Job(room, motion, seed) for seed in range(options.seeds)
                for room in SENSORS for motion in get_args(Motion)
            ]
            list(pool.map(partial(keep_figures, folder=options.folder), jobs))
    print_table(options.folder, options.seeds)


if __name__ == "__main__":
    main()
