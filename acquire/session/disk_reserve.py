"""Room on the disk that is the file's before it is needed, so that a disk that fills cannot keep it
from being closed.

A look at the free space is out of date once taken: another process may take the last byte before
the next one. So blocks behind the end of the file are allocated ahead, without making the file
longer (Linux, `fallocate` with FALLOC_FL_KEEP_SIZE). What HDF5 writes then has its place, and when
no more can be had the recording ends while there is still enough to write what it lost, and why.
Where the system or the file system has no such call, there is no reserve, and a full disk is met
when it is full.
"""

import ctypes
import errno
import os
import sys
from pathlib import Path

KEEP_BYTES = 8 * 2**20        # never touched by frames: what closing a file needs, many times over
_STEP_BYTES = 16 * 2**20
_KEEP_SIZE = 1                # FALLOC_FL_KEEP_SIZE of linux/falloc.h
# any other answer: this file system has no such call
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Reserve:
    """Blocks allocated behind the end of one open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._until = 0  # byte of the file up to which blocks are its own
        self._supported = sys.platform == "linux"

    def ensure(self, size: int) -> None:
        """Make sure that `size` bytes more can be written, and what closing needs behind them.

        Raises
        ------
        OSError : the disk has no more (ENOSPC, EDQUOT, EFBIG); what was allocated before stays
        """
        end = os.fstat(self._descriptor).st_size
        wanted = end + size + KEEP_BYTES
        if self._supported and wanted > self._until:
            wanted += _STEP_BYTES
            # never what is ours already: tmpfs gives all of a range back that it cannot fill
            start = max(end, self._until)
            try:
                _fallocate(self._descriptor, start, wanted - start)
            except OSError as error:
                if error.errno in _FULL:
                    raise
                self._supported = False
            self._until = wanted


def release(path: Path) -> None:
    """Give back what is allocated behind the end of a closed file."""
    os.truncate(path, path.stat().st_size)


def _fallocate(descriptor: int, start: int, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # musl has one, of 64 bits
    call = libc.fallocate64 if hasattr(libc, "fallocate64") else libc.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while call(descriptor, _KEEP_SIZE, start, size):
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))
