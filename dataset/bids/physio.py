"""The finger of a session as `_physio.tsv.gz` and `_physio.json`.

BIDS wants one row a period of `SamplingFrequency`, from `StartTime` on, which is the time of the
first row after the first frame: negative where the sensor was first. The rows are the sensor's own
samples on such a grid, numbered by their times, none interpolated; a lost sample is a row `n/a`.
The true time of each stands beside it, in the column `timestamp`: a crystal is not the host's.

Source: BIDS 1.11.1, "Physiological recordings" and "Compressed tabular files" (no header line).
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from acquire.errors import CurationError
from dataset.session.reader import Session

MISSING = "n/a"
COLUMNS = ("cardiac", "timestamp")
_MOST_ROWS = 100         # for each sample


@dataclass(frozen=True)
class Grid:
    """The samples of a session on an even grid."""

    fs_hz: float             # by the session's clock
    start_s: float           # of row 0, after the first frame
    row: np.ndarray          # (S,) int64, of each sample, rising from 0
    off_s: float             # the most that a row's time on the grid is off its sample's own


def lay_grid(t_s: np.ndarray, sequence: np.ndarray) -> Grid:
    """Number samples on an even grid through the first and the last.

    Parameters
    ----------
    t_s : (S,) after the first frame, rising
    sequence : (S,) the sensor's counter, by which the period is measured

    Raises
    ------
    CurationError : fewer than two samples, or two of them fall on one row
    """
    steps = np.diff(sequence)
    if not (steps == 1).any():
        raise CurationError(expected="PPG samples in a row", found=len(t_s))
    period_s = float(np.median(np.diff(t_s)[steps == 1]))
    # the median has a sample's jitter, which over minutes would be whole rows
    for rows in (10, 100, 1_000, 10_000, 100_000, 1_000_000):
        reach = np.searchsorted(t_s, t_s[0] + rows * period_s, side="right") - 1
        if reach > 0:
            number = round((t_s[reach] - t_s[0]) / period_s)
            period_s = float((t_s[reach] - t_s[0]) / number) if number else period_s
    row = np.round((t_s - t_s[0]) / period_s).astype(np.int64)
    if (np.diff(row) < 1).any():
        at = int(np.flatnonzero(np.diff(row) < 1)[0]) + 1
        raise CurationError(
            expected="PPG samples of one rate", found=f"two within {period_s * 1e3:.1f} ms",
            where=f"at sample {at}", fix="BIDS has no place for both",
        )
    if row[-1] > _MOST_ROWS * len(row):
        raise CurationError(
            expected="samples without a hole of hours", found=f"{len(row)} in {row[-1] + 1} rows",
            fix="leave the hole's one side out",
        )
    off_s = float(np.abs(t_s - t_s[0] - row * period_s).max())
    return Grid(1 / period_s, float(t_s[0]), row, off_s)


def write_physio(session: Session, stem: Path, is_out: np.ndarray) -> None:
    """Write a session's finger beside its video: two files that begin with `stem`.

    Parameters
    ----------
    is_out : (S,) bool, the samples that a curator excluded: rows `n/a`

    Raises
    ------
    CurationError : the samples have no even grid
    """
    t_s = (session.ppg_time_ns - int(session.frame_light_ns[0])) / 1e9
    grid = lay_grid(t_s, session.ppg_sequence)
    cells = np.full((int(grid.row[-1]) + 1, 2), MISSING, dtype=object)
    for row, value, time_s, out in zip(
        grid.row.tolist(), session.ppg_values.tolist(), t_s.tolist(), is_out.tolist(), strict=True
    ):
        if not out and np.isfinite(value):
            cells[row] = f"{value:.10g}", f"{time_s:.6f}"
    lines = "".join(f"{value}\t{time_s}\n" for value, time_s in cells)
    # without a time in its header, so that the same samples give the same bytes
    packed = gzip.compress(lines.encode(), mtime=0)
    stem.with_name(f"{stem.name}_physio.tsv.gz").write_bytes(packed)
    about = json.dumps(_about(session, grid), indent=2, allow_nan=False)
    stem.with_name(f"{stem.name}_physio.json").write_text(about + "\n")


def _about(session: Session, grid: Grid) -> dict[str, Any]:
    bound_ms = session.sync_bound_ms
    within = "no bound is known" if bound_ms is None else f"within {bound_ms:.2f} ms"
    return {
        "SamplingFrequency": grid.fs_hz,
        "StartTime": grid.start_s,
        "Columns": list(COLUMNS),
        "PhysioType": "generic",
        "ManufacturersModelName": session.sensor.name,
        "SoftwareVersions": session.sensor.firmware or MISSING,
        "cardiac": {
            "Description": "continuous pulse measurement: finger photoplethysmogram, more blood up",
            "Units": "arbitrary",
        },
        "timestamp": {
            "Description": (
                "the sample's own time after the light of the first frame of the video; on the "
                f"frames' clock {within}; a row's even time differs by {grid.off_s * 1e3:.2f} ms "
                "at most"
            ),
            "Units": "s",
        },
    }
