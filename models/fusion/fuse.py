"""One window read by several methods, and one heart rate of them all: with a bound, or a reason.

The network, two formulas of skin colour (POS, CHROM) and a separation of the colours without a
model (ICA) read the same frames. Each peak of their spectra together is a candidate; the one for
which most speaks is the rate (`candidates`, `calibration`). It is shown where that is enough and at
least two methods have their own highest peak there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from dataset.signals.filters import LEAST_FS_HZ
from dataset.signals.pulse_quality import FAIR, GOOD, POOR
from dataset.signals.windows import even_grid, to_even_grid

from .calibration import Calibration, shipped_calibration, why_extrapolated
from .candidates import AGREE_BPM, FEATURES, Evidence, candidates_bpm, features_of
from .colour_lines import ColourLines
from .face_motion import moves_at
from .flicker import why_flicker
from .methods import NETWORK, pulse_of_network, pulses_of_colours
from .parts import BesideLines, PartPulses
from .spectra import HIGH_BPM, LOW_BPM, Spectra

TOO_SLOW, TOO_SHORT = "too few frames a second", "too short"
GREY = "its pictures have no colour, and the pulse is a change of colour"
NO_BEAT = "no method finds a beat"
STILL = "the face hardly changes, as in a photograph, or coded with too few bits"
LEAST_S = 6.0
LEAST_AGREE = 2         # methods that have their own highest peak at a rate that is shown
# What drifts is slow, and few hearts are: a slow rate takes more. Of a face at 70 bpm, coded as
# H.264 with a whole picture a second, 35 was read, with a probability below 0.94.
_SLOW_BPM, _SLOW_LEAST_AGREE, _SLOW_LEAST = 45.0, 3, 0.95
# Of a slow heart the second wave of each beat may be read as a beat of its own: so 68 was shown of
# 34, with a probability of 0.87, and 34 itself had 0.48. Of 1,080 right rates of virtual people 3,
# of one person, had a slow half with more than this.
_HALF_LEAST = 0.2
_GOOD_WIDTH_BPM = 6.0
# Pictures that are coded as what changed since others come in groups of a few: x264 writes three of
# one kind between two of another, and the colours of a face swing with them by more than a pulse
# does. A quarter of the frame rate was read of a face at 10, 12 and 15 frames/s.
_REPEATED_FRAMES, _REPEATED_BPM = range(2, 6), 2.0
# Of a photograph, coding alone is left: it comes with every whole picture or every group of them,
# at 60, 90, 120, 150 and 225 bpm of 30 frames/s, and nothing else speaks against it. From frame to
# frame the parts of such a picture change by up to 0.018 grey levels, where they change at all, or
# by 0.027 where each tenth frame or more repeats the one before; those of people by 0.02 and more,
# in the fewest bits tried, without a frame repeated.
_STILL_LEVELS, _STILL_LEVELS_REPEATED, _REPEATED_SHARE = 0.019, 0.05, 0.1
# red, green and blue of grey pictures are one value, but for rounding; skin is redder by tens
_GREY_LEVELS = 0.5


class Cause(Enum):
    """What kind of reason withholds the rate of a window."""

    UNREADABLE = "too short, too few frames a second, or no colour"
    WEAK = "no pulse stands out, or the methods disagree"
    CODED = "coded pictures repeat themselves at that rate"
    STILL = "the face hardly changes"
    ELSEWHERE = "light or motion has that rate"
    NOT_ONE = "too long for one rate, or its windows' rates lie apart"      # of a clip


# that speak against the rate itself, and not only for none
AGAINST = (Cause.CODED, Cause.STILL, Cause.ELSEWHERE)


@dataclass(frozen=True)
class FusedRate:
    """The heart rate of a window and where it lies, or why it cannot be told."""

    bpm: float | None                   # None where it cannot be told
    # the true rate lies between these in 90 of 100 windows, where it can be told and where not;
    # None where there is no candidate
    low_bpm: float | None = None
    high_bpm: float | None = None
    # where the weighed spectrum of each is highest, from 30 bpm on [bpm]; what each alone would be
    # read as is `models.whole.methods`'s to say
    methods: dict[str, float | None] = field(default_factory=dict)
    why_not: str = ""                   # "" where there is a rate
    similarity: float = 0.0             # of neighbouring beats, at most 1
    confidence: float = 0.0             # probability that the likeliest rate is right to 5 bpm
    fs_hz: float = 0.0                  # rate of the window's frames
    extrapolated: str = ""              # why the interval is, in words; "" where it is not
    cause: Cause | None = None          # the kind of `why_not`

    @property
    def quality(self) -> str:
        """The word for a rate: GOOD where its interval is narrow, FAIR, or POOR without a rate."""
        if self.bpm is None or self.low_bpm is None or self.high_bpm is None:
            return POOR
        return GOOD if self.high_bpm - self.low_bpm <= _GOOD_WIDTH_BPM else FAIR


@dataclass(frozen=True)
class ReadWindow:
    """A window's spectra, the candidates for its rate, and what speaks for each."""

    spectra: Spectra
    methods: dict[str, float | None]    # where the spectrum of each is highest [bpm]
    candidates_bpm: list[float]
    features: np.ndarray                # (K, F)
    parts: PartPulses


