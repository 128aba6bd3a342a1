"""Faces for drawn clips: the portrait's parts, warped, recoloured and averaged to 36x36.

Each face has its own shape, place in the box, skin, hair, perhaps a beard, glasses or a mask, and
its own room behind it.

Sources
-------
Skin: the individual typology angle, `L* = 50 + b* tan(ITA)`, from 60 to -50 degrees, which spans
Fitzpatrick I to VI (Chardon, Cretois, Hourseau, "Skin colour typology and suntanning pathways",
Int. J. Cosmet. Sci. 13, 1991; Del Bino, Bernerd, "Variations in skin colour and the biological
consequences of ultraviolet radiation exposure", Br. J. Dermatol. 169 Suppl. 3, 2013). Everything
else is an assumption: ranges wider than what is likely.
"""

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from acquire.simulation.rendering.portrait import portrait_parts
from dataset.face.box import ENLARGE, SIZE

from .time_courses import log_uniform, uniform

_FACE = (181, 62, 268, 173)     # MTCNN's box of the portrait [px]
_SHRINK = 2                     # of the portrait, so that sampling it needs no other filter
_FINE = 2 * SIZE                # side that is sampled, before the average to 36
_MOUTH = (224.0, 150.0, 17.0, 9.0)          # centre and radii in the portrait [px]
_BEARD = (224.0, 166.0, 40.0, 20.0)
_COVER = (224.0, 155.0, 44.0, 30.0)         # a mask over mouth and nose
_GLASSES = ((203.0, 101.0), (247.0, 103.0))
_LIPS_COLOUR, _FRAME_RADIUS = 0.8, 17.0


@dataclass(frozen=True)
class Faces:
    """N faces at rest as 36x36 maps, (N, C, 36, 36)."""

    rgb: Tensor             # (N, 3), reflectance times light, about 0 to 1
    closed: Tensor          # (N, 3), what closed eyes add
    person: Tensor          # (N, 1), 0 to 1: the rest is room
    skin: Tensor            # (N, 1), 0 to 1: where a pulse shows
    perfusion: Tensor       # (N, 1), its height, about 1
    late_share: Tensor      # (N, 1), share of the pulse that comes later
    shine: Tensor           # (N, 1), where skin mirrors the lamp
    mouth: Tensor           # (N, 1)
    lightness: Tensor       # (N,), of the skin, 0 to 1
    ita_deg: Tensor         # (N,), individual typology angle [degrees]


def draw_faces(n: int, generator: torch.Generator) -> Faces:
    """Draw N faces."""
    maps = _pool(F.grid_sample(
        _parts().expand(n, -1, -1, -1), _places(n, generator), padding_mode="border",
        align_corners=False,
    ))
    portrait, closed, hair = maps[:, 0:3], maps[:, 3:6], maps[:, 6:7]
    person, skin, perfusion, late, shine, mouth, beard, cover, frame = maps[:, 7:].split(1, dim=1)
    ita_deg = uniform(n, -50.0, 60.0, generator)
    skin_rgb, lightness = _skin_colours(ita_deg, generator)
    # the portrait's own shading, in colours of another skin
    tinted = portrait * (skin_rgb / _skin_of_portrait())
    hair_rgb = log_uniform(n, 0.15, 1.8, generator)[:, None, None, None] * portrait
    rgb = portrait + skin * (tinted - portrait) + hair * (hair_rgb - portrait)
    texture = 0.1 * smooth_field(n, 1, 9, generator) + 0.05 * smooth_field(n, 3, 6, generator)
    rgb = rgb * torch.exp(texture * person)
    rgb = rgb * (1 + mouth * uniform(n, -0.2, 0.2, generator)[:, None, None, None])
    # a beard, glasses, a mask: over the face, and without a pulse
    for over, share, colour in (
        (beard, 0.2, log_uniform(n, 0.05, 0.4, generator)[:, None, None, None].expand(-1, 3, 1, 1)),
        (frame, 0.2, log_uniform(n, 0.03, 0.5, generator)[:, None, None, None].expand(-1, 3, 1, 1)),
        (cover, 0.04, 0.2 + 0.8 * torch.rand(n, 3, 1, 1, generator=generator)),
    ):
        is_worn = (torch.rand(n, 1, 1, 1, generator=generator) < share).float()
        hides = over * is_worn * uniform(n, 0.5, 1.0, generator)[:, None, None, None]
        rgb, skin = rgb + hides * (colour - rgb), skin * (1 - hides)
        closed, mouth = closed * (1 - hides), mouth * (1 - hides)
    room = (uniform(n, 0.1, 0.9, generator)[:, None, None, None]
            * torch.exp(0.4 * smooth_field(n, 1, 5, generator))
            * torch.exp(0.15 * smooth_field(n, 3, 5, generator)))
    light = torch.exp(0.35 * smooth_field(n, 1, 3, generator))     # from the side
    rgb = ((rgb * light) * person + room * (1 - person)).clamp(0.01, 1.2)
    perfusion = perfusion * torch.exp(0.4 * smooth_field(n, 1, 5, generator))
    return Faces(
        rgb, closed * skin_rgb.mean(dim=1, keepdim=True), person, skin.clamp(0, 1), perfusion,
        late, shine, mouth, lightness, ita_deg,
    )


