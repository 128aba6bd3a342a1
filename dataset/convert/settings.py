"""How sessions become curated folders: what was asked for, and what it means for these sessions."""

from dataclasses import dataclass

from acquire.errors import CurationError
from dataset.layouts.avi import CODECS
from dataset.layouts.manifest import (
    MANIFEST,
    Manifest,
)
from dataset.selection.split import Split
from dataset.signals.filters import FILTER_ORDER, HIGH_HZ, LOW_HZ, WINDOW_S

NATIVE = "native"
HOLES = ("keep", "repeat", "cut")
PPG = ("filtered", "raw")
_HEART_RATE = f"spectral peak in sliding {WINDOW_S:g} s windows of the band-passed PPG"
FILTER = {
    "filtered": {
        "kind": "Butterworth band-pass, forwards and backwards", "order": FILTER_ORDER,
        "low_hz": LOW_HZ, "high_hz": HIGH_HZ,
        "over": "each run of samples without a hole, before cutting", "heart_rate": _HEART_RATE,
    },
    "raw": {"kind": "none", "heart_rate": _HEART_RATE},
}


@dataclass(frozen=True)
class Settings:
    """How sessions become curated folders; the same settings and sessions give the same bytes."""

    codec: str        # one of `dataset.layouts.avi.CODECS`; png in the PURE layout
    ppg: str          # one of PPG
    fps: str          # NATIVE, or frames per second, such as "30"
    holes: str        # one of HOLES


def choose_fold(split: Split, fold: int | None) -> int:
    """Give the fold that is asked for, or the only one.

    Raises
    ------
    CurationError : there are several, or not so many
    """
    count = len(split.folds)
    if fold is None and count > 1:
        raise CurationError(
            f"expected --fold 1 to {count}, got none; the split has {count} folds and data/ubfc "
            "holds one"
        )
    if fold is not None and not 1 <= fold <= count:
        raise CurationError(
            f"expected --fold 1 to {count}, got {fold}; acq split --folds K makes K"
        )
    return fold or 1


def settle(
    old: Manifest | None, *, codec: str | None, ppg: str | None, fps: str | None, holes: str | None
) -> Settings:
    """Choose what is asked for, else what the conversion that is there has, else what is usual.

    Raises
    ------
    CurationError : what is there names none that is known, or `fps` is no rate
    """
    codec = codec or (old.codec if old else CODECS[0])
    ppg = ppg or (old.ppg if old else PPG[0])
    usual = old.fps if old else NATIVE
    fps = fps or usual
    holes = holes or (old.holes if old and fps == usual else "keep" if fps == NATIVE else "repeat")
    for name, value, known in (
        ("codec", codec, CODECS), ("ppg", ppg, PPG), ("holes", holes, HOLES),
    ):
        if value not in known:
            raise CurationError(
                f"expected {' or '.join(known)} as the {name} in {MANIFEST}, found {value!r}; name "
                f"one with --{name}"
            )
    return Settings(codec, ppg, even_rate(fps), holes)


def even_rate(text: str) -> str:
    """Read "native" or a rate [Hz]; one rate has one spelling.

    Raises
    ------
    CurationError : neither, or not 1 to 240 Hz
    """
    if text == NATIVE:
        return text
    try:
        rate = float(text)
    except (TypeError, ValueError):
        rate = 0.0
    if not 1 <= rate <= 240:
        raise CurationError(
            f"expected native or 1 to 240 frames per second, found {text!r}; name one with --fps"
        )
    return f"{rate:.10g}"
