"""Whether networks of other papers learn: `python -m benchmarks.published_nets [NAME ...]`.

Easy virtual people of 20 s (`tests.support.easy_people`): they sit still, and the lamp sways in the
pulse's band, which GREEN takes for a pulse. Six to learn from and four others to read, where a
network predicts a pulse. One that predicts a rate has a single number a clip to learn from: it gets
more people, and a table of its own, with twelve others to read.

The 3D CNN of Bousefsaf reads green alone, in which nothing tells a pulse from such a lamp. What it
has is many patches, of which each votes: its people sit in steady light, and the lamp is mirrored
in a spot of their skin.

Each network in a tiny setting, which the table names; its epochs are what this setting needs. One
thread.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch

from dataset.common.wording import number
from models.data.videos import TrainingData
from models.evaluation.assess import assess
from models.evaluation.mean_rate import count_missing, coverage_text, guess_mean_rate
from models.evaluation.video_result import VideoResult, colour_pulse, evaluate_pulse
from models.nets.can import count_parameters
from models.published_nets.registry import networks
from models.training.beside import train_beside
from models.training.recipe import Recipe
from tests.support.easy_people import easy_person

# epochs, and what is smaller than as published
PULSES = {
    "deepphys": (3, {}),
    "tscan": (3, {}),
    "efficientphys": (3, {"size": 36}),
    "nowara": (12, {"channels": (8, 16), "hidden": 32}),
    "physnet": (3, {"channels": (8, 16, 16), "size": 36, "clip": 64}),
    "rppgnet": (4, {"channels": (4, 8, 16), "size": 16}),
    "physformer": (
        40, {"width": 24, "forward_width": 36, "blocks": 3, "size": 32, "clip": 96},
    ),
    "metarppg": (25, {"channels": (8, 16, 16), "units": 16, "size": 16}),
    "pulsegan": (60, {}),
}
RATES = {
    "synrhythm": (100, {"channels": (8, 16, 32, 64)}),
    "bousefsaf": (6, {"size": 36, "patch": 9, "kernel": (58, 8, 8), "classes": 24}),
}
FEW, MANY = (range(6), range(100, 104)), (range(96), range(100_000, 100_012))
METHODS = ("green", "chrom", "pos")
_LAMP = {"lamp": 0.03}
_SPOT = {"lamp": 0.1, "in_spot": True}


def people(seeds: tuple[range, range], light: dict[str, Any]) -> TrainingData:
    learn, read = ([easy_person(seed, **light) for seed in part] for part in seeds)
    return TrainingData(learn, read, "", "")


def print_row(
    title: str, videos: Sequence[VideoResult], setting: str = "", weights: str = "",
    seconds: str = "",
) -> None:
    figures = assess(videos)
    cells = (
        title, setting, weights, f"{figures['mae_bpm']:.2f}",
        coverage_text([figures["coverage_percent"]]), number(figures["snr_db"], 1),
        number(figures["pulse_correlation"], 2), seconds,
    )
    print("| " + " | ".join(cells) + " |")
    sys.stdout.flush()


def print_beside(data: TrainingData) -> None:
    """Print the table's head and what needs no training."""
    print(
        "\n| | tiny setting | weights | MAE [bpm] | coverage | SNR [dB] | r with PPG | s |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    print_row("the mean rate of those to learn from", guess_mean_rate([data])[0])
    for name in METHODS:
        print_row(name.upper(), count_missing(
            (evaluate_pulse(colour_pulse(name, video), video) for video in data.test), data
        ))


def print_net(name: str, data: TrainingData, seed: int) -> None:
    """Train a network, and print its row."""
    epochs, smaller = (PULSES | RATES)[name]
    spec = networks()[name]
    recipe = Recipe(teacher_epochs=epochs, precision="float32", seed=seed)
    begun = time.process_time()
    trained = train_beside(
        name, data, recipe, device=torch.device("cpu"), config=spec.config(**smaller)
    )
    setting = ", ".join([f"{epochs} epochs", *(f"{key} {value}" for key, value in smaller.items())])
    print_row(
        spec.title, trained.videos, setting, f"{count_parameters(trained.net):,}",
        f"{time.process_time() - begun:.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*PULSES, *RATES])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for names, seeds, light in (
        (tuple(PULSES), FEW, _LAMP), (("synrhythm",), MANY, _LAMP), (("bousefsaf",), MANY, _SPOT),
    ):
        if asked := [name for name in names if name in options.names]:
            data = people(seeds, light)
            print_beside(data)
            for name in asked:
                print_net(name, data, options.seed)


if __name__ == "__main__":
    main()
