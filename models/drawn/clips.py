"""Clips of people who are drawn anew for each batch, as a network reads them.

A frame is the face at rest plus the sum of what moves: each thing that moves is a map and a course
over time. The maps of head motion are the face's own spatial derivatives, so a frame is right for
motions of up to about a pixel of 36. The light multiplies all of it; noise and what a coder does to
small changes come last. Skin darkens as blood fills it.

Sources
-------
Colours of the pulse, 0.33 : 0.77 : 0.53 of red, green and blue relative to their means: de Haan,
van Leest, "Improved motion robustness of remote-PPG by using the blood volume pulse signature",
Physiol. Meas. 35(9), 2014; here with a spread of 30 %, for other light, cameras and skins. Height,
0.06 to 0.6 % of the mean: below and up to the middle of the 0.3 to 1.5 % of Wang et al., IEEE TBME
64(7), 2017. Everything else is an assumption: ranges wider than what is likely. None was chosen by
a real recording's result.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from dataset.face.box import SIZE

from .faces import Faces, draw_faces, smooth_field
from .time_courses import Pulses, band_noise, events, frame_times, log_uniform, steps, uniform

PULSE_RGB = (0.33, 0.77, 0.53)
HEIGHTS = (0.0008, 0.008)                   # of the pulse, relative to the mean, times its colour
_BLOCK = 4                                  # side of a coder's blocks in the average
_HELD_SHARE = 0.15                          # of the clips, whose coder holds small changes back


@dataclass(frozen=True)
class Drawn:
    """N clips of T frames."""

    frames: Tensor          # (N, T, 3, 36, 36) float32, grey levels, 1 to about 255
    time_s: Tensor          # (N, T)
    pulse: Tensor           # (N, T), volume of blood in the skin, about unit variance
    bpm: Tensor             # (N,)
    ita_deg: Tensor         # (N,), of the skin
    amplitude: Tensor       # (N,), of the pulse in green, relative to its mean
    fps: Tensor             # (N,)


def draw(
    n: int, frames: int, generator: torch.Generator, *, has_pulse: bool = True,
    heights: tuple[float, float] = HEIGHTS, sway: float = 1.0, fixed_fps: float | None = None,
) -> Drawn:
    """Draw N clips of `frames` frames; without a pulse, neither skin nor head knows of a heart.

    Parameters
    ----------
    heights : least and largest of the pulse, relative to the mean, before its colour
    sway : of the heads, relative to what is drawn; a training draws with 1
    fixed_fps : see `frame_times`
    """
    time_s, fps = frame_times(n, frames, generator, fixed_fps=fixed_fps)
    faces, pulses = draw_faces(n, generator), Pulses(n, time_s, generator)
    maps, courses, amplitude = _skin_pulse(faces, pulses, time_s, heights, generator)
    if not has_pulse:
        courses = [torch.zeros_like(course) for course in courses]
        amplitude = torch.zeros_like(amplitude)
    for more_maps, more_courses in (
        _head_motion(faces, pulses, time_s, sway, generator, has_pulse=has_pulse),
        _expressions(faces, time_s, generator),
        _shading(faces, pulses, time_s, generator),
    ):
        maps, courses = [*maps, *more_maps], [*courses, *more_courses]
    moved = torch.bmm(
        torch.stack(courses, dim=2), torch.stack([m.flatten(1) for m in maps], dim=1)
    ).view(n, frames, 3, SIZE, SIZE)
    gain = _exposure(faces, generator)
    images = moved.add_(faces.rgb[:, None])
    images *= (_light(n, time_s, generator) * gain[:, None, None])[:, :, :, None, None]
    _add_noise(images.clamp_(1.0, 255.0), faces.rgb * gain[:, None, None, None], generator)
    _hold_back(images, generator)
    return Drawn(
        images.clamp_(0.5, 255.0), time_s, pulses.at(time_s), pulses.bpm, faces.ita_deg,
        amplitude, fps,
    )


def _exposure(faces: Faces, generator: torch.Generator) -> Tensor:
    """Draw by how much each camera brightens its picture, (N,): its mean becomes 50 to 150."""
    mean = faces.rgb.mean(dim=(1, 2, 3))
    return (log_uniform(len(mean), 50.0, 150.0, generator) / mean).clamp(60.0, 400.0)


_Modes = tuple[list[Tensor], list[Tensor]]      # maps (N, 3, 36, 36) and courses (N, T)


def _skin_pulse(
    faces: Faces, pulses: Pulses, time_s: Tensor, heights: tuple[float, float],
    generator: torch.Generator,
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Draw the pulse in the skin: an early and a late part, in the colours of blood."""
    n = len(time_s)
    colour = torch.tensor(PULSE_RGB) * torch.exp(0.3 * torch.randn(n, 3, generator=generator))
    height = log_uniform(n, *heights, generator)
    height = height * (0.6 + 0.4 * faces.lightness / 0.7)     # melanin hides a part of it
    skin = faces.rgb * faces.skin * faces.perfusion
    darkened = -skin * (height[:, None] * colour)[:, :, None, None]
    late_s = uniform(n, 0.0, 0.04, generator)[:, None]
    maps = [darkened * (1 - faces.late_share), darkened * faces.late_share]
    return maps, [pulses.at(time_s), pulses.at(time_s - late_s)], height * colour[:, 1]


