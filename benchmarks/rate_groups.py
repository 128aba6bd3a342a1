"""Heart rates by group of people: what `python -m benchmarks.rate_intervals --groups` prints.

The skin is what was drawn; motion, light and frame rate are measured in the frames that were read,
in one way for all people, whoever made them.
"""

from pathlib import Path

import numpy as np

from benchmarks.rate_people import ita_deg
from dataset.face.frames import UNIT

# of each group its name, and from which value on; the first from any
GROUPS = {
    "skin, typology angle [degrees]": (
        ("below -30, dark", -np.inf), ("-30 to 10, brown", -30.0), ("10 to 41, tan", 10.0),
        ("above 41, light", 41.0),
    ),
    "head, moves by [% of its box]": (
        ("below 0.3", -np.inf), ("0.3 to 1", 0.3), ("1 to 3", 1.0), ("above 3", 3.0),
    ),
    "heart rate [bpm]": (
        ("below 50", -np.inf), ("50 to 70", 50.0), ("70 to 100", 70.0), ("100 to 140", 100.0),
        ("above 140", 140.0),
    ),
    "face in the picture [of 255]": (
        ("below 60", -np.inf), ("60 to 100", 60.0), ("above 100", 100.0),
    ),
    "light changes by [%]": (("below 0.5", -np.inf), ("0.5 to 2", 0.5), ("above 2", 2.0)),
    "frame rate [1/s]": (
        ("below 15", -np.inf), ("15 to 24", 15.0), ("24 to 31", 24.0), ("above 31", 31.0),
    ),
}
FACE = slice(7, 29)                 # of 36 cells: the detector's own box


def measure(folder: Path, how: str, number: int) -> list[float]:
    """Return what a person is like, in the order of `GROUPS` without the heart rate."""
    with np.load(folder / f"{how}-{number:04d}.npz") as stored:
        frames, time_s = stored["frames"], stored["time_s"]
    grey = frames.astype(np.float32).mean(axis=3) / UNIT
    level = grey[:, FACE, FACE].mean(axis=(1, 2))
    light = level / level.mean()
    return [
        ita_deg(how, number), 100 * _moved(grey / light[:, None, None]) / grey.shape[1],
        float(level.mean()), 100 * float(light.std()), 1 / float(np.median(np.diff(time_s))),
    ]


def _moved(grey: np.ndarray) -> float:
    """Return by how many cells (T, H, W) frames are shifted against their mean, standard deviation.

    The shift that explains most of a frame's difference from the mean, by its gradients (Lucas and
    Kanade, IJCAI 1981).
    """
    mean = grey.mean(axis=0)
    gradients = np.stack([one.ravel() for one in np.gradient(mean)], axis=1)
    differences = (grey - mean).reshape(len(grey), -1)
    shifts = np.linalg.lstsq(gradients, differences.T, rcond=None)[0]
    return float(np.sqrt(shifts.var(axis=1).sum()))


def print_groups(
    folder: Path, how: np.ndarray, person: np.ndarray, true_bpm: np.ndarray,
    error_bpm: np.ndarray, holds: np.ndarray, shown: np.ndarray, alone_bpm: np.ndarray,
) -> None:
    """Print a table of groups of people with a pulse, all of them (N,) by window.

    Parameters
    ----------
    folder : where the people are
    how, person : of each window, "drawn" or "rendered" and the number
    error_bpm : of the likeliest rate
    holds : whether the interval holds the truth
    alone_bpm : (N, M) by each method, the network first, then POS
    """
    people = sorted(set(zip(how.tolist(), person.tolist(), strict=True)))
    measured = {one: measure(folder, *one) for one in people}
    of_window = np.array([
        measured[one] for one in zip(how.tolist(), person.tolist(), strict=True)
    ])
    values = np.insert(of_window, 2, true_bpm, axis=1)
    near = np.abs(alone_bpm[:, :2] - true_bpm[:, None]) <= 5
    print("\n| group | people | windows | shown | MAE [bpm] | off by more than 5 bpm | interval "
          "holds, of all | of shown | student alone within 5 bpm | POS alone |\n"
          "|---|---|---|---|---|---|---|---|---|---|")
    for column, (title, groups) in enumerate(GROUPS.items()):
        lower = np.array([least for _, least in groups])
        at = np.searchsorted(lower, values[:, column], side="right") - 1
        for number, (name, _) in enumerate(groups):
            of_group = at == number
            told = of_group & shown
            if not of_group.any():
                continue
            count = len(set(zip(how[of_group].tolist(), person[of_group].tolist(), strict=True)))
            rest = "| | | "
            if told.any():
                rest = f"| {error_bpm[told].mean():.1f} | {_share(error_bpm[told] > 5)} "
            print(f"| {title}: {name} | {count} | {of_group.sum()} | {_share(shown[of_group])} "
                  f"{rest}| {_share(holds[of_group])} | "
                  f"{_share(holds[told]) if told.any() else ''} | "
                  f"{_share(near[of_group, 0])} | {_share(near[of_group, 1])} |")


def _share(which: np.ndarray) -> str:
    return f"{100 * which.mean():.0f} % ({which.sum()})"
