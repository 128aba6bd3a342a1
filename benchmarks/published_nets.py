"""Whether networks of other papers learn: `python -m benchmarks.published_nets [NAME ...]`.

Six easy virtual people of 20 s to learn from, four others to read (`tests.support.easy_people`):
they sit still, and the lamp sways in the pulse's band, which GREEN takes for a pulse. Each network
in a tiny setting, which the table names; its epochs are what this setting needs. One thread.
"""

import argparse
import sys
import time

import torch

from dataset.common.wording import number
from models.data.videos import TrainingData
from models.evaluation.assess import assess
from models.evaluation.mean_rate import count_missing, coverage_text
from models.evaluation.video_result import VideoResult, colour_pulse, evaluate_pulse
from models.nets.can import count_parameters
from models.published_nets.registry import networks
from models.training.beside import train_beside
from models.training.recipe import Recipe
from tests.support.easy_people import easy_person

LEARN, READ = range(6), range(100, 104)
# epochs, and what is smaller than as published
SETTINGS = {
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
    "synrhythm": (800, {"channels": (8, 16, 32, 64)}),
    "bousefsaf": (300, {"size": 9, "patch": 9, "kernel": (58, 8, 8), "classes": 24}),
}
METHODS = ("green", "chrom", "pos")


def row(title: str, setting: str, weights: str, videos: list[VideoResult], seconds: str) -> str:
    figures = assess(videos)
    cells = (
        title, setting, weights, f"{figures['mae_bpm']:.2f}",
        coverage_text([figures["coverage_percent"]]), number(figures["snr_db"], 1),
        number(figures["pulse_correlation"], 2), seconds,
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(SETTINGS))
    names = parser.parse_args().names
    torch.set_num_threads(1)
    data = TrainingData(
        [easy_person(seed) for seed in LEARN], [easy_person(seed) for seed in READ], "", ""
    )
    print("| | tiny setting | weights | MAE [bpm] | coverage | SNR [dB] | r with PPG | s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in METHODS:
        videos = count_missing(
            (evaluate_pulse(colour_pulse(name, video), video) for video in data.test), data
        )
        print(row(name.upper(), "", "", videos, ""))
    for name in names:
        epochs, smaller = SETTINGS[name]
        spec = networks()[name]
        begun = time.process_time()
        trained = train_beside(
            name, data, Recipe(teacher_epochs=epochs, precision="float32"),
            device=torch.device("cpu"), config=spec.config(**smaller),
        )
        smaller_words = [f"{key} {value}" for key, value in smaller.items()]
        setting = ", ".join([f"{epochs} epochs", *smaller_words])
        print(row(
            spec.title, setting, f"{count_parameters(trained.net):,}", trained.videos,
            f"{time.process_time() - begun:.0f}",
        ))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
