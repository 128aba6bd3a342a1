"""Curated folders in, a held-out person's pulse out: it is the true one, in time and in sign.

The labels are what is tested, too: upside down or five frames late in every folder, they teach the
wrong pulse, and a test against them would not notice. So the truth is what the picture was drawn
from.
"""

import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataset.signals.pearson import pearson_r
from models.data.curated import load_curated
from models.training.recipe import Recipe
from models.training.train import train_student
from tests.support.curated_folders import FPS, make_entry, write_curated_folders

RECIPE = Recipe(epochs=9, learning_rate=3e-3, precision="float32")
TESTED = 2                  # of the entries, by which their heart rate rises
LATE = 4                    # frames


def true_pulse(time_s, number):
    return np.sin(2 * np.pi * (60 + 10 * number) / 60 * time_s)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The frames of the videos, which are the same under all labels."""
    return tmp_path_factory.mktemp("frames") / "cache"


def r_at_lag_0(folder, labels, cache):
    """Train a student on two people; return r of a third one's pulse and the truth, at lag 0."""
    entries = [
        make_entry(n, side, f"S0{n}") for n, side in enumerate(("train", "train", "test"), start=1)
    ]
    number = iter(range(len(entries)))
    write_curated_folders(
        folder, entries, ppg=lambda time_s: labels(true_pulse(time_s, next(number)))
    )
    if cache.exists():
        shutil.copytree(cache, folder / "cache")
    data = load_curated(folder)
    shutil.copytree(folder / "cache", cache, dirs_exist_ok=True)
    (read,) = train_student(data, RECIPE, device=torch.device("cpu")).videos
    inner = slice(FPS, -FPS)                                        # without the filter's ends
    return pearson_r(read.pulse[inner], true_pulse(read.time_s, TESTED)[inner])


def test_a_student_reads_a_held_out_person_at_lag_0(tmp_path, cache):
    assert r_at_lag_0(tmp_path, lambda pulse: pulse, cache) > 0.5


@pytest.mark.parametrize(
    "spoil", [lambda pulse: -pulse, lambda pulse: np.roll(pulse, LATE)], ids=["flipped", "late"]
)
def test_labels_that_are_flipped_or_late_are_noticed(tmp_path, cache, spoil):
    assert r_at_lag_0(tmp_path, spoil, cache) < 0.5
