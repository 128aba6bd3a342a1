"""Calibrate the heart rate's interval: `python -m benchmarks.rate_intervals FOLDER [--write]`.

It makes `models/fusion/calibration.json` and the tables that stand in benchmarks/README.md. Virtual
people (`benchmarks.rate_people`) are made once, into FOLDER; what a network says of them is kept
under the network's hash, so that another network costs minutes. `--backgrounds` names real videos:
what is beside the face in them is read as recordings without a pulse. People are on three sides, by
their number: the regression is fitted to the first, intervals are calibrated on the second, and
only the tables see those that are held out. They were looked at while limits were chosen; `--check
--first 2001` reads other people, whom nothing has chosen.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from pathlib import Path

import numpy as np

from benchmarks.rate_groups import print_groups
from benchmarks.rate_people import PULSE, SEED, keep_backgrounds, keep_person, true_bpm
from dataset.face.frames import CUT_SD, part_colours
from models.board.onnx_net import SHIPPED, OnnxNet, open_net
from models.fusion.calibration import CALIBRATION, Calibration, shipped_calibration
from models.fusion.candidates import AGREE_BPM, FEATURES
from models.fusion.fuse import LEAST_AGREE, read_window
from models.live.pulse import WEIGH_S
from models.live.running_motion import RunningMotion

METHODS = ("network", "POS", "CHROM", "ICA")
POS = METHODS.index("POS")
DRAWS = 2000            # of people, for an interval
FIT, CALIBRATE, HELD_OUT = "fitted to", "calibrated on", "held out"
SIDES = (FIT, CALIBRATE, HELD_OUT)
SPANS_S, EVERY_S = (10.0, 10.0, 10.0, 6.0, 13.0), 1.0
RIGHT_BPM, NOMINAL, CLASSES = 5.0, 0.9, 8
RIDGE = 10.0            # windows of one person are alike: there are far fewer people
LEAST_AHEAD = FEATURES.index("least ahead")
# of what is shown to the people that the regression was fitted to, and calibrated on
MOST_WRONG, MOST_WITHOUT_PULSE = 0.03, 0.03


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
    motion, read, first = RunningMotion(cut_sd=CUT_SD), [], 0
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


def fit(windows: Windows, side: np.ndarray) -> Calibration:
    """Fit the regression to the candidates of one side's windows, by Newton's method."""
    known = np.isfinite(windows.bpm) & side[:, None]
    features = windows.features[known]
    is_right = (np.abs(windows.bpm - windows.true_bpm[:, None]) <= RIGHT_BPM)[known]
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-9
    x = np.column_stack([np.ones(len(features)), (features - mean) / deviation])
    weights, ridge = np.zeros(x.shape[1]), np.diag([0.0] + [RIDGE] * len(mean))
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ weights))
        curvature = (x * (p * (1 - p))[:, None]).T @ x + ridge
        weights += np.linalg.solve(curvature, x.T @ (is_right - p) - ridge @ weights)
    return Calibration(mean, deviation, weights, np.empty(0), np.array([np.inf]), 0.0)


def choose(windows: Windows, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rate, score and number of methods that agree, of each window's best candidate."""
    best = np.nanargmax(np.where(np.isfinite(windows.bpm), score, np.nan), axis=1)
    rows = np.arange(len(best))
    return windows.bpm[rows, best], score[rows, best], windows.agree[rows, best]


