"""Calibrate the heart rate's interval: `python -m benchmarks.rate_intervals FOLDER [--write]`.

It makes `models/fusion/calibration.json` and the tables that stand in benchmarks/README.md. Virtual
people (`benchmarks.rate_people`) are made once, into FOLDER; what a network says of them is kept
under the network's hash, so that another network costs minutes. `--backgrounds` names real videos:
what is beside the face in them is read as recordings without a pulse. People are on three sides, by
their number: the regression is fitted to the first, intervals are calibrated on the second, and
only the tables see those that are held out. They were looked at while limits were chosen; `--check
--first 2001` reads other people, whom nothing has chosen. Intervals hold for drawn and for rendered
people, each by themselves: most are drawn, and of rendered ones alone intervals of both together
held in 85 % of windows. `--widen --first 7001` computed their widths anew on enough of both.
"""

import argparse
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from benchmarks.rate_groups import print_groups
from benchmarks.rate_people import SEED, keep_backgrounds
from benchmarks.rate_windows import (
    CALIBRATE,
    FIT,
    HELD_OUT,
    METHODS,
    POS,
    RIGHT_BPM,
    SIDES,
    Windows,
    read_windows,
)
from models.board.onnx_net import SHIPPED
from models.fusion.calibration import CALIBRATION, Calibration, shipped_calibration
from models.fusion.candidates import FEATURES
from models.fusion.fuse import LEAST_AGREE

DRAWS = 2000            # of people, for an interval
NOMINAL, CLASSES = 0.9, 8
RIDGE = 10.0            # windows of one person are alike: there are far fewer people
LEAST_AHEAD = FEATURES.index("least ahead")
# of what is shown to the people that the regression was fitted to, and calibrated on
MOST_WRONG, MOST_WITHOUT_PULSE = 0.03, 0.03


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


def half_widths(
    edges: np.ndarray, probability: np.ndarray, error_bpm: np.ndarray, kind: np.ndarray
) -> np.ndarray:
    """Return half the width of each class's interval, which holds for each kind of people."""
    at = np.searchsorted(edges, probability, side="right")
    widths = np.zeros(CLASSES)
    for number in range(CLASSES):
        for how in np.unique(kind):
            errors = np.sort(error_bpm[(at == number) & (kind == how)])
            rank = int(np.ceil((len(errors) + 1) * NOMINAL)) - 1
            wide = errors[rank] if rank < len(errors) else 210.0
            widths[number] = max(widths[number], wide)
    # a class that is trusted more has no wider interval: what its few people say more is chance
    return np.maximum.accumulate(widths[::-1])[::-1]


def widen(windows: Windows, model: Calibration) -> Calibration:
    """Return a calibration with the widths of its intervals computed on these people."""
    bpm, probability, _ = choose(windows, model.probability(windows.features))
    on = windows.has_pulse
    error_bpm = np.abs(bpm - windows.true_bpm)
    return replace(model, half_width_bpm=half_widths(
        model.edges, probability[on], error_bpm[on], windows.kind[on]
    ))


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
    edges = np.quantile(probability[on], np.arange(1, CLASSES) / CLASSES)
    widths = half_widths(edges, probability[on], error_bpm[on], windows.kind[on])
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


def write_widths(model: Calibration, first: int, windows: Windows) -> None:
    """Replace the widths in the calibration that comes with acq, and say whose they are."""
    stored = json.loads(CALIBRATION.read_text())
    people = {
        how: len(set(windows.person[windows.has_pulse & (windows.kind == how)].tolist()))
        for how in ("drawn", "rendered")
    }
    stored["half_width_bpm"] = [round(float(width), 5) for width in model.half_width_bpm]
    stored["half_width_of"] = {
        "from": first, **people, "windows": int(windows.has_pulse.sum())
    }
    CALIBRATION.write_text(json.dumps(stored, indent=1) + "\n")


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
    parser.add_argument(
        "--widen", action="store_true",
        help="fit nothing: replace the widths of the shipped intervals by those of these people",
    )
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
    if options.widen:
        write_widths(widen(windows, shipped_calibration()), options.first, windows)
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
