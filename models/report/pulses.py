"""Pulses and heart rates as they were read: over time, in the closest and the furthest windows."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from dataset.common.drawings import AXIS, INK, as_svg
from dataset.common.wording import number
from dataset.signals.filters import HIGH_HZ, LOW_HZ
from models.evaluation.methods import TITLES
from models.evaluation.video_result import VideoResult
from models.metrics.snr import spectrum

from .drawing import COLOURS, legend, new_axes, predicts_rate
from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup

    from models.training.trained import Trained

SHOWN_VIDEOS = 6
WINDOWS_EACH = 4      # the closest, and those furthest off
# what ANSI/AAMI EC13 asks of a heart rate meter [bpm]
CLOSE_BPM = 5.0
APART = 4.0           # standard deviations from one network's row to the next


class Window(NamedTuple):
    """One window of one test recording."""

    error_bpm: float  # of student + KD
    video: int        # index among the test recordings
    window: int       # index in the recording


def rates(trained: "dict[str, Trained]", metrics: dict) -> "Markup":
    """Draw heart rate over time, predicted and from the finger, for the first test recordings."""
    videos = trained["teacher"].videos
    drawings = []
    for row, video in enumerate(videos[:SHOWN_VIDEOS]):
        middle_s = video.start_s + video.window_s / 2
        figure, axis = new_axes(5.2, 2.2)
        axis.plot(middle_s, video.reference_bpm, color=INK, lw=2.4, marker="o", ms=3)
        for name, network in trained.items():
            axis.plot(
                middle_s, network.videos[row].predicted_bpm, color=COLOURS[name], lw=1.1,
                marker="o", ms=2.5, alpha=0.85,
            )
        where = f"{video.subject}, {video.folder}"
        axis.set(title=where, ylabel="bpm", xlabel="middle of the window [s]")
        alt = f"heart rate over time of {where}: networks and contact PPG"
        drawings.append(as_svg(figure, alt=alt))
    return section(
        "pulses", "rates", metrics=metrics, drawings=drawings, recordings=len(videos),
        legend_keys=legend(["ppg", *trained]),
    )


def draw_windows(trained: "dict[str, Trained]", metrics: dict) -> tuple["Markup", "Markup"]:
    """Draw pulses and spectra where student + KD is closest, and where it is furthest off."""
    videos = trained["student_kd"].videos
    ordered = sorted(
        (
            Window(float(error_bpm), v, w)
            for v, video in enumerate(videos)
            for w, error_bpm in enumerate(np.abs(video.counted_bpm - video.reference_bpm))
        ),
        key=lambda window: (window.error_bpm, -videos[window.video].snr_db[window.window]),
    )
    median_bpm = ordered[len(ordered) // 2].error_bpm
    chosen = {
        "smallest": [window for window in ordered if window.error_bpm <= median_bpm],
        "largest": [window for window in ordered[::-1] if window.error_bpm > median_bpm],
    }
    closest, furthest = (
        section(
            "pulses", "windows", metrics=metrics, which=which, count=len(ordered),
            legend_keys=legend(["ppg", *_with_pulse(trained)]), close_bpm=CLOSE_BPM,
            smallest_bpm=ordered[0].error_bpm,
            windows=[_draw_window(trained, window) for window in _apart(candidates, videos)],
        )
        for which, candidates in chosen.items()
    )
    return closest, furthest


def _apart(candidates: list[Window], videos: list[VideoResult]) -> list[Window]:
    """Choose the first few windows that do not overlap, of different recordings where possible."""
    chosen: list[Window] = []
    for may_share in (False, True):
        for window in candidates:
            start_s = videos[window.video].start_s
            is_free = all(
                window.video != other.video or (
                    may_share and abs(start_s[window.window] - start_s[other.window])
                    >= videos[window.video].window_s
                )
                for other in chosen
            )
            if len(chosen) < WINDOWS_EACH and is_free:
                chosen.append(window)
    return chosen


def _draw_window(trained: "dict[str, Trained]", window: Window) -> dict[str, object]:
    """Draw the networks' pulses over the PPG, and their spectra; return what the template needs."""
    _, v, w = window
    taught = trained["student_kd"].videos[v]
    first = round(taught.start_s[w] * taught.fs_hz)
    part = slice(first, first + round(taught.window_s * taught.fs_hz))
    time_s, ppg = taught.time_s[part], _unit_variance(taught.ppg[part])
    drawn = _with_pulse(trained)
    height = 0.62 + 0.6 * len(drawn)
    pulses, over_time = new_axes(5.2, height, left=1.0, top=0.1)
    spectra, over_rate = new_axes(5.2, height, top=0.1)
    for row, (name, network) in enumerate(drawn.items()):
        pulse = _unit_variance(network.videos[v].pulse[part])
        over_time.plot(time_s, ppg - APART * row, color=INK, lw=1.0, alpha=0.7)
        over_time.plot(time_s, pulse - APART * row, color=COLOURS[name], lw=1.5)
        _plot_spectrum(over_rate, pulse, taught.fs_hz, COLOURS[name], 1.2)
    _plot_spectrum(over_rate, ppg, taught.fs_hz, INK, 2.0)
    over_rate.axvline(taught.reference_bpm[w], color=AXIS, lw=0.8, ls=":")
    over_time.set(
        xlabel="seconds", yticks=[-APART * row for row in range(len(drawn))],
        yticklabels=[TITLES[name] for name in drawn], xlim=(time_s[0], time_s[-1]),
    )
    over_rate.set(
        xlabel="bpm", ylabel="power, by its peak", yticks=[0, 0.5, 1],
        xlim=(60 * LOW_HZ, 60 * HIGH_HZ),
    )
    over_rate.xaxis.set_major_locator(MultipleLocator(30))
    rates_bpm = ", ".join(
        f"{TITLES[name]} {number(network.videos[v].predicted_bpm[w], 1)}"
        for name, network in trained.items()
    )
    alt = (
        f"of {taught.subject}, {taught.folder}, from {taught.start_s[w]:.0f} s: PPG "
        f"{number(taught.reference_bpm[w], 1)} bpm, {rates_bpm}"
    )
    return {
        "subject": taught.subject, "folder": taught.folder, "from_s": taught.start_s[w],
        "to_s": taught.start_s[w] + taught.window_s, "reference_bpm": taught.reference_bpm[w],
        "rates_bpm": rates_bpm, "snr_db": taught.snr_db[w], "macc": taught.macc[w],
        "drawings": [
            as_svg(pulses, alt=f"pulses of the networks over the contact PPG {alt}"),
            as_svg(spectra, alt=f"power spectra {alt}"),
        ],
    }


def _with_pulse(trained: "dict[str, Trained]") -> "dict[str, Trained]":
    return {name: network for name, network in trained.items() if not predicts_rate(network)}


def _unit_variance(trace: np.ndarray) -> np.ndarray:
    return (trace - trace.mean()) / (trace.std() or 1)


def _plot_spectrum(axis: Axes, trace: np.ndarray, fs_hz: float, colour: str, width: float) -> None:
    frequency_hz, power = spectrum(trace, fs_hz)
    band = (frequency_hz >= LOW_HZ) & (frequency_hz <= HIGH_HZ)
    axis.plot(
        60 * frequency_hz[band], power[band] / (power[band].max() or 1), color=colour, lw=width,
        alpha=0.9,
    )
