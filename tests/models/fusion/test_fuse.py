"""One window, several methods: a known rate comes back with its bound, or a reason does."""

from dataclasses import replace

import numpy as np
import pytest

from dataset.signals.filters import WINDOW_S
from models.fusion.calibration import shipped_calibration
from models.fusion.fuse import (
    GREY,
    LEAST_S,
    NO_BEAT,
    TOO_SHORT,
    TOO_SLOW,
    Cause,
    _why_half,
    _why_not,
    fuse_window,
    read_window,
)
from models.live.states import reading_of

SKIN = np.array([150.0, 110.0, 90.0])
BLOOD = np.array([0.33, 0.77, 0.53])        # of what the skin absorbs more, red to blue


def make_window(
    bpm=72.0, *, network_bpm=None, fps=30.0, seconds=WINDOW_S, pulse=0.004, noise=0.0005,
    network_noise=0.3, harmonic=0.3, flicker=0.0, seed=0,
):
    """Return times, colours, changes and parts of a pulse; the network's may be another.

    Flicker is the light's own line at the rate of the pulse, in the face and beside it.
    """
    rng = np.random.default_rng(seed)
    count = round(seconds * fps) + 1
    time_s = (np.arange(count) + rng.uniform(0, 0.15, count)) / fps

    def wave(rate):
        angle = 2 * np.pi * rate / 60 * time_s
        return np.sin(angle) + harmonic * np.sin(2 * angle + 1)

    light = 1 + flicker * np.outer(wave(bpm), BLOOD)
    lit = SKIN * light
    colour = lit * (1 - pulse * np.outer(wave(bpm), BLOOD) + rng.normal(0, noise, (count, 3)))
    parts = np.repeat((90.0 * light)[:, None], 16, axis=1)          # the room
    parts[:, (5, 6, 9, 10)] = colour[:, None]
    parts *= 1 + rng.normal(0, 2 * noise, parts.shape)
    network = wave(bpm if network_bpm is None else network_bpm)
    changes = np.diff(network, prepend=network[0]) / np.diff(network).std()
    return time_s, colour, changes + network_noise * rng.normal(size=count), parts


def likeliest_bpm(window):
    """Return the candidate for which most speaks, shown or not."""
    read = read_window(*window)
    probability = shipped_calibration().probability(read.features)
    return read.candidates_bpm[int(np.argmax(probability))]


@pytest.mark.parametrize(("bpm", "fps"), [(55, 10), (72, 25), (110, 30), (165, 15), (210, 30)])
def test_a_pulse_is_read_within_its_interval(bpm, fps):
    rate = fuse_window(*make_window(bpm, fps=fps))
    assert rate.bpm == pytest.approx(bpm, abs=1.0)
    assert rate.low_bpm < bpm < rate.high_bpm
    assert (rate.why_not, rate.cause) == ("", None)
    assert rate.similarity > 0.6
    assert set(rate.methods) == {"network", "pos", "chrom", "ica"}
    near = [name for name, alone in rate.methods.items() if abs(alone - bpm) < 2]
    assert len(near) >= 3


@pytest.mark.parametrize("bpm", [35, 40, 225])
def test_the_likeliest_rate_is_right_at_the_ends_of_the_band(bpm):
    window = make_window(bpm)
    assert likeliest_bpm(window) == pytest.approx(bpm, abs=1.0)
    rate = fuse_window(*window)
    assert rate.low_bpm < bpm < rate.high_bpm


@pytest.mark.parametrize(("bpm", "seconds", "why"), [
    (72, 10, ""), (170, 12.9, ""), (60, 6, ""),
    (210, 10, "interval extrapolated: calibrated on rates of 38 to 180 bpm"),
    (33, 10, "interval extrapolated: calibrated on rates of 38 to 180 bpm"),
    (72, 20, "interval extrapolated: calibrated on windows of up to 13 s"),
    (210, 20, "interval extrapolated: calibrated on rates of 38 to 180 bpm and windows of up to "
              "13 s"),
])
def test_an_interval_of_what_was_not_calibrated_says_so(bpm, seconds, why):
    rate = fuse_window(*make_window(bpm, seconds=seconds))
    assert rate.low_bpm is not None
    assert rate.extrapolated == why


