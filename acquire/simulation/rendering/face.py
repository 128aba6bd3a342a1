"""The virtual subject's face at rest: layers made once per subject from the one portrait.

The portrait is warped and re-coloured. A layer is a float32 picture over the person's box in the
camera's frame; `renderer` moves, lights and pulses them. Colour is handled as Y, U, V of BT.601
video range without their offsets (16, 128), because everything that happens to light is then a
multiplication or an addition, and the camera's I420 comes out without a conversion per frame.
Colours are the camera's output values, gamma applied: AC/DC ratios in the literature are of these.

Sources
-------
Colours of the pulse: de Haan and van Leest, "Improved motion robustness of remote-PPG by using the
blood volume pulse signature", Physiol. Meas. 35, 2014: relative pulse R:G:B = 0.33:0.77:0.53. Size
of the pulse: AC/DC of the green channel of light skin about 1 % (Wang et al., "Algorithmic
principles of remote PPG", IEEE Trans. Biomed. Eng. 64, 2017); about half on the darkest skin
(Nowara, McDuff, Veeraraghavan, "A meta-analysis of the impact of skin tone and gender on
non-contact photoplethysmography measurements", CVPRW 2020). Where it is strong: forehead and cheeks
over chin and nose (Kwon et al., "ROI analysis for remote photoplethysmography on facial video",
EMBC 2015). How much that differs between faces, texture and beards are assumptions.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .portrait import HEAD, HEAD_RADII, PortraitParts, portrait_parts
from .texture import smooth_field, with_beard, with_texture

WIDTH, HEIGHT = 640, 360       # of the camera's frame [px]
BELOW = 24                     # rows of the body kept under the frame's edge, for when it moves up

# From R, G, B (0 to 255) to Y - 16, U - 128, V - 128; ITU-R BT.601, video range, as cv2's I420.
TO_YUV = (
    np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]],
        dtype=np.float32,
    )
    / 255.0
)


@dataclass(frozen=True)
class Appearance:
    """What distinguishes one subject's face from another's."""

    skin_tone: float           # 0 light to 1 dark
    hair_gain: tuple[float, float, float]     # of R, G, B
    suit_hue: float            # turn of the hue, 0 to 1
    is_mirrored: bool
    scale: float               # camera pixels per portrait pixel
    width_ratio: float         # width over height, relative to the portrait
    jaw_width: float           # relative to the portrait
    head_center: tuple[float, float]    # in the frame [px]
    feature_seed: int          # of the small displacements that change the features
    feature_px: float = 2.2    # how large these are, RMS, in the portrait
    face_length: float = 1.0   # from the eyes to the chin, relative to the portrait
    skin_rgb: tuple[float, float, float] | None = None    # mean, 0 to 255; None: by `skin_tone`
    texture: float = 0.0       # of the skin: grain and blotches, RMS, relative
    beard: float = 0.0         # 0 none to 1 full


@dataclass(frozen=True)
class Perfusion:
    """In which colour a face pulsates, and where."""

    rgb: tuple[float, float, float] = (0.33, 0.77, 0.53)    # relative to the means of R, G, B
    contrast: float = 1.0      # of forehead and cheeks with the rest; 0 flat, 1 the portrait's map
    spread: float = 0.0        # of a random field that multiplies the map, as a logarithm's RMS
    seed: int = 0              # of that field


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels in the frame, with even edges."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class FaceLayers:
    """Layers over `box`, `BELOW` rows taller than it; arrays float32."""

    box: Box
    person: np.ndarray         # (H, W, 4) Y, U, V times alpha, and alpha
    person_closed: np.ndarray  # (H, W, 4) the same with closed eyes
    skin: np.ndarray           # (H, W) 0 to 1
    perfusion: np.ndarray      # (H, W) height of the pulse: 0 to 1, above it with a random field
    late_share: np.ndarray     # (H, W) 0 to 1: share of the pulse that comes later
    shine: np.ndarray          # (H, W) 0 to 1: where skin mirrors the lamp
    lid_position: np.ndarray   # (H, W): 0 at the upper lid, 1 at the lower, beyond both elsewhere
    eye_openings: np.ndarray   # (H, W) 0 to 1
    head_x: np.ndarray         # (H, W) position on the head: -1 to 1 from ear to ear
    head_y: np.ndarray         # (H, W) -1 to 1 from crown to chin
    pulse_yuv: np.ndarray      # (H, W, 3) what a pulse of height 1 takes away


def skin_gain(tone: float) -> np.ndarray:
    """Return what the portrait's skin is multiplied by, R, G, B.

    Source: by eye, along sRGB skin colours from ITA 45 to -40 degrees.
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


