"""Pulses and heart rates as they were read: over time, and in the windows where student + KD does
best and worst.
"""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from dataset.common.html import AXIS, INK, element, number, panels, text
from dataset.signals.filters import HIGH_HZ, LOW_HZ
from models.evaluation.evaluate import VideoResult, spectrum
from models.evaluation.methods import TITLES

from .style import COLOURS, basis, hashes, legend, panel, resolution

if TYPE_CHECKING:
    from models.training.recipe import Trained

SHOWN_VIDEOS = 6
WINDOWS_EACH = 4      # good ones, and bad ones
APART = 4.0           # standard deviations from one network's row to the next


def rates(trained: "dict[str, Trained]", metrics: dict) -> str:
    """Draw heart rate over time, predicted and from the finger, for the first test recordings."""
    videos = trained["teacher"].videos
    drawings = []
    for row, video in enumerate(videos[:SHOWN_VIDEOS]):
        centre = video.start_s + video.window_s / 2
        figure, axis = panel(5.2, 2.2)
        axis.plot(centre, video.reference_bpm, color=INK, lw=2.4)
        for name, one in trained.items():
            axis.plot(
                centre, one.videos[row].predicted_bpm, color=COLOURS[name], lw=1.1, marker="o",
                ms=2.5, alpha=0.85,
            )
        axis.set(
            title=f"{video.subject}, {video.folder}", ylabel="bpm",
            xlabel="middle of the window [s]",
        )
        drawings.append(
            element(
                figure,
                alt=f"heart rate over time of {video.subject}, {video.folder}: networks and "
                    "contact PPG",
            )
        )
    left_out = (
        f" The first {SHOWN_VIDEOS} of {len(videos)} test recordings are drawn."
        if len(videos) > SHOWN_VIDEOS
        else ""
    )
    return legend(["ppg", *trained]) + panels(
        drawings,
        "Each point is a window. Neighbouring windows share nine of ten seconds, so errors come in "
        "runs."
        f"{left_out} {basis(metrics)}",
        width_px=400,
    )


def windows(trained: "dict[str, Trained]", metrics: dict) -> tuple[str, str]:
    """Draw the pulse of every network over the PPG, and their spectra, where student + KD is
    closest and where it is furthest "
      "off."""
    videos = trained["student_kd"].videos
    errors = [
        (abs(float(np.nan_to_num(p)) - float(r)), v, w)
        for v, video in enumerate(videos)
        for w, (p, r) in enumerate(zip(video.predicted_bpm, video.reference_bpm, strict=True))
    ]
    errors.sort(key=lambda e: (e[0], -videos[e[1]].snr_db[e[2]]))
    median = errors[len(errors) // 2][0]
    chosen = {
        "smallest": [e for e in errors if e[0] <= median],
        "largest": [e for e in errors[::-1] if e[0] > median],
    }
    parts = []
    for which, these in chosen.items():
        drawn = "".join(_window(trained, metrics, v, w) for v, w in _apart(these, videos))
        note = (
            f"<p>Those with the {which} error of student + KD, from different recordings where "
            "there are as many. They are "
            f"the extremes of {len(errors)} windows, and say nothing of the "
            f"rest.</p>{legend(['ppg', *trained])}"
        )
        parts.append(note + drawn if drawn else "<p>No window is worse than the median.</p>")
    return parts[0], parts[1]


def _apart(
    errors: list[tuple[float, int, int]], videos: list[VideoResult]
) -> list[tuple[int, int]]:
    """Take the first few windows that do not overlap, of different recordings as far as there are
    some.
    """
    chosen: list[tuple[int, int]] = []
    for again in (False, True):
        for _, v, w in errors:
            start_s = videos[v].start_s
            free = all(
                v != other or (again and abs(start_s[w] - start_s[at]) >= videos[v].window_s)
                for other, at in chosen
            )
            if len(chosen) < WINDOWS_EACH and free:
                chosen.append((v, w))
    return chosen


def _window(trained: "dict[str, Trained]", metrics: dict, v: int, w: int) -> str:
    seen = trained["student_kd"].videos[v]
    begin = round(seen.start_s[w] * seen.fs_hz)
    cut = slice(begin, begin + round(seen.window_s * seen.fs_hz))
    time_s, ppg = seen.time_s[cut], _unit(seen.ppg[cut])
    height = 0.62 + 0.6 * len(trained)
    pulses, above = panel(5.2, height, left=1.0, top=0.1)
    spectra, beside = panel(5.2, height, top=0.1)
    for row, (name, one) in enumerate(trained.items()):
        pulse = _unit(one.videos[v].pulse[cut])
        above.plot(time_s, ppg - APART * row, color=INK, lw=1.0, alpha=0.7)
        above.plot(time_s, pulse - APART * row, color=COLOURS[name], lw=1.5)
        _spectrum(beside, pulse, seen.fs_hz, COLOURS[name], 1.2)
    _spectrum(beside, ppg, seen.fs_hz, INK, 2.0)
    beside.axvline(seen.reference_bpm[w], color=AXIS, lw=0.8, ls=":")
    above.set(
        xlabel="seconds", yticks=[-APART * row for row in range(len(trained))],
        yticklabels=[TITLES[n] for n in trained], xlim=(time_s[0], time_s[-1]),
    )
    beside.set(
        xlabel="bpm", ylabel="power, by its peak", yticks=[0, 0.5, 1],
        xlim=(60 * LOW_HZ, 60 * HIGH_HZ),
    )
    beside.xaxis.set_major_locator(MultipleLocator(30))
    said = ", ".join(
        f"{TITLES[n]} {number(one.videos[v].predicted_bpm[w], 1)}" for n, one in trained.items()
    )
    caption = (
        f"<b>{text(seen.subject)}, {text(seen.folder)}, {seen.start_s[w]:.0f} to "
        f"{seen.start_s[w] + seen.window_s:.0f} "
        f"s</b>: PPG {number(seen.reference_bpm[w], 1)} bpm, {text(said)}. Of student + KD: SNR "
        f"{number(seen.snr_db[w], 1)} dB, MACC {number(seen.macc[w])}. One window; "
        f"{hashes(metrics)}; "
        f"{resolution(metrics)}."
    )
    alt = f"of {seen.subject}, {seen.folder}, from {seen.start_s[w]:.0f} s: PPG {number(seen.reference_bpm[w], 1)} bpm, {said}"
    drawings = [element(pulses, alt=f"pulses of the networks over the contact PPG {alt}"),
                element(spectra, alt=f"power spectra {alt}")]
    return panels(drawings, caption, width_px=400)


def _unit(trace: np.ndarray) -> np.ndarray:
    return (trace - trace.mean()) / (trace.std() or 1)


def _spectrum(axis: Axes, trace: np.ndarray, fs_hz: float, colour: str, width: float) -> None:
    frequency, power = spectrum(trace, fs_hz)
    band = (frequency >= LOW_HZ) & (frequency <= HIGH_HZ)
    axis.plot(
        60 * frequency[band], power[band] / (power[band].max() or 1), color=colour, lw=width,
        alpha=0.9,
    )
