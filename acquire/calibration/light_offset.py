"""The offset between light and frames, from an LED that the firmware switches in the camera's view.

The LED is switched some 120 times at random instants, so that the toggles fall into every phase of
the camera's clock. Each toggle's time is known through the sensor's clock, exactly as a sample's
is. Three steps give the offset:

1. Where is the LED? The picture is averaged over a grid of cells; the LED is in the cell whose
   changes from frame to frame follow those of the LED best, over all offsets that a camera may
   have.
2. How bright was it in each frame? The luma of the cell, less what it shares with its row (lamps
   that flicker), is put between the levels before and after each toggle: 0 is dark, 1 is lit.
   Toggles that the camera did not see, because something was in the way, are left out and counted.
3. A frame stamped s whose exposure lasts E sees a toggle at g partly where |s - offset - g| < E/2.
   Over u = s - g, the brightness after switching on rises from 0 to 1 and after switching off it
   falls. In a camera the rise is no straight ramp: gamma lifts its foot, saturation cuts its top.
   But the fall is its mirror image about u = offset, whatever the response is: light that fills a
   part of the exposure looks the same at either end of it. So the offset is midway between the
   centre of the rise and the centre of the fall. The two curves are fitted by monotone regression,
   which assumes no shape, and the centre of a rise y(u) is the integral of u dy.

The certainty comes from drawing the toggles again, with replacement.

`light_ns = time_ns - offset_ns`: with a positive offset the stamp is later than the light. The
toggles' times contain the constant asymmetry of the sensor's clock, and so do the times of samples:
the offset removes it between frames and samples.
"""

from dataclasses import dataclass

import numpy as np

from acquire.errors import CalibrationError

GRID = (80, 45)                 # cells across and down that a picture is averaged to
EARLIEST_NS, LATEST_NS = -200_000_000, 1_000_000_000     # offsets that are tried
MIN_TOGGLES = 12                # seen, each way
# correlation of frame-to-frame changes; the best of pure noise is some 0.22 in 500 frames
_LEAST_CORRELATION = 0.35
_DRAWS = 200
_DEVIATIONS = 3.0               # standard deviations in a bound


@dataclass(frozen=True)
class Toggles:
    """When the LED was switched; it was dark before the first."""

    time_ns: np.ndarray         # (K,) int64, host clock, rising
    bound_ns: np.ndarray        # (K,) int64: |time_ns - truth| is at most this
    on: np.ndarray              # (K,) bool, alternating

    def lit(self, start_ns: np.ndarray, stop_ns: np.ndarray) -> np.ndarray:
        """Return the part (0 to 1) of each span [start_ns, stop_ns) in which the LED was lit."""
        sign = np.where(self.on, 1, -1)
        until = [np.maximum(at[:, None] - self.time_ns, 0) @ sign for at in (start_ns, stop_ns)]
        return (until[1] - until[0]) / (stop_ns - start_ns)


@dataclass(frozen=True)
class LightPosition:
    """The position of the LED in the picture."""

    row: float                  # of its centre, 0 at the top, 1 at the bottom
    column: float               # 0 at the left, 1 at the right
    follows: float              # correlation of its changes with the LED's, 0 to 1
    offset_ns: int              # coarse, within half a frame


@dataclass(frozen=True)
class LightFit:
    """The offset of the camera's stamps against the light, on the sensor's clock."""

    # light_ns = time_ns - offset_ns: positive where the stamp is later than the light
    offset_ns: int
    bound_ns: int               # certainty of the fit and of the toggles' times together
    fit_ns: int                 # the fit's part of it, three standard deviations
    exposure_ns: int            # about: how long a frame gathers light
    # RMS of the frames about the edges against the fitted curves, 1 is the LED's brightness
    residual: float
    seen: int                   # toggles that the camera saw
    toggles: int                # all of them


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
    import cv2

    plane = image[:height_px] if pixel_format == "I420" else np.ascontiguousarray(image[:, :, 1])
    return cv2.resize(plane.astype(np.float32), GRID, interpolation=cv2.INTER_AREA)


