"""The noise of the image sensor, by its formula and in a picture."""

import numpy as np
import pytest

from acquire.simulation.rendering.exposure import ImageSensor
from acquire.simulation.rendering.face import HEIGHT
from acquire.simulation.subject import VirtualSubject


def test_shot_noise_at_white_is_the_root_of_the_electrons():
    sensor = ImageSensor(full_well_electrons=10_000, read_noise_electrons=0.0, gamma=1.0)
    assert sensor.noise(np.array([219.0])) == pytest.approx(219 / 100)


def test_read_noise_adds_to_it_and_gamma_makes_the_dark_louder():
    quiet = ImageSensor(full_well_electrons=10_000, read_noise_electrons=0.0)
    noisy = ImageSensor(full_well_electrons=10_000, read_noise_electrons=100.0)
    luma = np.array([20.0, 110.0, 219.0])
    assert (noisy.noise(luma) > quiet.noise(luma)).all()
    assert noisy.noise(luma)[2] == pytest.approx(np.sqrt(2) * quiet.noise(luma)[2])
    assert (np.diff(noisy.noise(luma)) < 0).all()


def test_a_sensor_of_fewer_electrons_makes_noisier_pictures():
    def noise(electrons):
        subject = VirtualSubject("S01")
        subject.image_sensor = ImageSensor(electrons, read_noise_electrons=0.0)
        difference = subject.frame(1.0, 1).astype(float) - subject.frame(1.0, 2)
        return difference[:HEIGHT].std()

    # the rounding to whole grey levels adds to both
    assert noise(1_500) == pytest.approx(np.sqrt(10) * noise(15_000), rel=0.15)
