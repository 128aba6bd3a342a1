"""The times of frames as a video's container states them: in order, or told why they are not.

Packets come in the order in which they are decoded, by `dts`, and frames are shown by `pts`. Files
that were joined end to end without being written anew start their times again in the middle: sorted
they would lie between each other, so that such times are refused.
"""

from pathlib import Path

import numpy as np

from acquire.errors import DeviceError

from .plausible import check_one_stretch, is_lone
from .rising import rising_times

Stamp = tuple[int | None, int | None]       # pts and dts of a packet [ticks]
_JOINT_S = 0.5                              # times of one recording do not fall by this much
_STRAY_SHARE = 0.005                        # of the packets, at most, may have a stray time
_DAY_S = 86_400.0


def shown_ticks(stamps: list[Stamp]) -> np.ndarray | None:
    """Return when frames are shown, rising; where no packet says, when they are decoded; else None.

    Returns
    -------
    (N,) int64 [ticks]
    """
    for shown in zip(*stamps, strict=True):
        if None not in shown:
            return np.sort(np.array(shown, np.int64))
    return None


def why_no_times(stamps: list[Stamp], base_s: float) -> str:
    """Return in words why packets state no times of one recording; "" where they do.

    Parameters
    ----------
    base_s : length of a tick [s]
    """
    without = sum(pts is None for pts, _ in stamps)
    if 0 < without < len(stamps):
        return f"none for {without} of its {len(stamps)} frames"
    stated = [pts if dts is None else dts for pts, dts in stamps]
    decoded = np.array([tick for tick in stated if tick is not None], np.int64)
    places = np.flatnonzero(~is_lone(np.rint(decoded * base_s * 1e9).astype(np.int64)))
    steps_s = np.diff(decoded[places]) * base_s
    below_s = (np.maximum.accumulate(decoded[places]) - decoded[places]) * base_s
    if np.count_nonzero(below_s > _JOINT_S) <= max(1, _STRAY_SHARE * len(places)):
        return ""
    at = int(np.argmin(steps_s))
    return (
        f"times that fall by {-steps_s[at]:.2f} s after {int(places[at]) + 1} frames, as where "
        "files were joined"
    )


def container_times(
    ticks: np.ndarray, base_s: float, video: Path, remarks: list[str]
) -> np.ndarray:
    """Return strictly rising times of frames [s]; what is mended goes to `remarks`.

    Parameters
    ----------
    ticks : (N,) int64, rising, from `shown_ticks`

    Raises
    ------
    DeviceError : too many repeat, or a gap of more than a day is longer than all the rest
    """
    times_s = ticks * base_s
    time_ns = np.rint((ticks - ticks[0]) * (base_s * 1e9)).astype(np.int64)
    if len(time_ns) < 2 or ((np.diff(time_ns) > 0).all() and times_s[-1] - times_s[0] < _DAY_S):
        return times_s
    mended = rising_times(time_ns, "frame", error=DeviceError, where=video)
    check_one_stretch(mended.time_ns, "frame", error=DeviceError, where=video)
    remarks += [f"{video.name}: {defect}" for defect in mended.defects]
    return times_s[0] + mended.time_ns / 1e9
