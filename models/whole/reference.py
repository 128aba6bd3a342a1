"""What a video's heart rates are held against: one rate that is named, or a PPG in a text."""

from pathlib import Path

import numpy as np

from acquire.camera.frame_times import choose_time_column, read_frame_times
from acquire.camera.replay import count_frames
from acquire.errors import DeviceError, suggest
from acquire.sensor.saturation import find_saturated
from acquire.stamps.far_values import take_out_far
from acquire.stamps.number_text import NumberText, read_number_text
from acquire.stamps.plausible import PPG_HZ, UNIT_NS, certain_unit, word_hours
from dataset.common.wording import counted
from dataset.signals.align import BRIDGE_S
from dataset.signals.finger_rates import describe_heart_rates
from dataset.signals.pulse_rate import finger_rate
from dataset.signals.windows import even_grid, to_even_grid
from models.fusion.fuse import LEAST_S

from .ppg_columns import choose_ppg_column

LEAST_BPM, MOST_BPM = 30.0, 240.0
_ROWS, _LEAST_IN_ROW = 3, 20     # of a ground_truth.txt: PPG, heart rate, seconds
_COVERED = 0.9                   # of a window, by samples


class NamedRate:
    """One heart rate for all of a video."""

    why_missing = ""

    def __init__(self, bpm: float) -> None:
        if not LEAST_BPM <= bpm <= MOST_BPM:
            raise DeviceError(
                expected=f"a heart rate from {LEAST_BPM:g} to {MOST_BPM:g} bpm", found=f"{bpm:g}"
            )
        self._bpm = bpm

    def check(self, seconds: float) -> None:
        """Accept any."""

    def hr_bpm(self, first_s: float, last_s: float) -> float | None:
        """Return the heart rate."""
        return self._bpm


class PpgReference:
    """The finger's PPG beside a video.

    Parameters
    ----------
    time_s : (S,) rising, after the video's first frame
    ppg : (S,)
    """

    def __init__(self, time_s: np.ndarray, ppg: np.ndarray, path: Path) -> None:
        self._time_s, self._ppg, self._path = time_s, ppg, path
        self.why_missing = ""       # of the first window without a rate

    def check(self, seconds: float) -> None:
        """Refuse a PPG that was taken at another time, or is too short.

        Raises
        ------
        DeviceError : less of it within the video's time than the shortest window takes
        """
        first_s, last_s = float(self._time_s[0]), float(self._time_s[-1])
        least_s = _COVERED * min(LEAST_S, seconds)
        both_s = max(0.0, min(last_s, seconds) - max(first_s, 0.0))
        if both_s >= least_s:
            return
        is_short = last_s - first_s < least_s
        raise DeviceError(
            expected=f"at least {least_s:.1f} s of PPG within the {seconds:.1f} s of the video",
            found=f"{both_s:.1f} s: samples from {first_s:.1f} to {last_s:.1f} s after its first "
                  f"frame{word_hours(round(first_s * 1e9))}", where=self._path,
            fix="name a longer PPG" if is_short else
                "name the times of the frames on the clock of the PPG",
        )

    def hr_bpm(self, first_s: float, last_s: float) -> float | None:
        """Return the finger's heart rate from one time to another; None where there is none."""
        inside = (self._time_s >= first_s - 1e-6) & (self._time_s <= last_s + 1e-6)
        time_s, ppg = self._time_s[inside], self._ppg[inside]
        why_not = _why_not_covered(time_s, first_s, last_s)
        if not why_not:
            rate = finger_rate(to_even_grid(ppg, time_s), even_grid(time_s)[1])
            if not rate.why_not:
                return rate.bpm
            why_not = _why_no_pulse(ppg) or rate.why_not
        self.why_missing = self.why_missing or (
            f"of the PPG no heart rate can be told from {first_s:.1f} to {last_s:.1f} s: {why_not}"
        )
        return None


def _why_not_covered(time_s: np.ndarray, first_s: float, last_s: float) -> str:
    """Return in words what samples lack within a window; "" where nothing does."""
    if len(time_s) < 2 or time_s[-1] - time_s[0] < _COVERED * (last_s - first_s):
        if not len(time_s):
            return "it has no samples there"
        return f"it has samples from {time_s[0]:.1f} to {time_s[-1]:.1f} s only"
    steps_s = np.diff(time_s)
    at = int(np.argmax(steps_s))
    if steps_s[at] > max(BRIDGE_S, 2.5 * float(np.median(steps_s))):
        return f"it has no samples from {time_s[at]:.2f} to {time_s[at + 1]:.2f} s"
    return ""


def _why_no_pulse(ppg: np.ndarray) -> str:
    """Return in words what the values of a PPG lack; "" where that cannot be told."""
    if np.ptp(ppg) == 0:
        return f"all its values are {ppg[0]:g}"
    if (cut_off := find_saturated(ppg)).any():
        return f"{100 * cut_off.mean():.0f} % of its values are cut off, at an end of their range"
    return ""


