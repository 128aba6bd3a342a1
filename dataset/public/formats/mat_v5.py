"""Variables of a MATLAB file of version 5 to 7, read one by one and piece by piece.

SciPy reads such a file variable by variable, too, but a variable only as a whole: a minute of MMPD
takes 1.7 GB with it, and as much as a damaged header says. Here sizes are compared with the file
before memory is taken, and numbers come in pieces.

Source: The MathWorks, "MAT-File Format", chapter 1 (level 5): tags of type and length, compressed
elements, and the parts of an array: flags, dimensions, name, numbers.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from acquire.errors import CurationError
from acquire.limits import MOST_VALUES
from dataset.public.published import GET_FILE

_HEADER, _MATRIX, _COMPRESSED = 128, 14, 15
_TYPES = {                                 # of numbers in the file -> dtype without byte order
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
    16: "u1", 17: "u2", 18: "u4",          # UTF-8, -16, -32
}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CHARACTERS, _FIRST_NUMBER, _LAST_NUMBER = 4, 6, 15      # classes of arrays
_COMPLEX, _LOGICAL = 0x08, 0x02
_PIECE = 1 << 22                           # bytes of numbers at a time
_MOST_VARIABLES, _LONGEST_TEXT = 1000, 256
_HDF5 = "HDF5 (version 7.3)"


@dataclass(frozen=True)
class MatVariable:
    """An array in a file, by what its first bytes say."""

    name: str
    shape: tuple[int, ...]
    is_text: bool
    is_number: bool          # real ones, in full
    offset: int              # of its element in the file
    length: int              # of its element, in bytes
    is_compressed: bool


class MatFile:
    """A MATLAB file, opened for reading; a context manager.

    Raises
    ------
    CurationError : it is no MATLAB file of version 5, or cut short
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise CurationError(
                expected=path.name, found=error, where=f"at {path}", fix=GET_FILE
            ) from error
        try:
            self._size = path.stat().st_size
            self._order = self._byte_order()
            self.variables = {each.name: each for each in self._list_variables()}
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "MatFile":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()

    def find(self, name: str) -> MatVariable:
        """Return a variable.

        Raises
        ------
        CurationError : it is missing
        """
        if name not in self.variables:
            listed = ", ".join(sorted(self.variables)[:8]) or "none"
            raise self._broken(f"the variable {name}", listed)
        return self.variables[name]

    def read_numbers(self, name: str) -> np.ndarray:
        """Read a row or a column of numbers; return it as (N,) float64.

        Raises
        ------
        CurationError : it is missing, no row of numbers, too long, or cut short
        """
        variable = self.find(name)
        count = math.prod(variable.shape)
        if not variable.is_number or count > MOST_VALUES or max(variable.shape) != count:
            kind = "text" if variable.is_text else " x ".join(map(str, variable.shape))
            raise self._broken(f"{name} as one row of numbers", kind)
        pieces = [piece.astype(np.float64) for piece in self.iterate(name)]
        return np.concatenate(pieces) if pieces else np.empty(0)

    def read_text(self, name: str) -> str:
        """Read a label: a text, or a number as text.

        Raises
        ------
        CurationError : it is missing, or neither
        """
        variable = self.find(name)
        count = math.prod(variable.shape)
        if variable.is_number and count == 1:
            return f"{self.read_numbers(name)[0]:g}"
        if not variable.is_text or count > _LONGEST_TEXT:
            raise self._broken(f"{name} as a text", " x ".join(map(str, variable.shape)))
        source = self._source(variable)
        self._read_parts(source)
        kind, data = self._read_small(source, 4 * _LONGEST_TEXT)
        coding = _TEXTS.get(kind, "")
        endless = "" if coding not in ("utf-16", "utf-32") else (
            "-le" if self._order == "<" else "-be"
        )
        try:
            return data.decode(coding + endless).strip(" \0")
        except (LookupError, UnicodeDecodeError) as error:
            raise self._broken(f"{name} as a text", "another coding") from error

    def iterate(self, name: str) -> Iterator[np.ndarray]:
        """Yield the numbers of an array in the order of the file: the first axis fastest.

        Raises
        ------
        CurationError : it is missing, holds no real numbers, or is cut short
        """
        variable = self.find(name)
        if not variable.is_number:
            raise self._broken(f"{name} as real numbers", "another kind of array")
        source = self._source(variable)
        self._read_parts(source)
        kind, length = self._read_tag(source)
        if kind not in _TYPES:
            raise self._broken(f"{name} as numbers", f"type {kind}")
        dtype = np.dtype(self._order + _TYPES[kind])
        if length != math.prod(variable.shape) * dtype.itemsize:
            raise self._broken(
                f"{math.prod(variable.shape)} numbers of {name}",
                f"{length / dtype.itemsize:g}",
            )
        while length:
            data = source.read(min(_PIECE, length))
            length -= len(data)
            yield np.frombuffer(data, dtype)

    def _byte_order(self) -> str:
        head = self._file.read(_HEADER)
        if b"\x89HDF" in head or head[:19] == b"MATLAB 7.3 MAT-file":
            raise self._broken("a MATLAB file of version 5", _HDF5)
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128], "")
        if not order or struct.unpack(order + "H", head[124:126])[0] != 0x0100:
            raise self._broken(
                "a MATLAB file of version 5", "no MATLAB file" if head else "an empty file"
            )
        return order

    def _list_variables(self) -> Iterator[MatVariable]:
        at, count = _HEADER, 0
        while at + 8 <= self._size:
            self._file.seek(at)
            kind, length = struct.unpack(self._order + "II", self._file.read(8))
            if at + 8 + length > self._size:
                raise self._broken(
                    f"a whole file of at least {at + 8 + length} bytes", f"{self._size} bytes"
                )
            if (count := count + 1) > _MOST_VARIABLES:
                raise self._broken(f"at most {_MOST_VARIABLES} variables", "more")
            if kind in (_MATRIX, _COMPRESSED):
                yield self._describe(at, length, is_compressed=kind == _COMPRESSED)
            at += 8 + length

    def _describe(self, at: int, length: int, *, is_compressed: bool) -> MatVariable:
        place = MatVariable("", (), False, False, at, length, is_compressed)
        kind, is_real, shape, name = self._read_parts(self._source(place))
        is_number = is_real and _FIRST_NUMBER <= kind <= _LAST_NUMBER
        return MatVariable(
            name, shape, kind == _CHARACTERS, is_number, at, length, is_compressed
        )

    def _source(self, variable: MatVariable) -> "_Element":
        return _Element(self, variable)

    def _read_parts(self, source: "_Element") -> tuple[int, bool, tuple[int, ...], str]:
        """Read what stands before an array's numbers: class, whether real, shape, name."""
        _, flags = self._read_small(source, 8)
        _, sizes = self._read_small(source, 4 * 32)
        _, name = self._read_small(source, _LONGEST_TEXT)
        if len(flags) < 8 or len(sizes) % 4:
            raise self._broken("an array", "bytes that are none")
        word = struct.unpack(self._order + "I", flags[:4])[0]
        shape = struct.unpack(f"{self._order}{len(sizes) // 4}i", sizes)
        if any(size < 0 for size in shape):
            raise self._broken("an array", f"one of {shape}")
        return word & 0xFF, not (word >> 8) & _COMPLEX, shape, name.decode("latin-1")

    def _read_tag(self, source: "_Element") -> tuple[int, int]:
        word, length = struct.unpack(self._order + "II", source.read(8))
        if word >> 16:                     # up to four bytes stand in the tag itself
            source.put_back(struct.pack(self._order + "I", length)[: word >> 16])
            return word & 0xFFFF, min(word >> 16, 4)
        return word, length

    def _read_small(self, source: "_Element", at_most: int) -> tuple[int, bytes]:
        """Read a part that is small; what fills it up to eight bytes is passed over."""
        kind, length = self._read_tag(source)
        if length > at_most:
            raise self._broken(f"a part of at most {at_most} bytes", length)
        is_in_tag = source.has_back
        data = source.read(length)
        if not is_in_tag:
            source.read(-length % 8)
        return kind, data

    def _broken(self, expected: str, found: object) -> CurationError:
        return CurationError(expected=expected, found=found, where=self.path, fix=GET_FILE)


