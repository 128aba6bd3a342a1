"""What changes over time in drawn clips: the times of frames, pulses, sway, light.

All are sums of sinusoids or of short events, so they have a value at any time, and frames may come
at irregular times. N clips of T frames; times in seconds.
"""

import math

import torch
from torch import Tensor

RATES_BPM = (38.0, 180.0)
_SINUSOIDS = 10
_HARMONICS = 4


def uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Draw (n,) numbers evenly from [low, high)."""
    return low + (high - low) * torch.rand(n, generator=generator)


def log_uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Draw (n,) numbers whose logarithms are even."""
    return torch.exp(uniform(n, math.log(low), math.log(high), generator))


def frame_times(
    n: int, frames: int, generator: torch.Generator, *, fixed_fps: float | None = None
) -> tuple[Tensor, Tensor]:
    """Draw the times of frames (N, T) [s] and the nominal rates (N,) [Hz].

    Six of ten cameras run at 24 to 31 frames/s, the others at 7 to 60. A fifth of them lose single
    frames, and every frame is late by up to a share of its step that the camera has.

    Parameters
    ----------
    fixed_fps : the rate of all cameras; all else is drawn as without it
    """
    is_usual = torch.rand(n, generator=generator) < 0.6
    fps = torch.where(
        is_usual, uniform(n, 24.0, 31.0, generator), log_uniform(n, 7.0, 60.0, generator)
    )
    if fixed_fps is not None:
        fps = torch.full_like(fps, fixed_fps)
    lost = (torch.rand(n, generator=generator) < 0.2).float() * 0.05
    steps = 1.0 + (torch.rand(n, frames, generator=generator) < lost[:, None]).float()
    lateness = 0.3 * torch.rand(n, generator=generator) ** 3
    late = lateness[:, None] * torch.rand(n, frames, generator=generator)
    return (steps.cumsum(dim=1) + late) / fps[:, None], fps


def band_noise(
    time_s: Tensor, low_hz: Tensor | float, high_hz: Tensor | float, generator: torch.Generator
) -> Tensor:
    """Draw noise of unit variance between two frequencies: (N, T), as a sum of sinusoids.

    Its slow end is stronger, as that of a sway is: frequencies are drawn on a logarithmic scale,
    from an eighth of `high_hz` on where `low_hz` is less.
    """
    n = len(time_s)
    high = torch.as_tensor(high_hz).expand(n)[:, None]
    low = torch.maximum(torch.as_tensor(low_hz).expand(n)[:, None], high / 8)
    hz = low * (high / low) ** torch.rand(n, _SINUSOIDS, generator=generator)
    phase = 2 * math.pi * torch.rand(n, _SINUSOIDS, generator=generator)
    height = 0.3 + torch.rand(n, _SINUSOIDS, generator=generator)
    height = height * (2 / height.square().sum(dim=1, keepdim=True)).sqrt()
    angle = 2 * math.pi * hz[:, :, None] * time_s[:, None] + phase[:, :, None]
    return (height[:, :, None] * torch.sin(angle)).sum(dim=1)


def events(
    time_s: Tensor, per_s: Tensor, length_s: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Draw short events of height 1, such as blinks: (N, T), about `per_s` (N,) a second."""
    n, most = len(time_s), 6
    span_s = time_s[:, -1:] - time_s[:, :1]
    at = time_s[:, :1] + span_s * torch.rand(n, most, generator=generator)
    length = uniform(n, *length_s, generator)[:, None, None]
    happens = torch.rand(n, most, generator=generator) < per_s[:, None] * span_s / most
    shape = torch.exp(-(((time_s[:, None] - at[:, :, None]) / (length / 2)) ** 2))
    return (shape * happens[:, :, None]).amax(dim=1)


def steps(time_s: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Draw one step from 0 to 1, as exposure takes, in a share of the clips: (N, T).

    It comes at a random time and lasts from 0.02 to 0.5 s; 0 in the other clips.
    """
    n = len(time_s)
    at = time_s[:, :1] + (time_s[:, -1:] - time_s[:, :1]) * torch.rand(n, 1, generator=generator)
    length = log_uniform(n, 0.02, 0.5, generator)[:, None]
    happens = (torch.rand(n, 1, generator=generator) < share).float()
    return happens * torch.sigmoid(6 * (time_s - at) / length)


class Pulses:
    """The pulse of N hearts, as functions of time [s].

    Heart rates are even over `RATES_BPM`: a network that has seen mostly 72 answers 72. The rate
    wanders and follows the breath; the wave has a first part and a later, lower one, as sums of
    harmonics, and breath changes its height.
    """

    def __init__(self, n: int, time_s: Tensor, generator: torch.Generator) -> None:
        self.bpm = uniform(n, *RATES_BPM, generator)
        self.breath_hz = log_uniform(n, 0.12, 0.6, generator)
        self._breath_phase = 2 * math.pi * torch.rand(n, generator=generator)
        self._phase = torch.rand(n, generator=generator)
        # rise and fall of the rate: with the breath, and slower
        self._rsa = 0.06 * torch.rand(n, generator=generator) ** 2
        self._wander = uniform(n, 0.0, 0.04, generator)
        self._wander_hz = uniform(n, 0.03, 0.12, generator)
        self._wander_phase = 2 * math.pi * torch.rand(n, generator=generator)
        self._modulation = uniform(n, 0.0, 0.3, generator)
        self._heights = torch.stack([
            torch.ones(n), uniform(n, 0.1, 0.55, generator), uniform(n, 0.0, 0.25, generator),
            uniform(n, 0.0, 0.08, generator),
        ], dim=1)
        lag = uniform(n, 0.0, 2.0, generator)
        self._lags = torch.stack([torch.zeros(n), lag, 1.6 * lag, 2.1 * lag], dim=1)
        at = self._raw(time_s)
        self._mean, self._sd = at.mean(dim=1, keepdim=True), at.std(dim=1, keepdim=True)

    def breath(self, time_s: Tensor) -> Tensor:
        """Return the breath, (N, T) from -1 to 1."""
        return torch.sin(
            2 * math.pi * self.breath_hz[:, None] * time_s + self._breath_phase[:, None]
        )

    def at(self, time_s: Tensor) -> Tensor:
        """Return the volume of blood in the skin, (N, T), about unit variance."""
        return (self._raw(time_s) - self._mean) / self._sd

    def _raw(self, time_s: Tensor) -> Tensor:
        beat_hz = self.bpm[:, None] / 60
        breath_w = 2 * math.pi * self.breath_hz[:, None]
        wander_w = 2 * math.pi * self._wander_hz[:, None]
        beats = beat_hz * (
            time_s
            - self._rsa[:, None] * torch.cos(breath_w * time_s + self._breath_phase[:, None])
            / breath_w
            - self._wander[:, None] * torch.cos(wander_w * time_s + self._wander_phase[:, None])
            / wander_w
        ) + self._phase[:, None]
        wave = torch.zeros_like(time_s)
        for harmonic in range(_HARMONICS):
            angle = 2 * math.pi * (harmonic + 1) * beats - self._lags[:, harmonic, None]
            wave = wave + self._heights[:, harmonic, None] * torch.sin(angle)
        return wave * (1 + self._modulation[:, None] * self.breath(time_s))
