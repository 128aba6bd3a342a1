"""Disk space allocated to a session file ahead, so that it can be closed on a full disk.

Asking for the free space is not enough: another process may take the last byte before the next
write. So blocks behind the end of the file are allocated ahead, without making the file longer
(Linux, `fallocate` with FALLOC_FL_KEEP_SIZE). What HDF5 writes next has its place, and when no more
can be had, the recording ends while there is still room to write what was lost, and why. Where the
system or the file system has no such call there is no reserve, and a full disk is noticed only when
a write fails.
"""

import ctypes
import errno
import os
import sys
from pathlib import Path

CLOSING_BYTES = 8 * 2**20       # never given to frames: far more than closing a file needs
_STEP_BYTES = 16 * 2**20
_KEEP_SIZE = 1                  # FALLOC_FL_KEEP_SIZE of linux/falloc.h
# Any other error number means that this file system has no such call.
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskReserve:
    """Blocks allocated behind the end of one open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._allocated_bytes = 0           # counted from the start of the file
        self._supported = sys.platform == "linux"

    def ensure(self, size: int) -> None:
        """Make sure that `size` bytes more can be written, and what closing needs behind them.

        Raises
        ------
        OSError : the disk is full (ENOSPC, EDQUOT, EFBIG); what was allocated before stays
        """
        file_bytes = os.fstat(self._descriptor).st_size
        wanted_bytes = file_bytes + size + CLOSING_BYTES
        if not self._supported or wanted_bytes <= self._allocated_bytes:
            return
        wanted_bytes += _STEP_BYTES
        # Only what is not allocated yet: tmpfs frees all of a range that it cannot fill.
        start = max(file_bytes, self._allocated_bytes)
        try:
            _fallocate(self._descriptor, start, wanted_bytes - start)
        except OSError as error:
            if error.errno in _DISK_FULL:
                raise
            self._supported = False
        self._allocated_bytes = wanted_bytes


def release(path: Path) -> None:
    """Free what is allocated behind the end of a closed file."""
    os.truncate(path, path.stat().st_size)


def _fallocate(descriptor: int, start: int, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # glibc has a 64-bit variant beside the plain call; in musl the plain one has 64 bits
    fallocate = libc.fallocate64 if hasattr(libc, "fallocate64") else libc.fallocate
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while fallocate(descriptor, _KEEP_SIZE, start, size):
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))
