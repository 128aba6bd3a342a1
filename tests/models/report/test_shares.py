"""The surest windows: right where neighbouring beats are alike, off where there is noise."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataset.common.drawings import drawing_style
from models.report.shares import mae_by_share, shares_shown
from tests.support.made_reports import FS_HZ, metrics_of, results
from tests.support.pages import Page

FOUND = results("S01", "S02")


def noisy_where_off(one):
    """Return a result whose pulse is noise from 20 s on; its windows after 10 s are off."""
    pulse = one.pulse.copy()
    first = round(20 * FS_HZ)
    pulse[first:] = np.random.default_rng(0).normal(0, 3, len(pulse) - first)
    return replace(one, pulse=pulse)


def test_the_surest_half_is_right_and_all_are_as_in_the_table():
    videos = [noisy_where_off(one) for one in FOUND["student"]]
    mae_bpm = mae_by_share(videos)
    assert len(mae_bpm) == 42
    assert mae_bpm[:22] == pytest.approx(0.0)          # 11 of 21 windows of either are right
    assert mae_bpm[-1] == pytest.approx(6.0 * 20 / 42)
    assert mae_bpm[-1] == pytest.approx(metrics_of(FOUND)["methods"]["student"]["mae_bpm"])


def test_the_table_has_each_method_and_the_drawing_says_its_figures():
    found = {name: [noisy_where_off(one) for one in videos] for name, videos in FOUND.items()}
    with drawing_style():
        page = shares_shown(found, metrics_of(FOUND))
    assert "student + KD</td><td>0.95</td>" in page
    assert "Without training, POS is the best" in page
    assert Page(page).alts == [
        "MAE by share of windows shown; of the surest half: teacher 0.00, student 0.00, student + "
        "KD 0.00, PhysNet 0.00, POS 0.00 bpm"
    ]
