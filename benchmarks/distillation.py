"""What a teacher gives its student, over seeds and people: `python -m benchmarks.distillation`.

The people are those of `benchmarks.dim_people`: 16 to learn from, 20 held out. Each seed has a
teacher, a student and the taught students of its own; the student alone and the taught ones have
the same first weights, batches and dropout. `acq` is the recipe that comes with acq. The ways to
teach differ from it in one thing each, and in that all of them, and one beside them that differs in
nothing else, read normalised differences, as the recipe did when they were trained; other recipes
have teachers and students of their own.

A gain is the student's MAE less the taught one's, in the mean over seeds and people. Its interval
is of a two-way bootstrap: seeds and people are drawn by themselves, 2,000 times (Owen and Eckles,
Ann. Appl. Stat. 6(3), 2012). What is closed of the gap is of mean MAE: (student - taught) /
(student - teacher).

Each network's figures are kept as soon as it is tested, in `benchmarks/distilled`, which belongs to
the repository: days of several machines add up. A training goes on where it was stopped: call it
again until it says that all is there. One thread a training, two trainings at a time. All of it
takes about eight hours on two quiet cores without bfloat16; `--seeds` does the first seeds alone,
`--minutes` begins no further network after that time, `--table` prints what there is. A teacher
whose figures are known but whose weights are not here is trained again for its next student, by the
same recipe and seed. Figures say of which recipe and people they are; others are refused. All
networks are trained in float32, also where the hardware has bfloat16: the figures of several
machines are compared.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from acquire.atomic import atomic_file
from benchmarks.dim_people import (
    LEARN,
    LEARN_S,
    PEOPLE,
    TEST,
    TEST_S,
    keep_film,
    load_people,
)
from models.data.videos import TrainingData
from models.distillation.distill import DistillConfig
from models.evaluation.mean_rate import count_missing, guess_mean_rate
from models.evaluation.methods import COLOUR_TITLES, TITLES
from models.evaluation.video_result import VideoResult, colour_pulse, evaluate_pulse
from models.nets.can import Teacher
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.training.named_recipes import read_recipe
from models.training.recipe import Recipe
from models.training.teacher_init import check_not_tested, read_teacher_init
from models.training.train import train_student, train_teacher

CPU = torch.device("cpu")
DRAWS = 2000
FIGURES = Path(__file__).parent / "distilled"


@dataclass(frozen=True)
class Way:
    """A way to teach: of which recipe teacher and student are, and how the taught one differs."""

    title: str
    of: str                         # a recipe that comes with acq, or one of `CHANGED`
    seeds: int
    change: dict[str, Any] = field(default_factory=dict)    # of the taught student's recipe


CHANGED: dict[str, dict[str, Any]] = {
    "normalised": {"motion": "normalised"},
    "shipped": {"init": "shipped", "motion": "normalised"},
}
_TAT_ALONE, _NO_MAPS = DistillConfig(weight_pulse=0.0), DistillConfig(kd="none")
_FITNET, _ATTENTION = DistillConfig(kd="fitnet"), DistillConfig(kd="at")
WAYS = {
    "acq": Way("recipe acq: TaT and the answer", "acq", 10),
    "paper": Way("recipe paper", "paper", 3),
    "fast": Way("recipe fast", "fast", 3),
    "both": Way("normalised: TaT and the answer", "normalised", 10),
    "tat": Way("normalised: TaT alone", "normalised", 10, {"distill": _TAT_ALONE}),
    "answer": Way("normalised: the answer alone", "normalised", 3, {"distill": _NO_MAPS}),
    "fitnet": Way("normalised: FitNet and the answer", "normalised", 3, {"distill": _FITNET}),
    "at": Way("normalised: attention and the answer", "normalised", 3, {"distill": _ATTENTION}),
    "pretrained": Way("normalised: 6 epochs alone first", "normalised", 3, {"pretrain_epochs": 6}),
    "init": Way("normalised: teacher from the shipped one", "shipped", 3),
}


def recipe_of(name: str, seed: int) -> Recipe:
    """Return a recipe that comes with acq, or `acq` with what `CHANGED` has."""
    recipe = replace(read_recipe("acq"), **CHANGED[name]) if name in CHANGED else read_recipe(name)
    return replace(recipe, seed=seed, precision="float32")


def train_all(folder: Path, way: str, seed: int, until_s: float) -> None:
    """Train what a way needs of one seed and is not there yet, and keep each network's figures."""
    torch.set_num_threads(1)
    of = WAYS[way].of
    recipe = recipe_of(of, seed)
    states = folder / f"{way}-{seed}-states"
    data = load_people(folder, recipe.motion)
    checkpoint = folder / f"{of}-teacher-{seed}.safetensors"
    for network in ("teacher", "student", way):
        name = f"{of}-{network}-{seed}"
        is_asked_for = network == "teacher" and way_is_open(way, seed) and not checkpoint.exists()
        if figures_of(of, network, seed).exists() and not is_asked_for:
            continue
        if time.time() > until_s:
            return
        options: dict[str, Any] = {"device": CPU, "states": states}
        states.mkdir(exist_ok=True)
        if network == "teacher":
            trained = train_teacher(data, recipe, init=start_of(recipe, data), **options)
            save_checkpoint(checkpoint, trained.net, split_hash="", data_hash="", about={})
        elif network == "student":
            trained = train_student(data, recipe, **options)
        else:
            teacher = load_checkpoint(checkpoint).net
            assert isinstance(teacher, Teacher)
            taught = replace(recipe, **WAYS[way].change)
            trained = train_student(data, taught, teacher=teacher, **options)
        found = {
            **figures(trained.videos), "seconds": round(trained.seconds), "of": origin(of, network)
        }
        if not figures_of(of, network, seed).exists():
            with atomic_file(figures_of(of, network, seed)) as part:
                part.write_text(json.dumps(found))
        print(f"{name}: {np.mean(found['mae_bpm']):.2f} bpm, {found['seconds']:.0f} s", flush=True)


