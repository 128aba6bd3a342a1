"""The offset between light and frames, from an LED that the firmware switches in the camera's view.

The LED is switched some 120 times at random instants, so that the toggles fall into every phase of
the camera's clock. Each toggle's time is known through the sensor's clock, exactly as a sample's
is. Three steps give the offset:

1. Where is the LED? The picture is averaged over a grid of cells; the LED is in the cell whose
changes from frame to frame follow
   those of the LED best, over all offsets that a camera may have.
2. How bright was it in each frame? The cell's luma, less what it shares with its row (lamps that
flicker), put between the levels
   before and after each toggle: 0 is dark, 1 is lit. Toggles that the camera did not see, because
   something was in the way, are left out and counted.
3. A frame stamped s whose exposure lasts E sees a toggle at g partly where |s - offset - g| < E /
2. Over u = s - g, the
   brightness after switching on rises from 0 to 1 and after switching off it falls. In a camera the
   rise is no straight ramp: gamma lifts its foot, saturation cuts its top. But the fall is its
   mirror image about u = offset, whatever the response is: light that fills a part of the exposure
   looks the same at either end of it. So the offset is midway between the centre of the rise and
   the centre of the fall. The two curves are fitted by monotone regression, which assumes no shape,
   and the centre of a rise y(u) is the integral of u dy.

The certainty comes from drawing the toggles again, with replacement.

`light_ns = time_ns - offset_ns`: a positive offset says that the stamp is later than the light. The
toggles' times carry the sensor clock's constant asymmetry, and so do the times of samples: the
offset takes it out of what is between frames and samples.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import isotonic_regression

from acquire.errors import CalibrationError

GRID = (80, 45)                 # cells across and down that a picture is averaged to
EARLIEST_NS, LATEST_NS = -200_000_000, 1_000_000_000     # offsets that are looked through
MIN_TOGGLES = 12                # seen, each way
MAX_BOUND_NS = 2_000_000        # a calibration that is less certain is refused
# correlation of frame-to-frame changes; the best of all noise is some 0.22 in 500 frames
_FOLLOWS = 0.35
_DRAWS = 200
_SURE = 3.0                     # standard deviations


@dataclass(frozen=True)
class Toggles:
    """When the LED was switched; it was dark before the first."""

    time_ns: np.ndarray         # (K,) int64, host clock, rising
    bound_ns: np.ndarray        # (K,) int64: |time_ns - truth| is at most this
    on: np.ndarray              # (K,) bool, alternating

    def lit(self, start_ns: np.ndarray, stop_ns: np.ndarray) -> np.ndarray:
        """Give the parts (0 to 1) of the spans [start_ns, stop_ns) in which the LED shone."""
        sign = np.where(self.on, 1, -1)
        until = [np.maximum(at[:, None] - self.time_ns, 0) @ sign for at in (start_ns, stop_ns)]
        return (until[1] - until[0]) / (stop_ns - start_ns)


@dataclass(frozen=True)
class LightPosition:
    """Where the LED is in the picture."""

    row: float                  # of its centre, 0 at the top, 1 at the bottom
    column: float               # 0 at the left, 1 at the right
    follows: float              # correlation of its changes with the LED's, 0 to 1
    offset_ns: int              # coarse


@dataclass(frozen=True)
class LightFit:
    """The offset of the camera's stamps against the light, as the sensor's clock has it."""

    # light_ns = time_ns - offset_ns: positive where the stamp is later than the light
    offset_ns: int
    bound_ns: int               # certainty of the fit and of the toggles' times together
    fit_ns: int                 # the fit's part of it, three standard deviations
    exposure_ns: int            # about: how long a frame gathers light
    # RMS of the frames about the edges against the fitted curves, 1 is the LED's brightness
    residual: float
    seen: int                   # toggles that the camera saw
    toggles: int                # of so many


def average_cells(image: np.ndarray, pixel_format: str, height_px: int) -> np.ndarray:
    """Average a picture's luma (of RGB: its green) over the grid of cells.

    Parameters
    ----------
    image : (H*3/2, W) uint8 I420 or (H, W, 3) uint8 RGB
    height_px : H

    Returns
    -------
    (45, 80) float32 grey levels
    """
    plane = image[:height_px] if pixel_format == "I420" else np.ascontiguousarray(image[:, :, 1])
    return cv2.resize(plane.astype(np.float32), GRID, interpolation=cv2.INTER_AREA)


def find_light(
    cells: np.ndarray, frame_ns: np.ndarray, toggles: Toggles
) -> tuple[np.ndarray, LightPosition]:
    """Find the LED in the picture and give its brightness in each frame.

    Parameters
    ----------
    cells : (N, rows, columns) float32 grey levels
    frame_ns : (N,) int64, rising; lost frames are simply not there

    Returns
    -------
    (N,) float64 brightness [grey levels, of an arbitrary zero], and where it was found

    Raises
    ------
    CalibrationError : no place in the picture follows the LED
    """
    count, rows, columns = cells.shape
    period_ns = float(np.median(np.diff(frame_ns)))
    # Lamps that flicker do it row by row under a rolling shutter. The LED lights less than half of
    # a row: its median is the room.
    room = np.median(cells, axis=2)
    changes = np.diff((cells - room[:, :, None]).reshape(count, -1), axis=0)
    changes /= np.maximum(np.linalg.norm(changes, axis=0), 1e-9)
    offsets_ns = np.arange(EARLIEST_NS, LATEST_NS, period_ns / 4).astype(np.int64)
    half_ns = round(period_ns / 4)
    seen = np.stack(
        [toggles.lit(frame_ns - at - half_ns, frame_ns - at + half_ns) for at in offsets_ns]
    )
    expected = np.diff(seen, axis=1).astype(np.float32)
    expected /= np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-9)
    follows = expected @ changes                                # (offsets, cells)
    at, best = np.unravel_index(int(follows.argmax()), follows.shape)
    map_ = follows[at].reshape(rows, columns)
    peak = float(map_.max())
    row, column = divmod(int(best), columns)
    if peak < _FOLLOWS:
        raise CalibrationError(
            "expected a place in the picture that follows the LED, found none (the best, "
            f"{row / rows:.0%} down and "
            f"{column / columns:.0%} across, by {peak:.2f} of 1); put the LED of pin 13 in the "
            "camera's view, bright against "
            "what is around it"
        )
    near = np.zeros_like(map_, dtype=bool)
    near[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = True
    lit = near & (map_ > peak / 2)
    down, across = np.nonzero(lit)
    weight = map_[lit]
    place = LightPosition(
        row=float((weight @ down / weight.sum() + 0.5) / rows),
        column=float((weight @ across / weight.sum() + 0.5) / columns), follows=peak,
        offset_ns=int(offsets_ns[at]),
    )
    brightness, beside = (
        part.astype(np.float64) @ (weight / weight.sum()) for part in (cells[:, lit], room[:, down])
    )
    # How much of the room's flicker the LED's place shows is told by the frames between which the
    # LED did not change.
    steady = np.abs(expected[at]) < 0.1 * np.abs(expected[at]).max()
    steps, beside_steps = np.diff(brightness)[steady], np.diff(beside)[steady]
    share = float(steps @ beside_steps) / max(float(beside_steps @ beside_steps), 1e-9)
    return brightness - min(max(share, 0.0), 2.0) * beside, place


def fit_light_offset(
    brightness: np.ndarray, frame_ns: np.ndarray, toggles: Toggles, *, coarse_ns: int, seed: int = 0
) -> LightFit:
    """Fit the offset between light and frames to the LED's brightness in each frame.

    Parameters
    ----------
    brightness : (N,) float, any scale, rising with light
    frame_ns : (N,) int64 stamps, rising
    toggles : at least three frames apart
    coarse_ns : the offset, within half a frame

    Raises
    ------
    CalibrationError : too few toggles were seen to tell
    """
    period_ns = float(np.median(np.diff(frame_ns)))
    offset_ns = float(coarse_ns)
    edges = _edges(brightness, frame_ns, toggles, offset_ns, period_ns)
    for _ in range(3):  # which frames lie about a toggle depends on the offset, a little
        offset_ns += _mirror(edges)
        edges = _edges(brightness, frame_ns, toggles, offset_ns, period_ns)
    rng = np.random.default_rng(seed)
    drawn = [_mirror(edges.draw(rng)) for _ in range(_DRAWS)]
    fit_ns = _SURE * float(np.std(drawn))
    exposure_ns, residual = _shape(edges, period_ns)
    return LightFit(
        offset_ns=round(offset_ns), bound_ns=round(fit_ns + float(toggles.bound_ns.mean())),
        fit_ns=round(fit_ns), exposure_ns=round(exposure_ns), residual=residual, seen=edges.seen,
        toggles=len(toggles.time_ns),
    )


@dataclass(frozen=True)
class _Edges:
    """Frames about the toggles: u, their stamps after the toggle and the offset [ns], and y, 0 dark
    to 1 lit; sorted by u.
    """

    rise_u: np.ndarray
    rise_y: np.ndarray
    rise_of: np.ndarray         # number of the toggle
    fall_u: np.ndarray
    fall_y: np.ndarray
    fall_of: np.ndarray
    reach_ns: float             # |u| is at most this
    seen: int

    def draw(self, rng: np.random.Generator) -> "_Edges":
        """Draw as many toggles again, with replacement."""
        drawn: list[np.ndarray] = []
        for u, y, of in (
            (self.rise_u, self.rise_y, self.rise_of), (self.fall_u, self.fall_y, self.fall_of),
        ):
            names, inverse = np.unique(of, return_inverse=True)
            times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))[
                inverse
            ]
            drawn += [np.repeat(u, times), np.repeat(y, times), np.repeat(of, times)]
        return _Edges(*drawn, reach_ns=self.reach_ns, seen=self.seen)


def _edges(
    brightness: np.ndarray, frame_ns: np.ndarray, toggles: Toggles, offset_ns: float,
    period_ns: float,
) -> _Edges:
    """Gather the frames about each toggle that the camera saw, between its own two levels."""
    # an exposure of a whole period, and at least a frame on either side
    reach_ns, ramp_ns = 2.2 * period_ns, 0.6 * period_ns
    steps = np.full(len(toggles.time_ns), np.nan)
    windows: list[tuple[np.ndarray, np.ndarray]] = []
    for k, toggle_ns in enumerate(toggles.time_ns):
        here = np.abs(frame_ns - toggle_ns - offset_ns) <= reach_ns
        u, b = frame_ns[here] - toggle_ns - offset_ns, brightness[here]
        before, after = b[u < -ramp_ns], b[u > ramp_ns]
        if len(before) and len(after):                            # else frames were lost there
            steps[k] = after.mean() - before.mean()
            b = (b - before.mean()) / (steps[k] or 1.0)
        windows.append((u, b))
    steps = np.where(toggles.on, steps, -steps)
    typical = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
    good = (
        (steps > 0.5 * typical) & (steps < 2.0 * typical)
        if typical > 0
        else np.zeros(len(steps), bool)
    )
    found = {}
    for on in (True, False):
        chosen = np.flatnonzero(good & (toggles.on == on))
        if len(chosen) < MIN_TOGGLES or good.sum() < len(good) / 2:
            raise CalibrationError(
                f"expected to see at least half of the {len(good)} times that the LED was "
                f"switched, and {MIN_TOGGLES} each way, "
                f"found {int(good.sum())}; keep the LED uncovered, the camera still and its "
                "exposure locked"
            )
        u = np.concatenate([windows[k][0] for k in chosen])
        y = np.concatenate([windows[k][1] for k in chosen])
        of = np.repeat(chosen, [len(windows[k][0]) for k in chosen])
        order = np.argsort(u)
        found[on] = u[order], np.clip(y if on else 1 - y, -0.5, 1.5)[order], of[order]
    return _Edges(*found[True], *found[False], reach_ns=reach_ns, seen=int(good.sum()))


def _monotone(y: np.ndarray, *, rising: bool) -> np.ndarray:
    return np.clip(isotonic_regression(y, increasing=rising).x, 0.0, 1.0)


def _centre(u: np.ndarray, y: np.ndarray, reach_ns: float) -> float:
    """Give the centre of a monotone rise from 0 to 1: the integral of u dy, from the area above it.
    """
    at = np.concatenate([[-reach_ns], u, [reach_ns]])
    height = np.concatenate([y[:1], y, y[-1:]])
    return reach_ns - float(np.trapezoid(height, at))


def _mirror(edges: _Edges) -> float:
    """Give the point about which rise and fall are each other's mirror image [ns]."""
    rise = _centre(edges.rise_u, _monotone(edges.rise_y, rising=True), edges.reach_ns)
    fall = _centre(edges.fall_u, 1 - _monotone(edges.fall_y, rising=False), edges.reach_ns)
    return (rise + fall) / 2


def _shape(edges: _Edges, period_ns: float) -> tuple[float, float]:
    """Give the exposure [ns] and the RMS residual: the rise is a ramp raised to a power, the fall
    its mirror image.
    """
    u = np.concatenate([edges.rise_u, -edges.fall_u])
    y = np.concatenate([edges.rise_y, edges.fall_y])
    best = (np.inf, 0.0)
    for exposure_ns in np.arange(0.02, 1.21, 0.02) * period_ns:
        ramp = np.clip(u / exposure_ns + 0.5, 0.0, 1.0)
        for power in (0.15, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0):
            best = min(best, (float(np.mean((ramp**power - y) ** 2)), float(exposure_ns)))
    return best[1], best[0] ** 0.5