def _head_motion(
    faces: Faces, pulses: Pulses, time_s: Tensor, relative: float, generator: torch.Generator, *,
    has_pulse: bool,
) -> _Modes:
    """Draw sway, speech, breath and the heart's own push: shift, rotation, size."""
    n = len(time_s)
    rgb = faces.rgb
    right = (torch.roll(rgb, -1, 3) - torch.roll(rgb, 1, 3)) / 2
    down = (torch.roll(rgb, -1, 2) - torch.roll(rgb, 1, 2)) / 2
    curved = (torch.roll(rgb, -1, 3) + torch.roll(rgb, 1, 3) + torch.roll(rgb, -1, 2)
              + torch.roll(rgb, 1, 2) - 4 * rgb)
    # the room stands still, but for its part in the blur at the edge
    head = (0.2 + 0.8 * faces.person)
    line = torch.linspace(-1, 1, SIZE)
    y, x = torch.meshgrid(line, line, indexing="ij")
    maps = [-right * head, -down * head, (y * right - x * down) * head,
            -(x * right + y * down) * head, curved * head / 4]

    # half of the people sit still, as they are asked to for a recording
    liveliness = torch.where(torch.rand(n, generator=generator) < 0.5, 0.2, 1.0)[:, None]

    def sway(largest: float) -> Tensor:
        slow = log_uniform(n, 0.002, largest, generator)[:, None] * band_noise(
            time_s, 0.0, uniform(n, 0.2, 1.5, generator), generator)
        quick = log_uniform(n, 0.001, largest / 4, generator)[:, None] * band_noise(
            time_s, 0.5, uniform(n, 1.0, 5.0, generator), generator)
        return relative * liveliness * (slow + quick)

    breath = log_uniform(n, 0.002, 0.12, generator)[:, None] * pulses.breath(time_s)
    # the blood's push lifts the head in the rhythm of the heart, at any phase of the pulse in skin
    push_s = uniform(n, -0.4, 0.4, generator)[:, None]
    push = log_uniform(n, 0.0005, 0.03, generator)[:, None] * pulses.at(time_s - push_s) * has_pulse
    across, along = sway(0.6), sway(0.6) + breath + push
    courses = [across, along, 0.5 * sway(0.6), 0.5 * sway(0.4), across**2 + along**2]
    return maps, courses


def _expressions(faces: Faces, time_s: Tensor, generator: torch.Generator) -> _Modes:
    """Draw blinks, and a mouth that speaks in a quarter of the clips."""
    n = len(time_s)
    blinks = events(time_s, uniform(n, 0.0, 0.6, generator), (0.1, 0.35), generator)
    speaks = (torch.rand(n, generator=generator) < 0.25).float()
    strength = (speaks * log_uniform(n, 0.002, 0.08, generator))[:, None]
    speech = strength * band_noise(time_s, 0.4, uniform(n, 3.0, 6.0, generator), generator)
    return [faces.closed, faces.mouth * faces.rgb], [blinks, speech]


