"""Heart rates of real faces: `python -m benchmarks.real_faces [FOLDER ...] [--windows] [--json]`.

Read are the dev clips of ../shared/data, where they are there, and the clips of each FOLDER, which
holds a `truth.csv` (`benchmarks.clips` says what it looks like). No frame of a clip is kept.

Two things are computed of each clip. What is *shown* is what `acq predict` makes of it: windows
with a heart rate and its interval, or the reason why there is none. Beside it stands every method
alone, in each window that the clip has room for, whether it holds a pulse or not: the network and
the colour methods on one box, that of the first face, as in training.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from acquire.camera.replay import ReplayCamera
from acquire.camera.source import EndOfStream
from acquire.errors import AcqError
from dataset.face.find import find_face
from dataset.face.frames import FaceFrames, average_face
from dataset.signals.colour_methods import METHODS
from dataset.signals.filters import WINDOW_S, bandpass, heart_rate
from dataset.signals.windows import STEP_S, even_grid, to_even_grid
from models.board.onnx_net import to_appearance
from models.evaluation.methods import COLOUR_TITLES
from models.live.predict import predict
from models.live.pulse import LivePulse, open_live_pulse
from models.live.sources import to_rgb

from .clips import Clip, clips_of, dev_clips

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
NETWORK = "network"
ORDER = (NETWORK, "pos", "chrom", "ica", "green", "pca")
TITLES = {NETWORK: NETWORK, **COLOUR_TITLES}
SHORTEST_S = 6.0        # of a clip with a window
FAR_BPM = 5.0           # an error of a shown window above it is a wrong number
_LONG_AGO_NS = -10**18


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

    @property
    def error_bpm(self) -> float | None:
        """Shown less true [bpm]."""
        if self.shown_bpm is None or self.true_bpm is None:
            return None
        return self.shown_bpm - self.true_bpm

    @property
    def outside_bpm(self) -> float | None:
        """How far the truth lies outside the interval [bpm]; 0 inside."""
        if self.true_bpm is None or self.low_bpm is None or self.high_bpm is None:
            return None
        return max(0.0, self.low_bpm - self.true_bpm, self.true_bpm - self.high_bpm)


@dataclass(frozen=True)
class ClipResult:
    """What was read of a clip."""

    name: str
    note: str
    seconds: float
    fps: float
    true_bpm: float | None               # over the whole clip
    methods: dict[str, float | None]     # over the whole clip, each alone
    windows: list[Window]
    states: list[tuple[float, float, str, str]]      # from, to [s], state, words
    why_not: str = ""                    # why the methods alone could not be read

    @property
    def shown(self) -> list[Window]:
        return [window for window in self.windows if window.shown_bpm is not None]


@dataclass(frozen=True)
class _Shown:
    last_s: float
    bpm: float
    low_bpm: float | None
    high_bpm: float | None


def read_clip(clip: Clip, net: Path | None) -> ClipResult:
    """Read a clip as `acq predict` does, and by each method alone."""
    live = open_live_pulse(net)
    prediction = predict(live, clip.video, times=clip.times)
    shown = [
        _Shown(row.reading.time_s, row.hr_bpm, None, None)
        for row in prediction.rows if row.hr_bpm is not None
    ]
    seconds, why_not = prediction.seconds, ""
    pulses: dict[str, np.ndarray] = {}
    grid_s, fs_hz = np.empty(0), prediction.fps
    try:
        time_s, frames = _read_frames(clip)
        pulses, grid_s, fs_hz = _pulses(live, time_s, frames)
    except (AcqError, ValueError) as error:
        why_not = str(error)
    windows = [
        _window(clip, span, pulses, grid_s, fs_hz, shown) for span in _spans(seconds, fs_hz)
    ]
    return ClipResult(
        clip.name, clip.note, seconds, prediction.fps, clip.true_bpm(0.0, seconds),
        {name: _rate(pulse, fs_hz) for name, pulse in pulses.items()}, windows,
        [(first, last, reading.state, reading.words) for first, last, reading in prediction.spans],
        why_not,
    )


def _read_frames(clip: Clip) -> tuple[np.ndarray, FaceFrames]:
    """Return the frames' times [s] from the first, and the inside of the held box."""
    with closing(ReplayCamera(clip.video, times=clip.times)) as camera:
        first_images = [image for _, image in _frames(camera, most=30)]
    box = find_face(first_images, name=clip.name)
    with closing(ReplayCamera(clip.video, times=clip.times)) as camera:
        read = [(time_s, average_face(image, box)) for time_s, image in _frames(camera)]
    time_s = np.array([time_s for time_s, _ in read])
    is_later = np.append(True, np.diff(np.maximum.accumulate(time_s)) > 0)
    averaged = np.stack([averaged for _, averaged in read])
    return time_s[is_later], FaceFrames(averaged[is_later], box, "")


def _frames(camera: ReplayCamera, most: int | None = None):
    camera.start(_LONG_AGO_NS)
    count = 0
    while most is None or count < most:
        try:
            frame = camera.read(0.2)
        except EndOfStream:
            return
        if frame is not None:
            count += 1
            image = to_rgb(frame.image, camera.info.pixel_format)
            yield (frame.time_ns - _LONG_AGO_NS) / 1e9, image


