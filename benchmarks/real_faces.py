"""Heart rates of real faces: `python -m benchmarks.real_faces [FOLDER ...] [--json]`.

Read are the dev clips of ../shared/data, where they are there, and the clips of each FOLDER, which
holds a `truth.csv` (`benchmarks.clips` says what it looks like). No frame of a clip is kept.

What is *shown* of a clip is what `acq predict` makes of it: windows with a heart rate and its
interval, or the reason why there is none. Beside it stands every method alone, whether a window
holds a pulse or not: what each would say if nothing were withheld. Printed are of each clip its
states and a row a window, then the rates of whole clips, what is shown of each, and the errors.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from acquire.errors import AcqError
from dataset.published_colour.methods import METHODS as PUBLISHED
from dataset.signals.filters import WINDOW_S
from dataset.signals.windows import STEP_S
from models.evaluation.methods import COLOUR_TITLES
from models.fusion.fuse import LEAST_S
from models.fusion.methods import NETWORK
from models.live.predict import Prediction, PredictionRow, predict
from models.live.pulse import open_live_pulse
from models.whole.methods import METHODS
from models.whole.read import read_whole

from .clips import Clip, clips_of, dev_clips

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
ORDER = (NETWORK, "pos", "chrom", "ica", "green", "pca", *PUBLISHED)
TITLES = {NETWORK: "network", **COLOUR_TITLES}
FUSED = "fused"
FAR_BPM = 5.0           # a shown window that is off by more is a wrong number


@dataclass(frozen=True)
class Window:
    """One window that a clip has room for."""

    first_s: float
    last_s: float
    true_bpm: float | None
    methods: dict[str, float | None]     # [bpm], each method alone
    shown_bpm: float | None              # what `acq predict` shows of it
    low_bpm: float | None = None         # its interval
    high_bpm: float | None = None
    why_not: str = ""                    # why nothing is shown

    @property
    def error_bpm(self) -> float | None:
        """Shown less true [bpm]."""
        if self.shown_bpm is None or self.true_bpm is None:
            return None
        return self.shown_bpm - self.true_bpm

    @property
    def outside_bpm(self) -> float | None:
        """How far the truth lies outside the interval of what is shown [bpm]; 0 inside."""
        if self.error_bpm is None or self.low_bpm is None or self.high_bpm is None:
            return None
        assert self.true_bpm is not None
        return max(0.0, self.low_bpm - self.true_bpm, self.true_bpm - self.high_bpm)


@dataclass(frozen=True)
class ClipResult:
    """What was read of a clip."""

    name: str
    note: str
    seconds: float
    fps: float
    true_bpm: float | None               # over the whole clip
    methods: dict[str, float | None]     # over the whole clip, each alone and fused
    windows: list[Window]
    states: list[tuple[float, float, str, str]]      # from, to [s], state, words


def read_clip(clip: Clip, net: Path | None, *, as_live: bool) -> ClipResult:
    """Read a clip as `acq predict` does, and by each method alone."""
    live = open_live_pulse(net)
    if as_live:
        prediction = predict(live, clip.video, times=clip.times, reference=clip.reference)
    else:
        prediction = read_whole(
            live, clip.video, times=clip.times, reference=clip.reference, methods=METHODS
        )
    true_bpm = clip.reference.hr_bpm(0.0, prediction.seconds) if clip.reference else None
    methods = {method.name: method.clip_bpm for method in prediction.methods}
    methods[FUSED] = prediction.clip.bpm if prediction.clip else None
    return ClipResult(
        clip.name, clip.note, prediction.seconds, prediction.fps, true_bpm, methods,
        windows_of(clip, prediction),
        [(first, last, reading.state, reading.words) for first, last, reading in prediction.spans],
    )


def windows_of(clip: Clip, prediction: Prediction) -> list[Window]:
    """Return each window that a clip has room for, with what was read of it.

    That is the window of the prediction that ends nearest to it, within half a step.
    """
    rows = [row for row in prediction.rows if row.hr_bpm is not None or row.rate is not None]
    windows = []
    for first_s, last_s in spans_in(prediction.seconds, prediction.fps):
        near = min(rows, key=lambda row: abs(row.reading.time_s - last_s), default=None)
        if near is not None and abs(near.reading.time_s - last_s) > STEP_S / 2:
            near = None
        windows.append(_window(clip, first_s, last_s, near))
    return windows


def spans_in(seconds: float, fps: float) -> list[tuple[float, float]]:
    """Return from when to when [s] are the windows of ten seconds in a clip, or a short clip's one.

    A clip of 300 frames at 30 frames/s spans 9.97 s: a frame is allowed for.
    """
    step_s = 1.01 / fps if fps > 0 else 0.0
    if seconds + step_s < WINDOW_S:
        return [(0.0, seconds)] if seconds + step_s >= LEAST_S else []
    count = 1 + int((seconds + step_s - WINDOW_S) // STEP_S)
    return [(at * STEP_S, min(at * STEP_S + WINDOW_S, seconds)) for at in range(count)]


def _window(clip: Clip, first_s: float, last_s: float, row: PredictionRow | None) -> Window:
    if row is not None:
        last_s = row.reading.time_s
        first_s = last_s - WINDOW_S if row.first_s is None else row.first_s
    true_bpm = clip.reference.hr_bpm(first_s, last_s) if clip.reference else None
    if row is None:
        return Window(first_s, last_s, true_bpm, {}, None, why_not="no face held for so long")
    rate = row.rate
    return Window(
        first_s, last_s, true_bpm, row.methods, row.hr_bpm, rate and rate.low_bpm,
        rate and rate.high_bpm, rate.why_not if rate else "",
    )


def _number(value: float | None, form: str = ".1f") -> str:
    return "" if value is None else f"{value:{form}}"


def _of_errors(errors_bpm: Sequence[float]) -> str:
    """Return mean and largest of absolute errors, "1.2, 3.4"."""
    if not errors_bpm:
        return ""
    absolute = np.abs(errors_bpm)
    return f"{absolute.mean():.1f}, {absolute.max():.1f}"


def _method_errors(windows: list[Window], name: str) -> list[float]:
    pairs = [(window.methods.get(name), window.true_bpm) for window in windows]
    return [bpm - true_bpm for bpm, true_bpm in pairs if bpm is not None and true_bpm is not None]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def windows_table(result: ClipResult) -> str:
    """Return the states of a clip, and a row for each of its windows."""
    rows = [
        [
            f"{window.first_s:.1f} to {window.last_s:.1f}", _number(window.true_bpm),
            *(_number(window.methods.get(name)) for name in ORDER), _number(window.shown_bpm),
            window.why_not if window.shown_bpm is None or window.low_bpm is None
            else f"{window.low_bpm:.1f} to {window.high_bpm:.1f}",
            _number(window.error_bpm, "+.1f"),
        ]
        for window in result.windows
    ]
    heads = [
        "window [s]", "true", *(TITLES[name] for name in ORDER), "shown", "interval, or why not",
        "error",
    ]
    states = [
        f"{first:.1f} to {last:.1f} s  {state}: {words}"
        for first, last, state, words in result.states
    ]
    return "\n".join([f"{result.name} ({result.note})", *states, "", _table(heads, rows), ""])


def rates_table(results: list[ClipResult]) -> str:
    """Return each method's rate over each whole clip, then its errors over all windows."""
    rows = [
        [result.name, _number(result.true_bpm),
         *(_number(result.methods.get(name)) for name in (*ORDER, FUSED))]
        for result in results
    ]
    every = [window for result in results for window in result.windows]
    count = sum(window.true_bpm is not None for window in every)
    errors = [_of_errors(_method_errors(every, name)) for name in ORDER]
    rows.append([f"{count} windows, none withheld: MAE, worst", "", *errors, ""])
    heads = ["rate of the whole clip [bpm]", "true", *(TITLES[name] for name in ORDER), FUSED]
    return _table(heads, rows)