def read_ppg(
    path: Path, video: Path, times: Path | None, *, remarks: list[str]
) -> tuple[PpgReference, Path | None]:
    """Read the PPG beside a video from a text of numbers.

    A text has a column of times and one of values; or three rows, PPG, heart rate and seconds, as
    a `ground_truth.txt` has; or one column, of which `times` has the times.

    Parameters
    ----------
    times : of the frames, on the same clock as the PPG's; without them the PPG begins with the
        first frame at 0. Of a PPG without times of its own, its times
    remarks : gets a line for what was concluded, and for samples that are left out

    Returns
    -------
    the PPG, and the file of the frames' times: None where `times` are the PPG's alone

    Raises
    ------
    DeviceError : no such file, no numbers, no column of times, or times that do not rise
    """
    with suggest("correct it, or name another file of PPG"):
        return _read_text(read_number_text(path, error=DeviceError), video, times, remarks)


def _read_text(
    text: NumberText, video: Path, times: Path | None, remarks: list[str]
) -> tuple[PpgReference, Path | None]:
    path = text.path
    if len(text.rows) == _ROWS and len(text.rows[0].values) >= _LEAST_IN_ROW:
        lengths = {len(row.values) for row in text.rows}
        if len(lengths) > 1:
            raise DeviceError(
                expected="three rows of one length: PPG, heart rate, seconds",
                found=" and ".join(map(str, sorted(lengths))), where=path,
            )
        ppg, time_s = np.array(text.rows[0].values), np.array(text.rows[2].values)
        return _reference(time_s, ppg, 0.0, path, remarks), times
    if text.rows and all(len(row.values) == 1 for row in text.rows):
        return _read_values_alone(text, video, times, remarks)
    column, unit = choose_time_column(text, rates_hz=PPG_HZ, of_each="sample")
    columns = np.array([row.values for row in text.rows])
    stamps = columns[:, column]
    unit, _ = certain_unit(
        stamps, said=unit or "s", rates_hz=PPG_HZ, expected_hz=None, error=DeviceError, where=path
    )
    ppg = columns[:, choose_ppg_column(text, columns, column, remarks)]
    begin_s = 0.0
    if times is not None:
        begin_s = float(read_frame_times(times, fps=count_frames(video)[1])[0])
    return _reference(stamps * (UNIT_NS[unit] / 1e9), ppg, begin_s, path, remarks), times


def _read_values_alone(
    text: NumberText, video: Path, times: Path | None, remarks: list[str]
) -> tuple[PpgReference, Path | None]:
    """Return a PPG without times of its own."""
    rows = text.with_blank_rows().rows
    ppg = np.array([row.values[0] if row.values else np.nan for row in rows])
    frames, fps = count_frames(video)
    time_s = None if times is None else read_frame_times(times, fps=fps)
    if time_s is None or len(time_s) != len(ppg):
        found = "no times" if time_s is None else f"{len(time_s)} times"
        raise DeviceError(
            expected="a column of times beside the PPG, or a file with a time for each value",
            found=f"{len(ppg)} values in one column, and {found}", where=text.path,
        )
    begin_s, of_frames = float(time_s[0]), times
    if len(time_s) != frames:
        of_frames, begin_s = None, 0.0
        remarks.append(
            f"{times.name if times else ''} has a time for each of the {len(ppg)} values of "
            f"{text.path.name}, not for the {frames} frames: taken as the PPG's, from the first "
            "frame; the frames' own are in the container"
        )
    return _reference(time_s, ppg, begin_s, text.path, remarks), of_frames


def _reference(
    time_s: np.ndarray, ppg: np.ndarray, begin_s: float, path: Path, remarks: list[str]
) -> PpgReference:
    _name_missing(time_s, ppg, path, remarks)
    for far in take_out_far(ppg):
        at_s = float(time_s[far.places[0]]) - begin_s
        remarks.append(f"{path.name}: {far.describe('PPG', at_s)}")
    known = np.isfinite(time_s) & np.isfinite(ppg)
    time_s, ppg = time_s[known] - begin_s, ppg[known]
    if len(back := np.flatnonzero(np.diff(time_s) < 0)):
        raise DeviceError(
            expected="times of the PPG that rise",
            found=f"{time_s[back[0]] + begin_s:.12g} s, then {time_s[back[0] + 1] + begin_s:.12g} "
            f"s; {len(back)} such steps of {len(time_s)}", where=path,
        )
    if len(time_s) < 2:
        raise DeviceError(
            expected="samples of a PPG", found=f"{len(time_s)} numbers with times", where=path
        )
    if looks := describe_heart_rates(ppg, time_s):
        remarks.append(f"{path.name} looks like heart rates in the place of a PPG: {looks}")
    is_last = np.append(np.diff(time_s) > 0, True)      # of equal times the last value counts
    return PpgReference(time_s[is_last], ppg[is_last], path)


def _name_missing(time_s: np.ndarray, ppg: np.ndarray, path: Path, remarks: list[str]) -> None:
    """Name samples whose value or time is no number."""
    lacks = np.flatnonzero(~(np.isfinite(time_s) & np.isfinite(ppg)))
    if len(lacks):
        remarks.append(
            f"{counted(len(lacks), 'sample')} of {len(ppg)} in {path.name} without a number, the "
            f"first is sample {lacks[0] + 1}: left out"
        )