def find_light(
    cells: np.ndarray, frame_ns: np.ndarray, toggles: Toggles
) -> tuple[np.ndarray, LightPosition]:
    """Find the LED in the picture and return its brightness in each frame.

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
    # Under a rolling shutter, lamps that flicker change a whole row. The LED lights less than half
    # of a row, so that its median is the room.
    room = np.median(cells, axis=2)
    changes = np.diff((cells - room[:, :, None]).reshape(count, -1), axis=0)
    changes /= np.maximum(np.linalg.norm(changes, axis=0), 1e-9)
    offsets_ns, expected = _expected_changes(frame_ns, toggles)
    correlation = expected @ changes                            # (offsets, cells)
    at = int(correlation.argmax()) // correlation.shape[1]
    weights = _led_weights(correlation[at].reshape(rows, columns))
    down, across = np.nonzero(weights)
    weight = weights[down, across]
    position = LightPosition(
        row=float((weight @ down + 0.5) / rows), column=float((weight @ across + 0.5) / columns),
        follows=float(correlation.max()), offset_ns=int(offsets_ns[at]),
    )
    brightness, beside = (
        part.astype(np.float64) @ weight for part in (cells[:, down, across], room[:, down])
    )
    # How much of the room's flicker is in the LED's cells follows from the frames between which the
    # LED did not change.
    steady = np.abs(expected[at]) < 0.1 * np.abs(expected[at]).max()
    steps, beside_steps = np.diff(brightness)[steady], np.diff(beside)[steady]
    share = float(steps @ beside_steps) / max(float(beside_steps @ beside_steps), 1e-9)
    return brightness - min(max(share, 0.0), 2.0) * beside, position


def _expected_changes(frame_ns: np.ndarray, toggles: Toggles) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets to try [ns], and the LED's change from frame to frame at each of them.

    The changes are (offsets, N-1) float32 with norm 1.
    """
    period_ns = float(np.median(np.diff(frame_ns)))
    offsets_ns = np.arange(EARLIEST_NS, LATEST_NS, period_ns / 4).astype(np.int64)
    half_ns = round(period_ns / 4)
    lit = np.stack(
        [toggles.lit(frame_ns - at - half_ns, frame_ns - at + half_ns) for at in offsets_ns]
    )
    expected = np.diff(lit, axis=1).astype(np.float32)
    expected /= np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-9)
    return offsets_ns, expected


