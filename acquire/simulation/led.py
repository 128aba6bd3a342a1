"""The sensor's LED in the virtual camera's picture: light gathered over the exposure, row after
row, and a stamp that is late.

What `acq calibrate` has to find out is set here, and hidden from it: how late the camera's stamp
is, how long it exposes, and in which row the LED is seen. Light adds in the sensor, before gamma: a
bright LED saturates, and the ramp of its brightness over the time of the exposure is no straight
line.
"""

from dataclasses import dataclass

import numpy as np

from .renderer import READOUT_S
from .sensor_device import Lamp

GAMMA = 2.2
READOUT_NS = round(READOUT_S * 1e9)


@dataclass(frozen=True)
class LedView:
    """How a camera sees the LED, and how it stamps."""

    latency_ms: float = 0.0  # the stamp less the middle of the exposure of the picture's middle row
    exposure_ms: float = 10.0
    row_px: int = 180                 # of the LED's centre
    column_px: int = 90
    radius_px: float = 4.0            # RMS of its glow
    light: float = 2.0  # over a whole exposure, at its centre, in parts of what makes white

    def row_delay_ns(self, height_px: int) -> int:
        """How much later than the picture's middle row the LED's is exposed [ns]."""
        return round((self.row_px / height_px - 0.5) * READOUT_NS)

    def ready_ns(self, height_px: int) -> int:
        """When stamp and light are both there, after the middle of the exposure [ns]."""
        return max(
            round(self.latency_ms * 1e6),
            self.row_delay_ns(height_px) + round(self.exposure_ms * 5e5),
        )

    def offset_ns(self, height_px: int) -> int:
        """The truth that a calibration looks for: the stamp less the middle of the exposure of the
        LED's row [ns].
        """
        return round(self.latency_ms * 1e6) - self.row_delay_ns(height_px)

    def shine(self, luma: np.ndarray, led: Lamp, exposed_ns: int) -> None:
        """Add the LED's light to a picture's luma, in place.

        Parameters
        ----------
        luma : (H, W) uint8, BT.601 limited range
        exposed_ns : middle of the exposure of the picture's middle row, host time
        """
        height, width = luma.shape
        reach = round(3 * self.radius_px)
        rows = np.arange(max(0, self.row_px - reach), min(height, self.row_px + reach + 1))
        columns = np.arange(max(0, self.column_px - reach), min(width, self.column_px + reach + 1))
        half_ns = round(self.exposure_ms * 5e5)
        middle_ns = exposed_ns + np.rint((rows / height - 0.5) * READOUT_NS).astype(np.int64)
        lit = led.lit(middle_ns - half_ns, middle_ns + half_ns)
        if not lit.any():
            return
        down, across = (np.exp(-0.5 * ((at - centre) / self.radius_px) ** 2) for at, centre in (
            (rows, self.row_px), (columns, self.column_px),
        ))
        here = luma[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        light = np.clip((here - 16.0) / 219.0, 0, 1) ** GAMMA + self.light * np.outer(
            down * lit, across
        )
        here[:] = np.rint(16.0 + 219.0 * np.minimum(light, 1.0) ** (1 / GAMMA)).astype(np.uint8)