def shown_table(results: list[ClipResult]) -> str:
    """Return what is shown of each clip."""
    return _table(
        ["what is shown", "true [bpm]", "mean shown", "windows", "of", "MAE, worst [bpm]",
         "in the interval", "furthest outside [bpm]"],
        [[result.name, _number(result.true_bpm), *_shown_cells(result.windows)]
         for result in results],
    )


def _shown_cells(windows: list[Window]) -> list[str]:
    rates = [window.shown_bpm for window in windows if window.shown_bpm is not None]
    errors = [window.error_bpm for window in windows if window.error_bpm is not None]
    outside = [window.outside_bpm for window in windows if window.outside_bpm is not None]
    return [
        f"{np.mean(rates):.1f}" if rates else "none", str(len(rates)), str(len(windows)),
        _of_errors(errors),
        f"{sum(not bpm for bpm in outside)} of {len(outside)}" if outside else "",
        f"{max(outside):.1f}" if outside else "",
    ]


def total(results: list[ClipResult]) -> dict:
    """Return the figures over all clips; errors are of the windows whose rate is known."""
    every = [window for result in results for window in result.windows]
    known = [window for window in every if window.true_bpm is not None]
    errors = [abs(window.error_bpm) for window in known if window.error_bpm is not None]
    outside = [window.outside_bpm for window in known if window.outside_bpm is not None]
    return {
        "windows": len(known), "shown": len(errors),
        "mae_bpm": float(np.mean(errors)) if errors else None,
        "worst_bpm": max(errors, default=None),
        "far_off": sum(error > FAR_BPM for error in errors),
        "with_interval": len(outside), "in_interval": sum(not bpm for bpm in outside),
        "furthest_outside_bpm": max(outside, default=None),
        "shown_without_truth": sum(
            window.shown_bpm is not None and window.true_bpm is None for window in every
        ),
    }


def total_line(figures: dict) -> str:
    """Return `total` in words."""
    count = figures["windows"]
    share = 100 * figures["shown"] / count if count else 0.0
    line = f"shown {figures['shown']} of {count} windows whose rate is known ({share:.0f} %)"
    if figures["shown"]:
        line += (
            f": MAE {figures['mae_bpm']:.2f} bpm, worst {figures['worst_bpm']:.1f}, "
            f"{figures['far_off']} off by more than {FAR_BPM:g}"
        )
    if figures["with_interval"]:
        line += (
            f"; {figures['in_interval']} of {figures['with_interval']} in their interval, furthest "
            f"outside {figures['furthest_outside_bpm']:.1f} bpm"
        )
    return f"{line}; {figures['shown_without_truth']} shown where no rate is known"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--no-dev", action="store_true", help="leave the dev clips out")
    parser.add_argument("--net", type=Path, help="another network, as of acq predict")
    parser.add_argument(
        "--as-live", action="store_true", help="as acq predict --as-live, without methods alone"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        clips, absent = ([], []) if options.no_dev else dev_clips(DATA)
        for folder in options.folders:
            clips += clips_of(folder)
        for line in absent:
            print(line, file=sys.stderr)
        results = [read_clip(clip, options.net, as_live=options.as_live) for clip in clips]
    except AcqError as error:
        sys.exit(f"error: {error}")
    if options.json:
        print(json.dumps(
            {"clips": [asdict(result) for result in results], "total": total(results)}, indent=1
        ))
        return
    print("\n".join(windows_table(result) for result in results))
    print(rates_table(results), shown_table(results), total_line(total(results)), sep="\n\n")


if __name__ == "__main__":
    main()
