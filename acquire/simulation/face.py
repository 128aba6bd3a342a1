"""The virtual subject's face at rest: layers made once per subject from the one portrait, warped
and re-coloured.

A layer is a float32 picture over the person's box in the camera's frame. `simulator` moves, lights
and pulses them. Colour is handled as Y, U, V of BT.601 video range without their offsets (16, 128),
because everything that happens to light is then a multiplication or an addition, and the camera's
I420 comes out without a conversion per frame. Colours are the camera's output values, gamma
applied: AC/DC ratios in the literature are of these.

Sources
-------
Colours of the pulse: de Haan and van Leest, "Improved motion robustness of remote-PPG by using the
blood volume pulse signature", Physiol. Meas. 35, 2014: relative pulse R:G:B = 0.33:0.77:0.53. Size
of the pulse: AC/DC of the green channel of light skin about 1 % (Wang et al., "Algorithmic
principles of remote PPG", IEEE Trans. Biomed. Eng. 64, 2017); about half on the darkest skin
(Nowara, McDuff, Veeraraghavan, "A meta-analysis of the impact of skin tone and gender on
non-contact photoplethysmography measurements", CVPRW 2020). Where it is strong: forehead and cheeks
over chin and nose (Kwon et al., "ROI analysis for remote photoplethysmography on facial video",
EMBC 2015).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 360       # of the camera's frame [px]
BELOW = 24                     # rows of the body kept under the frame's edge, for when it moves up

PORTRAIT = Path(__file__).parent / "portrait" / "astronaut.png"
_ROWS = 345                    # of the portrait: a helmet begins below
HEAD = (226.0, 97.0)           # centre of the head in the portrait [px]
HEAD_RADII = (75.0, 85.0)      # hair and chin included
HEAD_HEIGHT = 163.0

# Outlines in the portrait [px], drawn by hand.
_PERSON = [
    (259, 22), (248, 18), (237, 15), (227, 15), (216, 18), (207, 20), (193, 29), (185, 37),
    (163, 50), (155, 58), (153, 68), (153, 85), (155, 99), (160, 110), (168, 118), (171, 123),
    (172, 131), (179, 135), (183, 138), (185, 147), (167, 148), (147, 154), (132, 167), (125, 181),
    (116, 186), (113, 201), (116, 211), (103, 215), (90, 227), (76, 235), (65, 246), (44, 282),
    (39, 306), (34, 315), (26, 342), (26, 350), (367, 352), (363, 345), (360, 333), (357, 323),
    (356, 302), (352, 287), (345, 272), (340, 262), (319, 243), (304, 235), (302, 222), (291, 204),
    (276, 188), (257, 178), (255, 170), (257, 160), (264, 148), (268, 139), (277, 134), (281, 125),
    (288, 119), (296, 106), (300, 92), (299, 72), (296, 60), (288, 43), (276, 31),
]
_FACE = [
    (186, 70), (192, 79), (202, 80), (217, 82), (233, 82), (250, 84), (261, 88), (269, 90),
    (271, 107), (271, 123), (268, 136), (263, 152), (257, 162), (252, 169), (241, 175), (221, 178),
    (209, 175), (196, 166), (187, 158), (184, 144), (182, 131), (181, 115), (184, 99), (185, 82),
]
_NECK = [
    (186, 158), (188, 179), (196, 185), (217, 186), (233, 191), (254, 183), (257, 162), (241, 175),
    (221, 178), (200, 170),
]
_EARS = [
    [(170, 119), (178, 120), (182, 136), (174, 131)],
    [(269, 124), (279, 124), (277, 133), (268, 136)],
]
# centre and radii of the openings
_EYES = [((202.9, 100.8), (10.6, 4.4)), ((247.0, 102.8), (10.6, 4.6))]

# From R, G, B (0 to 255) to Y - 16, U - 128, V - 128; ITU-R BT.601, video range, as cv2's I420.
TO_YUV = (
    np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]],
        dtype=np.float32,
    )
    / 255.0
)
PULSE_RGB = np.array([0.33, 0.77, 0.53], dtype=np.float32)


@dataclass(frozen=True)
class Looks:
    """What tells one subject's face from another's."""

    tone: float                # skin, 0 light to 1 dark
    hair: tuple[float, float, float]      # gain of R, G, B
    suit_hue: float            # turn of the hue, 0 to 1
    mirror: bool
    scale: float               # camera pixels per portrait pixel
    wide: float                # width over height, relative to the portrait
    jaw: float                 # width of the jaw, relative
    center: tuple[float, float]   # of the head in the frame [px]
    bumps: int                 # seed of the small displacements that change the features


@dataclass(frozen=True)
class Box:
    """Whole pixels of the frame, even edges."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class FaceLayers:
    """Layers over `box`, `BELOW` rows taller than it; arrays float32."""

    box: Box
    person: np.ndarray         # (H, W, 4) Y, U, V times alpha, and alpha
    skin: np.ndarray           # (H, W) 0 to 1
    perfusion: np.ndarray      # (H, W) 0 to 1: height of the pulse
    late: np.ndarray           # (H, W) 0 to 1: share of the pulse that comes later
    shine: np.ndarray          # (H, W) 0 to 1: where skin mirrors the lamp
    lid: np.ndarray            # (H, W): 0 at the upper lid, 1 at the lower, beyond both elsewhere
    eyes: np.ndarray           # (H, W) 0 to 1: the openings
    closed: np.ndarray         # (H, W, 4): `person` with closed eyes
    x: np.ndarray              # (H, W) horizontal place on the head: -1 to 1 from ear to ear
    y: np.ndarray              # (H, W) -1 to 1 from crown to chin
    pulse_yuv: np.ndarray      # (H, W, 3) what a pulse of height 1 takes away


