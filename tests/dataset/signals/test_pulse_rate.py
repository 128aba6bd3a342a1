"""A pulse of known rate in, that rate out; anything else in, a reason out."""

import numpy as np
import pytest

from dataset.signals.filters import bandpass
from dataset.signals.finger_rates import finger_rates
from dataset.signals.pulse_rate import (
    FLAT,
    NOISE,
    OUT_OF_BAND,
    TOO_SHORT,
    TOO_SLOW,
    TWO_RATES,
    UNLIKE_BEATS,
    _loss_at_slow_end,
    finger_rate,
    pulse_rate,
)
from tests.support.pulse_shapes import NOISES, make_beats, make_noise, make_ppg

SWEEP_BPM = (30.5, 35, 38, 41, 43, 55, 72, 96, 130, 170, 205, 238)


def tone(bpm, fs_hz=25, seconds=10.0, phase=0.3):
    return np.sin(2 * np.pi * bpm / 60 * np.arange(round(seconds * fs_hz)) / fs_hz + phase)


@pytest.mark.parametrize("bpm", SWEEP_BPM)
@pytest.mark.parametrize("fs_hz", [25, 29.4, 100])
def test_a_tone_reads_its_rate(bpm, fs_hz):
    assert finger_rate(tone(bpm, fs_hz) * 300 + 5000, fs_hz).bpm == pytest.approx(bpm, rel=0.01)


def test_a_trace_of_little_more_than_eight_values_a_second_is_read():
    assert finger_rate(tone(72, 8.5), 8.5).bpm == pytest.approx(72, rel=0.01)


def test_a_rate_whose_third_multiple_is_the_highest_is_read():
    heights = (0.5, 0.5, 1.0, 0.4)
    ppg = sum(height * tone(40 * number) for number, height in enumerate(heights, start=1))
    assert finger_rate(ppg, 25).bpm == pytest.approx(40, rel=0.01)


@pytest.mark.parametrize("bpm", [45.03, 59.97, 71.96, 88.61, 120.44, 179.98])
def test_a_rate_lies_between_the_points_of_the_spectrum(bpm):
    assert finger_rate(tone(bpm, phase=1.0), 25).bpm == pytest.approx(bpm, abs=0.01)


@pytest.mark.parametrize("bpm", [35, 38, 41, 50, 72, 96, 130, 180, 230])
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({"dicrotic": 0.3}, id="usual notch"),
        pytest.param({"dicrotic": 0.9}, id="second wave almost as high"),
        pytest.param({"dicrotic": 0.5, "baseline": 1.0, "breath_hz": 0.3}, id="breath"),
        pytest.param({"dicrotic": 0.6, "noise": 0.5}, id="noise"),
        pytest.param({"dicrotic": 0.5, "jitter_s": 0.01}, id="jitter of 10 ms"),
        pytest.param({"dicrotic": 0.5, "hum": 1.0}, id="mains hum, aliased"),
        pytest.param({"dicrotic": 0.6, "is_derivative": True}, id="alternating-current coupled"),
    ],
)
def test_a_pulse_of_real_shape_reads_its_rate_and_no_multiple(bpm, shape):
    rng = np.random.default_rng(round(bpm))
    for _ in range(2):
        rate = finger_rate(make_ppg(bpm, 25, 10, rng, **shape), 25)
        assert rate.bpm == pytest.approx(bpm, rel=0.05), rate


@pytest.mark.parametrize("bpm", [35, 38, 41, 60, 96])
def test_what_the_usual_filter_took_is_put_back(bpm):
    ppg = bandpass(make_ppg(bpm, 25, 30, np.random.default_rng(2), dicrotic=0.7), 25)[250:500]
    assert finger_rate(ppg, 25, filtered=True).bpm == pytest.approx(bpm, rel=0.05)


def test_what_the_filter_took_is_what_butterworth_takes_twice_up_to_300_times():
    from scipy import signal

    hz = np.array([0.3, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.99])
    sections = signal.butter(3, (0.7, 4.0), "bandpass", fs=1000, output="sos")
    lost = np.abs(signal.sosfreqz(sections, hz, fs=1000)[1]) ** -4
    assert _loss_at_slow_end(hz) == pytest.approx(np.minimum(lost, 300), rel=0.01)
    assert _loss_at_slow_end(np.array([0.0, 1.0, 5.0])).tolist() == [300.0, 1.0, 1.0]


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("fs_hz", [25, 100])
def test_noise_of_any_colour_has_no_rate(kind, fs_hz):
    rng = np.random.default_rng(4)
    told = [
        not finger_rate(make_noise(kind, fs_hz, 10, rng), fs_hz).why_not for _ in range(40)
    ]
    assert np.mean(told) <= 0.12
    for filtered in (False, True):
        trace = make_noise(kind, fs_hz, 40, rng)
        if filtered:
            trace = bandpass(trace, fs_hz)
        rates = finger_rates(trace, fs_hz, filtered=filtered)
        assert rates.mean_bpm is None
        assert not rates.is_trusted(np.arange(0, 40, 0.5)).any()


