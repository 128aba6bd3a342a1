"""Curated folders in, a held-out person's pulse out: it is the true one, in time and in sign.

The labels are what is tested, too. So the pulse is held beside two others: the one that the
picture was drawn from, which notices labels that are upside down, and the held-out person's own
label, which notices labels that are late. A student sees two frames and cannot learn a delay: from
labels that are five frames of 30 a second late (80 degrees of the tested heart) it still learns
the pulse of the picture, which then is not that of the label.
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
LATE_S = 5 / 30             # five frames of a camera of 30 a second


def true_pulse(time_s, number):
    return np.sin(2 * np.pi * (60 + 10 * number) / 60 * time_s)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The frames of the videos, which are the same under all labels."""
    return tmp_path_factory.mktemp("frames") / "cache"


def r_at_lag_0(folder, labels, cache):
    """Train a student on two people; return r of a third one's pulse at lag 0, beside two others.

    The first is the pulse that the picture was drawn from, the second the label. `labels` is a
    function of time and of the person's number.
    """
    entries = [
        make_entry(n, side, f"S0{n}") for n, side in enumerate(("train", "train", "test"), start=1)
    ]
    number = iter(range(len(entries)))
    write_curated_folders(folder, entries, ppg=lambda time_s: labels(time_s, next(number)))
    if cache.exists():
        shutil.copytree(cache, folder / "cache")
    data = load_curated(folder)
    shutil.copytree(folder / "cache", cache, dirs_exist_ok=True)
    (read,) = train_student(data, RECIPE, device=torch.device("cpu")).videos
    inner = slice(FPS, -FPS)                                        # without the filter's ends
    return tuple(
        pearson_r(read.pulse[inner], other[inner])
        for other in (true_pulse(read.time_s, TESTED), read.ppg)
    )


def test_a_student_reads_a_held_out_person_at_lag_0(tmp_path, cache):
    assert min(r_at_lag_0(tmp_path, true_pulse, cache)) > 0.5


def test_labels_that_are_flipped_are_noticed(tmp_path, cache):
    of_picture, of_label = r_at_lag_0(
        tmp_path, lambda time_s, number: -true_pulse(time_s, number), cache
    )
    assert of_picture < -0.5
    assert of_label > 0.5


def test_labels_that_are_five_frames_late_are_noticed(tmp_path, cache):
    of_picture, of_label = r_at_lag_0(
        tmp_path, lambda time_s, number: true_pulse(time_s - LATE_S, number), cache
    )
    assert of_picture > 0.5
    assert abs(of_label) < 0.4
