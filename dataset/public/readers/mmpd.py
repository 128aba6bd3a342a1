"""MMPD as it is published: `subject<int>/p<int>_<int>.mat`, a minute of a phone's video in each.

`video` has T, H, W, C as single precision from 0 to 1 (the set's page names the axes t, w, h, c;
its readers take the second for rows, and so do we), `GT_ppg` a value for each frame, and eight more
say light, motion, exercise, skin tone and what covers the face. Frames and PPG come at 30 a second,
resampled by the authors: how each was sampled was not published with it.

Source: Tang et al., "MMPD: Multi-Domain Mobile Video Physiology Dataset", EMBC 2023; structure by
https://github.com/McJackTang/MMPD_rPPG_dataset.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from dataset.common.files import sha256_of
from dataset.public.examine import examine
from dataset.public.folders import innermost, visible
from dataset.public.formats.mat_v5 import MatFile
from dataset.public.formats.video_array import EightBits, check_shape, show
from dataset.public.public_set import FoundRecording, PublicSet
from dataset.public.published import (
    GET_FILE,
    Label,
    Picture,
    PublishedRecording,
    PublishedVideo,
    name_missing,
    nominal_times,
    samples_of,
)

RATE_HZ = 30.0
SENSOR = "HKG-07C+ pulse oximeter"
_FILE = re.compile(r"p([0-9]{1,9})_([0-9]{1,9})\.mat", re.IGNORECASE)
_WRONG_MOTION = "Watching Videos"
_YES_NO = ("True", "False")
# each label with its values. Source: the set's page, and rPPG-Toolbox, which takes no other
_LABELS = {
    "light": ("LED-low", "LED-high", "Incandescent", "Nature"),
    "motion": (
        "Stationary", "Stationary (after exercise)", "Rotation", "Talking", "Walking",
        _WRONG_MOTION,
    ),
    "exercise": _YES_NO, "skin_color": ("3", "4", "5", "6"), "gender": ("male", "female"),
    "glasser": _YES_NO, "hair_cover": _YES_NO, "makeup": _YES_NO,
}
_OTHER_RATE = 0.03           # a larger difference of counts is another rate
_STILL_S = 0.5               # a PPG that stands still for longer has lost samples


def _find(folder: Path, subject: str) -> list[FoundRecording]:
    """Return a recording for each file of MATLAB."""
    files = [path for path in visible(innermost(folder)) if path.suffix.lower() == ".mat"]
    return [FoundRecording(path, subject) for path in sorted(files, key=_order)]


def _order(path: Path) -> tuple[int, str]:
    match = _FILE.fullmatch(path.name)
    return int(match[2]) if match else -1, path.name


def read_recording(path: Path) -> PublishedRecording:
    """Read one file; its pictures are read when the first is asked for.

    Raises
    ------
    CurationError : it is no file of MMPD, or its PPG is not one of a value a frame
    """
    match, subject = _FILE.fullmatch(path.name), path.parent.name.casefold()
    if match is None or subject != f"subject{match[1]}":
        number = subject.removeprefix("subject")
        raise CurationError(
            expected=f"p{number}_<int>.mat", found=path.name, where=path.parent,
            fix="move it to the folder of its subject, or rename it",
        )
    defects: list[str] = []
    with MatFile(path) as mat:
        frames, height, width = check_shape(mat.find("video").shape, "video", path)
        ppg = mat.read_numbers("GT_ppg")
        labels = _read_labels(mat, defects)
    if abs(len(ppg) - frames) > _OTHER_RATE * frames:
        raise CurationError(
            expected=f"GT_ppg with a value for each of {frames} frames", found=len(ppg), where=path,
            fix="the rate of another PPG is not published; get the file again",
        )
    if len(ppg) != frames:
        defects.append(f"{len(ppg)} PPG values for {frames} frames, paired from the first")
    ppg[~np.isfinite(ppg)] = np.nan
    name_missing(ppg, "PPG", defects)
    defects.append(
        f"no times are published: frames and PPG at {RATE_HZ:g}/s, to which the authors resampled "
        "them"
    )
    defects += _describe_still(ppg)
    return examine(PublishedRecording(
        path, f"{int(match[1])}-{int(match[2])}", SENSOR, 0, 0,
        samples_of(ppg, nominal_times(len(ppg), RATE_HZ)),
        PublishedVideo(
            width, height, RATE_HZ, "nominal, not published", None, frames,
            _pictures(path, (frames, height, width), defects),
        ),
        defects, tuple(Label(text) for text in labels),
    ))


def _read_labels(mat: MatFile, defects: list[str]) -> list[str]:
    """Return the labels of a file as texts; name those that are missing, and what is not known."""
    if missing := [name for name in _LABELS if name not in mat.variables]:
        defects.append(f"labels that are missing: {', '.join(missing)}")
    values = {name: mat.read_text(name) for name in _LABELS if name in mat.variables}
    defects += [
        f"{name} {value!r} is none of the set's, {', '.join(_LABELS[name])}; kept"
        for name, value in values.items() if value not in _LABELS[name]
    ]
    if values.get("motion") == _WRONG_MOTION:
        defects.append(
            f"motion is {_WRONG_MOTION!r}, an error of older copies of the set for 'Walking'; kept"
        )
    return [f"{name} {value}" for name, value in values.items()]


def _describe_still(ppg: np.ndarray) -> list[str]:
    """Return where a PPG stands still, as where samples were lost before it was resampled."""
    changes = np.flatnonzero(np.diff(ppg) != 0)          # NaN differs from all
    edges = np.concatenate([[-1], changes, [len(ppg) - 1]])
    runs = np.diff(edges)                                # of equal values
    long = np.flatnonzero(runs > _STILL_S * RATE_HZ)
    if not len(long) or len(runs) == 1:
        return []
    at = int(long[np.argmax(runs[long])])
    return [
        f"the PPG stands still {len(long)} times, the longest {runs[at] / RATE_HZ:.2f} s at "
        f"{(edges[at] + 1) / RATE_HZ:.2f} s"
    ]


def _pictures(
    path: Path, size: tuple[int, int, int], defects: list[str]
) -> Iterator[Picture]:
    """Read the whole video as 8-bit integers, then yield its frames."""
    frames, height, width = size
    pixels = np.empty(frames * height * width * 3, np.uint8)
    eight_bits, at = EightBits("video", path), 0
    with MatFile(path) as mat:
        for piece in mat.iterate("video"):
            pixels[at : at + len(piece)] = eight_bits.convert(piece)
            at += len(piece)
    if at != len(pixels):
        raise CurationError(
            expected=f"{len(pixels)} values of video", found=at, where=path, fix=GET_FILE
        )
    defects += eight_bits.defects()
    yield from show(pixels.reshape(3, width, height, frames))


def _hash_file(path: Path) -> list[tuple[str, str]]:
    return [(path.name, sha256_of(path))]


MMPD = PublicSet(
    "MMPD", re.compile(r"subject([0-9]{1,9})"), "subject<int> with p<int>_<int>.mat", "MMPD-",
    read_recording, _hash_file, _find, "p<int>_<int>.mat",
)
