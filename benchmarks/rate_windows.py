"""Windows of virtual people, as the fusion of heart rates reads them: see `rate_intervals`."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from pathlib import Path

import numpy as np

from benchmarks.rate_people import PULSE, keep_person, true_bpm
from dataset.face.frames import part_colours
from models.board.onnx_net import OnnxNet, open_net
from models.fusion.calibration import CALIBRATION
from models.fusion.candidates import AGREE_BPM
from models.fusion.fuse import read_window
from models.live.pulse import WEIGH_S
from models.live.running_motion import RunningMotion

METHODS = ("network", "POS", "CHROM", "ICA")
POS = METHODS.index("POS")
FIT, CALIBRATE, HELD_OUT = "fitted to", "calibrated on", "held out"
SIDES = (FIT, CALIBRATE, HELD_OUT)
SPANS_S, EVERY_S = (10.0, 10.0, 10.0, 6.0, 13.0), 1.0
RIGHT_BPM = 5.0


@dataclass(frozen=True)
class Windows:
    """N windows of all people; of each up to K candidates."""

    person: np.ndarray          # (N,) number
    kind: np.ndarray            # (N,) "drawn", "rendered" or "noise"
    true_bpm: np.ndarray        # (N,) NaN without a pulse
    bpm: np.ndarray             # (N, K) of the candidates, NaN where there are fewer
    features: np.ndarray        # (N, K, F)
    agree: np.ndarray           # (N, K) methods whose peak is at the candidate
    mean: np.ndarray            # (N, K) height of the mean of the spectra there
    alone_bpm: np.ndarray       # (N, M) by each method

    def side(self, side: str) -> np.ndarray:
        """Return which windows are of people on a side, (N,) bool."""
        return self.person % 5 % 3 == SIDES.index(side)

    @property
    def has_pulse(self) -> np.ndarray:
        return np.isfinite(self.true_bpm)


def changes_of(net: OnnxNet, frames: np.ndarray, time_s: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the first frame that live reads, and the changes from it on, as live."""
    motion, read, first = RunningMotion(), [], 0
    for at, frame in enumerate(frames):
        pair = motion.add(frame, time_s[at] - time_s[at - 1] if at else 0.0)
        if pair is None or motion.seconds < WEIGH_S:
            continue
        first = first or at
        read.append(pair)
    batches = [np.concatenate(read[at : at + 128]) for at in range(1, len(read), 128)]
    return first, np.concatenate([[0.0], *(net.predict(batch) for batch in batches)])


def spans_of(time_s: np.ndarray) -> Iterator[tuple[float, float]]:
    """Yield windows of several lengths: what is live, and what is read of a short file."""
    for at, span_s in enumerate(SPANS_S):
        first_s = time_s[0] + EVERY_S * (at if span_s == SPANS_S[0] else 0)
        if first_s + span_s <= time_s[-1] + 0.1:
            yield first_s, first_s + span_s


def windows_of(net: OnnxNet, path: Path) -> dict[str, np.ndarray]:
    """Return the windows of one person, as arrays with a row each."""
    with np.load(path) as stored:
        person = dict(stored)
    if "frames" not in person:
        return {}
    first, changes = changes_of(net, person["frames"], person["time_s"])
    pulse = person["pulse"][first:] if str(person["kind"]) == PULSE else None
    parts = part_colours(person["frames"][first:])
    return rows_of(person["time_s"][first:], person["colour"][first:], changes, parts, pulse)


def rows_of(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray, parts: np.ndarray,
    pulse: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """Return the same of what a network said; without a pulse there is no truth."""
    rows = []
    for first_s, last_s in spans_of(time_s):
        inside = (time_s >= first_s - 1e-6) & (time_s <= last_s + 1e-6)
        window = read_window(time_s[inside], colour[inside], changes[inside], parts[inside])
        if isinstance(window, str) or not window.candidates_bpm:
            continue
        truth = np.nan
        if pulse is not None:
            truth = true_bpm(pulse[inside], time_s[inside])
            if np.isnan(truth):
                continue
        bpm = [window.spectra.refined_bpm(rate) for rate in window.candidates_bpm]
        at = [round(2 * (rate - 30)) for rate in window.candidates_bpm]
        peaks = np.array(
            [np.nan if peak is None else peak for peak in window.methods.values()]
        )
        rows.append((
            truth, _padded(bpm), _padded(window.features),
            _padded([(np.abs(peaks - rate) <= AGREE_BPM).sum() for rate in bpm]),
            _padded(window.spectra.shares.mean(axis=0)[at]), peaks,
        ))
    names = ("true_bpm", "bpm", "features", "agree", "mean", "alone_bpm")
    columns = zip(*rows, strict=True)
    return {name: np.array(column) for name, column in zip(names, columns, strict=bool(rows))}


def _padded(values: object, most: int = 8) -> np.ndarray:
    array = np.asarray(values, np.float64)
    out = np.full((most, *array.shape[1:]), np.nan)
    out[: len(array)] = array
    return out


def keep_windows(net_file: Path, folder: Path, person: tuple[str, int], path: Path) -> None:
    """Read the windows of one person, where they are not read yet."""
    if not path.exists():
        np.savez(path, **windows_of(open_net(net_file), keep_person(folder, *person)))


def read_windows(net_file: Path, folder: Path, people: list[tuple[str, int]]) -> Windows:
    """Read the windows of all people, or take them from the folder."""
    code = b"".join(
        (CALIBRATION.parent / f"{name}.py").read_bytes()
        for name in ("methods", "spectra", "candidates", "colour_lines", "parts")
    )
    kept = folder / sha256(net_file.read_bytes() + code).hexdigest()[:16]
    kept.mkdir(exist_ok=True)
    parts = []
    paths = [kept / f"{how}-{number:04d}.npz" for how, number in people]
    with ProcessPoolExecutor() as pool:
        list(pool.map(keep_windows, repeat(net_file), repeat(folder), people, paths))
    for (how, number), path in zip(people, paths, strict=True):
        with np.load(path) as stored:
            part = dict(stored)
        if part:
            count = len(part["true_bpm"])
            parts.append({"person": np.full(count, number), "kind": np.full(count, how), **part})
    return Windows(**{name: np.concatenate([p[name] for p in parts]) for name in parts[0]})