@pytest.mark.parametrize("harmonic", [0.5, 0.7])
def test_a_dicrotic_wave_does_not_double_the_rate(harmonic):
    assert likeliest_bpm(make_window(66, harmonic=harmonic)) == pytest.approx(66, abs=1.0)


@pytest.mark.parametrize("harmonic", [0.8, 1.2])
def test_a_rate_that_may_be_twice_a_slow_hearts_is_withheld(harmonic):
    """Of a heart of 34 bpm with a high second wave 68 was shown."""
    rate = fuse_window(*make_window(34, harmonic=harmonic))
    assert (rate.bpm, rate.cause) == (None, Cause.WEAK)
    assert rate.why_not == "68 may be twice the heart's rate: half of it, 34, is likely, too"
    assert rate.low_bpm < 68 < rate.high_bpm
    assert fuse_window(*make_window(68, harmonic=0.5)).bpm == pytest.approx(68, abs=1.0)


@pytest.mark.parametrize(("bpm", "candidates_bpm", "probabilities", "is_withheld"), [
    (68.0, [68.5, 103.0, 33.5], [0.87, 0.02, 0.48], True),
    (68.0, [68.5, 103.0, 33.5], [0.87, 0.02, 0.05], False),     # half of it is not likely
    (68.0, [68.5, 103.0, 45.0], [0.87, 0.02, 0.48], False),     # nor is another rate half of it
    (140.0, [140.0, 70.0], [0.9, 0.5], False),                  # its half is no slow rate
])
def test_half_of_a_rate_counts_where_it_is_slow_and_likely(
    bpm, candidates_bpm, probabilities, is_withheld
):
    assert bool(_why_half(bpm, candidates_bpm, np.array(probabilities))) == is_withheld


@pytest.mark.parametrize(("fps", "why"), [
    (24.625, "lamps that flicker 100 times a second look like 90 bpm at 24.6"),
    (30.0, "90 is a tone of one colour without an overtone, as of a lamp"),
])
def test_a_tone_as_of_a_lamp_takes_more_certainty_than_a_beat(fps, why):
    sure = shipped_calibration()
    weights = sure.weights - 4.0 * (np.arange(len(sure.weights)) == 0)
    less_sure = replace(sure, weights=weights)
    tone = make_window(90, fps=fps, harmonic=0.0, noise=0.0003)
    rate = fuse_window(*tone, calibration=less_sure)
    assert (rate.bpm, rate.cause) == (None, Cause.ELSEWHERE)
    assert sure.shown_from < rate.confidence < 0.96
    assert rate.why_not.startswith(why)
    assert fuse_window(*tone).bpm == pytest.approx(90, abs=1.0)
    beat = make_window(97, fps=fps, harmonic=0.3, noise=0.0003)
    assert fuse_window(*beat, calibration=less_sure).bpm == pytest.approx(97, abs=1.0)


def test_methods_that_disagree_are_told_with_their_rates():
    rate = fuse_window(*make_window(58, network_bpm=72, network_noise=0.05))
    if rate.bpm is not None:                         # three against one may be stood by
        assert rate.bpm == pytest.approx(58, abs=1.0)
    rate = fuse_window(*make_window(58, network_bpm=72, network_noise=0.05, pulse=0.0005))
    assert rate.bpm is None
    assert (rate.why_not, rate.cause) == ("the methods disagree: 58 and 72", Cause.WEAK)


@pytest.mark.parametrize("bpm", [58, 96, 140])
def test_light_that_flickers_in_the_colours_of_blood_is_not_shown(bpm):
    """Every method agrees on it, and so does the room beside the face."""
    rate = fuse_window(*make_window(bpm, pulse=0.0, flicker=0.004))
    assert rate.bpm is None
    assert rate.why_not == f"light or motion beside the face has the same rate, {bpm}"
    assert rate.cause == Cause.ELSEWHERE
    assert fuse_window(*make_window(bpm, pulse=0.004)).bpm == pytest.approx(bpm, abs=1.0)


