"""The face box while frames come: held as in training, moved by steps, kept with one person.

A box that follows the face jitters, and that jitter is many times larger than the pulse
(`dataset.face.find`); so the box of the first search is held. Every two seconds, and at once when
the picture jumps, the whole picture is searched again, in a smaller size. One search that misses
the face or finds it elsewhere proves little (a blink, a turned head); the second in a row, half a
second later, is believed. A search takes as long as one frame or several: live, it runs in an
executor, and frames continue meanwhile; a whole video is read without one.

Which of the faces found is the one that is held is decided by place, size and look together
(`dataset.face.same_face`). Near its last place a face is the held one unless it looks like another
one; elsewhere only if it looks like it, and not more like one that was seen beside it. Where two
faces fit about as well, neither is taken. Other
faces beside the held one are counted, and change nothing. When the held one is gone, others are not
read until it has been gone for a long time, live, and never within one video.
"""

import math
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

import cv2
import numpy as np

from dataset.common.wording import counted
from dataset.face.box import FaceBox, enlarge
from dataset.face.same_face import OTHER_FROM, SAME_BELOW, FaceLook, KnownFace, look_at

# What `HeldFace.update` returns when the box has changed
FOUND, MOVED, LOST = "found", "moved", "lost"
# What `HeldFace.state` is: no face so far; several from the start; one is held; it is gone; it is
# gone, and another is there
NOBODY, SEVERAL, HELD, GONE, ANOTHER = "nobody", "several", "held", "gone", "another"

SEARCH_S = 0.3       # between searches while there is no face
CHECK_S = 2.0        # while there is one
WATCH_S = 1.0        # while it has drifted in its box, or another face is there
DOUBT_S = 0.5        # after a search that left doubt, or when the picture jumped
PATIENCE_S = 30.0    # live, after a face that was read is gone, before another one is taken
# the same, in a video too, where it was not held long enough to be read and the other is not much
# smaller; if it is, as long as live
UNREAD_PATIENCE_S, READ_S, NOT_SMALLER = 10.0, 6.0, 0.5
ALONE_S = 1.5        # one face alone, after several from the start, before it is taken
# of the largest face's area: smaller ones are bystanders or patterns
_SECOND_FACE = 0.25
_INSIDE = 0.9        # of the face's area that must lie in the box
_WIDTHS = (0.6, 1.7)  # of the face's width, relative to the one that the box was made for
_DRIFT = 0.25        # of the face's width, of its centre from the box's
# of its width in a second, a face's way, for so long at most; gone for longer, it may be anywhere
_NEAR, _NEAR_S, _GONE_S = 0.75, 2.0, 4.0
_ELSEWHERE, _CLEARLY = 0.5, 0.3  # what another place weighs beside the look; a clear difference
# width to which the held face is scaled for a search: then those of a quarter of it are found, too,
# and a search takes 0.2 to 0.6 of the time
_SEARCHED_PX = 80
_MOST_FACES = 6      # that are compared, the largest
_COUNTED = 0.05      # of the held face's area, from which another is counted

FindFaces = Callable[[np.ndarray], list[FaceBox]]


@dataclass(frozen=True)
class _Found:
    """A face that was found, and how much it differs from the held one; 0 where none was held."""

    face: FaceBox
    difference: float
    look: FaceLook
    is_other: bool = False    # it is more like one that was seen beside the held one


@dataclass(frozen=True)
class _Search:
    """A picture that was searched."""

    time_s: float
    faces: list[FaceBox]      # the largest first
    compared: list[_Found]    # the first of them