def smooth_field(n: int, channels: int, cells: int, generator: torch.Generator) -> Tensor:
    """Draw smooth random maps, (N, C, 36, 36), each from cells x cells normal numbers."""
    coarse = torch.randn(n, channels, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic", align_corners=False)


def _pool(maps: Tensor) -> Tensor:
    return F.avg_pool2d(maps, _FINE // SIZE)


def _places(n: int, generator: torch.Generator) -> Tensor:
    """Draw where in the portrait each point of each face is read: (N, 72, 72, 2), -1 to 1."""
    left, top, right, bottom = _FACE
    height, width = portrait_parts().alpha.shape
    line = (torch.arange(_FINE) + 0.5) / _FINE * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    angle = uniform(n, -0.2, 0.2, generator)[:, None, None]
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)[:, None, None]
    size = uniform(n, 0.85, 1.2, generator)[:, None, None]
    wide = size * uniform(n, 0.85, 1.15, generator)[:, None, None]
    moved = uniform(2 * n, -0.12, 0.12, generator).view(2, n, 1, 1)
    warp = 0.05 * F.interpolate(
        torch.randn(n, 2, 4, 4, generator=generator), size=(_FINE, _FINE), mode="bicubic",
        align_corners=False,
    )
    across = mirror * (torch.cos(angle) * x - torch.sin(angle) * y) * wide + moved[0] + warp[:, 0]
    down = (torch.sin(angle) * x + torch.cos(angle) * y) * size + moved[1] + warp[:, 1]
    column = (left + right) / 2 + across * ENLARGE * (right - left) / 2
    row = (top + bottom) / 2 + down * ENLARGE * (bottom - top) / 2
    return torch.stack([2 * column / width - 1, 2 * row / height - 1], dim=-1)


@cache
def _parts() -> Tensor:
    """Return the portrait's parts as channels, (1, 16, 172, 256)."""
    parts = portrait_parts()
    y, x = np.mgrid[0 : parts.alpha.shape[0], 0 : parts.alpha.shape[1]].astype(np.float32)

    def blob(centre_x: float, centre_y: float, radius_x: float, radius_y: float) -> np.ndarray:
        distance = np.hypot((x - centre_x) / radius_x, (y - centre_y) / radius_y)
        return np.clip(5.5 - 5 * distance, 0, 1).astype(np.float32)

    lens = np.min([np.hypot(x - at_x, y - at_y) for at_x, at_y in _GLASSES], axis=0)
    frame = np.exp(-(((lens - _FRAME_RADIUS) / 2.5) ** 2)).astype(np.float32)
    rgb = parts.rgb / 255
    maps = np.dstack([
        rgb, parts.rgb_closed / 255 - rgb, parts.hair, parts.alpha, parts.skin, parts.perfusion,
        parts.late_share, parts.shine, blob(*_MOUTH), blob(*_BEARD), blob(*_COVER), frame,
    ])
    rows, columns = maps.shape[0] // _SHRINK, maps.shape[1] // _SHRINK
    small = [cv2.resize(m, (columns, rows), interpolation=cv2.INTER_AREA)
             for m in np.moveaxis(maps, 2, 0)]
    return torch.from_numpy(np.stack(small).astype(np.float32))[None]


@cache
def _skin_of_portrait() -> Tensor:
    """Return the mean colour of the portrait's skin, (1, 3, 1, 1)."""
    parts = portrait_parts()
    weight = parts.skin[..., None]
    mean = (parts.rgb * weight).sum(axis=(0, 1)) / weight.sum() / 255
    return torch.from_numpy(mean.astype(np.float32))[None, :, None, None]


def _skin_colours(ita_deg: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the sRGB of skins by typology angle: (N, 3, 1, 1), 0 to 1; and lightness (N,)."""
    n = len(ita_deg)
    b = uniform(n, 11.0, 20.0, generator)
    a = uniform(n, 6.0, 14.0, generator)
    lightness = (50 + b * torch.tan(ita_deg * math.pi / 180)).clamp(22, 84)
    lab = torch.stack([lightness, a, b], dim=1).numpy()[:, None]
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)[:, 0]
    return torch.from_numpy(rgb)[:, :, None, None].clamp(0.02, 1), lightness / 100