def _led_weights(correlation: np.ndarray) -> np.ndarray:
    """Return the weight of each cell in the LED's brightness, (rows, columns), sum 1.

    The cells are the one of the highest correlation and those of its neighbours that reach half of
    it.
    """
    rows, columns = correlation.shape
    row, column = divmod(int(correlation.argmax()), columns)
    peak = float(correlation.max())
    if peak < _LEAST_CORRELATION:
        raise CalibrationError(
            expected="a place in the picture that follows the LED",
            found=f"none (the best, {row / rows:.0%} down and {column / columns:.0%} across, by "
                  f"{peak:.2f} of 1)",
            fix="put the LED of pin 13 in the camera's view, bright against what is around it",
        )
    near = np.zeros_like(correlation, dtype=bool)
    near[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = True
    weights = np.where(near & (correlation > peak / 2), correlation, 0.0)
    return weights / weights.sum()


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
    edges = _gather_edges(brightness, frame_ns, toggles, offset_ns, period_ns)
    for _ in range(3):  # which frames lie about a toggle depends a little on the offset
        offset_ns += edges.mirror_point_ns()
        edges = _gather_edges(brightness, frame_ns, toggles, offset_ns, period_ns)
    rng = np.random.default_rng(seed)
    drawn_ns = [edges.mirror_point_ns(rng) for _ in range(_DRAWS)]
    fit_ns = _DEVIATIONS * float(np.std(drawn_ns))
    exposure_ns, residual = _fit_shape(edges, period_ns)
    return LightFit(
        offset_ns=round(offset_ns), bound_ns=round(fit_ns + float(toggles.bound_ns.mean())),
        fit_ns=round(fit_ns), exposure_ns=round(exposure_ns), residual=residual, seen=edges.seen,
        toggles=len(toggles.time_ns),
    )


@dataclass(frozen=True)
class _Edge:
    """The frames about the toggles of one direction, sorted by u."""

    u: np.ndarray               # stamp after the toggle and the offset [ns]
    y: np.ndarray               # brightness, 0 dark to 1 lit
    toggle: np.ndarray          # its number

    def draw(self, rng: np.random.Generator) -> "_Edge":
        """Draw as many toggles again, with replacement."""
        numbers, inverse = np.unique(self.toggle, return_inverse=True)
        drawn = rng.integers(len(numbers), size=len(numbers))
        times = np.bincount(drawn, minlength=len(numbers))[inverse]
        return _Edge(*(np.repeat(values, times) for values in (self.u, self.y, self.toggle)))


@dataclass(frozen=True)
class _Edges:
    """The frames about all toggles that the camera saw."""

    rise: _Edge
    fall: _Edge
    reach_ns: float             # |u| is at most this
    seen: int

    def mirror_point_ns(self, rng: np.random.Generator | None = None) -> float:
        """Return the point about which rise and fall are mirror images [ns].

        Parameters
        ----------
        rng : draw the toggles again from these
        """
        rise, fall = (self.rise.draw(rng), self.fall.draw(rng)) if rng else (self.rise, self.fall)
        rise_y, fall_y = _fit_monotone(rise.y, rising=True), _fit_monotone(fall.y, rising=False)
        rise_ns = _centre_ns(rise.u, rise_y, self.reach_ns)
        return (rise_ns + _centre_ns(fall.u, 1 - fall_y, self.reach_ns)) / 2


def _gather_edges(
    brightness: np.ndarray, frame_ns: np.ndarray, toggles: Toggles, offset_ns: float,
    period_ns: float,
) -> _Edges:
    """Gather the frames about each toggle that the camera saw, between its own two levels."""
    # an exposure of a whole period, and at least a frame on either side
    reach_ns, ramp_ns = 2.2 * period_ns, 0.6 * period_ns
    steps = np.full(len(toggles.time_ns), np.nan)
    windows: list[tuple[np.ndarray, np.ndarray]] = []
    for k, toggle_ns in enumerate(toggles.time_ns):
        near = np.abs(frame_ns - toggle_ns - offset_ns) <= reach_ns
        u, y = frame_ns[near] - toggle_ns - offset_ns, brightness[near]
        before, after = y[u < -ramp_ns], y[u > ramp_ns]
        if len(before) and len(after):                            # else frames were lost there
            steps[k] = after.mean() - before.mean()
            y = (y - before.mean()) / (steps[k] or 1.0)
        windows.append((u, y))
    steps = np.where(toggles.on, steps, -steps)
    typical = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
    is_seen = (steps > 0.5 * typical) & (steps < 2.0 * typical) & (typical > 0)
    edges = {}
    for on in (True, False):
        chosen = np.flatnonzero(is_seen & (toggles.on == on))
        if len(chosen) < MIN_TOGGLES or is_seen.sum() < len(is_seen) / 2:
            raise CalibrationError(
                expected=f"to see at least half of the {len(is_seen)} times that the LED was "
                         f"switched, and {MIN_TOGGLES} each way",
                found=int(is_seen.sum()),
                fix="keep the LED uncovered, the camera still and its exposure locked",
            )
        u = np.concatenate([windows[k][0] for k in chosen])
        y = np.concatenate([windows[k][1] for k in chosen])
        toggle = np.repeat(chosen, [len(windows[k][0]) for k in chosen])
        order = np.argsort(u)
        y = np.clip(y if on else 1 - y, -0.5, 1.5)
        edges[on] = _Edge(u[order], y[order], toggle[order])
    return _Edges(edges[True], edges[False], reach_ns, int(is_seen.sum()))


def _fit_monotone(y: np.ndarray, *, rising: bool) -> np.ndarray:
    from scipy.optimize import isotonic_regression

    return np.clip(isotonic_regression(y, increasing=rising).x, 0.0, 1.0)


def _centre_ns(u: np.ndarray, y: np.ndarray, reach_ns: float) -> float:
    """Return the centre of a monotone rise from 0 to 1: the integral of u dy."""
    at = np.concatenate([[-reach_ns], u, [reach_ns]])
    height = np.concatenate([y[:1], y, y[-1:]])
    return reach_ns - float(np.trapezoid(height, at))           # from the area above it


def _fit_shape(edges: _Edges, period_ns: float) -> tuple[float, float]:
    """Return the exposure [ns] and the RMS residual.

    The rise is a ramp raised to a power, the fall its mirror image.
    """
    u = np.concatenate([edges.rise.u, -edges.fall.u])
    y = np.concatenate([edges.rise.y, edges.fall.y])
    best = (np.inf, 0.0)
    for exposure_ns in np.arange(0.02, 1.21, 0.02) * period_ns:
        ramp = np.clip(u / exposure_ns + 0.5, 0.0, 1.0)
        for power in (0.15, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0):
            best = min(best, (float(np.mean((ramp**power - y) ** 2)), float(exposure_ns)))
    return best[1], best[0] ** 0.5
