"""A face video as a network sees it: 36x36 area-averaged frames, made in one pass and cached.

The pulse moves the skin's colour by some tenths of a grey level. What makes it visible is the
average over many pixels, so the average must not be rounded to whole grey levels again: frames are
kept as uint16 in 1/256 of a grey level.

Where the box leaves the picture, a cell is the average of its pixels in the picture; one with too
few of them is 0, and is left out of motion and colours. A picture that is continued by its last row
instead repeats that row's noise in every cell outside, and a box that is clipped shows a face out
of shape: both change what a network says more.

What changes between two frames is read in one of three ways (`Motion`). `normalised` is the
difference of adjacent frames of DeepPhys (Chen and McDuff, ECCV 2018, eq. 5), (c2 - c1) / (c2 + c1)
in each cell, cut at three standard deviations and divided by the standard deviation, both of the
whole video. `standardised` is c2 - c1, cut and divided in the same way: the brightness of the face
is taken out, that of a cell is not, so that dark ones, which have the more noise, count less.
`difference` is c2 - c1 alone.

A result is cached under the hash of the video's bytes and of every parameter, so that nothing is
done twice and nothing stale is read; deleting the cache folder is always safe.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import DTypeLike

from acquire.atomic import atomic_file, write_text
from acquire.data_folder import home_frames_cache
from acquire.documents import parse_json, read_bytes
from acquire.errors import CurationError
from dataset.common.files import sha256_of
from dataset.common.workers import PROCESS_BYTES
from dataset.layouts.avi import read_bgr

from .box import DETECTOR, ENLARGE, MIN_PROBABILITY, SEARCH_FRAMES, SIZE, FaceBox, detector_box
from .find import find_face

UNIT = 256              # stored counts per grey level
PARTS = 4                # of the frame's height and width, whose colours are told apart
CUT_SD = 3.0
# of a cell's area that must lie in the picture; the mean of fewer pixels is mostly noise
LEAST_SEEN = 0.25
_PIECE = 256            # frames or pairs that are worked on at once
VERSION = 3             # of the steps in this file: part of every cache key
OnFrames = Callable[[int], None]
Motion = Literal["standardised", "normalised", "difference"]


@dataclass(frozen=True)
class FaceFrames:
    """The frames of one video, cropped to the held face box and averaged to 36x36."""

    frames: np.ndarray  # (T, 36, 36, 3) uint16 RGB, in 1/256 of a grey level; may be memory-mapped
    box: FaceBox          # in pixels of the video
    video_sha256: str
    motion_kind: Motion = "normalised"      # which way `motion` reads them

    def motion(self) -> np.ndarray:
        """Return what changes between adjacent frames, (T - 1, 36, 36, 3) float16."""
        return motion(self.frames, self.motion_kind, np.float16)

    def appearance(self) -> np.ndarray:
        """Return the first frame of each pair in whole grey levels, (T - 1, 36, 36, 3) uint8."""
        levels = np.empty((len(self.frames) - 1, *self.frames.shape[1:]), np.uint8)
        return np.right_shift(self.frames[:-1], 8, out=levels, casting="unsafe")

    def colour(self) -> np.ndarray:
        """Return the mean colour inside the detector's own box, (T, 3) float64 RGB, 0 to 255."""
        return face_colour(self.frames, self.box)


def face_colour(frames: np.ndarray, box: FaceBox, *, factor: float = ENLARGE) -> np.ndarray:
    """Return the mean colour inside the detector's own box, (T, 3) float64 RGB, 0 to 255.

    Parameters
    ----------
    frames : (T, 36, 36, 3) of `average_face`
    box : that they are averaged in: the detector's own, enlarged by `factor`. Cells that its own
        box covers in part count in part
    """
    own = detector_box(box, factor)
    share_x = _share_inside(own.left - box.left, own.right - box.left, box.width, frames.shape[2])
    share_y = _share_inside(own.top - box.top, own.bottom - box.top, box.height, frames.shape[1])
    weights = np.multiply.outer(share_y, share_x) * frames.any(axis=(0, 3))
    total = weights.sum()
    if not total:                    # black
        return np.zeros((len(frames), 3))
    return np.einsum("tyxc,yx->tc", frames, weights, dtype=np.float64) / (total * UNIT)


def part_colours(frames: np.ndarray) -> np.ndarray:
    """Return the mean colour of each of `PARTS` x `PARTS` parts, (T, PARTS**2, 3), 0 to 255.

    Parameters
    ----------
    frames : (T, 36, 36, 3) of `average_face`; parts are in rows from the top left
    """
    count, side = len(frames), frames.shape[1] // PARTS
    cells = frames.reshape(count, PARTS, side, PARTS, side, 3)
    return cells.mean(axis=(2, 4), dtype=np.float64).reshape(count, PARTS**2, 3) / UNIT


def _share_inside(first: int, last: int, length: int, cells: int) -> np.ndarray:
    """Return how much of each of the cells of a side lies from `first` to `last`, 0 to 1."""
    edges = np.arange(cells + 1) * (length / cells)
    inside = np.minimum(edges[1:], last) - np.maximum(edges[:-1], first)
    return np.maximum(inside, 0) * (cells / length)