def _shading(faces: Faces, pulses: Pulses, time_s: Tensor, generator: torch.Generator) -> _Modes:
    """Draw light that differs from place to place: shading, shine, a second lamp, the room's."""
    n = len(time_s)

    def course(low: float, high: float, hz: tuple[float, float]) -> Tensor:
        height = log_uniform(n, low, high, generator)[:, None]
        return height * band_noise(time_s, 0.0, uniform(n, *hz, generator), generator)

    turning = smooth_field(n, 1, 3, generator) * faces.person
    lamp = smooth_field(n, 1, 3, generator) * torch.exp(
        0.3 * torch.randn(n, 3, 1, 1, generator=generator))
    warmth = 0.6 + 0.4 * torch.rand(n, 3, 1, 1, generator=generator)
    breath = log_uniform(n, 0.0002, 0.006, generator)[:, None] * pulses.breath(time_s)
    maps = [faces.rgb * turning, faces.shine * faces.skin * warmth, faces.rgb * lamp,
            faces.rgb * (1 - faces.person) * smooth_field(n, 3, 3, generator)]
    courses = [course(0.0003, 0.02, (0.3, 4.0)) + breath, course(0.0002, 0.015, (0.5, 4.0)),
               course(0.0002, 0.01, (0.3, 5.0)), course(0.0002, 0.02, (0.3, 6.0))]
    return maps, courses


def _light(n: int, time_s: Tensor, generator: torch.Generator) -> Tensor:
    """Draw the light of all of the picture, (N, T, 3) about 1: drift, flicker, exposure's steps."""
    colour = 1 + 0.1 * torch.randn(n, 1, 3, generator=generator)
    drift = log_uniform(n, 0.0003, 0.02, generator)[:, None] * band_noise(
        time_s, 0.0, uniform(n, 0.1, 3.0, generator), generator)
    ripple = log_uniform(n, 0.0001, 0.004, generator)[:, None] * band_noise(
        time_s, uniform(n, 0.5, 3.0, generator), uniform(n, 3.0, 7.0, generator), generator)
    # mains light against the shutter: one line, anywhere up to half the rate of the frames
    mains_hz = 100.0 + 20.0 * (torch.rand(n, 1, generator=generator) < 0.5)
    flicker = log_uniform(n, 0.00005, 0.004, generator)[:, None] * torch.sin(
        2 * torch.pi * (mains_hz * time_s + torch.rand(n, 1, generator=generator)))
    exposure = uniform(n, -0.15, 0.15, generator)[:, None] * steps(time_s, 0.05, generator)
    return 1 + (drift + ripple + flicker + exposure)[:, :, None] * colour


def _add_noise(images: Tensor, at_rest: Tensor, generator: torch.Generator) -> None:
    """Add the noise of an average over a cell, fine and in blocks, stronger in bright places.

    Parameters
    ----------
    images : (N, T, 3, 36, 36), changed in place
    at_rest : (N, 3, 36, 36), grey levels of each clip
    """
    n, frames = images.shape[:2]
    level = log_uniform(n, 0.03, 0.8, generator)[:, None, None, None, None]
    bright = (at_rest[:, None] / 128).sqrt()
    images.addcmul_(torch.randn(images.shape, generator=generator), 0.7 * level * bright)
    has_blocks = (torch.rand(n, generator=generator) < 0.5).float()[:, None, None, None, None]
    side = SIZE // _BLOCK
    blocks = torch.randn(n, frames, 3, side, side, generator=generator)
    blocks *= 0.4 * level * has_blocks * F.avg_pool2d(bright[:, 0], _BLOCK)[:, None]
    images.view(n, frames, 3, side, _BLOCK, side, _BLOCK).add_(blocks[:, :, :, :, None, :, None])


def _hold_back(images: Tensor, generator: torch.Generator) -> None:
    """Hold small changes back in a share of the clips, in place, as coders and denoisers do.

    A block changes with the picture only where it differs enough from what was sent last; all is
    sent anew with each key frame.
    """
    n, frames = images.shape[:2]
    chosen = torch.rand(n, generator=generator) < _HELD_SHARE
    least = log_uniform(n, 0.05, 0.6, generator)[chosen][:, None, None, None]
    between = torch.randint(8, 90, (n,), generator=generator)[chosen]
    if not chosen.any():
        return
    sent = images[chosen]
    cells = sent.view(*sent.shape[:3], SIZE // 3, 3, SIZE // 3, 3)
    for number in range(1, frames):
        change = sent[:, number] - sent[:, number - 1]
        size = F.avg_pool2d(change.abs_().mean(dim=1, keepdim=True), 3)
        share = torch.sigmoid(8 * (size / least - 1))
        share = torch.where((number % between == 0)[:, None, None, None], 1.0, share)
        cells[:, number].lerp_(cells[:, number - 1], 1 - share[:, :, :, None, :, None])
    images[chosen] = sent
