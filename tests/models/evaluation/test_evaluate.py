import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataset.signals.windows import even_grid, to_even_grid, trusted_windows
from models.data.videos import CuratedVideo, change_of_ppg
from models.evaluation.evaluate import (
    assess,
    best_lag,
    colour_pulse,
    measure,
    measure_pulse,
    ms_per_frame,
    pool,
    predict,
    snr_db,
    spectrum,
)
from models.evaluation.metrics import compare
from models.nets.can import Student, Teacher


def recording(ppg, time_s):
    pairs = len(time_s) - 1
    return CuratedVideo(
        folder="test/subject1", subject="S01", session="a", simulated=True,
        motion=torch.zeros(pairs, 36, 36, 3, dtype=torch.float16),
        appearance=torch.zeros(pairs, 36, 36, 3, dtype=torch.uint8),
        ppg_change=torch.from_numpy(change_of_ppg(ppg, time_s)), ppg=ppg, time_s=time_s, video=None,
        box=None, colour=np.full((len(time_s), 3), 100.0),
    )


def uneven_times(seconds, fps, seed=0):
    """Frame times with jitter and a zero-length step, as UBFC has them."""
    times = np.arange(round(seconds * fps)) / fps + np.random.default_rng(seed).uniform(
        0, 0.3 / fps, round(seconds * fps)
    )
    times[30] = times[29]
    return times


def tone(bpm, time_s):
    return np.sin(2 * np.pi * bpm / 60 * time_s)


@pytest.mark.parametrize("bpm", [45, 60.3, 72, 97.7, 120, 180])
def test_pure_tones_come_back(bpm):
    time_s = uneven_times(40, 25)
    said = recording(tone(bpm, time_s), time_s)
    # a constant error of each change is only drift
    result = measure(np.diff(tone(bpm, time_s)) + 0.01, said)
    assert len(result.predicted_bpm) >= 29
    np.testing.assert_allclose(result.reference_bpm, bpm, atol=0.15)
    np.testing.assert_allclose(result.predicted_bpm, bpm, atol=0.15)
    assert result.correlation > 0.99
    assert result.left_out == 0


def test_frame_times_are_respected():
    # 25 fps for 20 s, then 20 fps: index / fps would see 72 bpm turn into 90.
    time_s = np.concatenate([np.arange(500) / 25, 20 + np.arange(400) / 20])
    result = measure(np.diff(tone(72, time_s)), recording(tone(72, time_s), time_s))
    np.testing.assert_allclose(result.predicted_bpm, 72, atol=0.2)


def test_windows_that_span_a_gap_are_left_out():
    time_s = np.arange(1000) / 25
    time_s[500:] += 2.0
    result = measure(np.diff(tone(72, time_s)), recording(tone(72, time_s), time_s))
    assert result.left_out >= 10
    begins, ends = result.start_s, result.start_s + result.window_s
    assert not ((begins < 19.9) & (ends > 22.1)).any()
    assert (begins < 10).any()
    assert (begins > 21).any()


def test_a_changing_rate_is_followed():
    time_s = np.arange(1500) / 25
    beats = np.cumsum(np.interp(time_s, [0, 60], [60, 90]) / 60 / 25)
    result = measure(
        np.diff(np.sin(2 * np.pi * beats)), recording(np.sin(2 * np.pi * beats), time_s)
    )
    middle = result.start_s + 5
    np.testing.assert_allclose(result.predicted_bpm, 60 + middle / 2, atol=1.5)


def test_even_grid():
    time_s = np.array([0, 0.1, 0.2, 0.2, 0.3])
    assert even_grid(time_s)[1] == pytest.approx(10)
    np.testing.assert_allclose(
        to_even_grid(np.array([0.0, 1, 9, 2, 3]), time_s), [0, 1, 2, 3], atol=1e-9
    )


def test_windows_are_ten_seconds_or_none():
    assert trusted_windows(np.arange(250) / 25).tolist() == [True]
    # as written in ground_truth.txt
    assert trusted_windows(np.round(np.arange(300) / 30, 7)).tolist() == [True]
    assert trusted_windows(np.arange(249) / 25).tolist() == []


def test_a_network_that_says_the_same_of_everything_has_no_heart_rate():
    time_s = uneven_times(20, 25)
    result = measure(np.full(len(time_s) - 1, 0.3), recording(tone(72, time_s), time_s))
    assert np.isnan(result.predicted_bpm).all()
    assert np.isnan(result.snr_db).all()
    windows, _ = pool([result])
    assert windows.mae_bpm == pytest.approx(72, abs=0.2)


def test_spectrum_has_its_summit_at_the_tone():
    frequency, power = spectrum(tone(72, np.arange(250) / 25), 25)
    assert np.diff(frequency).max() * 60 <= 0.1
    assert 60 * frequency[power.argmax()] == pytest.approx(72, abs=0.1)
    half = 60 * frequency[power > power.max() / 2]
    # a Hann window's, in bins of 1 / 10 s
    assert half.max() - half.min() == pytest.approx(1.44 * 6, abs=0.2)