@dataclass(frozen=True)
class ReadColours:
    """What is known of a window without the network."""

    fs_hz: float                        # rate of its frames
    why_not: str = ""                   # why it cannot be read, in words; "" where it can
    pulses: dict[str, np.ndarray] = field(default_factory=dict)     # by each formula
    lines: ColourLines | None = None
    parts: PartPulses | None = None
    change_percent: float = 0.0         # standard deviation of the face's colours
    span_s: float = 0.0


def fuse_window(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray, parts: np.ndarray, *,
    shifts: np.ndarray | None = None, is_predicted: bool = False,
    calibration: Calibration | None = None, colours: ReadColours | None = None,
) -> FusedRate:
    """Read the heart rate of one window, from 30 to 240 bpm.

    Parameters
    ----------
    time_s : (T,) rising, of the frames; 6 s at least, ten are usual
    colour : (T, 3) mean red, green and blue inside the detector's own box, > 0
    changes : (T,) rise of the pulse since the frame before, as the network predicts it; the first
        counts as 0
    parts : (T, 16, 3) colours of the frame's parts, `dataset.face.frames.part_colours`
    shifts : (T, 2) of `face_motion.face_shifts`, of each frame since the one before; None where it
        is not known how the face moves
    is_predicted : whether the pictures were coded as what changed since others
    calibration : the one that comes with acq where not given
    colours : of `read_colours`, where they were read already
    """
    colours = colours or read_colours([(time_s, colour, parts)])[0]
    window = read_window(time_s, colour, changes, parts, colours=colours)
    fs_hz = colours.fs_hz
    if isinstance(window, str):
        return FusedRate(None, why_not=window, fs_hz=fs_hz, cause=Cause.UNREADABLE)
    methods = window.methods
    if is_predicted and _is_still(parts):
        return FusedRate(None, methods=methods, why_not=STILL, fs_hz=fs_hz, cause=Cause.STILL)
    if not window.candidates_bpm:
        return FusedRate(None, methods=methods, why_not=NO_BEAT, fs_hz=fs_hz, cause=Cause.WEAK)
    calibration = calibration or shipped_calibration()
    probabilities = calibration.probability(window.features)
    best = int(np.argmax(probabilities))
    bpm = window.spectra.refined_bpm(window.candidates_bpm[best])
    confidence = float(probabilities[best])
    half_bpm = calibration.half_width(confidence)
    cause = Cause.ELSEWHERE
    if not calibration.is_enough(confidence) or not _is_backed(bpm, confidence, methods):
        why_not, cause = _why_not(bpm, methods, window), Cause.WEAK
    elif why_not := _why_half(bpm, window.candidates_bpm, probabilities):
        cause = Cause.WEAK
    elif is_predicted and (frames := _repeated_frames(bpm, fs_hz)):
        why_not = f"{bpm:.0f} is once every {frames} frames, as coded pictures repeat themselves"
        cause = Cause.CODED
    else:
        why_not = (
            why_beside(bpm, window.parts.beside) or _why_moving(bpm, shifts, time_s)
            or _why_lit(bpm, colours.lines)
            or why_flicker(
                bpm, confidence, dict(zip(FEATURES, window.features[best], strict=True)), time_s
            )
        )
    return FusedRate(
        None if why_not else bpm, max(bpm - half_bpm, LOW_BPM), min(bpm + half_bpm, HIGH_BPM),
        methods, why_not,
        float(window.spectra.similarity(bpm).max()), confidence, fs_hz,
        why_extrapolated(bpm, colours.span_s), cause if why_not else None,
    )


