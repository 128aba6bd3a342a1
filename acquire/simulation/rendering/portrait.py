"""The portrait behind every virtual subject, taken apart into masks and maps in its own pixels."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

PORTRAIT = Path(__file__).parents[1] / "portrait" / "astronaut.png"
_ROWS, _COLUMNS = 345, 512     # of the portrait; a helmet begins below
HEAD = (226.0, 97.0)           # centre of the head in the portrait [px]
HEAD_RADII = (75.0, 85.0)      # hair and chin included

# Outlines in the portrait [px], drawn by hand.
_PERSON_OUTLINE = [
    (259, 22), (248, 18), (237, 15), (227, 15), (216, 18), (207, 20), (193, 29), (185, 37),
    (163, 50), (155, 58), (153, 68), (153, 85), (155, 99), (160, 110), (168, 118), (171, 123),
    (172, 131), (179, 135), (183, 138), (185, 147), (167, 148), (147, 154), (132, 167), (125, 181),
    (116, 186), (113, 201), (116, 211), (103, 215), (90, 227), (76, 235), (65, 246), (44, 282),
    (39, 306), (34, 315), (26, 342), (26, 350), (367, 352), (363, 345), (360, 333), (357, 323),
    (356, 302), (352, 287), (345, 272), (340, 262), (319, 243), (304, 235), (302, 222), (291, 204),
    (276, 188), (257, 178), (255, 170), (257, 160), (264, 148), (268, 139), (277, 134), (281, 125),
    (288, 119), (296, 106), (300, 92), (299, 72), (296, 60), (288, 43), (276, 31),
]
_FACE_OUTLINE = [
    (186, 70), (192, 79), (202, 80), (217, 82), (233, 82), (250, 84), (261, 88), (269, 90),
    (271, 107), (271, 123), (268, 136), (263, 152), (257, 162), (252, 169), (241, 175), (221, 178),
    (209, 175), (196, 166), (187, 158), (184, 144), (182, 131), (181, 115), (184, 99), (185, 82),
]
_NECK_OUTLINE = [
    (186, 158), (188, 179), (196, 185), (217, 186), (233, 191), (254, 183), (257, 162), (241, 175),
    (221, 178), (200, 170),
]
_EAR_OUTLINES = [
    [(170, 119), (178, 120), (182, 136), (174, 131)],
    [(269, 124), (279, 124), (277, 133), (268, 136)],
]
# centre and radii of the openings between the lids
_EYES = [((202.9, 100.8), (10.6, 4.4)), ((247.0, 102.8), (10.6, 4.6))]


@dataclass(frozen=True)
class PortraitParts:
    """The portrait and where its parts are; (345, 512) float32, 0 to 1 unless said otherwise."""

    rgb: np.ndarray            # (345, 512, 3), 0 to 255, without the backdrop at the edges
    alpha: np.ndarray          # the person
    skin: np.ndarray
    hair: np.ndarray
    suit: np.ndarray
    perfusion: np.ndarray      # height of the pulse, if all were skin
    late_share: np.ndarray     # share of the pulse that comes later
    shine: np.ndarray          # where skin mirrors the lamp
    lid_position: np.ndarray   # 0 at the upper lid, 1 at the lower; 2 away from the eyes
    eye_openings: np.ndarray
    rgb_closed: np.ndarray     # `rgb` with closed eyes
    beard: np.ndarray          # where one grows
    skin_rgb: np.ndarray       # (3,) mean of `rgb` where all is skin


@cache
def portrait_parts() -> PortraitParts:
    """Take the portrait apart."""
    alpha = _fill(_PERSON_OUTLINE, 1.1)
    rgb = _without_backdrop(_load_portrait(), alpha)
    flesh = np.maximum.reduce(
        [_fill(outline, 1.2) for outline in (_FACE_OUTLINE, _NECK_OUTLINE, *_EAR_OUTLINES)]
    )
    head = _blob((HEAD[0], HEAD[1] - 10), HEAD_RADII) > np.exp(-0.5 * 1.25**2)
    lid_position, eye_openings, lashes = _eyes()
    skin = _skin(rgb, flesh)
    return PortraitParts(
        rgb=rgb,
        alpha=alpha,
        skin=skin,
        hair=alpha * head * (1 - cv2.GaussianBlur(flesh, (0, 0), 0.8)),
        suit=_suit(rgb),
        perfusion=_perfusion(),
        # forehead first, chin last
        late_share=np.clip(
            (np.mgrid[0:_ROWS, 0:_COLUMNS][0].astype(np.float32) - 80.0) / 100.0, 0, 1
        ),
        shine=_shine(flesh),
        lid_position=lid_position,
        eye_openings=eye_openings,
        rgb_closed=_close_eyes(rgb, eye_openings, lashes),
        beard=_beard(flesh),
        skin_rgb=rgb[skin > 0.9].mean(axis=0),
    )


def _load_portrait() -> np.ndarray:
    """Load the used rows of the portrait, (345, 512, 3) float32 RGB."""
    image = cv2.imread(str(PORTRAIT), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"expected the portrait at {PORTRAIT}")
    return np.ascontiguousarray(image[:_ROWS, :, ::-1]).astype(np.float32)


def _fill(outline: list[tuple[int, int]], blur_px: float) -> np.ndarray:
    """Draw the inside of an outline, 0 to 1, with a soft edge."""
    mask = np.zeros((_ROWS, _COLUMNS), dtype=np.uint8)
    cv2.fillPoly(mask, [np.array(outline, dtype=np.int32)], 255, lineType=cv2.LINE_AA)
    return cv2.GaussianBlur(mask.astype(np.float32) / 255.0, (0, 0), blur_px)


def _blob(center: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Draw a Gaussian of height 1 with the standard deviations `radii`."""
    y, x = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float32)
    return np.exp(-0.5 * (((x - center[0]) / radii[0]) ** 2 + ((y - center[1]) / radii[1]) ** 2))


