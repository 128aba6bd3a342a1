"""What the parts of the frame say of a rate: the face in four parts, and what is beside it.

A pulse is in all parts of a face at the same time, and nowhere beside it. Flicker of the light is
in both; a head that nods moves the border of its frame as well.
"""

import numpy as np

from dataset.face.frames import PARTS
from dataset.signals.pos import pos

from .colour_lines import ColourLines
from .spectra import NEAR_BPM, Spectra

_FACE = (5, 6, 9, 10)           # of 4x4 parts: those inside the detector's own box
_CORNERS = (0, 3, 12, 15)       # the room, mostly
_BORDER = (1, 2, 4, 7, 8, 11, 13, 14)       # hair, neck, and what is behind them
_DARKEST = 2.0                  # mean grey level of a corner that is no longer used
# A line beside the face stands out where it is 7 times above its sides: so do those of 1 in 20 of
# the virtual people whose rate is likely, of whom 1 in 10 is read wrong.
_STANDS_OUT = 2.0
_TINY = 1e-13
_AS_STRONG = 0.3                # least swing of the corners, of the face's
# The border of a head that moves swings more than its skin does. Of the rates of virtual people
# that were right, 3 in 1,300 had a line in the border that stood out so, in two parts of it as
# strong as this; a nod that was told as a pulse had it 7 times as strong as the face's.
_BORDER_STANDS_OUT, _BORDER_AS_STRONG = 1.0, 4.0


class BesideLines:
    """The grey traces of the frame's corners and of the head's border, beside those of the face.

    Parameters
    ----------
    parts : (T, 16, 3) colours of `dataset.face.frames.part_colours` at an even rate
    fs_hz : the rate of frames [Hz]
    """

    def __init__(self, parts: np.ndarray, fs_hz: float) -> None:
        corners = parts[:, _CORNERS].mean(axis=2)
        corners = corners[:, corners.mean(axis=0) > _DARKEST]
        self._corners = ColourLines(corners, fs_hz) if corners.shape[1] else None
        self._face = ColourLines(parts[:, _FACE].mean(axis=(1, 2))[:, None], fs_hz)
        self._head = ColourLines(np.maximum(parts[:, _FACE + _BORDER].mean(axis=2), 1.0), fs_hz)

    def ahead(self, bpm: float) -> float:
        """Return how far the corners' lines stand above what is beside the rate, a logarithm."""
        if self._corners is None:
            return 0.0
        here = np.diag(self._corners.at(bpm)) + _TINY
        return float(np.log(here / (np.diag(self._corners.beside(bpm)) + _TINY)).mean())

    def have(self, bpm: float) -> bool:
        """Return whether the rate is beside the face as well: light flickers, or the head moves."""
        return self._is_in_corners(bpm) or self._is_in_border(bpm)

    def _is_in_border(self, bpm: float) -> bool:
        """Return whether the border of the head swings at the rate, more than the face does."""
        swing = np.sqrt(np.diag(self._head.at(bpm))) + _TINY
        sides = np.sqrt(np.diag(self._head.beside(bpm))) + _TINY
        face, border = swing[: len(_FACE)].mean(), swing[len(_FACE) :]
        ahead = np.log(border / sides[len(_FACE) :]).mean()
        return bool(
            ahead > _BORDER_STANDS_OUT and np.sort(border)[-2] >= _BORDER_AS_STRONG * face
        )

    def _is_in_corners(self, bpm: float) -> bool:
        if self._corners is None or self.ahead(bpm) <= _STANDS_OUT:
            return False
        corners, face = np.diag(self._corners.at(bpm)), self._face.at(bpm)[0, 0]
        return bool(np.median(corners) >= _AS_STRONG**2 * face)


class PartPulses:
    """The pulses of a face's parts by POS, and what is beside it.

    Parameters
    ----------
    parts : (T, 16, 3) colours of `dataset.face.frames.part_colours` at an even rate
    fs_hz : the rate of frames [Hz]
    """

    def __init__(self, parts: np.ndarray, fs_hz: float) -> None:
        assert parts.shape[1] == PARTS**2
        self._pulses = np.stack([pos(np.maximum(parts[:, at], 0.1), fs_hz) for at in _FACE])
        self._spectra = Spectra(list(self._pulses), fs_hz)
        taper = np.hanning(parts.shape[0])
        self._tapered, self._time_s = self._pulses * taper, np.arange(parts.shape[0]) / fs_hz
        self.beside = BesideLines(parts, fs_hz)

    def features(self, bpm: float) -> dict[str, float]:
        """Return what the parts say of a rate.

        - "strongest part": the largest share of a part's power near the rate
        - "parts in time": 1 where all parts swing at the same instant, 0 where at any
        - "beside the face": how far the corners' lines stand above what is beside the rate
        """
        lines = self._tapered @ np.exp(-2j * np.pi * bpm / 60 * self._time_s)
        height = np.abs(lines).mean()
        return {
            "strongest part": float(
                np.log(self._spectra.within(bpm, NEAR_BPM).max() + 0.02)
            ),
            "parts in time": float(np.abs(lines.mean()) / height) if height > 0 else 0.0,
            "beside the face": self.beside.ahead(bpm),
        }
