"""The library itself (pylsl over liblsl), loaded when it is needed, and its clock."""

import ctypes
import math
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from acquire import host_time
from acquire.errors import AcqError, Fix

_TRIES = 5


class ClockOffset(NamedTuple):
    """A measurement of a sender's clock against that of the library on this host."""

    remote_s: float             # of the sender's clock, when it was made
    offset_s: float             # to add to the sender's clock
    uncertainty_s: float


def load() -> ModuleType:
    """Return pylsl.

    Raises
    ------
    AcqError : it is not installed, or finds no liblsl
    """
    try:
        import pylsl
    except ImportError as error:
        raise AcqError(
            expected="the extra `lsl`", found="no pylsl in this environment", fix=Fix.INSTALL_LSL
        ) from error
    except (OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise AcqError(
            expected="the library liblsl", found=reason,
            fix="install a release of it for this system (github.com/sccn/liblsl)",
        ) from error
    return pylsl


def measure_offset(inlet, *, timeout_s: float) -> ClockOffset | None:
    """Return the latest measurement of an inlet's clock; None where there is none in time."""
    from pylsl.lib import lib

    remote, uncertainty, error = ctypes.c_double(), ctypes.c_double(), ctypes.c_int()
    lib.lsl_time_correction_ex.restype = ctypes.c_double
    offset = lib.lsl_time_correction_ex(
        inlet.obj, ctypes.byref(remote), ctypes.byref(uncertainty), ctypes.c_double(timeout_s),
        ctypes.byref(error),
    )
    if error.value or not math.isfinite(offset):
        return None
    return ClockOffset(remote.value, offset, uncertainty.value)


def read_local(local_clock: Callable[[], float]) -> tuple[int, int]:
    """Return the session's clock less the library's clock, and how far that may be off [ns].

    On Linux they are one clock; elsewhere each is read between two readings of the other.
    """
    tries = [(host_time.now_ns(), local_clock(), host_time.now_ns()) for _ in range(_TRIES)]
    before_ns, lsl_s, after_ns = min(tries, key=lambda one: one[2] - one[0])
    middle_ns = (before_ns + after_ns) // 2
    return middle_ns - round(lsl_s * 1e9), (after_ns - before_ns + 1) // 2 + 1