def _recolour(
    rgb: np.ndarray, skin_mask: np.ndarray, parts: PortraitParts, appearance: Appearance
) -> np.ndarray:
    """Return the portrait with the subject's skin, hair and clothes."""
    gain = skin_gain(appearance.skin_tone)
    if appearance.skin_rgb is not None:
        gain = (np.array(appearance.skin_rgb) / parts.skin_rgb).astype(np.float32)
    # Darker skin keeps its highlights: the shine is the lamp's, not the skin's.
    highlights = parts.shine * np.clip((rgb[..., 1] - 120) / 80, 0, 1)
    skin = rgb * gain + 9.0 * appearance.skin_tone * highlights[..., None]
    if appearance.texture > 0:
        skin = with_texture(skin, appearance.texture, appearance.feature_seed)
    rgb = rgb + (skin - rgb) * skin_mask[..., None]
    hair_gain = np.array(appearance.hair_gain, dtype=np.float32)
    if appearance.beard > 0:
        rgb = with_beard(rgb, appearance.beard * parts.beard, hair_gain, appearance.feature_seed)
    rgb = rgb + (rgb * hair_gain - rgb) * parts.hair[..., None]
    hsv = cv2.cvtColor(rgb.clip(0, 255) / 255.0, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360.0 * appearance.suit_hue) % 360.0
    hsv[..., 1] *= 0.8
    suit = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255.0
    return rgb + (suit - rgb) * parts.suit[..., None]


