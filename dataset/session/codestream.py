"""Whether the stored bytes of a frame decode to just the pixels that the frame has.

HDF5 copies a whole frame out of whatever its filter returned: of a chunk that is too short, or of a
codestream of a smaller picture, the rest of the frame would be memory of this process. And a
codestream that was cut short decodes without an error, to pixels that nobody saw. So the bytes are
looked at before they are decoded: the size that a codestream declares, that nothing in it asks for
more memory than acq's own frames, and that it goes on to its end.

Source: ITU-T T.800 (JPEG 2000, markers of annex A) and T.814 (HTJ2K).
"""

import math
import struct

HTJ2K = 32033                    # the filter's number among those registered with the HDF Group
SKIPPED = 1                      # bit of a chunk's mask: its only filter was left out
_SOC, _SIZ, _COD, _SOT, _SOD, _EOC = 0xFF4F, 0xFF51, 0xFF52, 0xFF90, 0xFF93, 0xFFD9
# CAP, QCD, TLM, COM: no other marker stands in the header of what acq stores
_OTHERS = (0xFF50, 0xFF5C, 0xFF55, 0xFF64)
_SIZE = struct.Struct(">HHIIIIIIIIH")       # length, Rsiz, picture, its origin, tile, its origin
_COMPONENT = bytes((7, 1, 1))               # 8 bits without a sign, not subsampled
_TILE_PART = struct.Struct(">HHHIBB")       # SOT, length, tile, bytes, part, parts
_SMALLEST_BLOCK = 2                         # exponent less 2: 16x16 pixels; acq's have 64x64

Bytes = bytes | memoryview


def find_fault(stored: Bytes, skipped: int, shape: tuple[int, ...], *, is_filtered: bool) -> str:
    """Return what is wrong with the stored bytes of a frame, in words; "" where nothing is.

    Parameters
    ----------
    skipped : the chunk's mask of filters that were left out
    shape : of the frame, (H * 3 / 2, W) or (H, W, 3) uint8
    is_filtered : whether the frames of this file are compressed, each one that is not `skipped`
    """
    if skipped & SKIPPED or not is_filtered:
        whole = math.prod(shape)
        return "" if len(stored) == whole else f"{len(stored)} bytes of {whole}"
    try:
        return _find_in_codestream(stored, shape)
    except struct.error:
        return "a codestream that is cut short"


def _find_in_codestream(stored: Bytes, shape: tuple[int, ...]) -> str:
    height, width, components = (*shape, 1)[:3]
    if stored[:4] != struct.pack(">HH", _SOC, _SIZ):
        return "no codestream"
    length, _, right, bottom, *origin, count = _SIZE.unpack_from(stored, 4)
    tile_width, tile_height = origin[2:4]
    if (right, bottom, count) != (width, height, components) or any(origin[:2] + origin[4:]):
        return f"a codestream of {right}x{bottom} pixels, {count} components"
    if stored[4 + _SIZE.size : 4 + length] != _COMPONENT * count:
        return "a codestream of other numbers than bytes"
    if tile_width < width or tile_height < height:
        return "a codestream of several tiles"
    at = 4 + length
    while (marker := _number(stored, at)) != _SOT:
        if marker == _COD and (fault := _find_in_coding(stored, at + 4)):
            return fault
        if marker not in (_COD, *_OTHERS):
            return f"a codestream with the marker {marker:04x}"
        at += 2 + _number(stored, at + 2)
    return _find_in_tile(stored, at)


def _find_in_coding(stored: Bytes, at: int) -> str:
    """Check how the picture is coded, by what a decoder takes memory for."""
    style, _, layers, _, levels, block_width, block_height = struct.unpack_from(
        ">BBHBBBB", stored, at
    )
    is_usual = not style & 1 and layers == 1 and levels <= 32
    if not is_usual or min(block_width, block_height) < _SMALLEST_BLOCK:
        return "a codestream that is coded otherwise than acq's"
    return ""


def _find_in_tile(stored: Bytes, at: int) -> str:
    """Walk the parts of the only tile to the end of the codestream."""
    while _number(stored, at) == _SOT:
        _, _, tile, length, _, _ = _TILE_PART.unpack_from(stored, at)
        if tile or length < _TILE_PART.size or _number(stored, at + _TILE_PART.size) != _SOD:
            return "a codestream of several tiles"
        at += length
    if _number(stored, at) != _EOC or len(stored) != at + 2:
        return "a codestream without its end"
    return ""


def _number(stored: Bytes, at: int) -> int:
    return struct.unpack_from(">H", stored, at)[0]
