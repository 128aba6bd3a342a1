"""What a network learns to predict, and who was recorded."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataset.layouts.manifest import FrameSpan
from models.data.curated import load_curated
from models.data.videos import change_of_ppg
from tests.support.curated_folders import three_entries, write_curated_folders


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_curated_folders(tmp_path_factory.mktemp("curated"), three_entries())


def test_the_label_of_a_pair_is_how_much_the_ppg_rises_over_it():
    ppg = np.array([0.0, 1.0, 3.0, 2.0, 2.0, 6.0, 5.0, 5.5])
    rise = np.array([1.0, 2.0, -1.0, 0.0, 4.0, -1.0, 0.5])
    labels = change_of_ppg(ppg, np.arange(8) / 30)
    assert labels == pytest.approx((rise - rise.mean()) / rise.std(), abs=1e-6)


@pytest.mark.parametrize(("step_s", "known"), [(0.45, True), (0.55, False)])
def test_a_pair_more_than_half_a_second_apart_has_no_label(step_s, known):
    time_s = np.concatenate([np.arange(10) / 30, 9 / 30 + step_s + np.arange(10) / 30])
    labels = change_of_ppg(np.sin(7 * time_s), time_s)
    assert np.isfinite(labels[9]) == known
    assert np.isfinite(np.delete(labels, 9)).all()


def test_repeated_frames_are_not_learnt_from():
    time_s = np.arange(20) / 30
    change = change_of_ppg(
        np.sin(7 * time_s), time_s,
        [FrameSpan(5, 2, ""), FrameSpan(0, 1, "")],
    )
    # the pairs before, between and behind them
    assert np.flatnonzero(np.isnan(change)).tolist() == [0, 4, 5, 6]
    assert np.nanmean(change) == pytest.approx(0, abs=1e-6)
    assert np.nanstd(change) == pytest.approx(1, abs=1e-6)


def test_people(data):
    curated = load_curated(data)
    real = [replace(r, simulated=False) for r in curated.test]
    assert curated.people == "virtual"
    assert replace(curated, test=real).people == "virtual and real"
    assert replace(curated, train=real, test=real).people == "real"