def classes(probability: np.ndarray, error_bpm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of the classes, and half the width of each one's interval."""
    edges = np.quantile(probability, np.arange(1, CLASSES) / CLASSES)
    at = np.searchsorted(edges, probability, side="right")
    widths = []
    for number in range(CLASSES):
        errors = np.sort(error_bpm[at == number])
        rank = int(np.ceil((len(errors) + 1) * NOMINAL)) - 1
        widths.append(errors[rank] if rank < len(errors) else 210.0)
    # a class that is trusted more has no wider interval: what its few people say more is chance
    return edges, np.maximum.accumulate(np.array(widths)[::-1])[::-1]


def least_shown(
    probability: np.ndarray, error_bpm: np.ndarray, has_pulse: np.ndarray, agree: np.ndarray
) -> float:
    """Return the least probability from which few of the rates that are shown are wrong."""
    for limit in np.arange(0.3, 0.995, 0.005):
        shown = (probability >= limit) & (agree >= LEAST_AGREE)
        wrong = (error_bpm > RIGHT_BPM)[shown & has_pulse]
        false = shown[~has_pulse]
        if wrong.mean() <= MOST_WRONG and false.mean() <= MOST_WITHOUT_PULSE:
            return float(limit)
    return 0.995


def calibrate(windows: Windows) -> Calibration:
    """Return regression, classes, and what is shown."""
    model = fit(windows, windows.side(FIT))
    bpm, probability, agree = choose(windows, model.probability(windows.features))
    error_bpm = np.abs(bpm - windows.true_bpm)
    on = windows.side(CALIBRATE) & windows.has_pulse
    edges, widths = classes(probability[on], error_bpm[on])
    seen = ~windows.side(HELD_OUT)
    shown_from = least_shown(
        probability[seen], error_bpm[seen], windows.has_pulse[seen], agree[seen]
    )
    return Calibration(model.mean, model.deviation, model.weights, edges, widths, shown_from)


def print_designs(windows: Windows, model: Calibration) -> None:
    """Print the ways to fuse: how many of the surest windows are wrong."""
    out = windows.side(HELD_OUT) & windows.has_pulse
    print("\n| design | within 5 bpm | wrong among the surest 20 % | 30 % | 40 % | 60 % | MAE |\n"
          "|---|---|---|---|---|---|---|")
    for name, score in (
        ("mean of the spectra", windows.mean),
        ("how far the last of the methods is ahead", windows.features[..., LEAST_AHEAD]),
        ("regression on the candidates (kept)", model.probability(windows.features)),
    ):
        bpm, sure, _ = choose(windows, score)
        error = np.abs(bpm - windows.true_bpm)[out][np.argsort(-sure[out])]
        wrong = [100 * (error[: int(share * len(error))] > RIGHT_BPM).mean()
                 for share in (0.2, 0.3, 0.4, 0.6)]
        print(f"| {name} | {100 * (error <= RIGHT_BPM).mean():.0f} % | "
              + " | ".join(f"{one:.1f} %" for one in wrong) + f" | {error.mean():.1f} |")


def print_alone(windows: Windows, out: np.ndarray) -> None:
    """Print what each method reads alone, and its lead over POS with its interval over people."""
    print("\n| alone | people | windows within 5 bpm | more than POS, 95 % over people | MAE |\n"
          "|---|---|---|---|---|")
    for kinds in (("drawn", "rendered"), ("drawn",), ("rendered",)):
        which = np.flatnonzero(out & windows.has_pulse & np.isin(windows.kind, kinds))
        if not len(which):
            continue
        error = np.abs(windows.alone_bpm[which] - windows.true_bpm[which, None])
        is_right = np.nan_to_num(error, nan=np.inf) <= RIGHT_BPM
        names = np.char.add(windows.kind[which], windows.person[which].astype(str))
        _, of_person = np.unique(names, return_inverse=True)
        per_person = np.bincount(of_person)
        drawn = np.random.default_rng(0).multinomial(
            len(per_person), np.full(len(per_person), 1 / len(per_person)), size=DRAWS
        )
        for at, name in enumerate(METHODS):
            lead = np.bincount(of_person, is_right[:, at].astype(float) - is_right[:, POS])
            low, high = np.percentile(100 * (drawn @ lead) / (drawn @ per_person), [2.5, 97.5])
            print(
                f"| {name} | {len(per_person)} {' and '.join(kinds)} | "
                f"{100 * is_right[:, at].mean():.0f} % | "
                + ("" if at == POS else f"{100 * lead.sum() / len(which):.1f} "
                                        f"[{low:.1f}, {high:.1f}]")
                + f" | {np.nanmean(error[:, at]):.1f} |"
            )


def is_shown(model: Calibration, probability: np.ndarray, agree: np.ndarray) -> np.ndarray:
    """Return of which windows the rate is shown, but for those with the rate beside the face."""
    enough = np.array([model.is_enough(one) for one in probability])
    return enough & (agree >= LEAST_AGREE)


def print_coverage(windows: Windows, model: Calibration, out: np.ndarray) -> None:
    """Print how often intervals hold in some windows, and the risk-coverage curve."""
    bpm, probability, agree = choose(windows, model.probability(windows.features))
    error = np.abs(bpm - windows.true_bpm)
    holds = error <= np.array([model.half_width(one) for one in probability])
    shown = is_shown(model, probability, agree)
    print("\n| held-out people | windows | interval holds | shown | interval holds there | "
          "MAE | off by more than 5 bpm |\n|---|---|---|---|---|---|---|")
    for name, which in (
        ("all", out), *((how, out & (windows.kind == how)) for how in ("drawn", "rendered")),
    ):
        seen = which & windows.has_pulse
        told = seen & shown
        if told.any():
            print(f"| {name} | {seen.sum()} | {100 * holds[seen].mean():.1f} % | "
                  f"{100 * shown[seen].mean():.0f} % | {100 * holds[told].mean():.1f} % | "
                  f"{error[told].mean():.2f} | {100 * (error[told] > RIGHT_BPM).mean():.1f} % |")
    for name, which in (("virtual", windows.kind != "noise"), ("real backgrounds",
                                                                windows.kind == "noise")):
        still = which & ~windows.has_pulse & (out | (windows.kind == "noise"))
        if still.any():
            print(f"\nwithout a pulse, {name}: {shown[still].sum()} of {still.sum()} shown")
    which = np.flatnonzero(out & windows.has_pulse)
    order = which[np.argsort(-probability[which])]
    print("\n| windows shown, the surest first | MAE [bpm] | off by more than 5 bpm | "
          "probability at least |\n|---|---|---|---|")
    for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0):
        part = order[: max(1, int(share * len(order)))]
        print(f"| {100 * share:.0f} % | {error[part].mean():.2f} | "
              f"{100 * (error[part] > RIGHT_BPM).mean():.1f} % | {probability[part[-1]]:.2f} |")


