"""Clips of real faces with what is known of their hearts: the dev clips, and folders of others.

A folder of clips holds a `truth.csv`, a row a clip:

```text
file,hr_bpm,note,ppg,times
still.mp4,58,rest                            one rate for the whole clip
talking.mp4,,rate not known                  a reading of it is neither right nor wrong
webcam.mkv,,,ppg.csv,frames_timestamp.csv    the finger's PPG: a rate for each window
```

`file`, `ppg` and `times` are files in the folder. `hr_bpm` is the mean rate. `ppg` has a column of
times and one of values, `times` the frames' times on the same clock; `times` may also stand alone,
for a video without times of its own. Only `file` and `hr_bpm` are needed as columns.
"""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from acquire.camera.frame_times import read_frame_times
from acquire.errors import AcqError, DeviceError
from acquire.stamps.number_text import read_number_text
from dataset.signals.pulse_rate import finger_rate
from dataset.signals.windows import even_grid, to_even_grid

TRUTH = "truth.csv"
COLUMNS = ("file", "hr_bpm", "note", "ppg", "times")
LEAST_BPM, MOST_BPM = 30.0, 240.0
_HEAD = f"a table with the columns {', '.join(COLUMNS)}, a row a clip"


class ClipsError(AcqError):
    """A folder of clips that is none."""


@dataclass(frozen=True)
class Clip:
    """A video of a face and what is known of the heart."""

    name: str
    video: Path
    hr_bpm: float | None = None          # over the whole clip, where one rate is known
    note: str = ""
    times: Path | None = None            # of the frames; None: those in the container
    # time [s] from the first frame and value of the finger's samples; empty without a finger
    ppg_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    ppg: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def has_truth(self) -> bool:
        return self.hr_bpm is not None or len(self.ppg) > 0

    def true_bpm(self, first_s: float, last_s: float) -> float | None:
        """Return the heart rate from one time to another; None where it is not known."""
        if not len(self.ppg):
            return self.hr_bpm
        inside = (self.ppg_s >= first_s - 0.1) & (self.ppg_s <= last_s + 0.1)
        time_s = self.ppg_s[inside]
        if len(time_s) < 2 or time_s[-1] - time_s[0] < 0.9 * (last_s - first_s):
            return None
        rate = finger_rate(to_even_grid(self.ppg[inside], time_s), even_grid(time_s)[1])
        return None if rate.why_not else rate.bpm


def dev_clips(data: Path) -> tuple[list[Clip], list[str]]:
    """Return the clips that development looks at, and a line for each folder that is absent.

    Parameters
    ----------
    data : folder of real recordings, `../shared/data` from the root of the repository
    """
    clips, absent = [], []
    faces, with_finger = data / "field_faces", data / "real_face"
    if with_finger.is_dir():
        clips.append(_with_finger(
            "webcam, good light", with_finger / "video.mkv", with_finger / "ppg.csv",
            with_finger / "frames_timestamp.csv", note="the finger's PPG",
        ))
    else:
        absent.append(f"left out: no {with_finger}")
    if faces.is_dir():
        clips += [
            Clip("man, still, 10 s", faces / "man_still_10s.mp4", 53.0, "published"),
            Clip("phone, talking", faces / "phone_talking_12s.mp4", 65.8, "networks agree"),
            Clip("large motion", faces / "no_truth_20s.mp4", None, "no truth is agreed on"),
        ]
    else:
        absent.append(f"left out: no {faces}")
    return clips, absent


def clips_of(folder: Path) -> list[Clip]:
    """Return the clips that a folder's `truth.csv` names.

    Raises
    ------
    ClipsError : no such file, or one that is not as above; the line is named
    DeviceError : a file of times or PPG that cannot be used
    """
    path = folder / TRUTH
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClipsError(expected=_HEAD, found=error, where=path) from error
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = [name.strip() for name in rows.fieldnames or ()]
    rows.fieldnames = names
    if not {"file", "hr_bpm"} <= set(names) <= set(COLUMNS) or len(set(names)) < len(names):
        raise ClipsError(
            expected=_HEAD, found=f"the columns {', '.join(names) or 'of an empty file'}",
            where=path, fix="the first line names the columns; file and hr_bpm are needed",
        )
    clips: list[Clip] = []
    for row in rows:
        where = f"in line {rows.line_num} of {path}"
        if None in row or None in row.values():
            raise ClipsError(expected=f"{len(names)} cells", found="another number", where=where)
        clips.append(_clip(folder, {name: cell.strip() for name, cell in row.items()}, where))
        if clips[-1].name in {clip.name for clip in clips[:-1]}:
            raise ClipsError(
                expected="each clip once", found=f"{clips[-1].name} again", where=where
            )
    if not clips:
        raise ClipsError(expected="a row for each clip", found="no row", where=path)
    return clips


def _clip(folder: Path, row: dict[str, str], where: str) -> Clip:
    video = _file_in(folder, row["file"], "file", where)
    assert video is not None
    times = _file_in(folder, row.get("times", ""), "times", where)
    ppg = _file_in(folder, row.get("ppg", ""), "ppg", where)
    hr_bpm, note = _rate(row["hr_bpm"], where), row.get("note", "")
    if ppg is None:
        return Clip(row["file"], video, hr_bpm, note, times)
    if hr_bpm is not None or times is None:
        raise ClipsError(
            expected="with ppg the frames' times, and no hr_bpm",
            found="no times" if times is None else f"hr_bpm {hr_bpm:g}", where=where,
            fix="the finger's rate is computed from its PPG, on the clock of the frames' times",
        )
    return _with_finger(row["file"], video, ppg, times, note=note)


def _file_in(folder: Path, name: str, column: str, where: str) -> Path | None:
    """Return a file of the folder; None where the cell is empty, which `file` may not be."""
    if not name and column != "file":
        return None
    path = folder / name
    if not name or path.resolve().parent != folder.resolve() or not path.is_file():
        raise ClipsError(
            expected=f"in {column} a file in the folder", found=name or "an empty cell",
            where=where,
        )
    return path


def _rate(cell: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        bpm = float(cell)
    except ValueError:
        bpm = np.nan
    if not LEAST_BPM <= bpm <= MOST_BPM:
        raise ClipsError(
            expected=f"in hr_bpm {LEAST_BPM:g} to {MOST_BPM:g}, or nothing where it is not known",
            found=cell, where=where,
        )
    return bpm


def _with_finger(name: str, video: Path, ppg: Path, times: Path, *, note: str) -> Clip:
    text = read_number_text(ppg, error=DeviceError)
    if any(len(row.values) != 2 or np.isnan(row.values).any() for row in text.rows):
        raise DeviceError(expected="a time and a value in each line", found="other", where=ppg)
    ppg_s, values = np.array([row.values for row in text.rows]).reshape(-1, 2).T
    ppg_s -= read_frame_times(times)[0]
    if len(ppg_s) < 2 or (np.diff(ppg_s) <= 0).any():
        raise DeviceError(expected="rising times", found="others", where=ppg)
    return Clip(name, video, None, note, times, ppg_s, values)