def _is_backed(bpm: float, confidence: float, methods: dict[str, float | None]) -> bool:
    """Return whether enough methods have their own highest peak at a rate to show it."""
    agree = sum(peak is not None and abs(peak - bpm) <= AGREE_BPM for peak in methods.values())
    if bpm < _SLOW_BPM:
        return agree >= _SLOW_LEAST_AGREE and confidence >= _SLOW_LEAST
    return agree >= LEAST_AGREE


def _why_half(bpm: float, candidates_bpm: list[float], probabilities: np.ndarray) -> str:
    """Return why a rate cannot be stood by that may be twice a slow heart's; "" where it is not."""
    half_bpm = bpm / 2
    is_half = [abs(rate - half_bpm) <= AGREE_BPM for rate in candidates_bpm]
    if half_bpm >= _SLOW_BPM or max(probabilities[is_half], default=0.0) <= _HALF_LEAST:
        return ""
    return f"{bpm:.0f} may be twice the heart's rate: half of it, {half_bpm:.0f}, is likely, too"


def why_beside(bpm: float, lines: BesideLines) -> str:
    """Return why a rate cannot be stood by that is beside the face as well; "" where it is not."""
    if not lines.have(bpm):
        return ""
    return f"light or motion beside the face has the same rate, {bpm:.0f}"


def _why_moving(bpm: float, shifts: np.ndarray | None, time_s: np.ndarray) -> str:
    """Return why a rate cannot be stood by at which the face moves; "" where it does not."""
    if shifts is None:
        return ""
    if moves_at(bpm, shifts, time_s):
        return f"the face moves at the same rate, {bpm:.0f}"
    # a face that goes to and fro passes its middle twice
    is_half = moves_at(bpm / 2, shifts, time_s)
    return f"the face moves at half that rate, {bpm / 2:.0f}" if is_half else ""


def _why_lit(bpm: float, lines: ColourLines | None) -> str:
    """Return why a rate cannot be stood by that is in the colour of a light, not of blood."""
    if lines is None or not lines.has_other_colour(bpm):
        return ""
    return f"light on the face swings at that rate, {bpm:.0f}, in another colour than blood"


def _is_still(parts: np.ndarray) -> bool:
    """Return whether nothing is seen of a frame's parts, (T, 16, 3), but how they were coded."""
    steps = np.abs(np.diff(parts, axis=0)).mean(axis=(1, 2))
    changed = steps[steps > 0]
    if not len(changed):
        return True
    has_repeats = len(changed) <= (1 - _REPEATED_SHARE) * len(steps)
    levels = _STILL_LEVELS_REPEATED if has_repeats else _STILL_LEVELS
    return bool(np.median(changed) < levels)


def _repeated_frames(bpm: float, fs_hz: float) -> int | None:
    """Return every how many frames a rate comes, where coded pictures may repeat themselves so."""
    return next(
        (k for k in _REPEATED_FRAMES if abs(bpm - 60 * fs_hz / k) <= _REPEATED_BPM), None
    )