def skin_gain(tone: float) -> np.ndarray:
    """Give what the portrait's skin is multiplied by, R, G, B: by eye, along sRGB skin colours from
    ITA 45 to -40 degrees.
    """
    steps = np.array(
        [
            [1.02, 1.02, 1.02], [0.93, 0.87, 0.80], [0.76, 0.66, 0.56], [0.58, 0.47, 0.40],
            [0.42, 0.33, 0.29],
        ]
    )
    at = tone * (len(steps) - 1)
    return np.array(
        [np.interp(at, np.arange(len(steps)), steps[:, c]) for c in range(3)], dtype=np.float32
    )


@cache
def _portrait() -> np.ndarray:
    """Load the portrait's used rows, (H, W, 3) float32 RGB."""
    image = cv2.imread(str(PORTRAIT), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"expected the portrait at {PORTRAIT}")
    return np.ascontiguousarray(image[:_ROWS, :, ::-1]).astype(np.float32)


def _filled(outline: list[tuple[int, int]], blur: float) -> np.ndarray:
    """Draw an outline, 0 to 1, its edge softened."""
    mask = np.zeros((_ROWS, 512), dtype=np.uint8)
    cv2.fillPoly(mask, [np.array(outline, dtype=np.int32)], 255, lineType=cv2.LINE_AA)
    return cv2.GaussianBlur(mask.astype(np.float32) / 255.0, (0, 0), blur)