def print_by_group(windows: Windows, model: Calibration, folder: Path) -> None:
    """Print how the people of each group are read."""
    bpm, probability, agree = choose(windows, model.probability(windows.features))
    error_bpm = np.abs(bpm - windows.true_bpm)
    holds = error_bpm <= np.array([model.half_width(one) for one in probability])
    shown = is_shown(model, probability, agree)
    print_groups(folder, *(
        column[windows.has_pulse] for column in (
            windows.kind, windows.person, windows.true_bpm, error_bpm, holds, shown,
            windows.alone_bpm,
        )
    ))


def write(model: Calibration, windows: Windows, net_file: Path, path: Path) -> None:
    """Write the calibration, with what it was made of."""
    def numbers(values: np.ndarray) -> list[float]:
        return [round(float(value), 5) for value in values]

    people = {
        side: len(set(zip(windows.kind[on].tolist(), windows.person[on].tolist(), strict=True)))
        for side in SIDES for on in (windows.side(side),)
    }
    path.write_text(json.dumps({
        "format": "acq-rate-calibration-1",
        "made_by": f"benchmarks/rate_intervals.py, seed {SEED}",
        "network_sha256": sha256(net_file.read_bytes()).hexdigest(), "people": people,
        "windows": len(windows.person), "nominal": NOMINAL, "features": FEATURES,
        "mean": numbers(model.mean), "deviation": numbers(model.deviation),
        "weights": numbers(model.weights), "edges": numbers(model.edges),
        "half_width_bpm": numbers(model.half_width_bpm), "shown_from": round(model.shown_from, 3),
    }, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where people and what is read of them are kept")
    parser.add_argument("--drawn", type=int, default=1200, help="people at 36x36")
    parser.add_argument("--rendered", type=int, default=160, help="people who are rendered whole")
    parser.add_argument("--first", type=int, default=1, help="number of the first person")
    parser.add_argument(
        "--check", action="store_true",
        help="print how the shipped calibration does on all these people; fit nothing",
    )
    parser.add_argument(
        "--groups", action="store_true",
        help="with --check: also by skin, motion, heart rate, light and frame rate",
    )
    parser.add_argument("--backgrounds", type=Path, nargs="*", default=[], help="real videos")
    parser.add_argument("--net", type=Path, default=SHIPPED / "student.onnx")
    parser.add_argument("--write", action="store_true", help=f"replace {CALIBRATION.name}")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    patches = keep_backgrounds(options.folder, options.backgrounds)
    people = [
        (how, number)
        for how, count in (("drawn", options.drawn), ("rendered", options.rendered))
        for number in range(options.first, options.first + count)
    ] + [("noise", number) for number in range(1, patches + 1)]
    windows = read_windows(options.net, options.folder, people)
    if options.check:
        everybody = np.ones(len(windows.person), bool)
        print_alone(windows, everybody)
        print_coverage(windows, shipped_calibration(), everybody)
        if options.groups:
            print_by_group(windows, shipped_calibration(), options.folder)
        return
    model = calibrate(windows)
    print_designs(windows, model)
    print_alone(windows, windows.side(HELD_OUT))
    print_coverage(windows, model, windows.side(HELD_OUT))
    print("\n| probability from | half width [bpm] |\n|---|---|")
    for edge, width in zip([0.0, *model.edges], model.half_width_bpm, strict=True):
        print(f"| {edge:.2f} | {width:.1f} |")
    print(f"\nshown from a probability of {model.shown_from:.3f}")
    if options.write:
        write(model, windows, options.net, CALIBRATION)


if __name__ == "__main__":
    main()
