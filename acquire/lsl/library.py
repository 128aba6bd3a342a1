"""The library itself (pylsl over liblsl), loaded when it is needed, and its clock."""

import ctypes
import math
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from acquire import host_time
from acquire.errors import AcqError, Fix

_TRIES = 5
# those that the library looks for, beside the one in $LSLAPICFG
_CONFIG_FILES = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
_QUIET = b"\n[log]\nlevel = -3\n"


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
    _quieten()
    return pylsl


@cache
def _quieten() -> None:
    """Let the library print nothing: what it cannot do, and what it loses, acq says itself.

    The user's configuration holds, and where it has a part on the log, that too. A release before
    1.17.7 takes no configuration but by a file, and goes on printing.
    """
    from pylsl.lib import lib

    if not hasattr(lib, "lsl_set_config_content"):
        return
    config = b""
    for name in filter(None, (os.environ.get("LSLAPICFG"), *_CONFIG_FILES)):
        try:
            config = Path(name).expanduser().read_bytes()
            break
        except (OSError, RuntimeError):         # RuntimeError: there is no home
            continue
    if not any(line.strip().lower() == b"[log]" for line in config.splitlines()):
        config += _QUIET
    lib.lsl_set_config_content.restype = None
    lib.lsl_set_config_content(config)


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
