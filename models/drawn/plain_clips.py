"""Plainer people beside those of `clips`: an oval of skin, and everything moves with the head.

A network learns a drawer's habits. These clips share none of the other's parts but the frames they
end as: the skin is an oval that pulses all over, hair and eyes too, the room moves with the head,
light and shading follow the motion, the heart's rate wanders more, frames come evenly. Students
that learnt from both kinds read held-out people of each better than those that learnt from one
(`benchmarks/README.md`). Skin darkens as blood fills it, as in `clips`.

Sources: as of `clips`. What is not there is an assumption.
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from acquire.simulation.rendering.portrait import portrait_parts
from dataset.face.box import SIZE

from .clips import PULSE_RGB, Drawn
from .faces import smooth_field
from .time_courses import log_uniform, uniform

_FACE = (130, 26, 318, 214)     # left, top, right, bottom of the box in the portrait [px]
_FINE = 2 * SIZE
_WEAKEST, _STRONGEST = 0.0008, 0.006        # of the pulse, relative to the mean, times its colour
_BLOCK = 4                                  # side of a coder's blocks in the average


def draw_plain(
    n: int, frames: int, generator: torch.Generator, *, fixed_fps: float | None = None
) -> Drawn:
    """Draw N clips of T frames; the skin's tone is not that of a typology angle, so it is NaN.

    Parameters
    ----------
    fixed_fps : the rate of all cameras; all else is drawn as without it
    """
    is_usual = torch.rand(n, generator=generator) < 0.6
    fps = torch.where(
        is_usual, uniform(n, 24.0, 31.0, generator), uniform(n, 12.0, 60.0, generator)
    )
    if fixed_fps is not None:
        fps = torch.full_like(fps, fixed_fps)
    bpm, pulse = _pulse(n, frames, fps, generator)
    face, oval, y, x = _faces(n, generator)
    colour = torch.tensor(PULSE_RGB) * torch.exp(0.3 * torch.randn(n, 3, generator=generator))
    height = log_uniform(n, _WEAKEST, _STRONGEST, generator)
    perfusion = oval * (1 + 0.5 * smooth_field(n, 1, 4, generator)[:, 0]).clamp(0, 3)
    darkened = (height[:, None] * colour)[:, :, None, None] * perfusion[:, None]
    across = _sway(n, frames, fps, generator)
    along = _sway(n, frames, fps, generator)
    # the blood's push lifts the head in the rhythm of the heart
    late = int(torch.randint(0, 8, (1,), generator=generator))
    along = along + log_uniform(n, 0.0005, 0.02, generator)[:, None] * pulse.roll(late, 1)
    images = _moved(face, across, along)
    images = images * (1 - _of_frames(pulse) * darkened[:, None])
    images = images * _light(n, frames, fps, across, generator)
    images = images + _shine_and_mouth(images, oval, y, x, fps, generator)
    images = images * uniform(n, 80.0, 220.0, generator)[:, None, None, None, None]
    _add_noise(images, generator)
    return Drawn(
        images.clamp_(0.5, 255.0), torch.arange(frames) / fps[:, None], pulse, bpm,
        torch.full((n,), math.nan), height * colour[:, 1], fps,
    )


def _of_frames(course: Tensor) -> Tensor:
    """Return a course (N, T) as a factor of frames, (N, T, 1, 1, 1)."""
    return course[:, :, None, None, None]


def _band(
    n: int, frames: int, low_hz: Tensor | float, high_hz: Tensor | float, fps: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Draw noise of unit variance between two frequencies, (N, T), with a floor below the lower."""
    hz = torch.fft.rfftfreq(2 * frames)[None] * fps[:, None]
    low = torch.as_tensor(low_hz).expand(n)[:, None]
    high = torch.as_tensor(high_hz).expand(n)[:, None]
    weight = ((hz >= low) & (hz <= high)).float() + 1e-3 * (hz <= high)
    shape = (n, hz.shape[1])
    spectrum = torch.complex(
        torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)
    )
    course = torch.fft.irfft(spectrum * weight, 2 * frames)[:, :frames]
    course = course - course.mean(dim=1, keepdim=True)
    return course / (course.std(dim=1, keepdim=True) + 1e-9)


