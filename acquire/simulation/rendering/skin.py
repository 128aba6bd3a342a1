"""Colours of skin, from the lightest to the darkest, as angle, L*a*b*, sRGB and melanin.

The individual typology angle, atan((L* - 50) / b*), orders skins by pigment. Its six groups stand
for the Fitzpatrick types I to VI, as is usual where nobody was asked how easily they burn.

Sources
-------
Groups, very light above 55 degrees, light above 41, intermediate above 28, tan above 10, brown
above -30, dark below: Chardon, Cretois, Hourseau, "Skin colour typology and suntanning pathways",
Int. J. Cosmet. Sci. 13, 1991; Del Bino and Bernerd, "Variations in skin colour and the biological
consequences of ultraviolet radiation exposure", Br. J. Dermatol. 169 (s3), 2013. Of L*a*b*, the
third group's is the mean of 600 Koreans (61.7, 9.6, 17.1; cheeks a* 11.9: Han, Choi, Son, Skin Res.
Technol. 12, 2006); yellowness is highest in tan skin and falls with lightness in dark skin (47
people of four groups: "Comparing skin colours between different skin groups"). Values between, and
their spread, are assumptions, as are 65 and -60 degrees for the ends. Melanin: by the two layers of
`pulse_colour`, whose skin has these angles at these shares; 43 % is the most that is published.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

SkinType = Literal["I", "II", "III", "IV", "V", "VI"]
SKIN_TYPES: tuple[SkinType, ...] = ("I", "II", "III", "IV", "V", "VI")
_LIMITS_DEG = (65.0, 55.0, 41.0, 28.0, 10.0, -30.0, -60.0)
_MELANIN = (0.020, 0.045, 0.080, 0.120, 0.190, 0.400, 0.430)    # at the limits
# at the middle of each group
_REDNESS = (8.0, 9.0, 10.0, 11.5, 12.0, 9.5)                    # a*
_YELLOWNESS = (13.0, 15.5, 17.5, 20.0, 18.0, 12.5)              # b*
_SPREAD = 1.5                                                   # of both, standard deviation


@dataclass(frozen=True)
class Skin:
    """The skin of one person."""

    type: SkinType
    ita_deg: float
    lab: tuple[float, float, float]    # CIE L*a*b*, D65
    melanin: float                     # share of melanosomes in the epidermis

    @property
    def rgb(self) -> tuple[float, float, float]:
        """The mean colour in sRGB, 0 to 255."""
        return lab_to_srgb(self.lab)

    @property
    def darkness(self) -> float:
        """The place between the lightest skin, 0, and the darkest, 1; steps of types are equal."""
        return (SKIN_TYPES.index(self.type) + _place_in_group(self.type, self.ita_deg)) / 6.0


def draw_skin(rng: np.random.Generator, place: float) -> Skin:
    """Draw a skin; `place`, 0 to 1, decides its type and its angle, evenly over the six types."""
    index = min(int(6.0 * place), 5)
    high, low = _LIMITS_DEG[index], _LIMITS_DEG[index + 1]
    ita_deg = high + (6.0 * place - index) * (low - high)
    red, yellow = (
        float(np.interp(6.0 * place, np.arange(6) + 0.5, means) + rng.normal(0.0, _SPREAD))
        for means in (_REDNESS, _YELLOWNESS)
    )
    yellow = max(yellow, 6.0)
    lightness = 50.0 + yellow * float(np.tan(np.radians(ita_deg)))
    melanin = float(np.interp(-ita_deg, [-limit for limit in _LIMITS_DEG], _MELANIN))
    return Skin(SKIN_TYPES[index], ita_deg, (lightness, red, yellow), melanin)


def lab_to_srgb(lab: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return a CIE L*a*b* colour (D65) as sRGB, 0 to 255, clipped. Source: IEC 61966-2-1."""
    lightness, a, b = lab
    y = (lightness + 16.0) / 116.0
    xyz = np.array([y + a / 500.0, y, y - b / 200.0])
    xyz = np.where(xyz > 6 / 29, xyz**3, 3 * (6 / 29) ** 2 * (xyz - 4 / 29))
    linear = np.array([
        [3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570],
    ]) @ (xyz * (0.95047, 1.0, 1.08883))
    linear = np.clip(linear, 0.0, 1.0)
    srgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    red, green, blue = (255.0 * srgb).tolist()
    return red, green, blue


def _place_in_group(name: SkinType, ita_deg: float) -> float:
    index = SKIN_TYPES.index(name)
    high, low = _LIMITS_DEG[index], _LIMITS_DEG[index + 1]
    return (high - ita_deg) / (high - low)