def _blob(center: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Give a Gaussian of standard deviations `radii`."""
    y, x = np.mgrid[0:_ROWS, 0:512].astype(np.float32)
    return np.exp(-0.5 * (((x - center[0]) / radii[0]) ** 2 + ((y - center[1]) / radii[1]) ** 2))


@dataclass(frozen=True)
class _Parts:
    """The portrait taken apart, in its own pixels."""

    rgb: np.ndarray
    alpha: np.ndarray
    skin: np.ndarray
    hair: np.ndarray
    suit: np.ndarray
    perfusion: np.ndarray
    late: np.ndarray
    shine: np.ndarray
    lid: np.ndarray
    eyes: np.ndarray
    closed: np.ndarray         # RGB with closed eyes


@cache
def _parts() -> _Parts:
    """Take the portrait apart."""
    rgb = _portrait()
    alpha = _filled(_PERSON, 1.1)
    # Under the soft edge the backdrop shines through: replace it by the person's own colour from
    # just inside.
    core = cv2.erode((alpha > 0.97).astype(np.float32), np.ones((3, 3), np.uint8))
    inside = cv2.GaussianBlur(rgb * core[..., None], (0, 0), 3.0) / (
        cv2.GaussianBlur(core, (0, 0), 3.0)[..., None] + 1e-4
    )
    rgb = rgb * core[..., None] + inside * (1 - core[..., None])

    flesh = np.maximum.reduce([_filled(o, 1.2) for o in (_FACE, _NECK, *_EARS)])
    # Inside the outlines eyes, brows, teeth and strands are told from skin by colour.
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    ruddy = (red - blue) / (red + green + blue + 1.0)
    likely = np.clip((red - 95.0) / 40.0, 0, 1) * np.clip((ruddy - 0.03) / 0.05, 0, 1)
    skin = flesh * cv2.GaussianBlur(likely, (0, 0), 0.8)
    head = _blob((HEAD[0], HEAD[1] - 10), HEAD_RADII) > np.exp(-0.5 * 1.25**2)
    hair = alpha * head * (1 - cv2.GaussianBlur(flesh, (0, 0), 0.8))
    hsv = cv2.cvtColor(rgb / 255.0, cv2.COLOR_RGB2HSV)
    rows = np.arange(_ROWS, dtype=np.float32)[:, None]
    orange = ((hsv[..., 0] < 40) | (hsv[..., 0] > 345)) & (hsv[..., 1] > 0.45) & (rows > 195)
    suit = cv2.GaussianBlur(orange.astype(np.float32), (0, 0), 1.0)

    perfusion = 0.55 + 0.45 * np.maximum.reduce([
        _blob((226, 85), (32, 14)), _blob((198, 128), (14, 15)), _blob((254, 128), (14, 15)),
    ])
    # nose, neck
    perfusion -= 0.30 * _blob((226, 118), (8, 16)) + 0.15 * _blob((224, 184), (40, 14))
    # forehead first, chin last
    late = np.clip((np.mgrid[0:_ROWS, 0:512][0].astype(np.float32) - 80.0) / 100.0, 0, 1)
    shine = np.maximum.reduce([
        _blob((228, 86), (16, 5)), 0.9 * _blob((227, 122), (4, 9)), 0.5 * _blob((223, 171), (8, 4)),
        0.8 * _blob((196, 121), (8, 6)), 0.8 * _blob((256, 122), (7, 6)),
    ]) * flesh

    lid = np.full_like(alpha, 2.0)
    eyes = np.zeros_like(alpha)
    lashes = np.zeros_like(alpha)
    y, x = np.mgrid[0:_ROWS, 0:512].astype(np.float32)
    for (cx, cy), (rx, ry) in _EYES:
        u = np.clip((x - cx) / rx, -1, 1)
        top, bottom = cy - ry * np.sqrt(1 - u * u) - 1.0, cy + ry * np.sqrt(1 - u * u) + 0.5
        near = (np.abs(x - cx) < rx + 5) & (np.abs(y - cy) < ry + 5)
        lid = np.where(near, (y - top) / (bottom - top), lid)
        eyes = np.maximum(
            eyes,
            np.clip(1.6 - np.hypot((x - cx) / (rx + 3.5), (y - cy) / (ry + 3.5)) * 1.6, 0, 1) * 1.8,
        )
        lashes = np.maximum(
            lashes, np.exp(-0.5 * ((y - bottom + 0.6) / 1.0) ** 2) * (np.abs(x - cx) < rx)
        )
    eyes = cv2.GaussianBlur(np.clip(eyes, 0, 1), (0, 0), 0.7)
    hole = (eyes > 0.05).astype(np.uint8)
    painted = cv2.inpaint(rgb.clip(0, 255).astype(np.uint8), hole, 4, cv2.INPAINT_TELEA).astype(
        np.float32
    )
    closed = (
        cv2.GaussianBlur(painted, (0, 0), 1.2)
        * (1 - 0.55 * cv2.GaussianBlur(lashes, (0, 0), 0.6))[..., None]
    )
    closed = rgb + (closed - rgb) * eyes[..., None]
    return _Parts(
        rgb, alpha, np.maximum(skin, 0), hair, suit, perfusion, late, shine, lid, eyes, closed
    )


def _coloured(rgb: np.ndarray, parts: _Parts, looks: Looks, skin_mask: np.ndarray) -> np.ndarray:
    """Give the portrait the subject's skin, hair and clothes."""
    gain = skin_gain(looks.tone)
    # Darker skin keeps its highlights: the shine is the lamp's, not the skin's.
    skin = (
        rgb * gain
        + 9.0 * looks.tone * (parts.shine * np.clip((rgb[..., 1] - 120) / 80, 0, 1))[..., None]
    )
    rgb = rgb + (skin - rgb) * skin_mask[..., None]
    rgb = rgb + (rgb * np.array(looks.hair, dtype=np.float32) - rgb) * parts.hair[..., None]
    hsv = cv2.cvtColor(rgb.clip(0, 255) / 255.0, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360.0 * looks.suit_hue) % 360.0
    hsv[..., 1] *= 0.8
    suit = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255.0
    return rgb + (suit - rgb) * parts.suit[..., None]


def _sources(looks: Looks, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Give, for every pixel of the box, where in the portrait it comes from."""
    rows, columns = box.height + BELOW, box.width
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    sy = (y + box.top - looks.center[1]) / looks.scale + HEAD[1]
    # the jaw, and back to the neck
    low = np.clip((sy - 105.0) / 60.0, 0, 1) * np.clip((215.0 - sy) / 35.0, 0, 1)
    across = (
        (x + box.left - looks.center[0])
        * (-1.0 if looks.mirror else 1.0)
        / (looks.scale * looks.wide)
    )
    sx = across / (1 + (looks.jaw - 1) * low) + HEAD[0]
    rng = np.random.default_rng(looks.bumps)
    reach = np.exp(-0.5 * (((sx - 226) / 55) ** 2 + ((sy - 125) / 50) ** 2))
    coarse = rng.normal(0, 2.2, (2, 9, 9)).astype(np.float32)
    across, down = (
        reach * cv2.resize(c, (columns, rows), interpolation=cv2.INTER_CUBIC) for c in coarse
    )
    return sx + across, sy + down


def make_layers(looks: Looks, *, pulse_green: float) -> FaceLayers:
    """Make a subject's layers.

    Parameters
    ----------
    pulse_green : green AC/DC, peak to peak, where perfusion is full
    """
    parts = _parts()
    half = 190.0 * looks.scale * looks.wide + 36
    left = max(0, int(looks.center[0] - half) // 2 * 2)
    right = min(WIDTH, int(looks.center[0] + half) // 2 * 2)
    top = max(0, int(looks.center[1] - HEAD_RADII[1] * looks.scale - 34) // 2 * 2)
    box = Box(left, top, right - left, HEIGHT - top)
    sx, sy = _sources(looks, box)

    def warp(layer: np.ndarray, outside: int = cv2.BORDER_CONSTANT) -> np.ndarray:
        return cv2.remap(layer, sx, sy, cv2.INTER_CUBIC, borderMode=outside)

    def coloured(rgb: np.ndarray, skin: np.ndarray) -> np.ndarray:
        return warp(_coloured(rgb, parts, looks, skin), cv2.BORDER_REPLICATE).clip(0, 255)

    def yuva(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        return np.dstack([(rgb @ TO_YUV.T) * alpha[..., None], alpha]).astype(np.float32)

    rgb, alpha = coloured(parts.rgb, parts.skin), warp(parts.alpha).clip(0, 1)
    skin = warp(parts.skin).clip(0, 1)
    shine = warp(parts.shine).clip(0, 1)
    perfusion = (warp(parts.perfusion, cv2.BORDER_REPLICATE) * skin).clip(0, 1)
    # What mirrors the lamp has no blood in it: the pulse multiplies what is left.
    diffuse = rgb - 0.12 * shine[..., None] * rgb
    pulse_rgb = diffuse * (perfusion * alpha)[..., None] * (pulse_green * PULSE_RGB / PULSE_RGB[1])
    return FaceLayers(
        box=box,
        person=yuva(rgb, alpha),
        skin=skin,
        perfusion=perfusion,
        late=warp(parts.late, cv2.BORDER_REPLICATE).clip(0, 1),
        shine=shine * alpha,
        lid=cv2.remap(parts.lid, sx, sy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        eyes=warp(parts.eyes).clip(0, 1),
        closed=yuva(coloured(parts.closed, np.maximum(parts.skin, parts.eyes)), alpha),
        x=(sx - HEAD[0]) / HEAD_RADII[0] * (-1 if looks.mirror else 1),
        y=(sy - HEAD[1]) / HEAD_RADII[1],
        pulse_yuv=(pulse_rgb @ TO_YUV.T).astype(np.float32),
    )


def make_room(rng: np.random.Generator) -> np.ndarray:
    """Paint what is behind the subject: a wall with a gradient, and a few things on it out of
    focus; (H, W, 3) Y, U, V.
    """
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    wall = rng.uniform(90, 190) * (1 + rng.normal(0, 0.03, 3)).astype(np.float32)
    shade = (
        1 + rng.uniform(-0.2, 0.2) * (x / WIDTH - 0.5) + rng.uniform(-0.2, 0.1) * (y / HEIGHT - 0.5)
    )
    room = wall * shade[..., None]
    for _ in range(rng.integers(2, 6)):
        left, top = rng.integers(-60, WIDTH - 40), rng.integers(-40, HEIGHT - 80)
        right, bottom = left + rng.integers(50, 220), top + rng.integers(40, 260)
        colour = rng.uniform(40, 215) * (1 + rng.normal(0, 0.08, 3))
        room = np.ascontiguousarray(room, dtype=np.float32)
        cv2.rectangle(room, (int(left), int(top)), (int(right), int(bottom)), colour.tolist(), -1)
    mottle = cv2.resize(
        rng.normal(0, 2.0, (24, 40, 3)).astype(np.float32), (WIDTH, HEIGHT),
        interpolation=cv2.INTER_CUBIC,
    )
    room = cv2.GaussianBlur(room, (0, 0), 6.0) + mottle
    return (room.clip(5, 250) @ TO_YUV.T).astype(np.float32)
