"""A hidden offset between light and stamps is found within 2 ms and within its own bound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.calibration.light_offset import Toggles, average_cells, find_light, fit_light_offset
from acquire.errors import CalibrationError
from acquire.simulation.sensor_device import SwitchedLed
from benchmarks import calibration as scenes

CLEAR_NS = 2_000_000            # the tolerance: what the offset has to come out within


def blink(
    seed=0, *, fps=25.0, offset_ms=20.0, exposure_ms=10.0, noise=0.03, gamma=1.0, light=1.0,
    count=120, lost=0.0, hidden=0.0,
):
    """Return an LED's brightness in each frame, the frames' stamps, and the toggles."""
    rng = np.random.default_rng(seed)
    period_ns = 1e9 / fps
    switched = 10**9 + np.cumsum(rng.uniform(3, 6, count) * period_ns).astype(np.int64)
    toggles = Toggles(switched, np.full(count, 800_000), np.arange(count) % 2 == 0)
    frames = int(switched[-1] / period_ns) + 20
    middle = np.rint(np.arange(frames) * period_ns + rng.normal(0, 150_000, frames)).astype(
        np.int64
    ) + int(rng.integers(10**8))
    half = round(exposure_ms * 5e5)
    seen = np.minimum(light * toggles.lit(middle - half, middle + half), 1.0) ** gamma
    first = rng.integers(0, round(frames * (1 - hidden)) + 1)
    seen[first : first + round(frames * hidden)] = 0.0
    seen += rng.normal(0, noise, frames)
    kept = rng.random(frames) >= lost
    return 40 * seen[kept] + 100, (middle + round(offset_ms * 1e6))[kept], toggles


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6), fps=st.sampled_from([15.0, 25.0, 30.0, 60.0]),
    offset_ms=st.floats(-30, 60), exposure=st.floats(0.1, 1.0), noise=st.floats(0, 0.08),
    gamma=st.sampled_from([1.0, 0.45]), light=st.sampled_from([0.9, 3.0, 30.0]),
    lost=st.sampled_from([0.0, 0.1]), hidden=st.sampled_from([0.0, 0.3]), off=st.floats(-0.2, 0.2),
)
def test_the_offset_comes_out_within_its_bound(
    seed, fps, offset_ms, exposure, noise, gamma, light, lost, hidden, off
):
    exposure_ms = exposure * min(33.0, 1e3 / fps)
    brightness, frame_ns, toggles = blink(
        seed, fps=fps, offset_ms=offset_ms, exposure_ms=exposure_ms, noise=noise, gamma=gamma,
        light=light, lost=lost, hidden=hidden,
    )
    fit = fit_light_offset(
        brightness, frame_ns, toggles, coarse_ns=round((offset_ms + off * 1e3 / fps) * 1e6)
    )
    error_ns = abs(fit.offset_ns - offset_ms * 1e6)
    assert error_ns < CLEAR_NS
    assert error_ns <= fit.bound_ns
    # which is three standard deviations, of a few dozen toggles
    assert error_ns <= 1.5 * fit.fit_ns
    assert fit.fit_ns < 4_000_000


def test_bounds_say_what_they_mean():
    errors, bounds = [], []
    for seed in range(40):
        fit = fit_light_offset(*blink(seed, exposure_ms=20.0), coarse_ns=20_000_000)
        errors.append(fit.offset_ns - 20_000_000)
        bounds.append(fit.fit_ns)
    rms = np.sqrt(np.mean(np.square(errors)))
    assert abs(np.mean(errors)) < 0.4 * rms                 # no bias
    assert 1.5 * rms < np.median(bounds) < 6 * rms          # three times, give or take what 40 say


@pytest.mark.parametrize("exposure_ms", [5.0, 16.0, 33.0])
def test_the_exposure_comes_out_as_a_by_product(exposure_ms):
    fit = fit_light_offset(*blink(exposure_ms=exposure_ms), coarse_ns=20_000_000)
    assert fit.exposure_ns / 1e6 == pytest.approx(exposure_ms, abs=1.5)
    assert fit.residual < 0.05
    assert fit.seen == fit.toggles == 120


def test_a_light_that_is_mostly_hidden_is_refused():
    brightness, frame_ns, toggles = blink(hidden=0.7)
    with pytest.raises(
        CalibrationError, match=r"at least half of the 120 times .* keep the LED uncovered"
    ):
        fit_light_offset(brightness, frame_ns, toggles, coarse_ns=20_000_000)


@pytest.mark.parametrize("moves", [0.0, 20.0])
def test_a_picture_without_the_light_is_refused(moves):
    rng = np.random.default_rng(5)
    _, frame_ns, toggles = blink()
    cells = rng.normal(100, 1, (len(frame_ns), 45, 80)).astype(np.float32)
    # somebody who moves
    cells[:, 10:30, 30:50] += moves * np.sin(np.arange(len(frame_ns)) / 3)[:, None, None]
    with pytest.raises(
        CalibrationError, match=r"none .* put the LED of pin 13 in the camera's view"
    ):
        find_light(cells, frame_ns, toggles)


def test_the_light_is_found_beside_flicker_that_is_brighter():
    rng = np.random.default_rng(6)
    brightness, frame_ns, toggles = blink(noise=0.0)
    cells = rng.normal(100, 0.3, (len(frame_ns), 45, 80)).astype(np.float32)
    cells += (
        8 * np.sin(2 * np.pi * (frame_ns[:, None] / 1e9 * 9.7 + np.arange(45) / 30))[:, :, None]
    )
    cells[:, 31, 12] += 0.1 * (brightness - 100)
    found, position = find_light(cells, frame_ns, toggles)
    assert (position.row * 45, position.column * 80) == pytest.approx((31.5, 12.5), abs=0.3)
    fit = fit_light_offset(found, frame_ns, toggles, coarse_ns=position.offset_ns)
    assert abs(fit.offset_ns - 20_000_000) < min(CLEAR_NS, fit.fit_ns)


def test_cells_average_luma_or_green():
    luma = np.tile(np.arange(64, dtype=np.uint8), (36, 1))
    i420 = np.concatenate([luma, np.full((18, 64), 7, np.uint8)])
    rgb = np.stack([np.zeros_like(luma), luma, np.zeros_like(luma)], axis=2)
    assert (average_cells(i420, "I420", 36) == average_cells(rgb, "RGB", 36)).all()
    assert average_cells(i420, "I420", 36).mean() == pytest.approx(31.5, abs=0.1)


def test_an_led_is_lit_for_the_part_of_an_exposure_that_it_was_on():
    led = SwitchedLed()
    led.switch(on=False, at_ns=50)
    led.switch(on=True, at_ns=100)
    led.switch(on=True, at_ns=150)
    led.switch(on=False, at_ns=200)
    led.switch(on=True, at_ns=1000)
    start = np.array([0, 50, 100, 150, 190, 200, 900, 2000])
    assert led.lit_share(start, start + 100).tolist() == [0, 0.5, 1, 0.5, 0.1, 0, 0, 1]


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(
            scenes.Scene("dim, 33 ms, 30 fps", exposure_ms=33.0, light=0.1, fps=30.0, toggles=60),
            id="dim",
        ),
        pytest.param(
            scenes.Scene("bright, flicker", exposure_ms=15.0, light=20.0, flicker=0.05, toggles=60),
            id="flicker",
        ),
        pytest.param(
            scenes.Scene(
                "top, lost, dark", exposure_ms=5.0, row_px=20, lost=0.1, dark=0.3, toggles=90
            ),
            id="top, lost",
        ),
    ],
)
def test_scenes_filmed_by_the_virtual_camera(scene):
    blinks, truth_ns = scenes.film(replace(scene, ppm=5000.0), seed=3)
    fit = scenes.fit(blinks)
    assert abs(fit.offset_ns - truth_ns) < min(CLEAR_NS, fit.bound_ns)
    assert fit.bound_ns < 3_000_000
