"""The colour of the pulse: how much of R, G and B a little more blood takes away, and why.

The skin is two layers. The outer one holds melanin and only lets light through, twice. The inner
one scatters, absorbs with what blood lies in it at rest, and pulsates from some depth downwards. A
share of the light never enters the skin: it is mirrored at the surface, as bright in every band,
and has no pulse. So dark skin, whose melanin leaves little light from inside, pulsates less than
light skin relative to what the camera sees, and least in blue. What lamp and camera weigh the
wavelengths with turns the vector, too. POS and CHROM assume one vector for all of this.

A change of camera output relative to its mean is that of light divided by gamma, in all three bands
alike, so the ratios hold for both.

Sources
-------
Haemoglobin: molar extinction compiled by S. Prahl (OMLC, "Tabulated molar extinction coefficient
for hemoglobin in water", after Gratzer and Kollias), every 10 nm; 150 g/l in blood. Melanosomes,
skin without blood, scattering: Jacques, "Skin optics", OMLC News, January 1998, and "Melanosome
absorption coefficient", OMLC, July 1998; melanosomes fill 1.3 to 6.3 % of the epidermis of light,
11 to 16 % of moderately and 18 to 43 % of darkly pigmented adults, 0.2 % of the dermis and more is
blood. Diffuse reflection of the inner layer: Kubelka and Munk, with K = 2 mu_a and S = 3/4 mu_s'.
Surface: 4 to 7 % of the light (Anderson and Parrish, "The optics of human skin", J. Invest.
Dermatol. 77, 1981); a camera sees more or less of it. White LEDs and fluorescent lamps by their
peaks: a blue line and a broad phosphor; mercury's and the phosphors' lines. The measured vector,
R:G:B = 0.33:0.77:0.53 (de Haan and van Leest, Physiol. Meas. 35, 2014; halogen lamp, light skin),
comes out within 0.04 of it with the values below. The darkest skin pulsates half as much in green;
that methods do markedly worse on the darkest type was measured (Nowara, McDuff, Veeraraghavan,
CVPRW 2020); the factor is this model's.
Camera bands, blood at rest, depth and the shares of lamps are assumptions, with wide ranges.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

NM = np.arange(400, 701, 10.0)
# Molar extinction [1/cm/M] at NM, with oxygen and without.
_HBO2 = np.array([
    266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684, 20933, 20035, 24202,
    39957, 53236, 43016, 32613, 44496, 50104, 14401, 3200, 1506, 942, 610, 442, 368, 320, 294, 278,
    276, 290,
])
_HB = np.array([
    223296, 303956, 407560, 528600, 413280, 103292, 23389, 16156, 14550, 16684, 20862, 25774, 31590,
    39036, 46592, 53412, 53788, 45072, 37020, 28324, 14677, 9444, 6510, 5149, 4345, 3750, 3227,
    2795, 2408, 2052, 1794,
])
_PER_CM = np.log(10) * 150.0 / 64500.0          # from molar extinction to absorption of blood
_WITHOUT_BLOOD = 0.244 + 85.3 * np.exp(-(NM - 154.0) / 66.2)      # [1/cm], as all below
_MELANOSOMES = 1.70e12 * NM**-3.48
_SCATTERING = 2e5 * NM**-1.5 + 2e12 * NM**-4.0                    # reduced
_EPIDERMIS_CM = 0.006
_RESTING_SATURATION, _PULSE_SATURATION = 0.7, 0.98

LampKind = Literal["daylight", "incandescent", "led", "fluorescent"]


@dataclass(frozen=True)
class Lamp:
    """The light of a room."""

    kind: LampKind
    kelvin: float              # colour temperature; of LEDs and fluorescent lamps, a rough one

    def spectrum(self) -> np.ndarray:
        """Return the power at NM, in any unit."""
        warm = np.clip((6500.0 - self.kelvin) / 3800.0, 0.0, 1.0)
        if self.kind == "led":
            return (1.1 - 0.8 * warm) * _peak(452, 11) + _peak(555 + 35 * warm, 52 + 6 * warm)
        if self.kind == "fluorescent":
            return (
                (0.5 - 0.35 * warm) * _peak(440, 14) + 0.25 * _peak(490, 10) + _peak(545, 9)
                + 0.35 * _peak(585, 12) + (0.7 + 0.4 * warm) * _peak(612, 9)
            )
        return 1e15 * NM**-5.0 / np.expm1(1.4388e7 / (NM * self.kelvin))


@dataclass(frozen=True)
class CameraBands:
    """What the camera's R, G and B weigh wavelengths with: Gaussians and an infrared cut."""

    centres_nm: tuple[float, float, float] = (602.0, 535.0, 460.0)
    widths_nm: tuple[float, float, float] = (34.0, 38.0, 30.0)      # standard deviations
    cut_nm: float = 655.0

    def weights(self) -> np.ndarray:
        """Return the weights, (3, wavelengths)."""
        passed = 1 / (1 + np.exp((NM - self.cut_nm) / 8.0))
        return np.array([
            _peak(centre, width) * passed
            for centre, width in zip(self.centres_nm, self.widths_nm, strict=True)
        ])


@dataclass(frozen=True)
class SkinOptics:
    """What of a face's skin bears on the colour of its pulse."""

    melanin: float             # share of melanosomes in the epidermis
    blood: float = 0.01        # share of blood in the dermis, at rest
    depth_mm: float = 0.10     # from which blood pulsates
    surface: float = 0.04      # share of the light that is mirrored at the surface


def pulse_colour(skin: SkinOptics, lamp: Lamp, bands: CameraBands) -> np.ndarray:
    """Return what a little more blood takes away of R, G and B, relative to their means: (3,).

    The unit is that of `SkinOptics(blood)`: divided by the share of blood that is added. Only
    ratios between two results mean anything: the amount depends on how much blood a beat brings.
    """
    through = np.exp(
        -2 * _EPIDERMIS_CM
        * (skin.melanin * _MELANOSOMES + (1 - skin.melanin) * _WITHOUT_BLOOD)
    )
    resting = _PER_CM * (_RESTING_SATURATION * _HBO2 + (1 - _RESTING_SATURATION) * _HB)
    absorbed = _WITHOUT_BLOOD + skin.blood * resting
    # Down to where blood pulsates, and back, diffuse light falls off.
    decay = np.sqrt(3 * absorbed * (absorbed + _SCATTERING))
    reaches = np.exp(-2 * decay * skin.depth_mm / 10.0)
    step = 1e-4
    pulse = _PER_CM * (_PULSE_SATURATION * _HBO2 + (1 - _PULSE_SATURATION) * _HB) * step
    darker = (_reflection(absorbed) - _reflection(absorbed + pulse)) * reaches / step
    seen = bands.weights() * lamp.spectrum()
    return (seen @ (through * darker)) / (
        seen @ (through * _reflection(absorbed)) + skin.surface * seen.sum(axis=1)
    )


def _reflection(absorption: np.ndarray) -> np.ndarray:
    ratio = 2 * absorption / (0.75 * _SCATTERING)
    return 1 + ratio - np.sqrt(ratio * ratio + 2 * ratio)


def _peak(centre_nm: float, width_nm: float) -> np.ndarray:
    return np.exp(-0.5 * ((NM - centre_nm) / width_nm) ** 2)
