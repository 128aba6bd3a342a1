"""Spectra on one grid: peaks lie where the tones are, and the weighing moves none."""

import numpy as np
import pytest

from models.fusion.spectra import BPM, Spectra, mean_spectrum


@pytest.mark.parametrize("bpm", [38.0, 61.3, 100.0, 180.2])
def test_a_tone_is_refined_below_the_grid(bpm):
    tone = np.sin(2 * np.pi * bpm / 60 * np.arange(300) / 30)
    spectra = Spectra([tone, tone + 0.1 * np.random.default_rng(0).normal(size=300)], 30.0)
    assert spectra.peaks_bpm()[0] == pytest.approx(bpm, abs=0.1)
    assert spectra.refined_bpm(round(bpm * 2) / 2) == pytest.approx(bpm, abs=0.2)
    assert spectra.within(bpm, 6.0)[0] > 0.8
    assert spectra.shares.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert spectra.similarity(bpm)[0] > 0.9


def test_a_flat_pulse_has_no_peak():
    spectra = Spectra([np.zeros(300)], 30.0)
    assert spectra.peaks_bpm() == [None]
    assert spectra.shares.sum() == 0


def test_the_mean_of_windows_is_highest_where_a_heart_was_for_long():
    def spectra(bpm):
        return Spectra([np.sin(2 * np.pi * bpm / 60 * np.arange(300) / 30)], 30.0)

    assert mean_spectrum([spectra(72)] * 3, [1, 1, 1]).peak_bpm == pytest.approx(72, abs=0.5)
    two = [spectra(60), spectra(84)]
    assert mean_spectrum(two, [2, 1]).peak_bpm == pytest.approx(60, abs=0.5)
    moving = mean_spectrum(two, [1, 2])
    assert moving.peak_bpm == pytest.approx(84, abs=0.5)
    assert moving.shares.sum() == pytest.approx(1.0)
    assert moving.shares[BPM > 100].sum() < 0.01
    assert mean_spectrum([Spectra([np.zeros(300)], 30.0)], [1]) is None
