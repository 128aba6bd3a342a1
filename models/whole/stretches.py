"""The frames of a file as stretches of one face in one box: their colours and the network's pulse.

A frame is averaged to 36x36 as it is decoded, and most of what is known of it is thrown away: of an
hour there remain a time, the colours of the parts and one number for each frame. What a network of
changes that are scaled says of a pair depends on the deviation of the pairs around it, before and
after; so 36x36 frames are kept until that is known (and as long for one of plain differences). Of a
stretch of up to 2,048 frames (68 s at 30/s) it is the deviation of all of it, as in training. Of a
longer one 1,024 frames at a time are read, with the deviation of these and of the 1,024 after them;
the last 1,025 to 2,048 with their own.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from dataset.face.box import SIZE, FaceBox
from dataset.face.frames import change_between, cut, face_colour, is_scaled, part_colours
from dataset.published_colour.regions import region_colours
from models.board.onnx_net import to_appearance
from models.fusion.face_motion import face_shifts
from models.live.pulse import PulseNet

BLOCK = 1024             # frames whose pairs are read at once
_BATCH = 256             # pairs that the network reads at once


@dataclass(frozen=True)
class Stretch:
    """Frames of one face in one box, without a hole in time."""

    why: str                    # why it begins
    time_s: np.ndarray          # (T,) after the file's first frame
    colour: np.ndarray          # (T, 3) mean colour inside the detector's own box, 0 to 255
    parts: np.ndarray           # (T, 16, 3) mean colour of each of the frame's parts
    regions: np.ndarray | None  # (T, 3, 3) of `dataset.published_colour.regions`; None: not asked
    shifts: np.ndarray          # (T, 2) of `models.fusion.face_motion`; of the first frame 0
    read_changes: Callable[[], np.ndarray]      # gives `changes`, once the network has read them
    is_clear: np.ndarray        # (T,) bool: nothing is said against a heart rate at that frame
    others: str = ""            # in words, that other faces were in view, and not read

    @cached_property
    def changes(self) -> np.ndarray:
        """(T,) rise of the pulse since the frame before; the first is 0."""
        return self.read_changes()

    @property
    def span_s(self) -> float:
        """Time from its first frame to its last [s]."""
        return float(self.time_s[-1] - self.time_s[0])


class StretchReader:
    """Read the frames of one stretch, as they are decoded.

    Parameters
    ----------
    net : an exported student or teacher
    box : in which the frames are averaged
    why : the stretch begins
    keeps_regions : the colours of regions, too, for methods that read them
    executor : runs the network beside what else there is to do
    """

    def __init__(
        self, net: PulseNet, box: FaceBox, why: str, *, keeps_regions: bool = False,
        executor: Executor | None = None,
    ) -> None:
        self._net, self._box, self._why, self._executor = net, box, why, executor
        self._keeps_regions = keeps_regions
        self._kept = np.empty((64, SIZE, SIZE, 3), np.uint16)
        self._count = self._begun = 0           # frames that are kept; pairs that are worked on
        self._blocks: list[Callable[[], np.ndarray]] = []       # the changes of these pairs
        self._time_s: list[float] = []
        self._others = ""
        self._is_clear: list[bool] = []
        self._colours: list[np.ndarray] = []
        self._parts: list[np.ndarray] = []
        self._regions: list[np.ndarray] = []
        self._shifts: list[np.ndarray] = []
        self._before: np.ndarray | None = None  # the frame before those that are kept
        self._rises: list[Callable[[], np.ndarray]] = [partial(np.zeros, 1)]

    def add(
        self, averaged: np.ndarray, time_s: float, *, is_clear: bool, others: str = ""
    ) -> None:
        """Add the next frame, (36, 36, 3) uint16 of `average_face`."""
        self._others = others or self._others
        if self._count == 2 * BLOCK:
            self._read(BLOCK)
        if self._count == len(self._kept):
            self._kept = np.concatenate([self._kept, np.empty_like(self._kept)])
        self._kept[self._count] = averaged
        self._count += 1
        if self._count - 1 - self._begun == _BATCH:
            self._begin()
        self._time_s.append(time_s)
        self._is_clear.append(is_clear)

    def end(self, until_s: float | None = None) -> Stretch:
        """Read what is left, and return the stretch.

        Parameters
        ----------
        until_s : frames after it are left out, but for the first
        """
        if self._count > 1:
            self._read(self._count - 1)
        self._keep_colours(self._count)
        time_s = np.array(self._time_s)
        stop = len(time_s) if until_s is None else max(1, int(np.sum(time_s <= until_s)))
        return Stretch(
            self._why, time_s[:stop], np.concatenate(self._colours)[:stop],
            np.concatenate(self._parts)[:stop],
            np.concatenate(self._regions)[:stop] if self._keeps_regions else None,
            np.concatenate(self._shifts)[:stop],
            partial(_joined, self._rises, stop), np.array(self._is_clear[:stop]),
            self._others,
        )

    def _begin(self) -> None:
        """Work on the pairs that are new, beside the frames to come."""
        frames = self._kept[self._begun : self._count].copy()
        self._blocks.append(self._beside(partial(change_between, frames, self._net.motion)))
        self._begun = self._count - 1

    def _beside(self, work: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
        """Have work done in the executor, or here without one; return what gives its result."""
        if self._executor is not None:
            return self._executor.submit(work).result
        done = work()
        return lambda: done

    def _read(self, pairs: int) -> None:
        """Let the network read the first pairs that are kept, and keep their last frame only."""
        if self._begun < self._count - 1:
            self._begin()
        kept = self._kept[: self._count].copy()
        self._rises.append(self._beside(partial(_read_pairs, self._net, self._blocks, kept, pairs)))
        self._blocks = self._blocks[pairs // _BATCH :]      # one that goes on is of whole batches
        self._begun -= pairs
        self._keep_colours(pairs)
        self._count -= pairs
        self._kept[: self._count] = kept[pairs:]

    def _keep_colours(self, count: int) -> None:
        kept, factor = self._kept[:count], self._net.constants["enlarge"]
        self._colours.append(face_colour(kept, self._box, factor=factor))
        if self._keeps_regions:
            self._regions.append(region_colours(kept, self._box, factor=factor))
        self._parts.append(part_colours(kept).astype(np.float32))
        before = kept[:1] if self._before is None else self._before
        self._shifts.append(face_shifts(np.concatenate([before, kept])))
        self._before = kept[-1:].copy()


def _read_pairs(
    net: PulseNet, blocks: list[Callable[[], np.ndarray]], kept: np.ndarray, pairs: int
) -> np.ndarray:
    """Return the rise of the pulse of the first pairs of (T, 36, 36, 3) frames, (pairs,).

    Parameters
    ----------
    blocks : give the changes of all pairs
    """
    of_pairs, changes = np.concatenate([read() for read in blocks]), np.empty(pairs)
    if is_scaled(net.motion):
        cut(of_pairs)
    for first in range(0, pairs, _BATCH):
        batch = of_pairs[first : min(first + _BATCH, pairs)]
        appearance = None
        if net.needs_appearance:
            scale = net.constants["appearance_scale"]
            appearance = np.concatenate([
                to_appearance(frame, full_scale=scale) for frame in kept[first : first + len(batch)]
            ])
        changes[first : first + len(batch)] = net.predict(batch.transpose(0, 3, 1, 2), appearance)
    return changes


def _joined(rises: list[Callable[[], np.ndarray]], stop: int) -> np.ndarray:
    return np.concatenate([read() for read in rises])[:stop]
