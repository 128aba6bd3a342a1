"""Pictures of a set: PNG or BMP of 8-bit colour, or what holds the same; anything else is named.

The header of a picture says its form before a pixel is decoded. An alpha channel that is opaque
throughout, and 16 bits that repeat 8, hold nothing more than 8-bit RGB does, and are read as that.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from acquire.errors import CurationError
from acquire.limits import MOST_PIXELS
from dataset.public.published import GET_FOLDER, Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "a palette", 4: "grey with alpha", 6: "RGB with alpha"}


def _bmp_form(head: bytes) -> tuple[int, int, str]:
    """Return height, width and form of a bitmap by its header; a height below 0: from the top."""
    width, height, _, bits = struct.unpack("<iiHH", head[18:30])
    return abs(height), width, "8-bit RGB" if bits == 24 else f"a bitmap of {bits} bits"


def picture_form(path: Path) -> tuple[int, int, str]:
    """Return height, width and form of a picture by its header, such as "16-bit RGB".

    Raises
    ------
    CurationError : it is neither PNG nor BMP, or larger than a picture may be
    """
    try:
        with path.open("rb") as file:
            head = file.read(30)
    except OSError as error:
        raise CurationError(
            expected="a picture", found=error, where=f"at {path}", fix=GET_FOLDER
        ) from error
    if path.suffix.lower() == ".bmp" and head.startswith(b"BM") and len(head) == 30:
        height, width, form = _bmp_form(head)
    elif head.startswith(_SIGNATURE) and len(head) >= 26 and head[12:16] == b"IHDR":
        width, height, bits, colour = struct.unpack(">IIBB", head[16:26])
        form = f"{bits}-bit {_COLOUR_TYPES.get(colour, f'colour type {colour}')}"
    else:
        kind = path.suffix.lstrip(".").upper()
        found = "an empty file" if not head else f"no {kind}"
        raise CurationError(expected="a picture", found=found, where=f"at {path}", fix=GET_FOLDER)
    if not 0 < width * height <= MOST_PIXELS:
        raise CurationError(
            expected=f"a picture of at most {MOST_PIXELS} pixels", found=f"{width}x{height}",
            where=f"at {path}", fix=GET_FOLDER,
        )
    return height, width, form


def common_size(files: Sequence[Path]) -> tuple[int, int]:
    """Return height and width of a recording's pictures: those of most of them, by their headers.

    Raises
    ------
    CurationError : none of them can be read as 8-bit RGB, or more than one in five are of another
        size, as where two cameras share a folder
    """
    sizes: Counter[tuple[int, int]] = Counter()
    first_of: dict[tuple[int, int], Path] = {}
    reason: CurationError | None = None
    for path in files:
        try:
            size = picture_form(path)[:2]
        except CurationError as error:
            reason = reason or error
            continue
        sizes[size] += 1
        first_of.setdefault(size, path)
    if not sizes:
        raise reason or CurationError(expected="pictures", found="none", fix=GET_FOLDER)
    (size, count), *others = sizes.most_common()
    if 5 * count < 4 * sum(sizes.values()):
        raise CurationError(
            expected="pictures of one camera",
            found=f"{count} of {size[1]}x{size[0]} and {others[0][1]} of "
                  f"{others[0][0][1]}x{others[0][0][0]}",
            where=files[0].parent, fix="keep those of one camera",
        )
    first = first_of[size]
    rgb, form = _read(first)
    if rgb is None and form.startswith("pictures of "):
        raise CurationError(
            expected="pictures of 8-bit RGB", found=form, where=f"at {first}",
            fix="convert them to 8-bit RGB",
        )
    return size


def _read(path: Path) -> tuple[np.ndarray | None, str]:
    """Return a picture as (H, W, 3) uint8 RGB and its form; or None and what it holds instead."""
    try:
        form = picture_form(path)[2]
    except CurationError as error:
        return None, error.found
    decoded = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        return None, "what does not decode"
    pixels: np.ndarray = np.asarray(decoded)
    if pixels.ndim != 3:
        return None, f"pictures of {form}"
    if pixels.dtype == np.uint16:
        eight = (pixels >> 8).astype(np.uint8)
        if (eight.astype(np.uint16) * 257 != pixels).any():
            return None, f"pictures of {form}"
        pixels = eight
    if pixels.shape[2] == 4:
        if (pixels[..., 3] != 255).any():
            return None, f"pictures of {form} that is not opaque"
        pixels = pixels[..., :3]
    return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGR2RGB), form


def decode_pictures(
    files: Sequence[Path | None], size: tuple[int, int], defects: list[str]
) -> Iterator[Picture]:
    """Decode pictures of one size (height, width); None, and what is none, is a missing frame."""
    left_out: list[tuple[str, str]] = []
    forms: Counter[str] = Counter()
    for index, path in enumerate(files):
        if path is None:
            continue
        rgb, form = _read(path)
        if rgb is None:
            left_out.append((path.name, form))
            continue
        if rgb.shape[:2] != size:
            left_out.append((path.name, f"one of {rgb.shape[1]}x{rgb.shape[0]}"))
            continue
        forms[form] += 1
        yield Picture(index, rgb)
    if left_out:
        name, found = left_out[0]
        defects.append(
            f"{len(left_out)} pictures do not decode as {size[1]}x{size[0]} of 8-bit RGB, the "
            f"first is {name}: {found}"
        )
    defects += [
        f"{count} pictures are {form} that holds no more than 8-bit RGB; read as such"
        for form, count in forms.items() if form not in ("8-bit RGB", "8-bit a palette")
    ]
