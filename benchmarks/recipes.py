"""What helps a student of 24,769 parameters: `python -m benchmarks.recipes [NAME ...]`.

Each recipe differs from the default in one thing. The room is that of `benchmarks.distillation`,
with other people, so that nothing is chosen on those that it tests. One teacher, of the default
recipe, for all of them; two seeds of the students, the same for every recipe; the student alone
beside the student + KD where the recipe affects it. One thread a training, two at a time.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

from benchmarks.distillation import CPU, TEST, TRAIN, keep_film, people
from models.distillation.distill import DistillConfig
from models.evaluation.assess import assess
from models.nets.can import Teacher
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.training.recipe import Recipe
from models.training.train import train_student, train_teacher

PEOPLE = 21
SEEDS = (0, 1)
RECIPES = {
    "default": Recipe(),
    "TaT alone": Recipe(distill=DistillConfig(weight_pulse=0.0)),
    "the teacher's answer alone": Recipe(distill=DistillConfig(kd="none")),
    "FitNet and the answer": Recipe(distill=DistillConfig(kd="fitnet")),
    "attention transfer and the answer": Recipe(distill=DistillConfig(kd="at")),
    "TaT and the answer, last level only": Recipe(distill=DistillConfig(levels="last")),
    "student pretrained for 6 epochs": Recipe(pretrain_epochs=6),
    "24 epochs": Recipe(epochs=24),
    "float32 in place of bfloat16": Recipe(precision="float32"),
    "no shifts, no mirror": Recipe(shift=0),
    "clips of 32": Recipe(clip=32, batch_clips=2),
    "clips of 64, and the pulse's shape": Recipe(clip=64, batch_clips=1, shape_weight=0.3),
}
ALONE = (
    "default", "24 epochs", "float32 in place of bfloat16", "no shifts, no mirror", "clips of 32",
    "clips of 64, and the pulse's shape",
)


def train(job: tuple[Path, str, int, str]) -> tuple[str, str, dict]:
    """Train one network; a teacher is saved."""
    folder, name, seed, which = job
    torch.set_num_threads(1)
    recipe = Recipe(**{**vars(RECIPES[name]), "seed": seed})
    if which == "teacher":
        trained = train_teacher(people(folder), recipe, device=CPU)
        save_checkpoint(
            folder / "teacher.safetensors", trained.net, split_hash="", data_hash="", about={}
        )
    elif which == "student":
        trained = train_student(people(folder), recipe, device=CPU)
    else:
        teacher = load_checkpoint(folder / "teacher.safetensors").net
        assert isinstance(teacher, Teacher)
        trained = train_student(people(folder), recipe, teacher=teacher, device=CPU)
    return name, which, assess(trained.videos)


def cells(seeds: list[dict]) -> str:
    """Write the mean MAE / RMSE and SNR over seeds, and the MAE of each."""
    means = [
        np.mean([figures[name] for figures in seeds]) for name in ("mae_bpm", "rmse_bpm", "snr_db")
    ]
    each = "; ".join(f"{figures['mae_bpm']:.2f}" for figures in seeds)
    return f"{means[0]:.2f} / {means[1]:.2f}, {means[2]:.2f} ({each})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(RECIPES))
    parser.add_argument(
        "--folder", type=Path, default=Path("/tmp/acq-recipes"),
        help="where frames and the teacher are stored",
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(keep_film, [(options.folder, n, PEOPLE) for n in (*TRAIN, *TEST)]))
        if not (options.folder / "teacher.safetensors").exists():
            _, _, figures = next(iter(pool.map(train, [(options.folder, "default", 0, "teacher")])))
            print(f"teacher: {cells([figures])}", flush=True)
        jobs = [
            (options.folder, name, seed, which)
            for name in options.names
            for which in (("student", "student + KD") if name in ALONE else ("student + KD",))
            for seed in SEEDS
        ]
        print(
            "| recipe | network | MAE / RMSE [bpm], SNR [dB] of two seeds (MAE of each) "
            "|\n|---|---|---|",
            flush=True,
        )
        rows: dict[tuple[str, str], list[dict]] = {}
        for name, which, figures in pool.map(train, jobs):
            rows.setdefault((name, which), []).append(figures)
            if len(rows[name, which]) == len(SEEDS):
                print(f"| {name} | {which} | {cells(rows[name, which])} |", flush=True)


if __name__ == "__main__":
    main()
