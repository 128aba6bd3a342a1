"""The tools that an export is made for, and what each of them reads.

What their readers do, and assume without a look at the times:

- rPPG-Toolbox (`UBFCrPPGLoader`, `PURELoader`): `subject*/vid.avi` with the first row of
  `ground_truth.txt`, a value a frame; `NN-MM/NN-MM/*.png` by name with `NN-MM.json`, whose waveform
  is stretched over the frames. The rate is that of its configuration.
- pyVHR (`UBFC2`, `PURE`): every `*.avi` that has `vid` in its name and every `*.txt` below a
  folder, in pairs; the rate is the mean of the third row, rounded to whole numbers. Of PURE every
  folder holds pictures alone, with `NN-MM.json` beside it, and the waveform has 60 Hz.
- remotebiosensing (`rppg`): `UBFC/subject<int>` and `PURE/NN-MM`, there with the JSON among the
  pictures, of which it passes over the first file by name; both are taken for 30 frames a second,
  and of PURE ten subjects of six recordings are looked for. What a file holds it tells from the
  first word that it finds anywhere in its path: `png`, `.mat`; `hdf5`, `json`, `csv`, `label.txt`.

Sources: the loaders of ubicomplab/rPPG-Toolbox, phuselab/pyVHR and remotebiosensing/rppg.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError
from dataset.layouts.places import PURE, PURE_FLAT, PURE_OUTSIDE, UBFC

EVEN_FPS = "30"                    # what readers assume, or are set to
RPPG_TOOLBOX, PYVHR, REMOTEBIOSENSING = "rppg-toolbox", "pyvhr", "remotebiosensing"
TOOLS = (RPPG_TOOLBOX, PYVHR, REMOTEBIOSENSING)
_SUBJECT_IN_PATH = re.compile(r"subject\d")
_GLOB = re.compile(r"[\[\]*?]")
_KIND_IN_PATH = {
    UBFC: re.compile(r"png|\.mat|hdf5|json|csv|label\.txt"), PURE_FLAT: re.compile("hdf5"),
}


@dataclass(frozen=True)
class Target:
    """One layout of one tool."""

    layout: str                    # one of `dataset.layouts.places.LAYOUTS`
    tool: str = ""                 # "": no tool in particular
    around: str = ""               # the folder that the tool wants around those of the recordings
    most_subjects: int = 99        # PURE has two digits for each
    most_recordings: int = 99
    is_30: bool = False            # the tool takes any rate for 30 frames a second

    @property
    def numbers_subjects(self) -> bool:
        """Whether the name of a folder says whose it is: `NN-MM`, not `subject<int>`."""
        return self.layout != UBFC


_TARGETS = (
    Target(PURE), Target(PURE_FLAT),
    Target(UBFC, RPPG_TOOLBOX), Target(PURE, RPPG_TOOLBOX),
    Target(UBFC, PYVHR), Target(PURE_OUTSIDE, PYVHR, "PURE", is_30=True),
    Target(UBFC, REMOTEBIOSENSING, "UBFC", is_30=True),
    Target(
        PURE_FLAT, REMOTEBIOSENSING, "PURE", most_subjects=10, most_recordings=6, is_30=True
    ),
)


def find_target(layout: str, tool: str = "") -> Target:
    """Return what is written for a tool, or for none.

    Parameters
    ----------
    layout : "ubfc" or "pure", in the form that the tool reads; without a tool "pure" or "pure-flat"
    tool : one of `TOOLS`; "" for none

    Raises
    ------
    CurationError : another layout, or another tool
    """
    if tool and tool not in TOOLS:
        raise CurationError(expected=f"one of {', '.join(TOOLS)}", found=repr(tool))
    for target in _TARGETS:
        asked = target.layout == layout or (tool and layout == PURE and target.numbers_subjects)
        if target.tool == tool and asked:
            return target
    expected = f"{UBFC} or {PURE}" if tool else f"{PURE} or {PURE_FLAT}"
    raise CurationError(expected=expected, found=layout, where=f"for {tool}" if tool else "")


def check_place(data: Path, target: Target) -> None:
    """Refuse a data folder whose path the tool would misread.

    Raises
    ------
    CurationError : rPPG-Toolbox would take a part of it for the number of every subject, or for a
        pattern; remotebiosensing would take a part of it for the kind of every file
    """
    place = data_folder.tool_dir(data, target.tool).resolve()
    for words, pattern in _misread_in_path(target):
        if pattern.search(str(place)):
            raise CurationError(
                expected=f"a path that {target.tool} reads: without {words}", found=place,
                fix="move the data folder, or give it another name",
            )


def _misread_in_path(target: Target) -> list[tuple[str, re.Pattern[str]]]:
    """Return what the path of an export may not hold, in words and as a pattern."""
    if target.tool == RPPG_TOOLBOX:
        patterns = [_GLOB] + ([_SUBJECT_IN_PATH] if target.layout == UBFC else [])
        return [("subject<int>, [, ], * or ?", pattern) for pattern in patterns]
    if target.tool == REMOTEBIOSENSING:
        pattern = _KIND_IN_PATH[target.layout]
        return [(pattern.pattern.replace("\\", "").replace("|", ", "), pattern)]
    return []
