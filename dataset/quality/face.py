"""What the pictures say of the face and of the camera: there or not, moved, dark, bright, grey;
exposure steps; frozen frames.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import median_filter

from dataset.common.spans import true_runs

from .findings import Findings, joined, windows
from .video import Pictures

_STEP_S = 0.5                      # a step happens within this
_LEVEL_S = 0.75                    # and the levels before and after are medians over this


def measure_face(pictures: Pictures, t_s: np.ndarray, *, aspect: float, found: Findings) -> None:
    """Measure what was seen.

    Parameters
    ----------
    t_s : (N,) time of each frame after the session's start
    aspect : the picture's width over its height
    """
    if len(t_s) == 0:
        return
    look_s = t_s[pictures.look]
    pictures = replace(pictures, face=_without_strays(pictures.face, aspect))
    _presence(pictures, look_s, float(t_s[-1]), found)
    _windows(pictures, t_s, look_s, aspect, found)
    _exposure(pictures.cells, t_s, found)
    _frozen(pictures.repeats, t_s, found)
    found.curve("face_luma", t_s, pictures.luma, "luma")
    found.curve("face_x", look_s, pictures.face[:, 0], "of the width")
    found.curve("face_y", look_s, pictures.face[:, 1], "of the height")


def _without_strays(face: np.ndarray, aspect: float) -> np.ndarray:
    """Drop looks that took something else for the face: away from the median of five looks by more
    than half its width.
    """
    seen = np.flatnonzero(np.isfinite(face[:, 0]))
    if len(seen) < 5:
        return face
    usual = median_filter(face[seen], (5, 1), mode="nearest")
    away = (
        np.hypot(face[seen, 0] - usual[:, 0], (face[seen, 1] - usual[:, 1]) / aspect)
        > 0.5 * usual[:, 2]
    )
    kept = face.copy()
    kept[seen[away]] = np.nan
    return kept


def _presence(pictures: Pictures, look_s: np.ndarray, end_s: float, found: Findings) -> None:
    seen = np.isfinite(pictures.face[:, 0])
    share = 100 * float(np.mean(~seen))
    found.note("face_missing_percent", share)
    for run in true_runs(~seen):
        from_s = float(look_s[run.start])
        to_s = float(look_s[run.stop]) if run.stop < len(look_s) else end_s
        if to_s - from_s > found.limits["face_missing"]:
            found.flag(
                "face_missing", f"no face for {to_s - from_s:.0f} s", value=to_s - from_s,
                from_s=from_s, to_s=to_s,
            )
    if share > found.limits["no_face"]:
        found.flag("no_face", f"no face in {share:.0f} % of the looks", value=share)


def _windows(
    pictures: Pictures, t_s: np.ndarray, look_s: np.ndarray, aspect: float, found: Findings
) -> None:
    wrong: dict[str, list[tuple[float, float, float]]] = {}
    widths = pictures.face[:, 2]
    usual = float(np.nanmedian(widths)) if np.isfinite(widths).any() else np.nan
    moved_most, red = 0.0, np.nan
    for first, last in windows(float(t_s[0]), float(t_s[-1])):
        face = pictures.face[(look_s >= first) & (look_s <= last)]
        face = face[np.isfinite(face[:, 0])]
        inside = (t_s >= first) & (t_s <= last)
        colour = pictures.rgb[inside]
        colour = colour[np.isfinite(colour[:, 0])]
        if len(face) == 0 or len(colour) == 0:
            continue
        across, down = np.ptp(face[:, :2], axis=0)
        moved = float(np.hypot(across, down / aspect)) / usual
        light = float(np.nanmedian(pictures.luma[inside]))
        red = float(np.median(colour[:, 0] / colour[:, 1]))
        moved_most = max(moved_most, moved)
        for name, value, is_wrong in (
            ("face_motion", moved, moved > found.limits["face_motion"]),
            ("face_dark", light, light < found.limits["face_dark"]),
            ("face_bright", light, light > found.limits["face_bright"]),
            ("face_colourless", red, red < found.limits["face_colourless"]),
        ):
            if is_wrong:
                wrong.setdefault(name, []).append((first, last, value))
    said = {
        "face_motion": "the face moves by {:.2f} of its width",
        "face_dark": "the face is dark, luma {:.0f}",
        "face_bright": "the face is bright, luma {:.0f}",
        "face_colourless": "the face has no colour, red / green {:.3f}",
    }
    for name, spans in wrong.items():
        for first, last, value in joined(spans):
            found.flag(name, said[name].format(value), value=value, from_s=first, to_s=last)
    found.note("face_motion_widths", moved_most)
    found.note(
        "face_luma",
        float(np.nanmedian(pictures.luma)) if np.isfinite(pictures.luma).any() else None,
    )
    found.note("face_red_over_green", red)


def _exposure(cells: np.ndarray, t_s: np.ndarray, found: Findings) -> None:
    """Find where most of the picture becomes brighter or darker at once, by the same factor."""
    light = np.log(np.maximum(cells, 1.0))
    far = _LEVEL_S + _STEP_S / 2
    at_s = np.arange(t_s[0] + far, t_s[-1] - far, _STEP_S / 4)
    changes = np.zeros(len(at_s))
    for k, middle in enumerate(at_s):
        edges = np.searchsorted(t_s, middle + np.array([-far, -_STEP_S / 2, _STEP_S / 2, far]))
        if edges[1] - edges[0] < 3 or edges[3] - edges[2] < 3:
            continue
        before, after = (np.median(light[edges[i] : edges[i + 1]], axis=0) for i in (0, 2))
        changes[k] = 100 * np.expm1(np.median(after - before))
    found.note("exposure_step_percent", float(np.abs(changes).max()) if len(changes) else None)
    wrong = np.abs(changes) > found.limits["exposure_step"]
    for run in true_runs(wrong):
        most = run.start + int(np.argmax(np.abs(changes[run.start : run.stop])))
        found.flag(
            "exposure_step", f"the whole picture becomes {changes[most]:+.0f} % brighter at once",
            value=float(changes[most]), from_s=float(at_s[most]) - _STEP_S / 2,
            to_s=float(at_s[most]) + _STEP_S / 2,
        )


def _frozen(repeats: np.ndarray, t_s: np.ndarray, found: Findings) -> None:
    found.note("repeated_frames", int(repeats.sum()))
    share = 100 * float(repeats.mean()) if len(repeats) else 0.0
    if share > found.limits["repeated_frames"]:
        text = f"{repeats.sum()} of {len(repeats)} frames repeat the one before, {share:.0f} %"
        found.flag("repeated_frames", text, value=share)
    for run in true_runs(repeats):
        if (count := len(run)) >= found.limits["frozen_frames"]:
            found.flag(
                "frozen_frames", f"{count} frames repeat the one before", value=count,
                from_s=float(t_s[run[0] - 1]), to_s=float(t_s[run[-1]]),
            )
