"""Face and camera in the pictures: missing, moved, dark, bright, grey; exposure; frozen frames."""

from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dataset.common.spans import true_runs
from dataset.signals.windows import unbroken_runs

from .measurements import Measurements, join_extremes, windows_over
from .video import Pictures

_STEP_S = 0.5                      # a step of exposure happens within this
_LEVEL_S = 0.75                    # and the levels before and after are medians over this
_AT_ONCE = 1024                    # places at which a step of exposure is looked for
_STRAY_LOOKS = 5                   # a stray face is one unlike the median of so many looks
_TEXTS = {
    "face_motion": "the face moves by {:.2f} of its width",
    "face_dark": "the face is dark, luma {:.0f}",
    "face_bright": "the face is bright, luma {:.0f}",
    "face_colourless": "the face has no colour, red / green {:.3f}",
}


def measure_face(
    pictures: Pictures, t_s: np.ndarray, *, aspect: float, measured: Measurements
) -> None:
    """Measure what the pictures show.

    Parameters
    ----------
    t_s : (N,) time of each frame after the session's start
    aspect : the picture's width over its height
    """
    if len(t_s) == 0:
        return
    look_s = t_s[pictures.look]
    pictures = replace(pictures, face=_without_strays(pictures.face, aspect))
    _measure_presence(pictures, look_s, float(t_s[-1]), measured)
    _measure_windows(pictures, t_s, look_s, aspect, measured)
    _measure_exposure(pictures.cells, t_s, measured)
    _measure_repeats(pictures.repeats, t_s, measured)
    measured.add_curve("face_luma", t_s, pictures.luma, "luma")
    measured.add_curve("face_x", look_s, pictures.face[:, 0], "of the width")
    measured.add_curve("face_y", look_s, pictures.face[:, 1], "of the height")