class HeldFace:
    """Where the face is.

    Parameters
    ----------
    find : returns every certain face of an (H, W, 3) uint8 RGB picture, the largest first
    factor : by which a face's box is enlarged
    executor : runs the searches; without it a search is done at once, and delays its frame
    patience_s : how long a face that was read must be gone before another one is taken; `math.inf`
        for one video, of which every figure is of one person
    """

    def __init__(
        self, find: FindFaces, *, factor: float, executor: Executor | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._find, self._factor, self._executor = find, factor, executor
        self._patience_s = patience_s
        self.box: FaceBox | None = None      # enlarged, in pixels of the picture
        self.state = NOBODY
        self.others = 0                      # faces beside the held one, at the last search
        self.why = ""                        # the box has last changed
        self._known: KnownFace | None = None
        self._beside: KnownFace | None = None     # others, seen together with the held one
        self._boxed: FaceBox | None = None   # the detector's own box that the last box was made of
        self._face: FaceBox | None = None    # where the face was last seen
        self._seen_s = self._held_s = 0.0    # when that was; how long it has been held in all
        self._misses = 0                     # searches in a row that did not find the face in it
        self._wait_s = math.inf              # from then, until another one that is there is read
        self._several_s = -np.inf            # when several were last there, with nobody known
        self._searched_s = -np.inf
        self._pending: Future[_Search] | None = None

    def update(self, image: np.ndarray, time_s: float, *, has_jumped: bool = False) -> str | None:
        """Search a frame where a search is due.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB, not changed afterwards
        has_jumped : whether the picture changed much more than it does from a pulse and the sway of
            a head

        Returns
        -------
        FOUND, MOVED or LOST where the box has just changed (`why` has the reason), else None
        """
        if self._pending is not None:
            if not self._pending.done():
                return None
            search, self._pending = self._pending.result(), None
            return self._use(search)
        if time_s - self._searched_s < self._pause_s(has_jumped=has_jumped):
            return None
        self._searched_s = time_s
        if self._executor is not None:
            self._pending = self._executor.submit(self._search, image, time_s, self._scale())
            return None
        return self._use(self._search(image, time_s, self._scale()))

    def search_soon(self) -> None:
        """Have the next frame searched."""
        self._searched_s = -np.inf

    def gone_s(self, time_s: float) -> float:
        """Return how long ago the face was last seen [s]."""
        return max(time_s - self._seen_s, 0.0)

    def rest_s(self, time_s: float) -> float:
        """Return in how long [s] the other face that is there is read; infinite where never."""
        return max(self._wait_s - self.gone_s(time_s), 0.0)

    def _pause_s(self, *, has_jumped: bool) -> float:
        if self.box is None:
            return SEARCH_S
        if self._misses or has_jumped:
            return DOUBT_S
        return WATCH_S if self.others or self._has_drifted() else CHECK_S

    def _has_drifted(self) -> bool:
        face, boxed = self._face, self._boxed
        return face is not None and boxed is not None and _way(face, boxed) > _DRIFT

    def _scale(self) -> float:
        """Return by how much to scale the next picture to be searched, 1 or less.

        A face that is lost may be farther away now, and is searched for in the whole picture.
        """
        if self.box is None or self._face is None:
            return 1.0
        return min(1.0, _SEARCHED_PX / self._face.width)

    def _search(self, image: np.ndarray, time_s: float, scale: float) -> _Search:
        """Find the faces of a picture, and compare them with the held one."""
        if scale < 1:
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            faces = [_scaled(face, 1 / scale) for face in self._find(small)]
        else:
            faces = self._find(image)
        return _Search(time_s, faces, [
            self._compare(image, face) for face in faces[:_MOST_FACES]
        ])

    def _compare(self, image: np.ndarray, face: FaceBox) -> _Found:
        known, beside = self._known, self._beside
        if known is None:
            return _Found(face, 0.0, look_at(image, face))
        difference, look = known.compare(image, face)
        is_other = (
            beside is not None and difference < OTHER_FROM
            and beside.compare(image, face)[0] < difference
        )
        return _Found(face, difference, look, is_other)

    def _use(self, search: _Search) -> str | None:
        """Hold, move or give up the box, by the faces that a search has found."""
        if self._known is None:
            return self._use_first(search)
        fits = sorted(self._fits(search), key=lambda fit: fit[0])
        if not fits or (len(fits) > 1 and fits[1][0] - fits[0][0] < _CLEARLY):
            return self._miss(search)
        found = fits[0][1]
        if self.box is not None and not self._is_inside(found.face) and not self._misses:
            self._misses = 1
            return None
        if self._is_dwarfed(found.face, search.faces[0]):
            return self._take(search.compared[0], search, "a much larger face is read instead: "
                              "it came before the first one could be read")
        return self._hold(found, search)

    def _use_first(self, search: _Search) -> str | None:
        """Take the first face that is alone."""
        large = _large(search.faces)
        if len(large) > 1:
            self._several_s = search.time_s
            self.state = SEVERAL
        elif search.time_s - self._several_s >= ALONE_S:
            self.state = NOBODY
            if large:
                return self._take(search.compared[0], search, "face found")
        return None

    def _fits(self, search: _Search) -> list[tuple[float, _Found]]:
        """Return each face that may be the held one, and the cost of taking it for that."""
        fits = []
        for found in search.compared:
            is_near = self._is_inside(found.face) or self._is_near(found.face, search.time_s)
            if found.is_other and not (is_near and self.box is not None):
                continue
            if found.difference < (OTHER_FROM if is_near else SAME_BELOW):
                fits.append((found.difference + (0 if is_near else _ELSEWHERE), found))
        return fits

    def _hold(self, found: _Found, search: _Search) -> str | None:
        """Go on with the held face, found again; the box moves where the face has left it."""
        assert self._known is not None
        face = found.face
        had_box, gone_s = self.box is not None, self.gone_s(search.time_s)
        if had_box:
            self._held_s += gone_s
        is_in_box = had_box and self._is_inside(face)
        if found.difference < SAME_BELOW:
            self._known.add(found.look)
        self._face, self._seen_s, self._misses, self.state = face, search.time_s, 0, HELD
        self._note_others(face, search)
        if is_in_box:
            return None
        self._boxed, self.box = face, enlarge(face, self._factor)
        self.why = (
            "the face has left its box, which follows it" if had_box
            else f"the face is back after {gone_s:.0f} s"
        )
        return MOVED if had_box else FOUND

    def _miss(self, search: _Search) -> str | None:
        """Let the box go if this is the second search in a row without the face."""
        self._misses += 1
        if self.box is not None and self._misses < 2:
            return None
        had_box, self.box, self.others = self.box is not None, None, 0
        self.state = ANOTHER if search.faces else GONE
        large = _large(search.faces)
        self._wait_s = self._patience_for(large[0]) if len(large) == 1 else math.inf
        if self.gone_s(search.time_s) >= self._wait_s:
            return self._take(search.compared[0], search, (
                f"another face is read from here; the one before has been gone for "
                f"{self.gone_s(search.time_s):.0f} s"
            ))
        return LOST if had_box else None

    def _patience_for(self, face: FaceBox) -> float:
        assert self._face is not None
        if self._held_s >= READ_S:
            return self._patience_s
        is_smaller = _area(face) < NOT_SMALLER * _area(self._face)
        return min(PATIENCE_S if is_smaller else UNREAD_PATIENCE_S, self._patience_s)

    def _is_dwarfed(self, face: FaceBox, largest: FaceBox) -> bool:
        """Return whether a face that could not be read so far is a bystander of a larger one."""
        return self._held_s < READ_S and _area(face) < _SECOND_FACE * _area(largest)

    def _take(self, found: _Found, search: _Search, why: str) -> str:
        """Hold a face that was not held before."""
        face, self._known, self._held_s = found.face, KnownFace(found.look), 0.0
        self._face, self._seen_s, self._misses, self.state = face, search.time_s, 0, HELD
        self._boxed, self.box, self.why = face, enlarge(face, self._factor), why
        self._beside = None
        self._note_others(face, search)
        return FOUND

    def _note_others(self, face: FaceBox, search: _Search) -> None:
        """Count the faces beside the held one, and remember how they look: they are not it."""
        others = [one for one in search.compared if one.face is not face]
        self.others = sum(_area(one.face) >= _COUNTED * _area(face) for one in others)
        for one in others:
            if self._beside is None:
                self._beside = KnownFace(one.look)
            self._beside.add(one.look)

    def _is_inside(self, face: FaceBox) -> bool:
        """Return whether a face is where the last box is, and of its size."""
        assert self._boxed is not None
        box = enlarge(self._boxed, self._factor)
        return _overlap(face, box) >= _INSIDE * _area(face) and _is_of_size(face, self._boxed)

    def _is_near(self, face: FaceBox, time_s: float) -> bool:
        """Return whether the held face may have come here since it was last seen."""
        assert self._face is not None
        gone_s = self.gone_s(time_s)
        way = _NEAR * min(gone_s, _NEAR_S)
        return (
            gone_s <= _GONE_S and _way(face, self._face) <= way and _is_of_size(face, self._face)
        )


def words_of_others(count: int) -> str:
    """Return in words that other faces are in the picture, and not read; "" without any."""
    if not count:
        return ""
    return f"{'another face' if count == 1 else counted(count, 'other face')} in view, not read"


def words_of_rest(rest_s: float) -> str:
    """Return in words when another face would be read; "" where never."""
    return "" if math.isinf(rest_s) else f"; this one is read in {math.ceil(rest_s)} s"


def _area(box: FaceBox) -> int:
    return box.width * box.height


def _scaled(face: FaceBox, factor: float) -> FaceBox:
    return replace(
        face, left=math.floor(factor * face.left), top=math.floor(factor * face.top),
        right=math.ceil(factor * face.right), bottom=math.ceil(factor * face.bottom),
    )


def _large(faces: list[FaceBox]) -> list[FaceBox]:
    """Return the faces beside which the others are bystanders."""
    return [face for face in faces if _area(face) >= _SECOND_FACE * _area(faces[0])]


def _overlap(one: FaceBox, other: FaceBox) -> int:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(width, 0) * max(height, 0)


def _is_of_size(face: FaceBox, held: FaceBox) -> bool:
    return _WIDTHS[0] <= face.width / held.width <= _WIDTHS[1]


def _way(face: FaceBox, held: FaceBox) -> float:
    """Return the distance of two faces' centres, in widths of the second."""
    across = (face.left + face.right - held.left - held.right) / 2
    down = (face.top + face.bottom - held.top - held.bottom) / 2
    return math.hypot(across, down) / held.width