def test_metrics_by_hand():
    # errors 1, -2, 3: MAE 2, RMSE sqrt(14 / 3), MAPE (1/60 + 2/80 + 3/100) / 3
    metrics = compare(np.array([61.0, 78, 103]), np.array([60.0, 80, 100]))
    assert metrics.count == 3
    assert metrics.mae_bpm == pytest.approx(2)
    assert metrics.rmse_bpm == pytest.approx((14 / 3) ** 0.5)
    assert metrics.mape_percent == pytest.approx(100 * (1 / 60 + 2 / 80 + 3 / 100) / 3)
    # deviations: -19.667, -2.667, 22.333 and -20, 0, 20
    assert metrics.pearson_r == pytest.approx(840 / (892.667**0.5 * 800**0.5), abs=1e-4)


def test_metrics_at_the_edges():
    assert np.isnan(compare(np.array([61.0]), np.array([60.0])).pearson_r)
    # no peak is an error, not a gap
    assert compare(np.array([np.nan]), np.array([60.0])).mae_bpm == 60


def test_pool_weighs_windows_and_videos():
    time_s = np.arange(500) / 25
    videos = [
        measure(np.diff(tone(said, time_s)), recording(tone(72, time_s), time_s))
        for said in (72, 80)
    ]
    windows, means = pool(videos)
    assert windows.count == sum(len(v.reference_bpm) for v in videos)
    assert means.count == 2
    assert windows.mae_bpm == pytest.approx(4, abs=0.1)
    assert means.rmse_bpm == pytest.approx((64 / 2) ** 0.5, abs=0.1)


def test_snr_of_tone_and_noise():
    time_s = np.arange(250) / 25
    noise = np.random.default_rng(0).normal(size=250)
    clean, dirty = (snr_db(tone(72, time_s) + level * noise, 25, hr_bpm=72) for level in (0.05, 1))
    assert clean > 5
    assert clean > dirty + 5
    assert snr_db(tone(72, time_s), 25, hr_bpm=110) < -10


def test_best_lag_has_the_right_sign():
    time_s = np.arange(500) / 25
    correlation, lag_s = best_lag(tone(50, time_s - 0.2), tone(50, time_s), 25)
    assert lag_s == pytest.approx(0.2)
    assert correlation == pytest.approx(1, abs=1e-6)


def test_prediction_does_not_depend_on_the_batch():
    rng = np.random.default_rng(0)
    said = recording(rng.normal(size=58), np.arange(58) / 25)
    said.motion[:] = torch.from_numpy(rng.normal(size=said.motion.shape))
    said.appearance[:] = torch.from_numpy(rng.integers(0, 255, said.appearance.shape))
    for net in (Teacher(), Student()):
        whole = predict(net, said, clip=5, batch=250)
        assert whole.shape == (57,)
        np.testing.assert_allclose(predict(net, said, clip=5, batch=12), whole, atol=1e-5)


def test_ms_per_frame_is_measured_and_threads_are_put_back():
    threads = torch.get_num_threads()
    assert 0 < ms_per_frame(Student(), frames=5) < ms_per_frame(Teacher(), frames=5)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("fps", [25.0, 30.0])
def test_every_pure_tone_is_read_within_a_twentieth(fps):
    time_s = np.arange(round(20 * fps)) / fps
    for bpm in np.arange(45.0, 180.1, 2.7):
        result = measure_pulse(tone(bpm, time_s), recording(tone(bpm, time_s), time_s))
        np.testing.assert_allclose(result.predicted_bpm, bpm, atol=0.05)


def test_a_colour_method_reads_the_colours_at_their_own_times():
    time_s = uneven_times(30, 25)
    r = recording(tone(72, time_s), time_s)
    r.colour[:] = 100 - tone(72, time_s)[:, None] * [0.3, 0.8, 0.5]
    for method in ("green", "chrom", "pos"):
        result = measure_pulse(colour_pulse(method, r), r)
        np.testing.assert_allclose(result.predicted_bpm, 72, atol=0.5)
        assert result.macc.min() > 0.95


def test_assess_says_all_and_only_numbers():
    import json

    videos = []
    for n, (subject, bpm, off) in enumerate([("S01", 60, 0.0), ("S01", 72, 3.0), ("S02", 80, 0.5)]):
        time_s = np.arange(750) / 25
        said = measure_pulse(tone(bpm + off, time_s), recording(tone(bpm, time_s), time_s))
        videos.append(
            said.__class__(**{**said.__dict__, "subject": subject, "folder": f"test/subject{n}"})
        )
    found = assess(videos)
    json.dumps(found, allow_nan=False)
    assert found["mae_bpm"] == pytest.approx(3.5 / 3, abs=0.05)
    assert found["per_video_mean"]["mae_bpm"] == pytest.approx(3.5 / 3, abs=0.05)
    assert found["interval"]["mae_bpm"][0] == pytest.approx(0.5, abs=0.05)      # S02 alone
    assert found["interval"]["mae_bpm"][1] == pytest.approx(1.5, abs=0.05)      # S01 alone
    assert found["toolbox"]["fft_points"] == [256, 256]
    assert found["toolbox"]["bin_bpm"] == [pytest.approx(5.859375)] * 2
    assert found["resolution"] == {"grid_bpm": 0.1, "main_lobe_bpm": 24.0, "window_s": 10.0}
    assert found["bland_altman"]["bias_bpm"] == pytest.approx(3.5 / 3, abs=0.05)