@pytest.mark.parametrize(("bpm", "fps"), [(150, 10), (180, 12), (180, 15)])
def test_a_rate_of_every_few_frames_is_not_believed_of_coded_pictures(bpm, fps):
    window = make_window(bpm, fps=fps, harmonic=0.0)
    rate = fuse_window(*window, is_predicted=True)
    assert rate.bpm is None
    assert rate.why_not == (
        f"{bpm} is once every {60 * fps // bpm} frames, as coded pictures repeat themselves"
    )
    assert rate.cause == Cause.CODED
    assert fuse_window(*window).bpm == pytest.approx(bpm, abs=1.0)
    beside = make_window(bpm - 10, fps=fps, harmonic=0.0)
    assert fuse_window(*beside, is_predicted=True).bpm == pytest.approx(bpm - 10, abs=1.0)


def test_a_slow_rate_takes_three_methods_where_a_faster_takes_two():
    def agree(rate, bpm):
        return sum(abs(peak - bpm) <= 4 for peak in rate.methods.values())

    slow = fuse_window(*make_window(42))
    assert (slow.bpm, agree(slow, 42)) == (pytest.approx(42, abs=1.0), 3)
    for seed in range(5):
        other = fuse_window(*make_window(42, network_bpm=95, network_noise=0.0, seed=seed))
        assert other.bpm is None


def test_a_network_alone_is_not_believed():
    """The network's tone is clean; no other method sees it."""
    for seed in range(5):
        rate = fuse_window(*make_window(72, pulse=0.0, network_noise=0.0, seed=seed))
        assert rate.bpm is None


def test_a_rate_that_no_method_has_alone_is_told_as_that_of_all_together():
    window = read_window(*make_window(72))
    words = _why_not(140.0, {"network": 40.0, "pos": None, "chrom": None, "ica": None}, window)
    assert words == "the methods disagree: 40, and all together 140"


def test_pictures_without_colour_are_withheld_for_that():
    time_s, colour, changes, parts = make_window(72)
    grey = np.repeat(colour[:, 1:2], 3, axis=1)
    rate = fuse_window(time_s, grey, changes, parts)
    assert (rate.bpm, rate.why_not, rate.cause) == (None, GREY, Cause.UNREADABLE)
    pale = grey + np.array([1.0, 0.0, 0.0])         # little colour is some
    assert fuse_window(time_s, pale, changes, parts).why_not != GREY
    assert reading_of(rate, 10.0).words == f"cannot be told; {GREY}"      # no light mends it


def test_noise_is_no_pulse_and_its_interval_is_wide():
    for seed in range(20):
        rate = fuse_window(*make_window(72, pulse=0.0, network_noise=30.0, seed=seed))
        assert rate.bpm is None
        assert rate.why_not
        assert rate.high_bpm - rate.low_bpm > 20


def test_six_seconds_are_enough_for_a_clear_pulse():
    rate = fuse_window(*make_window(75, seconds=LEAST_S))
    assert rate.bpm == pytest.approx(75, abs=2.0)


@pytest.mark.parametrize("bpm", [45, 120, 200])
def test_eight_frames_a_second_hold_a_pulse(bpm):
    rate = fuse_window(*make_window(bpm, fps=8.0, harmonic=0.0))
    assert rate.fs_hz == pytest.approx(8.0, rel=0.03)
    assert rate.bpm == pytest.approx(bpm, abs=1.0)


@pytest.mark.parametrize("fps", [7.0, 7.7, 8.0])
def test_a_fast_heart_is_never_shown_as_the_slower_one_that_it_looks_like(fps):
    # at 7 frames/s 240 bpm looks like 180
    assert fuse_window(*make_window(240, fps=fps, harmonic=0.0)).bpm is None


def test_what_cannot_be_read_says_so():
    assert fuse_window(*make_window(seconds=4.0)).why_not == TOO_SHORT
    assert fuse_window(*make_window(fps=7.0)).why_not == TOO_SLOW
    time_s, colour, changes, parts = make_window()
    black = fuse_window(time_s, 0 * colour, changes, 0 * parts)
    assert black.bpm is None
    assert black.methods["pos"] is None
    flat = fuse_window(time_s, colour * 0 + SKIN, changes * 0, parts * 0 + 90)
    assert flat.bpm is None
    assert flat.why_not == NO_BEAT
