"""The scale of a sensor of another maker: which reading is the value 0 in a session, which 65535.

A sketch that prints numbers does not say of which converter they are: that is told from the first
readings, and from those that go beyond the scale later, as where a finger comes onto the sensor
only then. One reading beyond it is taken for a damaged one; some in a row widen the scale. The
values before were then made by another scale, so a closed file has them anew from the readings.
"""

from collections.abc import Iterable

import numpy as np

from acquire.sensor.protocol import SAMPLE_CLIPPED

FULL = 65535                    # full scale of the values in a session
# full scales of the converters that sketches print readings of
_BITS = (10, 12, 14, 16, 18, 24)
_IN_A_ROW = 3                   # readings beyond the scale that widen it

Scale = tuple[float, float]     # lowest and highest reading


def tell_scale(readings: Iterable[float]) -> Scale:
    """Return the range of the smallest usual converter that holds some readings."""
    least, largest = min(readings := list(readings)), max(readings)
    height = max(largest, -least)
    full = next((2**bits - 1 for bits in _BITS if height < 2**bits), 2 ** _BITS[-1] - 1)
    return (0.0 if least >= 0 else -float(full), float(full))


def to_values(readings: np.ndarray | float, scale: Scale) -> np.ndarray:
    """Return readings (any shape) as values of a session, uint16; beyond the scale: its end."""
    low, high = scale
    inside = np.clip(np.nan_to_num(readings, nan=low), low, high)
    return np.rint((inside - low) * FULL / (high - low)).astype(np.uint16)


def make_values(
    readings: np.ndarray, flags: np.ndarray, scale: Scale
) -> tuple[np.ndarray, np.ndarray]:
    """Make the values of a session anew by the scale that it ended with.

    Parameters
    ----------
    readings, flags : (S,), as they were written
    scale : holds all the scales before it

    Returns
    -------
    values, (S,) uint16; flags, (S,) uint8: what lies inside this scale was not clipped
    """
    inside = (readings > scale[0]) & (readings < scale[1])
    return to_values(readings, scale), np.where(inside, flags & ~np.uint8(SAMPLE_CLIPPED), flags)


class ScaleWatch:
    """The scale of readings as they come.

    Parameters
    ----------
    is_told : it was told from readings, and may be wider in truth; else the sensor's kind states it
    """

    def __init__(self, scale: Scale, *, is_told: bool) -> None:
        self.scale = scale
        self._is_told = is_told
        self._beyond: list[float] = []          # the last readings, as far as all were beyond

    def is_beyond(self, reading: float) -> bool:
        """Return whether a reading lies beyond the scale."""
        return not self.scale[0] <= reading <= self.scale[1]

    def add(self, reading: float) -> bool:
        """Take the next reading; return whether the scale is wider from it on."""
        if not self._is_told or not self.is_beyond(reading):
            self._beyond.clear()
            return False
        self._beyond.append(reading)
        if len(self._beyond) < _IN_A_ROW:
            return False
        # the one nearest to the scale: a damaged one among them must not widen it
        wider = tell_scale([*self.scale, min(self._beyond, key=abs)])
        self._beyond.clear()
        is_wider, self.scale = wider != self.scale, wider
        return is_wider