def start_of(recipe: Recipe, data: TrainingData) -> Teacher | None:
    """Return the teacher that a recipe's teacher starts from, which knows nobody held out."""
    if recipe.init is None:
        return None
    init = read_teacher_init(Path(recipe.init), FIGURES)
    check_not_tested(init, [data])
    teacher = load_checkpoint(init.file.path).net
    assert isinstance(teacher, Teacher)
    return teacher


def origin(of: str, network: str) -> dict[str, Any]:
    """Return what the figures of a network are of: how it was trained, and on whom."""
    recipe = recipe_of(of, seed=0)
    how = replace(recipe, **WAYS[network].change) if network in WAYS else recipe
    if network == "student":
        how = replace(how, init=None)
    return {"recipe": how.sha256, "people": PEOPLE, "learn_s": LEARN_S, "test_s": TEST_S}


def figures_of(of: str, network: str, seed: int) -> Path:
    """Return the file of one network's figures.

    A student alone starts from scratch, whatever its teacher starts from.
    """
    of = "normalised" if (of, network) == ("shipped", "student") else of
    return FIGURES / f"{of}-{network}-{seed}.json"


def way_is_open(way: str, seed: int) -> bool:
    """Return whether the student that a way teaches is still to be trained."""
    return not figures_of(WAYS[way].of, way, seed).exists()


def figures(videos: list[VideoResult]) -> dict[str, list[float]]:
    """Return what is kept of a method: of each held-out person MAE [bpm] and SNR [dB]."""
    return {
        "mae_bpm": [
            round(float(np.abs(video.counted_bpm - video.reference_bpm).mean()), 4)
            for video in videos
        ],
        "snr_db": [round(float(np.nanmean(video.snr_db)), 4) for video in videos],
    }


