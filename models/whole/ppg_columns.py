"""Which column of a text holds the PPG, by its header; and what the others are."""

import re

import numpy as np

from acquire.errors import DeviceError
from acquire.stamps.number_text import NumberText
from acquire.stamps.plausible import are_counted

_PPG_NAMES = ("ppg", "bvp", "pulse", "wave", "waveform", "pleth", "signal", "value", "values")
_PPG_WORDS = {"ppg", "bvp", "pleth", "plethysmogram", "photoplethysmogram"}
# what a header names that is no PPG; one of these words in it is enough
_OTHER_WORDS = {
    *("hr", "bpm", "rate", "heartrate", "pulserate", "pr", "rr", "ibi", "hrv", "spo2", "sao2"),
    *("temperature", "temp", "celsius", "resp", "respiration", "breathing", "breath", "ecg", "ekg"),
    *("gsr", "eda", "emg", "eeg", "acc", "accel", "acceleration", "accelerometer", "gyro", "mag"),
    *("quality", "sqi", "confidence", "battery", "frame", "frames", "index", "idx", "sample"),
    *("samples", "number", "counter", "id", "sequence", "seq", "label", "event", "marker", "note"),
    *("time", "timestamp", "timestamps", "date", "pi"),
}
_NAMED = 5               # columns that an error names


def choose_ppg_column(
    text: NumberText, columns: np.ndarray, of_times: int, remarks: list[str]
) -> int:
    """Return which column holds the PPG: by its name, or the only one that can.

    Parameters
    ----------
    columns : (rows, columns)
    remarks : gets a line where the name says neither that it is one nor that it is something else

    Raises
    ------
    DeviceError : there is none, or more than one could be it
    """
    others = [at for at in range(columns.shape[1]) if at != of_times]
    has_names = len(text.names) == columns.shape[1]
    names = [name.lower().strip() for name in text.names] if has_names else []
    if exact := [at for at in others if has_names and names[at] in _PPG_NAMES]:
        return exact[0]
    if len(named := [at for at in others if has_names and _is_ppg(_words(names[at]))]) == 1:
        return named[0]
    can_be = [
        at for at in others
        if np.isfinite(columns[:, at]).any() and not are_counted(columns[:, at])
        and not (has_names and _words(names[at]) & _OTHER_WORDS)
    ]
    if len(can_be) == 1:
        at = can_be[0]
        if has_names:
            name = f"named {text.names[at]}" if names[at] else f"{at + 1}, which has no name,"
            remarks.append(f"the column {name} of {text.path.name} is taken for the PPG")
        return at
    found = f"{len(can_be)} columns that could be it"
    if not can_be and has_names:
        each = ", ".join(text.names[at] or "no name" for at in others[:_NAMED])
        found = f"only {'columns' if len(others) > 1 else 'a column'} named {each}"
    raise DeviceError(
        expected="one column of values beside the times, or a header that names it `ppg`",
        found=found, where=text.path,
        fix="name the PPG's column `ppg` in its header, or name another file of PPG",
    )


def _is_ppg(words: set[str]) -> bool:
    """Return whether a name is that of a PPG, such as `PPG [mV]` or `ppg_raw`."""
    return bool(words & _PPG_WORDS) and not words & _OTHER_WORDS


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", name))