def _without_strays(face: np.ndarray, aspect: float) -> np.ndarray:
    """Drop wrong detections: over half a width away from the median of five looks."""
    seen = np.flatnonzero(np.isfinite(face[:, 0]))
    if len(seen) < _STRAY_LOOKS:
        return face
    around = np.pad(face[seen], ((_STRAY_LOOKS // 2, _STRAY_LOOKS // 2), (0, 0)), mode="edge")
    usual = np.median(sliding_window_view(around, _STRAY_LOOKS, axis=0), axis=-1)
    across, down = (face[seen, :2] - usual[:, :2]).T
    kept = face.copy()
    kept[seen[np.hypot(across, down / aspect) > 0.5 * usual[:, 2]]] = np.nan
    return kept


def _measure_presence(
    pictures: Pictures, look_s: np.ndarray, end_s: float, measured: Measurements
) -> None:
    is_missing = ~np.isfinite(pictures.face[:, 0])
    share = 100 * float(np.mean(is_missing))
    measured.add_measure("face_missing_percent", share)
    for run in true_runs(is_missing):
        from_s = float(look_s[run.start])
        to_s = float(look_s[run.stop]) if run.stop < len(look_s) else end_s
        if to_s - from_s > measured.limits["face_missing"]:
            measured.add_flag(
                "face_missing", f"no face for {to_s - from_s:.0f} s", value=to_s - from_s,
                from_s=from_s, to_s=to_s,
            )
    if share > measured.limits["no_face"]:
        measured.add_flag("no_face", f"no face in {share:.0f} % of the looks", value=share)


def _measure_windows(
    pictures: Pictures, t_s: np.ndarray, look_s: np.ndarray, aspect: float, measured: Measurements
) -> None:
    """Measure motion, brightness and colour of the face in each window."""
    limits = measured.limits
    flagged: dict[str, list[tuple[float, float, float]]] = {}
    widths = pictures.face[:, 2]
    usual_width = float(np.nanmedian(widths)) if np.isfinite(widths).any() else np.nan
    most_motion, redness, all_luma = 0.0, np.nan, pictures.luma
    # sorted, because times that go back are measured, too
    by_time, by_look = np.argsort(t_s, kind="stable"), np.argsort(look_s, kind="stable")
    sorted_s, sorted_look_s, rgb = t_s[by_time], look_s[by_look], pictures.rgb
    for first, last in windows_over(sorted_s):
        looks = slice(*np.searchsorted(sorted_look_s, (first, np.nextafter(last, np.inf))))
        face = pictures.face[by_look[looks]]
        face = face[np.isfinite(face[:, 0])]
        inside = by_time[slice(*np.searchsorted(sorted_s, (first, np.nextafter(last, np.inf))))]
        colour = rgb[inside]
        colour = colour[np.isfinite(colour[:, 0])]
        if len(face) == 0 or len(colour) == 0:
            continue
        across, down = np.ptp(face[:, :2], axis=0)
        motion = float(np.hypot(across, down / aspect)) / usual_width
        luma = float(np.nanmedian(all_luma[inside]))
        redness = float(np.median(colour[:, 0] / colour[:, 1]))
        most_motion = max(most_motion, motion)
        for name, value, is_over in (
            ("face_motion", motion, motion > limits["face_motion"]),
            ("face_dark", luma, luma < limits["face_dark"]),
            ("face_bright", luma, luma > limits["face_bright"]),
            ("face_colourless", redness, redness < limits["face_colourless"]),
        ):
            if is_over:
                flagged.setdefault(name, []).append((first, last, value))
    for name, spans in flagged.items():
        for first, last, value in join_extremes(spans):
            text = _TEXTS[name].format(value)
            measured.add_flag(name, text, value=value, from_s=first, to_s=last)
    measured.add_measure("face_motion_widths", most_motion)
    median_luma = float(np.nanmedian(all_luma)) if np.isfinite(all_luma).any() else None
    measured.add_measure("face_luma", median_luma)
    measured.add_measure("face_red_over_green", redness)


def _measure_exposure(cells: np.ndarray, t_s: np.ndarray, measured: Measurements) -> None:
    """Find where most of the picture becomes brighter or darker at once, by the same factor."""
    reach_s = _LEVEL_S + _STEP_S / 2
    at_s = np.concatenate([
        np.arange(float(t_s[run.start]) + reach_s, float(t_s[run.stop - 1]) - reach_s, _STEP_S / 4)
        for run in unbroken_runs(t_s, 2 * reach_s)
    ])
    changes = np.zeros(len(at_s))            # percent
    all_edges = np.searchsorted(
        t_s, at_s[:, None] + np.array([-reach_s, -_STEP_S / 2, _STEP_S / 2, reach_s])
    )
    counts = np.diff(all_edges, axis=1)
    there = np.flatnonzero((counts[:, 0] >= 3) & (counts[:, 2] >= 3))
    for first in range(0, len(there), _AT_ONCE):
        some = there[first : first + _AT_ONCE]
        before, after = (_levels(cells, all_edges[some, i : i + 2]) for i in (0, 2))
        changes[some] = 100 * np.expm1(np.median(after - before, axis=1))
    most = float(np.abs(changes).max()) if len(changes) else None
    measured.add_measure("exposure_step_percent", most)
    for run in true_runs(np.abs(changes) > measured.limits["exposure_step"]):
        at = run.start + int(np.argmax(np.abs(changes[run.start : run.stop])))
        measured.add_flag(
            "exposure_step", f"the whole picture becomes {changes[at]:+.0f} % brighter at once",
            value=float(changes[at]), from_s=float(at_s[at]) - _STEP_S / 2,
            to_s=float(at_s[at]) + _STEP_S / 2,
        )


def _levels(cells: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the median of the logarithm of each cell from one frame to another, (K, C)."""
    levels = np.empty((len(edges), cells.shape[1]), cells.dtype)
    counts = np.diff(edges, axis=1)[:, 0]
    for count in np.unique(counts).tolist():        # a few, of as many frames each
        of = np.flatnonzero(counts == count)
        seen = cells[edges[of, :1] + np.arange(count)]
        levels[of] = np.median(np.log(np.maximum(seen, 1.0)), axis=1)
    return levels


def _measure_repeats(repeats: np.ndarray, t_s: np.ndarray, measured: Measurements) -> None:
    """Measure how many frames repeat the one before, and where several do in a row."""
    measured.add_measure("repeated_frames", int(repeats.sum()))
    share = 100 * float(repeats.mean()) if len(repeats) else 0.0
    if share > measured.limits["repeated_frames"]:
        text = f"{repeats.sum()} of {len(repeats)} frames repeat the one before, {share:.0f} %"
        measured.add_flag("repeated_frames", text, value=share)
    for run in true_runs(repeats):
        if len(run) >= measured.limits["frozen_frames"]:
            measured.add_flag(
                "frozen_frames", f"{len(run)} frames repeat the one before", value=len(run),
                from_s=float(t_s[run.start - 1]), to_s=float(t_s[run.stop - 1]),
            )
