"""The reference of every metric: right where there is a finger, absent where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from acquire.errors import TrainingError
from dataset.signals.filters import bandpass
from models.data.curated import load_curated
from models.data.reference import trust_by_labels
from models.data.videos import change_of_ppg, percent_without_finger
from models.evaluation.assess import assess
from models.evaluation.video_result import evaluate_pulse
from tests.support.curated_folders import FPS as FPS_OF_FOLDERS
from tests.support.curated_folders import make_entry, write_curated_folders
from tests.support.curated_videos import video_of_ppg
from tests.support.pulse_shapes import make_noise, make_ppg

FPS, SECONDS = 30, 90
TIME_S = np.arange(FPS * SECONDS) / FPS


def made_ppg(bpm, kind=None):
    """Return a PPG through the label's filter; from 30 to 60 s without a finger."""
    rng = np.random.default_rng(0)
    ppg = make_ppg(bpm, FPS, SECONDS, rng)
    if kind == "flat":
        ppg[30 * FPS : 60 * FPS] = ppg[30 * FPS]
    elif kind is not None:
        ppg[30 * FPS : 60 * FPS] = make_noise(kind, FPS, 30, rng)
    return bandpass(ppg, FPS)


@pytest.mark.parametrize("bpm", [35, 38, 72, 150])
def test_the_reference_reads_the_finger(bpm):
    video = video_of_ppg(made_ppg(bpm), TIME_S)
    assert video.is_trusted.all()
    assert video.reference.is_used.all()
    assert video.reference.bpm == pytest.approx(bpm, abs=0.06 * bpm)


@pytest.mark.parametrize("kind", ["flat", "white", "brown"])
def test_half_a_minute_of_no_finger_gives_no_reference_and_nothing_to_learn(kind):
    video = video_of_ppg(made_ppg(72, kind), TIME_S)
    start_s = np.arange(len(video.reference.bpm))
    is_off = (start_s > 33.5 - 10) & (start_s < 56.5)         # they hold seconds without a finger
    assert not video.reference.is_used[is_off].any()
    assert video.reference.is_used[(start_s < 16) | (start_s > 64)].all()
    assert np.nanmax(np.abs(video.reference.bpm - 72)) < 6
    change = change_of_ppg(video.ppg, TIME_S, (), video.is_trusted)
    assert np.isnan(change[34 * FPS : 56 * FPS]).all()
    assert np.isfinite(change[: 26 * FPS]).all()
    assert percent_without_finger([video]) == pytest.approx(100 * 30 / SECONDS, abs=7)


def test_every_method_is_judged_in_the_same_windows():
    video = video_of_ppg(made_ppg(72, "white"), TIME_S)
    rng = np.random.default_rng(1)
    right, noise = (evaluate_pulse(p, video) for p in (video.ppg, rng.normal(size=len(TIME_S))))
    assert right.start_s.tolist() == noise.start_s.tolist()
    assert right.reference_bpm.tolist() == noise.reference_bpm.tolist()
    assert right.without_finger == noise.without_finger > 20
    figures = assess([right])
    assert figures["mae_bpm"] < 1.5
    assert figures["windows_without_finger"] == right.without_finger
    assert figures["windows"] + right.without_finger == len(video.reference.bpm)


def test_folders_without_marks_are_looked_at_and_marks_are_believed():
    ppg = made_ppg(72, "flat")
    assert not trust_by_labels(ppg, TIME_S, filtered=True)[34 * FPS : 56 * FPS].any()
    marked = np.ones(len(ppg), bool)
    marked[:100] = False
    video = video_of_ppg(made_ppg(72), TIME_S)
    object.__setattr__(video, "marked_trusted", marked)
    assert not video.reference.is_used[0]
    assert video.reference.is_used[10]


def test_a_test_video_of_noise_is_refused_with_what_to_do(tmp_path):
    entries = [make_entry(1, "train", "S01"), make_entry(2, "test", "S02")]
    rng = np.random.default_rng(2)
    data = write_curated_folders(
        tmp_path, entries, ppg=lambda time_s: rng.normal(size=len(time_s))
    )
    with pytest.raises(TrainingError, match=r"a finger whose heart rate can be told.*subject2"):
        load_curated(data)


def test_videos_to_train_on_without_any_window_are_refused(tmp_path):
    brief = replace(make_entry(1, "train", "S01"), frames=7 * FPS_OF_FOLDERS)
    data = write_curated_folders(tmp_path, [brief, make_entry(2, "test", "S02")])
    with pytest.raises(TrainingError, match="found none in 1 video to train on"):
        load_curated(data)