def _pulse(
    n: int, frames: int, fps: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw heart rates (N,) [bpm], even, and the volume of blood (N, T) of unit variance."""
    bpm = uniform(n, 38.0, 170.0, generator)
    wander = 0.06 * _band(n, frames, 0.0, 0.4, fps, generator)
    beats = torch.cumsum((bpm / 60 / fps)[:, None] * (1 + wander), dim=1)
    angle = 2 * math.pi * (beats + torch.rand(n, 1, generator=generator))
    second, third = uniform(n, 0.1, 0.5, generator), uniform(n, 0.0, 0.2, generator)
    lags = uniform(n, 0.0, 2.0, generator), uniform(n, 0.0, 3.0, generator)
    wave = (
        torch.sin(angle) + second[:, None] * torch.sin(2 * angle + lags[0][:, None])
        + third[:, None] * torch.sin(3 * angle + lags[1][:, None])
    )
    wave = wave * (1 + 0.2 * _band(n, frames, 0.15, 0.4, fps, generator))
    wave = wave - wave.mean(dim=1, keepdim=True)
    return bpm, wave / wave.std(dim=1, keepdim=True)


def _faces(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw faces (N, 3, 36, 36) from 0.01 to 1, their ovals of skin (N, 36, 36), and the
    place of each cell from the oval's middle, down and right, (N, 36, 36), half a box being 1.
    """
    turned, size = uniform(n, -0.25, 0.25, generator), uniform(n, 0.75, 1.25, generator)
    mirror = torch.sign(torch.rand(n, generator=generator) - 0.5)
    to_portrait = torch.zeros(n, 2, 3)
    to_portrait[:, 0, 0] = size * torch.cos(turned) * mirror
    to_portrait[:, 0, 1] = -torch.sin(turned) * size
    to_portrait[:, 1, 0] = torch.sin(turned) * size
    to_portrait[:, 1, 1] = size * torch.cos(turned) * uniform(n, 0.9, 1.1, generator)
    to_portrait[:, :, 2] = 0.4 * (torch.rand(n, 2, generator=generator) - 0.5)
    grid = F.affine_grid(to_portrait, [n, 3, SIZE, SIZE], align_corners=False)
    grid = grid + 0.08 * smooth_field(n, 2, 5, generator).permute(0, 2, 3, 1)
    face = F.grid_sample(
        _portrait().expand(n, -1, -1, -1), grid, padding_mode="border", align_corners=False
    )
    line = torch.linspace(-1, 1, SIZE)
    y, x = torch.meshgrid(line, line, indexing="ij")
    wide, high = uniform(n, 0.45, 0.75, generator), uniform(n, 0.55, 0.9, generator)
    y = y - uniform(n, -0.2, 0.2, generator)[:, None, None]
    x = x - uniform(n, -0.2, 0.2, generator)[:, None, None]
    oval = torch.sigmoid(
        12 * (1 - (x / wide[:, None, None]) ** 2 - (y / high[:, None, None]) ** 2)
    )
    tone = log_uniform(n, 0.25, 1.3, generator)[:, None, None, None]
    tint = torch.exp(0.15 * torch.randn(n, 3, 1, 1, generator=generator))
    room = (0.5 + 0.3 * smooth_field(n, 3, 4, generator)).clamp(0.02, 1)
    inside = oval[:, None]
    face = (face * tone * tint * inside + room * (1 - inside)).clamp(0.02, 1)
    face = face * (1 + 0.15 * smooth_field(n, 1, 9, generator))
    return face.clamp(0.01, 1), oval, y, x


@cache
def _portrait() -> Tensor:
    """Return the box around the portrait's face, (1, 3, 72, 72), 0 to 1."""
    left, top, right, bottom = _FACE
    face = torch.from_numpy(portrait_parts().rgb[top:bottom, left:right] / 255).float()
    return F.interpolate(
        face.permute(2, 0, 1)[None], size=(_FINE, _FINE), mode="bilinear", antialias=True,
        align_corners=False,
    )


def _sway(n: int, frames: int, fps: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a head's way in one direction, (N, T) [cells]: slow sway, and a part as in speech."""
    slow = log_uniform(n, 0.002, 0.6, generator)[:, None]
    slow = slow * _band(n, frames, 0.0, uniform(n, 0.2, 1.5, generator), fps, generator)
    quick = log_uniform(n, 0.001, 0.15, generator)[:, None]
    return slow + quick * _band(n, frames, 0.5, uniform(n, 1.0, 5.0, generator), fps, generator)


def _moved(face: Tensor, across: Tensor, along: Tensor) -> Tensor:
    """Return faces (N, 3, 36, 36) moved by (N, T) cells right and down: (N, T, 3, 36, 36)."""
    right = (face.roll(-1, 3) - face.roll(1, 3)) / 2
    down = (face.roll(-1, 2) - face.roll(1, 2)) / 2
    curved = face.roll(-1, 3) + face.roll(1, 3) + face.roll(-1, 2) + face.roll(1, 2) - 4 * face
    return (
        face[:, None] - _of_frames(across) * right[:, None] - _of_frames(along) * down[:, None]
        + _of_frames((across**2 + along**2) / 4) * curved[:, None]
    )


def _light(
    n: int, frames: int, fps: Tensor, across: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw the light, about 1: its drift and ripple, and shading that goes with the motion."""
    drift = log_uniform(n, 0.0003, 0.02, generator)[:, None]
    drift = drift * _band(n, frames, 0.0, uniform(n, 0.1, 3.0, generator), fps, generator)
    ripple = log_uniform(n, 0.0001, 0.004, generator)[:, None] * _band(
        n, frames, uniform(n, 0.5, 3.0, generator), uniform(n, 3.0, 6.0, generator), fps, generator
    )
    colour = (1 + 0.1 * torch.randn(n, 3, generator=generator))[:, None, :, None, None]
    side = 0.5 * smooth_field(n, 1, 3, generator)[:, None]
    turning = across / across.std(dim=1, keepdim=True)
    other = _band(n, frames, 0.0, uniform(n, 0.3, 4.0, generator), fps, generator)
    shading = log_uniform(n, 0.0005, 0.03, generator)[:, None] * (turning + other) / 2
    return (1 + _of_frames(drift + ripple) * colour) * (1 + _of_frames(shading) * side)


def _shine_and_mouth(
    images: Tensor, oval: Tensor, y: Tensor, x: Tensor, fps: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw what skin that mirrors a lamp adds, and a mouth that speaks in four of ten clips."""
    n, frames = images.shape[:2]
    shine = torch.sigmoid(4 * smooth_field(n, 1, 4, generator)[:, 0] - 2) * oval
    course = log_uniform(n, 0.0002, 0.02, generator)[:, None]
    course = course * _band(n, frames, 0.0, uniform(n, 0.5, 4.0, generator), fps, generator)
    mouth = torch.exp(-((x / 0.25) ** 2) - ((y - 0.45) / 0.15) ** 2)
    speaks = (torch.rand(n, generator=generator) < 0.4).float()
    speech = (speaks * log_uniform(n, 0.002, 0.08, generator))[:, None]
    speech = speech * _band(n, frames, 0.3, uniform(n, 3.0, 6.0, generator), fps, generator)
    return (
        _of_frames(course) * shine[:, None, None]
        + _of_frames(speech) * mouth[:, None, None] * images
    )


def _add_noise(images: Tensor, generator: torch.Generator) -> None:
    """Add noise to (N, T, 3, 36, 36) frames in place, fine and in a coder's blocks."""
    n, frames = images.shape[:2]
    level = log_uniform(n, 0.03, 0.8, generator)[:, None, None, None, None]
    fine = 0.7 * torch.randn(images.shape, generator=generator)
    has_blocks = (torch.rand(n, generator=generator) < 0.5).float()[:, None, None, None, None]
    side = SIZE // _BLOCK
    blocks = 0.4 * has_blocks * torch.randn(n, frames, 3, side, side, generator=generator)
    fine.view(n, frames, 3, side, _BLOCK, side, _BLOCK).add_(blocks[:, :, :, :, None, :, None])
    images.add_(fine * level * (images.clamp(min=1) / 128).sqrt())