class _Element:
    """The bytes of one array, inflated where they are compressed, from its first part on."""

    def __init__(self, mat: MatFile, variable: MatVariable) -> None:
        self._mat = mat
        self._file: BinaryIO = mat._file
        self._at, self._end = variable.offset + 8, variable.offset + 8 + variable.length
        self._back = b""
        self._inflate = zlib.decompressobj() if variable.is_compressed else None
        if variable.is_compressed:
            self.read(8)                   # the tag of the array within

    @property
    def has_back(self) -> bool:
        return bool(self._back)

    def put_back(self, data: bytes) -> None:
        """Let the next read return these bytes."""
        self._back = data

    def read(self, count: int) -> bytes:
        """Return the next bytes.

        Raises
        ------
        CurationError : there are fewer, or they do not inflate
        """
        if self._back:
            data, self._back = self._back[:count], b""
            return data
        parts, lacking = [], count
        while lacking:
            part = self._next(lacking)
            if not part:
                raise self._mat._broken(f"{count} bytes of an array", f"{count - lacking}")
            parts.append(part)
            lacking -= len(part)
        return b"".join(parts)

    def _next(self, at_most: int) -> bytes:
        if self._inflate is None:
            return self._from_file(at_most)
        while not self._inflate.eof:
            waiting = self._inflate.unconsumed_tail or self._from_file(1 << 16)
            try:
                data = self._inflate.decompress(waiting, at_most)
            except zlib.error as error:
                raise self._mat._broken("a compressed array", error) from error
            if data or not waiting:
                return data
        return b""

    def _from_file(self, at_most: int) -> bytes:
        self._file.seek(self._at)
        data = self._file.read(min(at_most, self._end - self._at))
        self._at += len(data)
        return data
