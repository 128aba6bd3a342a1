"""A session file shown to HDF5 as if it had been closed, although it was killed or cut short.

A killed recording still carries the flags of its writer, and HDF5 then takes damaged metadata for
metadata that is being written: it tries again for good. A file that was cut short it refuses as a
whole. So nothing on the disk is touched, but what HDF5 reads of it: a superblock without the flags,
and zeros behind the end of the file. Metadata there fails its checksum at once; chunks there are
recognised by their address, and nobody reads them.

Source: superblock version 3 and `lookup3` in the HDF5 File Format Specification 3.0, II.A and its
checksum by Bob Jenkins, 2006.
"""

import io
import struct
from pathlib import Path

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# signature, version, two sizes, flags, base, extension, end, root
_SUPERBLOCK = struct.Struct("<8sBBBBQQQQ")
_CHECKED = _SUPERBLOCK.size
_MASK = 0xFFFFFFFF
_ZEROS = 2**20  # behind the end: more than the largest chunk of a column or table


def lookup3(data: bytes) -> int:
    """Return Jenkins's 32-bit hash of `data` (>= 1 byte), the checksum of HDF5's metadata."""
    def rotate(value: int, by: int) -> int:
        return (value << by | value >> (32 - by)) & _MASK

    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    blocks = [data[at : at + 12].ljust(12, b"\0") for at in range(0, len(data), 12)]
    for at, block in enumerate(blocks, start=1):
        x, y, z = struct.unpack("<III", block)
        a, b, c = (a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK
        if at < len(blocks):
            a = ((a - c) & _MASK) ^ rotate(c, 4)
            c = (c + b) & _MASK
            b = ((b - a) & _MASK) ^ rotate(a, 6)
            a = (a + c) & _MASK
            c = ((c - b) & _MASK) ^ rotate(b, 8)
            b = (b + a) & _MASK
            a = ((a - c) & _MASK) ^ rotate(c, 16)
            c = (c + b) & _MASK
            b = ((b - a) & _MASK) ^ rotate(a, 19)
            a = (a + c) & _MASK
            c = ((c - b) & _MASK) ^ rotate(b, 4)
            b = (b + a) & _MASK
    c = ((c ^ b) - rotate(b, 14)) & _MASK
    a = ((a ^ c) - rotate(c, 11)) & _MASK
    b = ((b ^ a) - rotate(a, 25)) & _MASK
    c = ((c ^ b) - rotate(b, 16)) & _MASK
    a = ((a ^ c) - rotate(c, 4)) & _MASK
    b = ((b ^ a) - rotate(a, 14)) & _MASK
    return ((c ^ b) - rotate(b, 24)) & _MASK


class ClosedView(io.RawIOBase):
    """The file as a closed one, for `h5py.File(view, "r")`.

    Raises
    ------
    ValueError : the file does not begin with a superblock of version 3, as every session does
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb")
        self.size = self._file.seek(0, io.SEEK_END)      # of the file itself [bytes]
        self._file.seek(0)
        head = self._file.read(_CHECKED)
        if len(head) < _CHECKED or not head.startswith(_SIGNATURE) or head[8] != 3:
            self._file.close()
            raise ValueError("no superblock of version 3")
        fields = list(_SUPERBLOCK.unpack(head))
        self._end = max(self.size, fields[7]) + _ZEROS
        fields[4], fields[7] = 0, self._end
        superblock = _SUPERBLOCK.pack(*fields)
        self._head = superblock + lookup3(superblock).to_bytes(4, "little")
        self._at = 0

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:  # noqa: D102
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:  # noqa: D102
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`, with zeros behind the end of the file."""
        wanted = len(buffer)
        self._file.seek(self._at)
        data = self._file.read(wanted).ljust(wanted, b"\0")
        if self._at < len(self._head):
            head = self._head[self._at : self._at + wanted]
            data = head + data[len(head) :]
        buffer[:] = data
        self._at += wanted
        return wanted

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()
        super().close()
