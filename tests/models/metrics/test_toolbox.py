"""The chain of rPPG-Toolbox, against values of its published steps done one by one."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from models.metrics.toolbox import BAND_HZ, PAPER_BAND_HZ, macc, toolbox_figures, toolbox_points


@pytest.fixture(scope="module")
def signals(repo):
    path = repo / "tests" / "data" / "rppg_toolbox" / "reference.json"
    return json.loads(path.read_text())["signals"]


def made(of):
    """Return the predicted pulse and the finger's, by formulas, so that no generator matters."""
    n = np.arange(of["samples"])
    time_s = n / of["fs_hz"]

    def beats(bpm, phase):
        angle = 2 * np.pi * bpm / 60 * time_s + phase
        return np.sin(angle) + 0.4 * np.sin(2 * angle + 1)

    noise = np.sin(1.3 * n**2 + of["bpm"]) + np.sin(0.7 * n**2)
    ppg = beats(of["bpm"], 0) + of["drift"] * np.sin(2 * np.pi * 0.05 * time_s)
    drift = 2 * of["drift"] * time_s / time_s[-1]
    return beats(of["read_bpm"], 0.5) + of["noise"] * noise + drift, ppg


@pytest.mark.parametrize("band_hz", [BAND_HZ, PAPER_BAND_HZ])
def test_ten_signals_as_the_published_steps_have_them(signals, band_hz):
    assert len(signals) == 10
    for of in signals:
        found = asdict(toolbox_figures(*made(of), of["fs_hz"], band_hz=band_hz))
        for name, value in of[f"band_{band_hz[0]}_{band_hz[1]}"].items():
            assert found[name] == pytest.approx(value, abs=1e-6), name


def test_a_pulse_of_another_rate_is_off_by_the_difference(signals):
    found = toolbox_figures(*made(signals[7]), 30)           # 92 where the finger has 80
    assert found.fft_bpm - found.fft_reference_bpm == pytest.approx(12, abs=found.bin_bpm)
    assert found.snr_db < 0


def test_a_flat_pulse_has_no_figure_and_the_finger_keeps_its_own(signals):
    _, ppg = made(signals[0])
    found = toolbox_figures(np.zeros_like(ppg), ppg, 30)
    assert np.isnan([found.fft_bpm, found.peak_bpm, found.snr_db, found.macc]).all()
    assert found.fft_reference_bpm == pytest.approx(72, abs=found.bin_bpm)


def test_points_and_bins():
    assert [toolbox_points(n) for n in (250, 256, 257, 300, 512)] == [256, 256, 512, 512, 512]
    time_s = np.arange(900) / 30
    tone = np.sin(2 * np.pi * 1.2 * time_s)
    assert toolbox_figures(tone, tone, 30).bin_bpm == 60 * 30 / 1024


@pytest.mark.parametrize("lag", [0, 3, 7])
def test_macc_is_the_largest_correlation_over_all_shifts(lag):
    rng = np.random.default_rng(0)
    ppg = rng.normal(size=50)
    assert macc(np.roll(ppg, lag), ppg) == pytest.approx(1.0)
    assert macc(-np.roll(ppg, lag), ppg) == pytest.approx(1.0)            # the sign does not matter
    pulse = ppg + rng.normal(size=50)
    by_hand = max(abs(np.corrcoef(pulse, np.roll(ppg, k))[0, 1]) for k in range(49))
    assert macc(pulse, ppg) == pytest.approx(by_hand, abs=1e-12)
    assert np.isnan(macc(np.zeros(50), ppg))
