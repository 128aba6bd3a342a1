"""When a virtual camera exposes and delivers its frames: regular, or as webcams and phones do.

A free-running camera keeps to its crystal within a fraction of a millisecond. A phone that films
at a variable rate does not: frames come early and late, and now and then one comes a whole step or
two late, after which the others follow. None is missing for that: it was never exposed.

Sources
-------
Variable frame rates and their jitter in phones' and webcams' files are known well; how large they
are here is an assumption: up to a fifth of a step, and up to one long step in fifty frames. Rates:
7 fps is what a webcam falls to in a dark room, 60 what phones offer.
"""

from dataclasses import dataclass

import numpy as np

LATENCY_NS = 9_000_000        # exposure, readout and transfer
_DRAWN = 4096                  # frames after which the jitter repeats
_BLOCK = 128                   # frames over which the mean rate is kept


@dataclass(frozen=True)
class FrameTiming:
    """At which rate a camera films, and how regularly."""

    fps: float
    jitter: float = 0.0        # of a frame's time, standard deviation, in frame steps
    long_steps: float = 0.0    # share of steps that last two or three times as long


class CameraTiming:
    """When one camera exposes and delivers, with its own crystal."""

    def __init__(
        self, rng: np.random.Generator, *, fps: float, irregular: FrameTiming | None = None
    ) -> None:
        """Draw the jitter; `irregular` adds its own to it, at the same mean rate `fps`."""
        self.period_ns = 1e9 / fps * (1 + rng.uniform(-40, 40) * 1e-6)
        self._exposure_jitter_ns = np.clip(rng.normal(0, 150_000, _DRAWN), -500_000, 500_000)
        self._transfer_jitter_ns = rng.gamma(2.0, 400_000, _DRAWN)
        if irregular is not None and (irregular.jitter or irregular.long_steps):
            self._exposure_jitter_ns = (
                self._exposure_jitter_ns + _irregular_steps(rng, irregular) * self.period_ns
            )

    def exposed_ns(self, n: int) -> int:
        """Return the middle of frame n's exposure after the camera's start [ns]; at least 0."""
        return max(0, round(n * self.period_ns + self._exposure_jitter_ns[n % _DRAWN]))

    def delivered_ns(self, n: int) -> int:
        """Return when the host can have frame n, after the camera's start [ns]."""
        return self.exposed_ns(n) + LATENCY_NS + round(self._transfer_jitter_ns[n % _DRAWN])


def _irregular_steps(rng: np.random.Generator, timing: FrameTiming) -> np.ndarray:
    """Return by how much each frame is late, in steps: (4096,), none overtakes another.

    Within each block of 128 frames, what long steps cost is made up for by shorter ones.
    """
    blocks = (_DRAWN // _BLOCK, _BLOCK)
    lengths = np.where(rng.random(blocks) < timing.long_steps, rng.integers(2, 4, blocks), 1)
    at = np.cumsum(lengths, axis=1) - lengths
    late = at * (_BLOCK / lengths.sum(axis=1, keepdims=True)) - np.arange(_BLOCK)
    jitter = np.clip(rng.normal(0.0, timing.jitter, blocks), -0.35, 0.35)
    return (late + jitter).ravel()