def motion(
    frames: np.ndarray, kind: Motion = "normalised", dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Return what changes between adjacent frames, as a network of that kind reads it.

    It is worked out in pieces, so that a long video takes no memory beside its frames and the
    result.

    Parameters
    ----------
    frames : (T, H, W, C) array in 1/256 of a grey level, T >= 2
    dtype : of the result; it is computed as float32

    Returns
    -------
    (T - 1, H, W, C) array, of unit variance but for `difference`; all zeros where nothing changes
    """
    most, sd = np.inf, 1.0
    if is_scaled(kind):
        most = CUT_SD * _standard_deviation(_changes(frames, kind, np.inf)) or np.inf
        sd = _standard_deviation(_changes(frames, kind, most)) or 1.0
    result = np.empty((len(frames) - 1, *frames.shape[1:]), dtype)
    for number, change in enumerate(_changes(frames, kind, most)):
        result[number * _PIECE : (number + 1) * _PIECE] = change / sd
    return result


def is_scaled(kind: Motion) -> bool:
    """Return whether changes of that kind are cut, and divided by their standard deviation."""
    return kind != "difference"


def change_between(frames: np.ndarray, kind: Motion) -> np.ndarray:
    """Return the change of adjacent frames of that kind, neither cut nor scaled, as float32."""
    return relative_change(frames) if kind == "normalised" else difference(frames)


def _changes(frames: np.ndarray, kind: Motion, most: float) -> Iterator[np.ndarray]:
    """Yield the changes of `_PIECE` pairs after another, cut at `most`."""
    for first in range(0, len(frames) - 1, _PIECE):
        change = change_between(frames[first : first + _PIECE + 1], kind)
        yield np.clip(change, -most, most, out=change)


def _standard_deviation(pieces: Iterable[np.ndarray]) -> float:
    """Return the standard deviation of values that come in pieces.

    The mean of their variances, and the variance of their means.
    """
    about = np.array([
        (piece.size, piece.mean(dtype=np.float64), piece.var(dtype=np.float64)) for piece in pieces
    ])
    sizes, means, variances = about.T
    mean = np.average(means, weights=sizes)
    return float(np.sqrt(np.average(variances + (means - mean) ** 2, weights=sizes)))


def relative_change(frames: np.ndarray) -> np.ndarray:
    """Return (c2 - c1) / (c2 + c1) of adjacent frames as it is; black stays 0."""
    values = frames.astype(np.float32)
    total = values[1:] + values[:-1]
    change = np.subtract(values[1:], values[:-1])
    np.divide(change, total, out=change, where=total > 0)
    return change


def cut(change: np.ndarray) -> np.ndarray:
    """Cut changes, in place, at three standard deviations, and divide them by what is then one."""
    sd = float(change.std(dtype=np.float64))
    if sd > 0:
        np.clip(change, -CUT_SD * sd, CUT_SD * sd, out=change)
        change /= float(change.std(dtype=np.float64))
    return change


def difference(frames: np.ndarray) -> np.ndarray:
    """Return c2 - c1 of adjacent frames [grey levels] as it is; 0 where either is left out.

    Parameters
    ----------
    frames : (T, H, W, C) array in 1/256 of a grey level, T >= 2
    """
    values = frames.astype(np.float32) / UNIT
    change = np.subtract(values[1:], values[:-1])
    change[(values[1:] == 0) | (values[:-1] == 0)] = 0
    return change


def average_face(image: np.ndarray, box: FaceBox, *, size: int = SIZE) -> np.ndarray:
    """Average the inside of a box of an (H, W, 3) uint8 image to (size, size, 3).

    The result is uint16, in 1/256 of a grey level; 0 in cells of which less than `LEAST_SEEN` is in
    the image.
    """
    # As float32: of uint8 cv2 rounds the averages to whole grey levels, and the pulse is lost.
    inside = box.crop(image).astype(np.float32)
    if not inside.size:
        raise ValueError(f"expected a box that lies in the image at least in part, got {box}")
    outside = box.outside(image)
    if not any(outside):
        small = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA)
        return np.rint(small * UNIT).astype(np.uint16)
    is_seen = np.ones(inside.shape[:2], np.float32)
    total, seen = (
        cv2.resize(
            cv2.copyMakeBorder(part, *outside, cv2.BORDER_CONSTANT, value=(0, 0, 0)),
            (size, size), interpolation=cv2.INTER_AREA,
        )
        for part in (inside, is_seen)
    )
    kept = (seen >= LEAST_SEEN)[:, :, None]
    small = np.divide(total, seen[:, :, None], out=np.zeros_like(total), where=kept)
    return np.rint(small * UNIT).astype(np.uint16)


def cache_key(video_sha256: str, size: int = SIZE) -> str:
    """Return the name under which the frames of a video are kept: its hash and every parameter."""
    parameters = {
        "version": VERSION, "size": size, "unit": UNIT, "detector": DETECTOR, "enlarge": ENLARGE,
        "search_frames": SEARCH_FRAMES, "min_probability": MIN_PROBABILITY,
    }
    text = f"{video_sha256} {json.dumps(parameters, sort_keys=True)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_face_frames(
    video: Path, *, cache: Path | None = None, on_frames: OnFrames | None = None,
    size: int = SIZE, video_sha256: str | None = None,
) -> FaceFrames:
    """Find the face in a video and average it to 36x36, or take the result from the cache.

    Parameters
    ----------
    video : any file that FFmpeg decodes
    cache : folder of results, made where missing; None keeps nothing. Where it cannot be written,
        or is a link to another place, new results are kept in the user's home.
    on_frames : called every 25 frames with the frames done
    size : side of the averaged frames, where it is another
    video_sha256 : of the video, where it is known already

    Raises
    ------
    CurationError : no video, no face, or not two frames
    """
    pictures = Pictures(partial(read_bgr, video), video, video_sha256 or sha256_of(video))
    return average_faces(pictures, cache=cache, on_frames=on_frames, size=size)


@dataclass(frozen=True)
class Pictures:
    """What faces are found in: a video, or the frames of a recording."""

    read: Callable[[], Iterator[np.ndarray]]       # (H, W, 3) uint8 BGR each, from the first on
    path: Path                                     # of the file, named in errors
    digest: str                                    # SHA-256 of what they are


def average_faces(
    pictures: Pictures, *, cache: Path | None = None, on_frames: OnFrames | None = None,
    size: int = SIZE,
) -> FaceFrames:
    """Find the face and average it, or take the result from the cache; see `read_face_frames`.

    Raises
    ------
    CurationError : no face, or not two frames
    """
    digest, video = pictures.digest, pictures.path
    name, (read_from, write_to) = f"{cache_key(digest, size)}.npy", _folders_of(cache)
    for folder in read_from:
        if (cached := _load(folder / name, digest, size)) is not None:
            return cached

    box = find_face((bgr[:, :, ::-1] for bgr in pictures.read()), name=str(video))
    # One array that grows in place: small ones, made between the crops of one frame and the next,
    # would keep the memory of all crops.
    kept, count = np.empty((_PIECE, size, size, 3), np.uint16), 0
    for count, bgr in enumerate(pictures.read(), 1):
        if count > len(kept):
            kept.resize((len(kept) + _PIECE, *kept.shape[1:]), refcheck=False)
        # to RGB where there are the fewest pixels
        kept[count - 1] = average_face(bgr, box, size=size)[:, :, ::-1]
        if on_frames is not None and count % 25 == 0:
            on_frames(count)
    if count < 2:
        raise CurationError(expected="at least 2 frames", found=count, where=video)
    kept.resize((count, *kept.shape[1:]), refcheck=False)
    if write_to is not None:
        about = {"video": video.name, "video_sha256": digest, "box": asdict(box)}
        _store(write_to / name, kept, about)
    return FaceFrames(kept, box, digest)


def are_frames_kept(cache: Path, digest: str) -> bool:
    """Return whether the averaged frames of pictures are in the cache already."""
    name = f"{cache_key(digest)}.npy"
    return any(_load(folder / name, digest, SIZE) for folder in _folders_of(cache)[0])


def averaging_bytes(frames: int) -> int:
    """Return the memory that a process takes which averages a video of so many frames."""
    return PROCESS_BYTES + frames * 3 * SIZE**2 * np.dtype(np.uint16).itemsize


def cache_frames(video: Path, *, cache: Path) -> None:
    """Make the frames of a video in the cache: the unit of work where many are made at once."""
    read_face_frames(video, cache=cache)


def _folders_of(cache: Path | None) -> tuple[list[Path], Path | None]:
    """Return the folders that may hold a result, and the one that a new result goes to."""
    if cache is None:
        return [], None
    cache = cache.absolute()
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    # of DATA/cache/frames, and of what lies in it, DATA
    top = next((folder for folder in cache.parents if folder.name == "cache"), cache.parent)
    is_own = cache.resolve().is_relative_to(top.parent.resolve())
    if is_own and os.access(there, os.W_OK):
        return [cache], cache
    home = home_frames_cache()
    with suppress(OSError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)        # faces are nobody else's
    return [cache, home], home if os.access(home, os.W_OK) else None


def _load(path: Path, digest: str, size: int) -> FaceFrames | None:
    """Read what `_store` wrote; None where it is missing or not whole, so that it is made again."""
    try:
        box = FaceBox(**parse_json(read_bytes(path.with_suffix(".json")))["box"])
        frames = np.load(path, mmap_mode="r")
    except (OSError, EOFError, KeyError, TypeError, ValueError):
        return None
    is_ours = frames.shape[1:] == (size, size, 3) and frames.dtype == np.uint16 and len(frames) > 1
    return FaceFrames(frames, box, digest) if is_ours else None


def _store(path: Path, frames: np.ndarray, about: dict) -> None:
    """Write description and array; the array, which readers look for, is the last."""
    write_text(path.with_suffix(".json"), json.dumps(about, indent=1))
    with atomic_file(path) as part, part.open("wb") as file:
        np.save(file, frames)