def _portrait_positions(appearance: Appearance, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return, for every pixel of the box, its x and y in the portrait."""
    rows, columns = box.height + BELOW, box.width
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    portrait_y = (y + box.top - appearance.head_center[1]) / appearance.scale + HEAD[1]
    if appearance.face_length != 1.0:
        below = portrait_y - HEAD[1]       # the chin moves most, the shoulders stay
        lower = np.clip(below / 60.0, 0, 1) * np.clip((150.0 - below) / 65.0, 0, 1)
        portrait_y = HEAD[1] + below / (1 + (appearance.face_length - 1) * lower)
    # 0 at the cheeks, 1 at the jaw, 0 at the neck
    at_jaw = np.clip((portrait_y - 105.0) / 60.0, 0, 1)
    at_jaw *= np.clip((215.0 - portrait_y) / 35.0, 0, 1)
    across = (
        (x + box.left - appearance.head_center[0]) * (-1.0 if appearance.is_mirrored else 1.0)
        / (appearance.scale * appearance.width_ratio)
    )
    portrait_x = across / (1 + (appearance.jaw_width - 1) * at_jaw) + HEAD[0]
    rng = np.random.default_rng(appearance.feature_seed)
    reach = np.exp(-0.5 * (((portrait_x - 226) / 55) ** 2 + ((portrait_y - 125) / 50) ** 2))
    coarse = rng.normal(0, appearance.feature_px, (2, 9, 9)).astype(np.float32)
    across, down = (
        reach * cv2.resize(c, (columns, rows), interpolation=cv2.INTER_CUBIC) for c in coarse
    )
    return portrait_x + across, portrait_y + down


def _box_of(appearance: Appearance) -> Box:
    """Return the box around the person, down to the frame's lower edge."""
    x, y = appearance.head_center
    half_width = 190.0 * appearance.scale * appearance.width_ratio + 36
    left = max(0, int(x - half_width) // 2 * 2)
    right = min(WIDTH, int(x + half_width) // 2 * 2)
    top = max(0, int(y - HEAD_RADII[1] * appearance.scale - 34) // 2 * 2)
    return Box(left, top, right - left, HEIGHT - top)


def _perfusion_maps(
    parts: PortraitParts, perfusion: Perfusion, beard: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the height of the pulse, if all were skin, and the share of it that comes later."""
    height, late = parts.perfusion, parts.late_share
    if perfusion.contrast != 1.0:
        mean = 0.67                    # about that of the portrait's skin, which it keeps
        height = mean + perfusion.contrast * (height - mean)
    if perfusion.spread > 0:
        rng = np.random.default_rng(perfusion.seed)
        field = smooth_field(rng, height.shape, 24)
        height = height * np.exp(perfusion.spread * field - 0.5 * perfusion.spread**2)
        late = late + perfusion.spread * smooth_field(rng, height.shape, 40)
    if beard > 0:
        height = height * (1 - 0.85 * beard * parts.beard)      # hair hides the skin
    return height, late


def make_layers(
    appearance: Appearance, *, green_ac_dc: float, perfusion: Perfusion | None = None
) -> FaceLayers:
    """Make the layers of a subject.

    Parameters
    ----------
    green_ac_dc : AC/DC of green, peak to peak, where perfusion is full
    perfusion : colour and places of the pulse; the portrait's when not given
    """
    parts, perfusion = portrait_parts(), perfusion or Perfusion()
    box = _box_of(appearance)
    x, y = _portrait_positions(appearance, box)

    def warp(layer: np.ndarray, outside: int = cv2.BORDER_CONSTANT) -> np.ndarray:
        return cv2.remap(layer, x, y, cv2.INTER_CUBIC, borderMode=outside)

    def recoloured(rgb: np.ndarray, skin: np.ndarray) -> np.ndarray:
        colours = _recolour(rgb, skin, parts, appearance)
        return warp(colours, cv2.BORDER_REPLICATE).clip(0, 255)

    def yuva(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        return np.dstack([(rgb @ TO_YUV.T) * alpha[..., None], alpha]).astype(np.float32)

    rgb, alpha = recoloured(parts.rgb, parts.skin), warp(parts.alpha).clip(0, 1)
    skin = warp(parts.skin).clip(0, 1)
    shine = warp(parts.shine).clip(0, 1)
    height, late_share = _perfusion_maps(parts, perfusion, appearance.beard)
    height = (warp(height, cv2.BORDER_REPLICATE) * skin).clip(0, 1 if perfusion.spread == 0 else 3)
    # What mirrors the lamp has no blood in it: the pulse multiplies what is left.
    diffuse = rgb - 0.12 * shine[..., None] * rgb
    colour = np.array(perfusion.rgb, dtype=np.float32)
    pulse_rgb = diffuse * (height * alpha)[..., None] * (green_ac_dc * colour / colour[1])
    return FaceLayers(
        box=box,
        person=yuva(rgb, alpha),
        skin=skin,
        perfusion=height,
        late_share=warp(late_share, cv2.BORDER_REPLICATE).clip(0, 1),
        shine=shine * alpha,
        lid_position=cv2.remap(
            parts.lid_position, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        eye_openings=warp(parts.eye_openings).clip(0, 1),
        person_closed=yuva(
            recoloured(parts.rgb_closed, np.maximum(parts.skin, parts.eye_openings)), alpha
        ),
        head_x=(x - HEAD[0]) / HEAD_RADII[0] * (-1 if appearance.is_mirrored else 1),
        head_y=(y - HEAD[1]) / HEAD_RADII[1],
        pulse_yuv=(pulse_rgb @ TO_YUV.T).astype(np.float32),
    )