def read_formulas(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Read the held-out people with the colour methods, and guess their rate."""
    data = load_people(folder, "normalised")
    found = {
        name: figures(count_missing(
            (evaluate_pulse(colour_pulse(name, video), video) for video in data.test), data
        ))
        for name in COLOUR_TITLES
    }
    (guessed,) = guess_mean_rate([data])
    mae_bpm = [float(np.abs(one.counted_bpm - one.reference_bpm).mean()) for one in guessed]
    return {**found, "mean_rate": {"mae_bpm": mae_bpm, "snr_db": []}}


def known(of: str, network: str, seeds: list[int], figure: str) -> np.ndarray:
    """Read a figure of one network, (seeds, people)."""
    rows = []
    for seed in seeds:
        found = json.loads(figures_of(of, network, seed).read_text())
        if found.get("of") != origin(of, network):
            raise SystemExit(
                f"expected {figures_of(of, network, seed)} to be of {origin(of, network)}, found "
                f"{found.get('of')}: remove it, and train that again"
            )
        rows.append(found[figure])
    return np.array(rows)


def draw_both(count: int, people: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw seeds and people, each by itself: (DRAWS, count) and (DRAWS, people) indices."""
    rng = np.random.default_rng(0)
    return rng.integers(count, size=(DRAWS, count)), rng.integers(people, size=(DRAWS, people))


def mean_and_interval(values: np.ndarray) -> str:
    """Write the mean of (seeds, people) values and its 95 % interval."""
    return f"{values.mean():.2f} {_interval(_drawn_means(values))}"


def _drawn_means(values: np.ndarray) -> np.ndarray:
    """Return the (DRAWS,) means of (seeds, people) values over drawn seeds and people."""
    seeds, people = draw_both(*values.shape)
    return np.array([
        values[np.ix_(of_seeds, of_people)].mean()
        for of_seeds, of_people in zip(seeds, people, strict=True)
    ])


def _interval(drawn: np.ndarray, digits: int = 2) -> str:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"[{low:.{digits}f}, {high:.{digits}f}]"


def gap_closed(teacher: np.ndarray, student: np.ndarray, taught: np.ndarray) -> str:
    """Write what is closed of the gap [%], where the teacher's lead is above zero in 95 %."""
    lead, gain = _drawn_means(student - teacher), _drawn_means(student - taught)
    if np.percentile(lead, 2.5) <= 0:
        return "no certain lead"
    percent = 100 * (student - taught).mean() / (student - teacher).mean()
    return f"{percent:.0f} % {_interval(100 * gain[lead > 0] / lead[lead > 0], 0)}"


def print_table(folder: Path) -> None:
    """Print what the folder has, and what it lacks."""
    print("| | MAE [bpm] | SNR [dB] |\n|---|---|---|")
    for name, found in read_formulas(folder).items():
        mae_bpm = mean_and_interval(np.array([found["mae_bpm"]]))
        snr_db = mean_and_interval(np.array([found["snr_db"]])) if found["snr_db"] else ""
        print(f"| {TITLES[name]} | {mae_bpm} | {snr_db} |")
    print(
        "\n| way | seeds | teacher, MAE [bpm] | student | taught | gain [bpm] | ahead in | gain in "
        "SNR [dB] | gap closed |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name, way in WAYS.items():
        seeds = [
            seed for seed in range(way.seeds)
            if all(figures_of(way.of, network, seed).exists()
                   for network in ("teacher", "student", name))
        ]
        if not seeds:
            print(f"| {way.title} | none of {way.seeds} yet | | | | | | | |")
            continue
        teacher, student, taught = (
            known(way.of, network, seeds, "mae_bpm")
            for network in ("teacher", "student", name)
        )
        snr_student, snr_taught = (
            known(way.of, network, seeds, "snr_db") for network in ("student", name)
        )
        gain = student - taught
        of = f" of {way.seeds}" if len(seeds) < way.seeds else ""
        print(
            f"| {way.title} | {len(seeds)}{of} | {teacher.mean():.2f} | {student.mean():.2f} | "
            f"{taught.mean():.2f} | {mean_and_interval(gain)} | {(gain.mean(axis=1) > 0).sum()} | "
            f"{mean_and_interval(snr_taught - snr_student)} | "
            f"{gap_closed(teacher, student, taught)} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ways", nargs="*", default=list(WAYS), help="all, where none is named")
    parser.add_argument(
        "--folder", type=Path, default=Path("/tmp/acq-distillation"),
        help="where people and networks are kept",
    )
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument("--seeds", type=int, default=10, help="of each way, at most")
    parser.add_argument("--table", action="store_true", help="train nothing")
    options = parser.parse_args()
    if unknown := sorted({*options.ways} - {*WAYS}):
        parser.error(f"expected some of {', '.join(WAYS)}, found {', '.join(unknown)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    FIGURES.mkdir(exist_ok=True)
    until_s = time.time() + 60 * options.minutes
    with ProcessPoolExecutor(options.jobs) as pool:
        list(pool.map(keep_film, [(options.folder, number) for number in (*LEARN, *TEST)]))
        if not options.table:
            # one way after another, for ways of one recipe share its teacher and student
            for way in options.ways:
                jobs = [
                    pool.submit(train_all, options.folder, way, seed, until_s)
                    for seed in range(min(options.seeds, WAYS[way].seeds))
                ]
                for job in jobs:
                    job.result()
    print_table(options.folder)


if __name__ == "__main__":
    main()
