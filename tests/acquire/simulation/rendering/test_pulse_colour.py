"""The colour of the pulse by skin, lamp and camera: what was measured, and which way it turns."""

import numpy as np
import pytest

from acquire.simulation.rendering.pulse_colour import CameraBands, Lamp, SkinOptics, pulse_colour

HALOGEN, LED = Lamp("incandescent", 3000.0), Lamp("led", 6000.0)
LIGHT, DARK = SkinOptics(melanin=0.03), SkinOptics(melanin=0.43)


def direction(skin, lamp=HALOGEN, bands=None):
    colour = pulse_colour(skin, lamp, bands or CameraBands())
    return colour / np.linalg.norm(colour)


def test_light_skin_under_halogen_has_the_measured_colour():
    published = np.array([0.33, 0.77, 0.53])          # de Haan and van Leest (2014)
    assert direction(LIGHT) == pytest.approx(published / np.linalg.norm(published), abs=0.045)


def test_the_darkest_skin_pulsates_half_as_much_and_least_in_blue():
    light, dark = (pulse_colour(skin, HALOGEN, CameraBands()) for skin in (LIGHT, DARK))
    assert 0.4 < dark[1] / light[1] < 0.65
    assert dark[2] / light[2] < 0.6 * dark[1] / light[1]
    steps = [pulse_colour(SkinOptics(m), HALOGEN, CameraBands())[1] for m in (0.02, 0.1, 0.2, 0.4)]
    assert np.all(np.diff(steps) < 0)


def test_what_is_mirrored_at_the_surface_takes_from_the_pulse_and_lamps_turn_it():
    matt, shiny = (SkinOptics(0.03, surface=share) for share in (0.0, 0.1))
    assert (pulse_colour(shiny, LED, CameraBands()) < pulse_colour(matt, LED, CameraBands())).all()
    lamps = [HALOGEN, LED, Lamp("daylight", 6500.0), Lamp("fluorescent", 4000.0)]
    red = [direction(LIGHT, lamp)[0] for lamp in lamps]
    assert max(red) > 1.15 * min(red)
    deep = CameraBands(centres_nm=(615.0, 535.0, 460.0))
    assert direction(LIGHT, LED, deep)[0] < direction(LIGHT, LED)[0]      # blood absorbs less there
