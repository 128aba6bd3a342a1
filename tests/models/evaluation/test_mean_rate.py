"""What counts where there is no prediction: the training set's mean rate, with coverage beside."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.data.videos import TrainingData
from models.evaluation.assess import assess
from models.evaluation.mean_rate import count_missing, coverage_text, guess_mean_rate
from models.evaluation.video_result import evaluate_changes, evaluate_pulse
from tests.support.curated_videos import tone, video_of_ppg

TIME_S = np.arange(30 * 20) / 20
BPM, MEAN_BPM = 72.0, 60.0                      # of the tested person, and of the one learnt from
VIDEO = video_of_ppg(tone(BPM, TIME_S), TIME_S)
DATA = TrainingData(
    [replace(video_of_ppg(tone(MEAN_BPM, TIME_S), TIME_S), subject="S02")], [VIDEO], "", ""
)
CHANGES = np.diff(tone(BPM, TIME_S))
SECOND_HALF = TIME_S[1:] > 15.0


def figures_of(result):
    figures = assess(count_missing([result], DATA))
    json.dumps(figures, allow_nan=True)
    return figures


@pytest.mark.parametrize("said", [
    np.full(len(CHANGES), 0.3), np.full(len(CHANGES), np.nan), np.full(len(CHANGES), np.inf),
    np.float32(5) + np.random.default_rng(0).choice([0, 4e-7], len(CHANGES)).astype(np.float32),
])
def test_who_says_nothing_is_as_far_off_as_the_guess_of_the_mean_rate(said):
    guess = assess(guess_mean_rate([DATA])[0])
    assert guess["mae_bpm"] == pytest.approx(BPM - MEAN_BPM, abs=0.1)
    assert guess["coverage_percent"] == 100
    for result in (evaluate_changes(said, VIDEO), evaluate_pulse(np.append(said, said[0]), VIDEO)):
        figures = figures_of(result)
        for name in ("mae_bpm", "rmse_bpm", "mape_percent"):
            assert figures[name] == guess[name], name
            assert figures["toolbox"][name] == guess["toolbox"][name], name
        assert figures["bland_altman"]["bias_bpm"] == guess["bland_altman"]["bias_bpm"]
        assert figures["per_video_mean"]["mae_bpm"] == guess["per_video_mean"]["mae_bpm"]
        assert (figures["coverage_percent"], figures["toolbox"]["coverage_percent"]) == (0, 0)
        for name in ("snr_db", "snr_de_haan_db", "macc", "pulse_correlation"):
            assert np.isnan(figures[name]), name


@pytest.mark.parametrize("nothing", [0.3, 0.0, np.nan])
def test_half_a_prediction_counts_where_it_is_and_as_the_mean_rate_elsewhere(nothing):
    result = evaluate_changes(np.where(SECOND_HALF, nothing, CHANGES), VIDEO)
    # a window with a single number that is none has no rate; one that is partly constant has
    silent = result.start_s > (14.99 if nothing == nothing else 5.01)
    assert np.isnan(result.predicted_bpm).tolist() == silent.tolist()
    assert 0 < silent.sum() < len(silent)
    figures = figures_of(result)
    assert figures["coverage_percent"] == pytest.approx(100 * (~silent).mean())
    errors = np.where(silent, BPM - MEAN_BPM, np.abs(result.predicted_bpm - BPM))
    assert figures["mae_bpm"] == pytest.approx(errors.mean(), abs=0.1)
    assert figures["videos"][0]["coverage_percent"] == figures["coverage_percent"]
    for name in ("snr_db", "macc"):             # of the windows that have a pulse
        of_windows = getattr(result, name)
        assert np.isnan(of_windows).tolist() == silent.tolist()
        assert figures[name] == pytest.approx(of_windows[~silent].mean())


def test_a_pulse_that_stops_has_no_rate_after():
    pulse = np.where(TIME_S > 15.0, 0.25, tone(BPM, TIME_S))
    result = evaluate_pulse(pulse, VIDEO)
    assert np.isnan(result.predicted_bpm).tolist() == (result.start_s > 15.01).tolist()
    np.testing.assert_allclose(result.predicted_bpm[result.start_s < 5], BPM, atol=0.3)


def test_one_number_that_is_none_does_not_reach_other_windows():
    said = CHANGES.copy()
    said[5] = np.nan
    result = evaluate_changes(said, VIDEO)
    assert np.isnan(result.predicted_bpm[0])
    np.testing.assert_allclose(result.predicted_bpm[1:], BPM, atol=0.3)


def test_coverage_in_words():
    assert coverage_text([100.0, 100.0]) == "100 %"
    assert coverage_text([100.0, 99.99, None]) == "100, 99.9, ? %"
    assert coverage_text([0.0]) == "0.0 %"
    assert coverage_text([]) == ""
