"""A recording of a public set held against itself, whatever set it is from."""

from pathlib import Path

import numpy as np
import pytest

from dataset.public.examine import examine
from dataset.public.published import (
    PublishedRecording,
    PublishedVideo,
    nominal_times,
    samples_of,
)

HZ, SECONDS = 60.0, 40.0
TIME_S = np.arange(round(SECONDS * HZ)) / HZ


def defects_of(ppg):
    times = nominal_times(len(ppg), HZ)
    video = PublishedVideo(64, 48, HZ, "", times, len(ppg), iter(()))
    return examine(PublishedRecording(
        Path("subject1"), "1", "oximeter", 0, 0, samples_of(ppg, times), video, [],
    )).defects


@pytest.mark.parametrize(
    ("ppg", "defects"),
    [
        pytest.param(
            np.round(80 + 8 * np.sin(2 * np.pi * TIME_S.astype(int) / 40)),
            ["the PPG looks like heart rates: values from 72 to 88 that move slowly and hold no "
             "pulse"],
            id="heart rates",
        ),
        pytest.param(80 + 8 * np.sin(2 * np.pi * 1.2 * TIME_S), [], id="a PPG of such values"),
    ],
)
def test_heart_rates_in_the_place_of_a_ppg_are_a_defect(ppg, defects):
    assert defects_of(ppg) == defects