def read_colours(
    windows: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> list[ReadColours]:
    """Read what windows show without the network, all at once.

    Parameters
    ----------
    windows : times, colours and parts of each, as `fuse_window` takes them
    """
    read = [
        _why_unreadable(time_s, colour) or _lines_of(time_s, colour, parts)
        for time_s, colour, parts in windows
    ]
    evens = {
        at: (to_even_grid(colour, time_s), read[at].fs_hz)
        for at, (time_s, colour, _) in enumerate(windows) if not read[at].why_not
    }
    for at, pulses in zip(evens, pulses_of_colours(list(evens.values())), strict=True):
        read[at].pulses.update(pulses)
    return read


def _why_unreadable(time_s: np.ndarray, colour: np.ndarray) -> ReadColours | None:
    """Return why a window cannot be read; None where it can."""
    if len(time_s) < 2:
        return ReadColours(0.0, TOO_SHORT)
    fs_hz = even_grid(time_s)[1]
    if fs_hz <= LEAST_FS_HZ:
        return ReadColours(fs_hz, TOO_SLOW)
    if float(time_s[-1] - time_s[0]) < LEAST_S - 1.5 / fs_hz:
        return ReadColours(fs_hz, TOO_SHORT)
    if np.ptp(colour, axis=1).max() < _GREY_LEVELS < colour.max():       # black is another thing
        return ReadColours(fs_hz, GREY)
    return None


def _lines_of(time_s: np.ndarray, colour: np.ndarray, parts: np.ndarray) -> ReadColours:
    """Read all but the pulses of the formulas."""
    fs_hz = even_grid(time_s)[1]
    change = colour.std(axis=0) / np.maximum(colour.mean(axis=0), 1)
    return ReadColours(
        fs_hz, lines=ColourLines(to_even_grid(colour, time_s), fs_hz),
        parts=PartPulses(to_even_grid(parts, time_s), fs_hz),
        change_percent=100 * float(change.mean()), span_s=float(time_s[-1] - time_s[0]),
    )


def read_window(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray, parts: np.ndarray, *,
    colours: ReadColours | None = None,
) -> "ReadWindow | str":
    """Read a window by every method; why it cannot be read, in words, where it cannot."""
    colours = colours or read_colours([(time_s, colour, parts)])[0]
    if colours.why_not:
        return colours.why_not
    assert colours.lines is not None
    assert colours.parts is not None
    pulses = {NETWORK: pulse_of_network(time_s, changes), **colours.pulses}
    spectra = Spectra(list(pulses.values()), colours.fs_hz)
    methods = dict(zip(pulses, spectra.peaks_bpm(), strict=True))
    rates = candidates_bpm(spectra)
    evidence = Evidence(
        spectra, colours.lines, colours.parts, colours.change_percent, colours.span_s
    )
    features = [features_of(bpm, evidence) for bpm in rates]
    return ReadWindow(spectra, methods, rates, np.array(features), evidence.parts)


def _why_not(bpm: float, methods: dict[str, float | None], window: ReadWindow) -> str:
    """Return in words why a rate cannot be stood by."""
    height = dict(zip(methods, window.spectra.shares.max(axis=1).tolist(), strict=True))
    others = [
        (height[name], peak) for name, peak in methods.items()
        if peak is not None and abs(peak - bpm) > AGREE_BPM
    ]
    if not others:
        return f"the methods agree on {bpm:.0f}, but the pulse is too weak to stand by it"
    # in the words of the methods themselves: theirs are the peaks that stand in the rows
    near = [
        (height[name], peak) for name, peak in methods.items()
        if peak is not None and abs(peak - bpm) <= AGREE_BPM
    ]
    if not near:                # the likeliest of all together is no method's own
        return f"the methods disagree: {max(others)[1]:.0f}, and all together {bpm:.0f}"
    low, high = sorted((max(near)[1], max(others)[1]))
    return f"the methods disagree: {low:.0f} and {high:.0f}"