def _without_backdrop(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Replace the colours under the person's soft edge by her own from just inside.

    The backdrop shines through there.
    """
    core = cv2.erode((alpha > 0.97).astype(np.float32), np.ones((3, 3), np.uint8))
    inside = cv2.GaussianBlur(rgb * core[..., None], (0, 0), 3.0) / (
        cv2.GaussianBlur(core, (0, 0), 3.0)[..., None] + 1e-4
    )
    return rgb * core[..., None] + inside * (1 - core[..., None])


def _skin(rgb: np.ndarray, flesh: np.ndarray) -> np.ndarray:
    """Find skin within the outlines by colour: not eyes, brows, teeth and strands of hair."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    redness = (red - blue) / (red + green + blue + 1.0)
    likely = np.clip((red - 95.0) / 40.0, 0, 1) * np.clip((redness - 0.03) / 0.05, 0, 1)
    return np.maximum(flesh * cv2.GaussianBlur(likely, (0, 0), 0.8), 0)


def _suit(rgb: np.ndarray) -> np.ndarray:
    """Find the orange suit by colour."""
    hsv = cv2.cvtColor(rgb / 255.0, cv2.COLOR_RGB2HSV)
    rows = np.arange(_ROWS, dtype=np.float32)[:, None]
    orange = ((hsv[..., 0] < 40) | (hsv[..., 0] > 345)) & (hsv[..., 1] > 0.45) & (rows > 195)
    return cv2.GaussianBlur(orange.astype(np.float32), (0, 0), 1.0)


def _perfusion() -> np.ndarray:
    """Draw how strong the pulse is: most on forehead and cheeks, least on nose and neck."""
    perfusion = 0.55 + 0.45 * np.maximum.reduce([
        _blob((226, 85), (32, 14)), _blob((198, 128), (14, 15)), _blob((254, 128), (14, 15)),
    ])
    perfusion -= 0.30 * _blob((226, 118), (8, 16)) + 0.15 * _blob((224, 184), (40, 14))
    return perfusion


def _shine(flesh: np.ndarray) -> np.ndarray:
    """Draw where skin mirrors the lamp: forehead, nose, chin, cheekbones."""
    return np.maximum.reduce([
        _blob((228, 86), (16, 5)), 0.9 * _blob((227, 122), (4, 9)), 0.5 * _blob((223, 171), (8, 4)),
        0.8 * _blob((196, 121), (8, 6)), 0.8 * _blob((256, 122), (7, 6)),
    ]) * flesh


def _beard(flesh: np.ndarray) -> np.ndarray:
    """Draw where a beard grows: chin, jaw and upper lip, not the lips."""
    y, x = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float32)
    chin = np.clip((y - 136.0) / 8.0, 0, 1)
    jaw = np.clip((np.abs(x - 226.0) - 32.0) / 8.0, 0, 1) * np.clip((y - 112.0) / 12.0, 0, 1)
    lips = np.clip(1.8 - 1.4 * np.hypot((x - 225.0) / 18.0, (y - 150.0) / 8.0), 0, 1)
    return flesh * np.maximum(chin, jaw) * (1 - lips) * np.clip((186.0 - y) / 10.0, 0, 1)


def _eyes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the position between the lids, the openings, and the lashes of the lower lids."""
    y, x = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float32)
    lid_position = np.full_like(x, 2.0)
    openings = np.zeros_like(x)
    lashes = np.zeros_like(x)
    for (cx, cy), (rx, ry) in _EYES:
        u = np.clip((x - cx) / rx, -1, 1)
        top, bottom = cy - ry * np.sqrt(1 - u * u) - 1.0, cy + ry * np.sqrt(1 - u * u) + 0.5
        near = (np.abs(x - cx) < rx + 5) & (np.abs(y - cy) < ry + 5)
        lid_position = np.where(near, (y - top) / (bottom - top), lid_position)
        distance = np.hypot((x - cx) / (rx + 3.5), (y - cy) / (ry + 3.5))
        openings = np.maximum(openings, np.clip(1.6 - distance * 1.6, 0, 1) * 1.8)
        lashes = np.maximum(
            lashes, np.exp(-0.5 * ((y - bottom + 0.6) / 1.0) ** 2) * (np.abs(x - cx) < rx)
        )
    return lid_position, cv2.GaussianBlur(np.clip(openings, 0, 1), (0, 0), 0.7), lashes


def _close_eyes(rgb: np.ndarray, openings: np.ndarray, lashes: np.ndarray) -> np.ndarray:
    """Paint lids over the eyes: the colours around them, and the dark line of the lashes."""
    hole = (openings > 0.05).astype(np.uint8)
    painted = cv2.inpaint(rgb.clip(0, 255).astype(np.uint8), hole, 4, cv2.INPAINT_TELEA).astype(
        np.float32
    )
    closed = (
        cv2.GaussianBlur(painted, (0, 0), 1.2)
        * (1 - 0.55 * cv2.GaussianBlur(lashes, (0, 0), 0.6))[..., None]
    )
    return rgb + (closed - rgb) * openings[..., None]
