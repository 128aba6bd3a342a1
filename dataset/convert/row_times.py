"""The times at which rows could stand, and the frame that each of them would show.

Nothing is left out here: rows without PPG, and rows where frames were lost, are candidates too.
"""

from dataclasses import dataclass

import numpy as np

from acquire.errors import CurationError

_MOST_ROWS = 100            # for each frame: one frame in 4 s, repeated at 25 a second


@dataclass(frozen=True)
class CandidateRows:
    """N rows, before any is left out."""

    time_ns: np.ndarray         # (N,) int64, rising
    frame_index: np.ndarray     # (N,) int64, which frame of the session is shown
    is_lost: np.ndarray         # (N,) bool: the row stands where the camera's frames were lost
    is_repeated: np.ndarray     # (N,) bool: its picture is nearer to another row


def native_rows(frame_ns: np.ndarray, sequence: np.ndarray) -> CandidateRows:
    """Return a row for each frame at its own time, and evenly spaced rows for lost frames.

    Parameters
    ----------
    frame_ns : (F,) int64, rising
    sequence : (F,) the camera's numbers
    """
    lost, _ = _lost_after(frame_ns, sequence)
    _check_count(len(frame_ns) + int(lost.sum()), len(frame_ns))
    copies = np.append(lost + 1, 1)
    index = np.repeat(np.arange(len(frame_ns)), copies)
    step = np.arange(len(index)) - np.repeat(np.cumsum(copies) - copies, copies)
    step_ns = np.append(np.diff(frame_ns), 0) / copies
    time_ns = frame_ns[index] + np.rint(step * step_ns[index]).astype(np.int64)
    return CandidateRows(time_ns, index, step > 0, step > 0)


def even_rows(
    frame_ns: np.ndarray, sequence: np.ndarray, fps: float, *, begin_ns: int
) -> CandidateRows:
    """Return an even grid and the frame nearest to each of its points.

    Parameters
    ----------
    frame_ns : (F,) int64, rising
    sequence : (F,) the camera's numbers
    fps : rate of the grid [Hz]
    begin_ns : time of the first PPG sample; the grid begins at the first frame from there on
    """
    if not len(frame_ns):
        return native_rows(frame_ns, sequence)
    lost, period_ns = _lost_after(frame_ns, sequence)
    start = min(int(np.searchsorted(frame_ns, begin_ns)), len(frame_ns) - 1)
    count = int(float(frame_ns[-1] - frame_ns[start]) / 1e9 * fps + 1e-6) + 1
    _check_count(count, len(frame_ns))
    time_ns = frame_ns[start] + np.rint(np.arange(count) * 1e9 / fps).astype(np.int64)
    if len(frame_ns) < 2:
        is_none = np.zeros(count, bool)
        return CandidateRows(time_ns, np.zeros(count, np.int64), is_none, is_none)
    after = np.clip(np.searchsorted(frame_ns, time_ns), 1, len(frame_ns) - 1)
    is_before_nearer = time_ns - frame_ns[after - 1] <= frame_ns[after] - time_ns
    index = np.where(is_before_nearer, after - 1, after)
    shift_ns = np.abs(time_ns - frame_ns[index])
    is_lost = (lost[after - 1] > 0) & (shift_ns > period_ns / 2)
    # sorted by picture, and for each picture by distance: the first row of each is its own
    by_distance = np.lexsort((np.arange(count), shift_ns, index))
    is_repeated = np.ones(count, bool)
    is_repeated[by_distance[np.diff(index[by_distance], prepend=-1) != 0]] = False
    return CandidateRows(time_ns, index, is_lost, is_repeated)


def _check_count(rows: int, frames: int) -> None:
    """Refuse to lay out far more rows than there are frames: most of them would show nothing.

    Raises
    ------
    CurationError : a hole of hours, or a stamp that is wrong
    """
    if rows > _MOST_ROWS * frames:
        raise CurationError(
            expected=f"at most {_MOST_ROWS} rows a frame",
            found=f"{rows:,} for {frames:,} frames: a hole of hours, or a wrong stamp,",
        )


def _lost_after(frame_ns: np.ndarray, sequence: np.ndarray) -> tuple[np.ndarray, float]:
    """Count the frames lost after each frame but the last, and return the usual period [ns].

    Where the camera's numbers start again, the time between the frames says how many.
    """
    steps, gaps_ns = np.diff(sequence), np.diff(frame_ns)
    if not len(gaps_ns):
        return np.zeros(0, np.int64), 0.0
    period_ns = float(np.median(gaps_ns[steps == 1] if (steps == 1).any() else gaps_ns))
    by_time = np.ceil(gaps_ns / period_ns).astype(np.int64)
    by_number = np.minimum(steps - 1, by_time)
    return np.where(steps >= 1, by_number, np.maximum(by_time - 1, 0)), period_ns
