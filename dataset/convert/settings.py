"""How sessions become curated folders: what was asked for, and what it means for these sessions."""

from dataclasses import dataclass

from acquire.errors import CurationError, Fix
from dataset.layouts.avi import CODECS
from dataset.layouts.manifest import MANIFEST, Manifest
from dataset.selection.split import Split
from dataset.signals.filters import FILTER_ORDER, HIGH_HZ, LOW_HZ, WINDOW_S
from dataset.signals.pulse_rate import FINGER_HIGH_HZ, FINGER_LOW_HZ

NATIVE, PNG = "native", "png"
HOLES = ("keep", "repeat", "cut")
PPG = ("filtered", "raw")
_HEART_RATE = (
    f"the finger's, {60 * FINGER_LOW_HZ:g} to {60 * FINGER_HIGH_HZ:g} bpm, in sliding "
    f"{WINDOW_S:g} s windows of the PPG before the filter; 0 where it cannot be told"
)
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
    """How sessions become curated folders; the same settings and sessions give the same bytes.

    Parameters
    ----------
    codec : one of `dataset.layouts.avi.CODECS`; "png" in the PURE layout
    ppg : "filtered", or "raw": the sensor's values at the frames' times
    fps : "native", or the rate of an even grid, such as "30"
    holes : "keep" lets the time row jump, "repeat" shows the last picture again where frames were
        lost, "cut" makes parts
    between : whether the PPG is read out halfway between the points of an even grid, too
    """

    codec: str
    ppg: str
    fps: str
    holes: str
    between: bool = False


@dataclass(frozen=True)
class RequestedSettings:
    """What a caller asks for; None leaves the choice to `choose_settings`."""

    codec: str | None = None
    ppg: str | None = None
    fps: str | None = None
    holes: str | None = None


def choose_fold(split: Split, fold: int | None) -> int:
    """Return the fold that is asked for, or the only one.

    Raises
    ------
    CurationError : there are several, or not so many
    """
    count = len(split.folds)
    if fold is None and count > 1:
        raise CurationError(
            f"the split has {count} folds, and curated folders hold one of them at a time",
            fix=Fix.CHOOSE_FOLD,
        )
    if fold is not None and not 1 <= fold <= count:
        raise CurationError(
            expected=f"one of the split's folds, 1 to {count}" if count > 1
            else "no fold, as the split has one test side",
            found=f"fold {fold}", fix=Fix.CHOOSE_FOLD if count > 1 else Fix.SPLIT_IN_FOLDS,
        )
    return fold or 1


def choose_settings(old: Manifest | None, asked: RequestedSettings) -> Settings:
    """Choose what is asked for, else what the existing conversion has, else the usual.

    Raises
    ------
    CurationError : the existing conversion has an unknown setting, or `fps` is no rate
    """
    codec = asked.codec or (old.codec if old else CODECS[0])
    ppg = asked.ppg or (old.ppg if old else PPG[0])
    old_fps = old.fps if old else NATIVE
    fps = old_fps if asked.fps is None else asked.fps
    usual_holes = old.holes if old and fps == old_fps else "keep" if fps == NATIVE else "repeat"
    holes = asked.holes or usual_holes
    for name, value, known in (
        ("codec", codec, CODECS), ("ppg", ppg, PPG), ("holes", holes, HOLES),
    ):
        if value not in known:
            raise CurationError(
                expected=f"{' or '.join(known)} as the {name} in {MANIFEST}", found=repr(value),
                fix=Fix.CHOOSE_OPTION, of=name,
            )
    return Settings(codec, ppg, even_rate(fps), holes)


def even_rate(text: str) -> str:
    """Read "native" or a rate [Hz]; equal rates get equal spellings.

    Raises
    ------
    CurationError : neither, or not 1 to 240 Hz
    """
    if text == NATIVE:
        return text
    try:
        rate_hz = float(text)
    except (TypeError, ValueError):
        rate_hz = 0.0
    if not 1 <= rate_hz <= 240:
        raise CurationError(
            expected="native or 1 to 240 frames per second", found=repr(text),
            fix=Fix.CHOOSE_OPTION, of="fps",
        )
    return f"{rate_hz:.10g}"
