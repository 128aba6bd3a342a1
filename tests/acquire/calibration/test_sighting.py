"""The LED is found where it was put, and nowhere where there is none."""

import numpy as np
import pytest

from acquire.calibration.sighting import LedSighting
from acquire.camera.source import CameraInfo
from acquire.errors import CalibrationError

CAMERA = CameraInfo("made", 160, 90, 25.0, "RGB", "made", simulated=True)
PERIOD_NS = 40_000_000


@pytest.mark.parametrize("latency_ms", [-30.0, 5.0, 120.0])
def test_the_led_is_found_where_it_was_put(latency_ms):
    sighting, switched = watch(130, spot=(63, 40), latency_ms=latency_ms)
    position = sighting.find()
    assert (position.row, position.column) == pytest.approx((63 / 90, 40 / 160), abs=0.02)
    assert sum(switched) == (len(switched) + 1) // 2        # lit and dark by turns


def test_where_there_is_no_led_none_is_found():
    assert watch(40)[0].find() is None                      # too early to tell
    assert watch(130)[0].find() is None
    with pytest.raises(CalibrationError, match="put the LED of pin 13 in the camera's view"):
        watch(260)[0].find()


def watch(count, *, spot=None, latency_ms=0.0):
    """Show noise, with the LED in it at (row, column) of pixels where there is one."""
    sighting, rng = LedSighting(seed=3), np.random.default_rng(8)
    switched = [False]

    def send(packet):
        switched.append(bool(packet.on))
        return now_ns

    for at in range(count):
        now_ns = 10**12 + at * PERIOD_NS
        picture = rng.integers(90, 130, CAMERA.image_shape, dtype=np.uint8)
        if spot is not None and switched[-1]:
            row, column = spot
            picture[row - 3 : row + 3, column - 3 : column + 3] = 255
        sighting.add_frame(picture, CAMERA, now_ns + round(latency_ms * 1e6))
        sighting.switch(send, now_ns + PERIOD_NS // 2)
    return sighting, switched[1:]