@pytest.mark.parametrize(
    ("trace", "fs_hz", "why_not"),
    [
        (np.full(250, 7.0), 25, FLAT), (30_000 + 1e-9 * tone(70), 25, FLAT),
        (tone(70)[:99], 25, TOO_SHORT), (np.empty(0), 25, TOO_SHORT),
        (tone(70, 7.9), 7.9, TOO_SLOW), (tone(60) + tone(84), 25, TWO_RATES),
        (tone(60) + 0.9 * tone(130), 25, TWO_RATES), (tone(255), 25, OUT_OF_BAND),
        (np.arange(250.0), 25, FLAT), (np.arange(250.0) ** 2, 25, NOISE),
        (np.repeat([0.0, 1.0], 125), 25, NOISE), (np.exp(-np.arange(250) / 50), 25, NOISE),
    ],
    ids=["flat", "rounding", "short", "empty", "slow", "two tones", "two tones far apart",
         "too fast", "a line", "a parabola", "a step", "light that fades"],
)
def test_a_reason_where_there_is_no_rate(trace, fs_hz, why_not):
    rate = finger_rate(trace, fs_hz)
    assert np.isnan(rate.bpm)
    assert rate.why_not == why_not


BIGEMINY, TRIGEMINY, ALTERNANS = (0.75, 1.25), (1, 0.7, 1.3), (0.92, 1.08)


@pytest.mark.parametrize(
    ("bpm", "turn", "why_not"),
    [
        (50, BIGEMINY, UNLIKE_BEATS), (60, BIGEMINY, UNLIKE_BEATS), (78, BIGEMINY, UNLIKE_BEATS),
        (93, TRIGEMINY, UNLIKE_BEATS), (105, TRIGEMINY, UNLIKE_BEATS),
        (60, ALTERNANS, ""), (75, ALTERNANS, ""), (105, ALTERNANS, ""),
    ],
)
@pytest.mark.parametrize("filtered", [False, True])
def test_beats_that_differ_in_turn_do_not_read_a_half_or_a_third(bpm, turn, why_not, filtered):
    ppg = make_beats(bpm, 25, 30, np.random.default_rng(8), turn=turn)
    if filtered:
        ppg = bandpass(ppg, 25)
    rate = finger_rate(ppg[250:500], 25, filtered=filtered)
    assert rate.why_not == why_not
    assert rate.bpm == pytest.approx(np.nan if why_not else bpm, rel=0.03, nan_ok=True)


def test_a_pulse_slower_than_the_band_does_not_read_double():
    rng = np.random.default_rng(5)
    rates = [finger_rate(make_ppg(26, 25, 10, rng, dicrotic=0.4), 25) for _ in range(5)]
    assert all(np.isnan(rate.bpm) for rate in rates)
    slow = make_ppg(38, 25, 10, rng)
    assert pulse_rate(slow, 25).why_not == OUT_OF_BAND      # of 0.7 to 4 Hz, it is too slow


def test_not_a_number_is_misuse():
    with pytest.raises(ValueError, match="finite"):
        finger_rate(np.full(250, np.nan), 25)


def test_where_a_trace_has_a_finger():
    rng = np.random.default_rng(6)
    ppg = 1000 * make_ppg(66, 25, 90, rng)
    ppg[30 * 25:60 * 25] = 3 * make_noise("white", 25, 30, rng)      # lifted
    t_s = np.arange(len(ppg)) / 25
    for trace, filtered in ((ppg, False), (bandpass(ppg, 25), True)):
        rates = finger_rates(trace, 25, filtered=filtered)
        trusted = rates.is_trusted(t_s)
        assert trusted[(t_s < 27) | (t_s > 63)].all()
        assert not trusted[(t_s > 33) & (t_s < 57)].any()
        assert rates.mean_bpm == pytest.approx(66, abs=1)
        at_bpm = rates.at(t_s)
        assert np.isnan(at_bpm[~trusted]).all()
        assert np.nanmax(np.abs(at_bpm - 66)) < 6


def test_a_flat_line_gives_no_rate_and_costs_no_other():
    ppg = make_ppg(90, 25, 60, np.random.default_rng(7))
    ppg[20 * 25:50 * 25] = ppg[20 * 25]
    rates = finger_rates(ppg, 25)
    assert rates.mean_bpm == pytest.approx(90, abs=1)
    assert not rates.is_trusted(np.arange(23, 47, 0.5)).any()
