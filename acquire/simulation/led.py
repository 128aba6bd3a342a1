"""The sensor's LED in the virtual camera's picture, and a camera stamp that is late.

What a calibration has to find is set here and unknown to it: how late the camera's stamp is, how
long it exposes, and in which row the LED is seen. Light is gathered over the exposure, row after
row. It adds in the image sensor, before gamma: a bright LED saturates, and its brightness over the
lit share of the exposure is not a straight line.
"""

from dataclasses import dataclass

import numpy as np

from .rendering.room import READOUT_S
from .sensor_device import SwitchedLed

GAMMA = 2.2
READOUT_NS = round(READOUT_S * 1e9)


@dataclass(frozen=True)
class LedView:
    """How a camera sees the LED, and how it stamps."""

    latency_ms: float = 0.0           # stamp minus middle of exposure of the picture's middle row
    exposure_ms: float = 10.0
    row_px: int = 180                 # of the LED's centre
    column_px: int = 90
    radius_px: float = 4.0            # RMS of its glow
    light: float = 2.0                # at its centre, over a whole exposure; 1 makes white

    def row_delay_ns(self, height_px: int) -> int:
        """Return how much later than the picture's middle row the LED's is exposed [ns]."""
        return round((self.row_px / height_px - 0.5) * READOUT_NS)

    def ready_ns(self, height_px: int) -> int:
        """Return when stamp and light are complete, after the middle of the exposure [ns]."""
        return max(
            round(self.latency_ms * 1e6),
            self.row_delay_ns(height_px) + round(self.exposure_ms * 5e5),
        )

    def offset_ns(self, height_px: int) -> int:
        """Return the truth for a calibration: stamp minus middle of exposure of the LED's row [ns].
        """
        return round(self.latency_ms * 1e6) - self.row_delay_ns(height_px)

    def add_light(self, luma: np.ndarray, led: SwitchedLed, exposed_ns: int) -> None:
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
        lit = led.lit_share(middle_ns - half_ns, middle_ns + half_ns)
        if not lit.any():
            return
        down = np.exp(-0.5 * ((rows - self.row_px) / self.radius_px) ** 2)
        across = np.exp(-0.5 * ((columns - self.column_px) / self.radius_px) ** 2)
        area = luma[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        light = np.clip((area - 16.0) / 219.0, 0, 1) ** GAMMA + self.light * np.outer(
            down * lit, across
        )
        area[:] = np.rint(16.0 + 219.0 * np.minimum(light, 1.0) ** (1 / GAMMA)).astype(np.uint8)
