"""Clips of real faces with what is known of their hearts: the dev clips, and folders of others.

A folder of clips holds a `truth.csv`, a row a clip:

```text
file,hr_bpm,note,ppg,times
still.mp4,58,rest                            one rate for the whole clip
talking.mp4,,rate not known                  a reading of it is neither right nor wrong
webcam.mkv,,,ppg.csv,frames_timestamp.csv    the finger's PPG: a rate for each window
```

`file`, `ppg` and `times` are files in the folder. `hr_bpm` is the mean rate. `ppg` and `times` are
what `acq predict --ppg FILE --times FILE` reads: a PPG with its times, and the frames' times on the
same clock. Only `file` and `hr_bpm` are needed as columns.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from acquire.errors import AcqError
from models.live.recorded import Reference
from models.whole.reference import LEAST_BPM, MOST_BPM, NamedRate, read_ppg

TRUTH = "truth.csv"
COLUMNS = ("file", "hr_bpm", "note", "ppg", "times")
_HEAD = f"a table with the columns {', '.join(COLUMNS)}, a row a clip"


class ClipsError(AcqError):
    """A folder of clips that is none."""


@dataclass(frozen=True)
class Clip:
    """A video of a face and what is known of the heart."""

    name: str
    video: Path
    reference: Reference | None = None   # of the heart rate; None: it is not known
    note: str = ""
    times: Path | None = None            # of the frames; None: those in the container


def dev_clips(data: Path) -> tuple[list[Clip], list[str]]:
    """Return the clips that development looks at, and a line for each folder that is absent.

    Parameters
    ----------
    data : folder of real recordings, `../shared/data` from the root of the repository
    """
    clips, absent = [], []
    faces, with_finger = data / "field_faces", data / "real_face"
    if with_finger.is_dir():
        clips.append(_with_ppg(
            "webcam, good light", with_finger / "video.mkv", with_finger / "ppg.csv",
            with_finger / "frames_timestamp.csv", note="the finger's PPG",
        ))
    else:
        absent.append(f"left out: no {with_finger}")
    if faces.is_dir():
        clips += [
            Clip("man, still, 10 s", faces / "man_still_10s.mp4", NamedRate(53.0), "published"),
            Clip(
                "phone, talking", faces / "phone_talking_12s.mp4", NamedRate(65.8),
                "three networks agree",
            ),
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
        reference = None if hr_bpm is None else NamedRate(hr_bpm)
        return Clip(row["file"], video, reference, note, times)
    if hr_bpm is not None:
        raise ClipsError(
            expected="hr_bpm or ppg, not both", found=f"hr_bpm {hr_bpm:g} beside a ppg",
            where=where, fix="leave hr_bpm empty: the rate is computed from the PPG",
        )
    return _with_ppg(row["file"], video, ppg, times, note=note)


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
        bpm = float("nan")
    if not LEAST_BPM <= bpm <= MOST_BPM:
        raise ClipsError(
            expected=f"in hr_bpm {LEAST_BPM:g} to {MOST_BPM:g}, or nothing where it is not known",
            found=cell, where=where,
        )
    return bpm


def _with_ppg(name: str, video: Path, ppg: Path, times: Path | None, *, note: str) -> Clip:
    reference, of_frames = read_ppg(ppg, video, times, remarks=[])
    return Clip(name, video, reference, note, of_frames)
