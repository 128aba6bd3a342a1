"""The pictures of a video file as they are meant: upright, and in the colours that the file states.

A phone stores what its image sensor reads, and beside it a display matrix that says how the picture
is to be turned or mirrored. A stream also states by which matrix (BT.601, BT.709, BT.2020) and from
which range (limited: 16 to 235, full: 0 to 255) its luma and chroma become red, green and blue.
libavfilter turns and converts; it is told explicitly what the frame states, so that every version
of FFmpeg does the same. Where nothing is stated, BT.601 of limited range is taken, as FFmpeg does.

Source of the display matrix: QuickTime File Format, "Matrices": a pixel at (x, y) of the stored
picture is shown at (a x + c y + tx, b x + d y + ty).
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
import av.container
import av.error
import av.filter
import numpy as np

from acquire.errors import AcqError, DeviceError
from acquire.limits import MOST_PIXELS

PixelOrder = Literal["rgb24", "bgr24", "yuv420p"]

# FFmpeg's number of a matrix -> its name in the filter `scale`, and in words. 2: not stated.
_MATRICES = {
    1: ("bt709", "BT.709"), 2: ("bt601", "BT.601 (none is stated)"), 4: ("fcc", "FCC"),
    5: ("bt601", "BT.601"), 6: ("bt601", "BT.601"), 7: ("smpte240m", "SMPTE 240M"),
    9: ("bt2020", "BT.2020"), 10: ("bt2020", "BT.2020"),
}
_NOT_STATED = (0, 2, 3)            # 0 is RGB's own, 3 is reserved
_FULL_RANGE = 2                    # FFmpeg's number
_WITHOUT_CHROMA = ("gray", "ya8", "ya16", "mono", "pal8")     # FFmpeg's names begin so
# signs of a, b, c, d of the display matrix -> the filters that do it, and in words
_TURNS: dict[tuple[int, ...], tuple[tuple[tuple[str, str], ...], str]] = {
    (1, 0, 0, 1): ((), ""),
    (0, 1, -1, 0): ((("transpose", "clock"),), "turned clockwise by 90 degrees"),
    (-1, 0, 0, -1): ((("hflip", ""), ("vflip", "")), "turned clockwise by 180 degrees"),
    (0, -1, 1, 0): ((("transpose", "cclock"),), "turned clockwise by 270 degrees"),
    (-1, 0, 0, 1): ((("hflip", ""),), "mirrored"),
    (1, 0, 0, -1): ((("vflip", ""),), "mirrored, turned clockwise by 180 degrees"),
    (0, 1, 1, 0): ((("transpose", "cclock_flip"),), "mirrored, turned clockwise by 270 degrees"),
    (0, -1, -1, 0): ((("transpose", "clock_flip"),), "mirrored, turned clockwise by 90 degrees"),
}
_ANY_TIME_BASE = Fraction(1, 1000)
# FFmpeg's flag of formats without times, and its names of rows of pictures
_NO_TIMESTAMPS = 128
_MOST_BOXES = 1000           # of an MP4 that are looked at
PICTURES = "a row of pictures"
_PICTURE_ROWS, _PIPE = ("image2", "image2pipe"), "_pipe"


def raw_kind(container: av.container.InputContainer) -> str:
    """Return what holds no times, in words: of such a file FFmpeg guesses 25 frames/s; else ""."""
    name = container.format.name
    if name in _PICTURE_ROWS or name.endswith(_PIPE):
        return PICTURES
    return f"raw {name}" if int(container.format.flags) & _NO_TIMESTAMPS else ""


def describe_failure(path: Path, failure: Exception | str) -> str:
    """Return in words why FFmpeg cannot open a video; its own words where nothing better is known.

    An MP4 or MOV is a row of boxes, each with its length and kind; without the box `moov`, which
    cameras write last, nothing of it can be read.

    Source: ISO/IEC 14496-12, section 4.2.
    """
    try:
        with path.open("rb") as file:
            kinds, at, end = [], 0, file.seek(0, 2)
            while at + 8 <= end and len(kinds) < _MOST_BOXES:
                file.seek(at)
                head = file.read(16)
                size, kind = int.from_bytes(head[:4], "big"), head[4:8]
                size = int.from_bytes(head[8:], "big") if size == 1 else size or end - at
                at += max(size, 8)
                kinds.append(kind if at <= end else b"cut short")
    except FileNotFoundError:
        return "nothing"
    except IsADirectoryError:
        return "a folder"
    except OSError as reason:
        return reason.strerror or str(reason)
    if end == 0:
        return "an empty file"
    if kinds[:1] == [b"ftyp"] and b"moov" not in kinds:
        return "an MP4 or MOV without its table of frames (moov): it was cut short"
    if isinstance(failure, av.error.InvalidDataError):
        return "no video that FFmpeg knows"
    return getattr(failure, "strerror", None) or str(failure)


@dataclass(frozen=True)
class PictureForm:
    """What a frame says of its pixels."""

    pixel_format: str              # FFmpeg's name: "yuv420p", "nv12", "bgr0"
    stored_px: tuple[int, int]     # width and height as stored
    matrix: int                    # FFmpeg's number
    is_full_range: bool
    turn: tuple[int, ...]          # a key of `_TURNS`
    has_matrix: bool               # False: RGB, grey, or a palette of RGB

    @property
    def width(self) -> int:
        """Width of the upright picture [px]."""
        return self.stored_px[0 if self.turn[0] else 1]

    @property
    def height(self) -> int:
        """Height of the upright picture [px]."""
        return self.stored_px[1 if self.turn[0] else 0]

    @property
    def is_i420(self) -> bool:
        """Whether the planes are I420 of BT.601 in limited range, to be kept as they are."""
        return (
            self.pixel_format == "yuv420p" and _MATRICES[self.matrix][0] == "bt601"
            and not self.is_full_range and self.width % 2 == self.height % 2 == 0
        )

    @property
    def turned(self) -> str:
        """How the stored picture is turned to be upright, in words; "" where it is not."""
        return _TURNS[self.turn][1]

    def __str__(self) -> str:
        words = [self.pixel_format]
        if self.has_matrix:
            words.append(_MATRICES[self.matrix][1])
            words.append("full range" if self.is_full_range else "limited range")
        return ", ".join([*words, *([self.turned] if self.turned else [])])


def form_of(
    frame: av.VideoFrame, where: Path | str = "", *, error: type[AcqError] = DeviceError
) -> PictureForm:
    """Return what a decoded frame says of its pixels; `where` is named in errors.

    Raises
    ------
    DeviceError, or the `error` that is named : it is to be turned by another angle than 90, 180 or
        270 degrees, or its colours are of a matrix that FFmpeg cannot convert
    """
    name, matrix = frame.format.name, int(frame.colorspace)
    has_matrix = not frame.format.is_rgb and not name.startswith(_WITHOUT_CHROMA)
    if not has_matrix or matrix in _NOT_STATED:
        matrix = 2
    if matrix not in _MATRICES:
        raise error(
            expected="colours by BT.601, BT.709 or BT.2020",
            found=f"the matrix that ITU-T H.273 numbers {matrix}",
            where=where, fix="convert the video with another program",
        )
    return PictureForm(
        pixel_format=name, stored_px=(frame.width, frame.height), matrix=matrix,
        is_full_range=frame.color_range == _FULL_RANGE or name.startswith("yuvj"),
        turn=_turn_of(frame, where, error), has_matrix=has_matrix,
    )


def _turn_of(
    frame: av.VideoFrame, where: Path | str, error: type[AcqError]
) -> tuple[int, ...]:
    stated = frame.side_data.get("DISPLAYMATRIX")
    if stated is None:
        return (1, 0, 0, 1)
    a, b, _, c, d = np.frombuffer(bytes(stated), np.int32)[:5].tolist()
    small = 0.01 * max(abs(a), abs(b), abs(c), abs(d))
    turn = tuple(int(np.sign(value)) if abs(value) > small else 0 for value in (a, b, c, d))
    if turn not in _TURNS:
        raise error(
            expected="pictures turned by 90, 180 or 270 degrees, or not at all",
            found=f"a display matrix of {a / 65536:.2f} {b / 65536:.2f} {c / 65536:.2f} "
                  f"{d / 65536:.2f}", where=where,
            fix="turn the video upright with another program",
        )
    return turn


class UprightPictures:
    """Turn the decoded frames of one video into upright pictures of one pixel order.

    Parameters
    ----------
    order : `rgb24` and `bgr24` give (H, W, 3) uint8; `yuv420p` gives (H*3/2, W) uint8 I420, only of
        frames whose form `is_i420`, with the very bytes that were stored
    where : the file, named in errors
    error : the kind of these errors
    """

    def __init__(
        self, order: PixelOrder, where: Path | str = "", *, error: type[AcqError] = DeviceError
    ) -> None:
        self._order, self._where, self._error = order, where, error
        self._form: PictureForm | None = None
        self._turn: tuple[int, ...] | None = None      # that was stated last
        self._graph: av.filter.Graph | None = None

    def convert(self, frame: av.VideoFrame) -> np.ndarray:
        """Return the upright picture of a frame, as a new array.

        Raises
        ------
        DeviceError, or the `error` that was named : see `form_of`; or it is to become I420, and its
            planes are of another matrix or range
        """
        form = self._form_of(frame)
        if self._order == "yuv420p" and not form.is_i420:
            raise self._error(
                expected="frames of one form, I420 of BT.601 in limited range", found=f"{form}",
                where=self._where, fix="convert the video with another program",
            )
        if form.pixel_format == self._order and not form.turned:
            return frame.to_ndarray()
        if form != self._form or self._graph is None:
            self._graph, self._form = self._make_graph(form), form
        self._graph.push(frame)
        return self._graph.pull().to_ndarray()

    def _form_of(self, frame: av.VideoFrame) -> PictureForm:
        """Return the form of a frame; one that states no turn is turned as the one before it.

        A turn that stands in the stream (SEI) is stated of the first frame, and holds on.
        """
        form = form_of(frame, self._where, error=self._error)
        if frame.side_data.get("DISPLAYMATRIX") is not None:
            self._turn = form.turn
        return form if self._turn in (None, form.turn) else replace(form, turn=self._turn)

    def _make_graph(self, form: PictureForm) -> av.filter.Graph:
        graph = av.filter.Graph()
        width, height = form.stored_px
        nodes = [
            graph.add_buffer(
                width=width, height=height, format=av.VideoFormat(form.pixel_format),
                time_base=_ANY_TIME_BASE,
            )
        ]
        if form.has_matrix and self._order != "yuv420p":
            nodes.append(graph.add(
                "scale",
                f"in_color_matrix={_MATRICES[form.matrix][0]}:"
                f"in_range={'full' if form.is_full_range else 'limited'}:out_range=full:"
                "flags=accurate_rnd+full_chroma_int+bilinear",
            ))
        nodes.append(graph.add("format", self._order))
        nodes += [graph.add(name, arguments) for name, arguments in _TURNS[form.turn][0]]
        nodes.append(graph.add("buffersink"))
        for node, following in pairwise(nodes):
            node.link_to(following)
        graph.configure()
        return graph


def check_pictures(stream: av.VideoStream) -> None:
    """Refuse pictures of an unknown codec, of no size, or too large to be decoded.

    Raises
    ------
    ValueError : they are
    """
    if stream.codec_context is None:
        raise ValueError("pictures of an unknown codec")
    if not 0 < stream.width * stream.height <= MOST_PIXELS:
        raise ValueError(f"pictures of {stream.width}x{stream.height}")