def _pulses(
    live: LivePulse, time_s: np.ndarray, frames: FaceFrames
) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """Return each method's band-passed pulse of the whole clip, the even grid [s], its rate."""
    grid_s, fs_hz = even_grid(time_s)
    motion = frames.motion().transpose(0, 3, 1, 2)
    appearance = None
    if live.net.needs_appearance:
        scale = live.net.constants["appearance_scale"]
        appearance = np.concatenate(
            [to_appearance(frame, full_scale=scale) for frame in frames.frames[:-1]]
        )
    changes = live.net.predict(motion, appearance)
    raw = {NETWORK: to_even_grid(np.append(0.0, np.cumsum(changes)), time_s)}
    colour = np.stack([to_even_grid(values, time_s) for values in frames.colour().T], axis=1)
    raw |= {name: method(colour, fs_hz) for name, method in METHODS.items()}
    return {name: bandpass(raw[name], fs_hz) for name in ORDER}, grid_s, fs_hz


def _spans(seconds: float, fs_hz: float) -> list[tuple[float, float]]:
    """Return the windows of ten seconds that a clip has room for, or the one of a short clip.

    A clip of 300 frames at 30 frames/s spans 9.97 s: a step is allowed for.
    """
    step_s = 1 / fs_hz if fs_hz > 0 else 0.0
    if seconds + step_s < WINDOW_S:
        return [(0.0, seconds)] if seconds + step_s >= SHORTEST_S else []
    count = 1 + int((seconds + 1.01 * step_s - WINDOW_S) // STEP_S)
    return [(at * STEP_S, min(at * STEP_S + WINDOW_S, seconds)) for at in range(count)]


def _window(
    clip: Clip, span: tuple[float, float], pulses: dict[str, np.ndarray], grid_s: np.ndarray,
    fs_hz: float, shown: Sequence[_Shown],
) -> Window:
    """Read one window; what is shown of it is the reading that ends nearest, within half a step."""
    first_s, last_s = span
    inside = (grid_s >= first_s - 1e-6) & (grid_s <= last_s + 1e-6)
    near = min(shown, key=lambda one: abs(one.last_s - last_s), default=None)
    if near is None or abs(near.last_s - last_s) > STEP_S / 2:
        near = None
    return Window(
        first_s, last_s, clip.true_bpm(first_s, last_s),
        {name: _rate(pulse[inside], fs_hz) for name, pulse in pulses.items()},
        near and near.bpm, near and near.low_bpm, near and near.high_bpm,
    )


def _rate(pulse: np.ndarray, fs_hz: float) -> float | None:
    try:
        bpm = heart_rate(pulse, fs_hz)
    except ValueError:
        return None
    return bpm if np.isfinite(bpm) else None


def _number(value: float | None, form: str = ".1f") -> str:
    return "" if value is None else f"{value:{form}}"


def _of_errors(errors_bpm: list[float]) -> str:
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
    """Return a row for each window of a clip."""
    rows = [
        [
            f"{window.first_s:.1f} to {window.last_s:.1f}", _number(window.true_bpm),
            *(_number(window.methods.get(name)) for name in ORDER), _number(window.shown_bpm),
            "" if window.low_bpm is None else f"{window.low_bpm:.1f} to {window.high_bpm:.1f}",
            _number(window.error_bpm, "+.1f"),
        ]
        for window in result.windows
    ]
    heads = ["window [s]", "true", *(TITLES[name] for name in ORDER), "shown", "interval", "error"]
    states = [
        f"{first:.1f} to {last:.1f} s  {state}: {words}"
        for first, last, state, words in result.states
    ]
    return "\n".join([f"{result.name} ({result.note})", *states, "", _table(heads, rows), ""])


def rates_table(results: list[ClipResult]) -> str:
    """Return each method's rate over each whole clip, then its errors over all windows."""
    rows = [
        [result.name, _number(result.true_bpm),
         *(_number(result.methods.get(name)) for name in ORDER)]
        for result in results
    ]
    every = [window for result in results for window in result.windows]
    count = sum(window.true_bpm is not None for window in every)
    errors = [_of_errors(_method_errors(every, name)) for name in ORDER]
    rows.append([f"{count} windows: MAE, worst", "", *errors])
    return _table(["rate of the whole clip [bpm]", "true", *(TITLES[name] for name in ORDER)], rows)


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
    """Return the figures over all clips; errors are of the windows whose truth is known."""
    known = [window for result in results for window in result.windows
             if window.true_bpm is not None]
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
            len(result.shown) for result in results
        ) - len(errors),
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


def _as_dict(results: list[ClipResult]) -> dict:
    return {"clips": [asdict(result) for result in results], "total": total(results)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--no-dev", action="store_true", help="leave the dev clips out")
    parser.add_argument("--net", type=Path, help="another network, as of acq predict")
    parser.add_argument("--windows", action="store_true", help="a table of each clip's windows")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        clips, absent = ([], []) if options.no_dev else dev_clips(DATA)
        for folder in options.folders:
            clips += clips_of(folder)
        for line in absent:
            print(line, file=sys.stderr)
        results = [read_clip(clip, options.net) for clip in clips]
    except AcqError as error:
        sys.exit(f"error: {error}")
    if options.json:
        print(json.dumps(_as_dict(results), indent=1))
        return
    if options.windows:
        print("\n".join(windows_table(result) for result in results))
    print(rates_table(results), shown_table(results), total_line(total(results)), sep="\n\n")


if __name__ == "__main__":
    main()
