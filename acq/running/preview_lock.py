"""Who looks at the devices before a recording, and how it is asked to let go of them.

Whoever shows a picture before a recording holds the lock `preview` of `running_folder()` as long as
it has the devices. Whoever needs them sends its process SIGTERM, and waits until the lock is free.
"""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from acquire.errors import AcqError, DeviceError
from acquire.writing import Writing, hold, owner_of

from .folder import running_folder

_PREVIEW = Writing("preview", "the devices", "looks at")
_WAIT_S = 5.0
_POLL_S = 0.05


@contextmanager
def hold_preview() -> Iterator[None]:
    """Hold the lock of those who look at the devices; at SIGTERM its holder has to let go.

    Raises
    ------
    BusyError : another process looks at them
    """
    with hold(running_folder(), _PREVIEW):
        yield


def ask_to_let_go(wait_s: float = _WAIT_S) -> None:
    """Ask whoever looks at the devices to let go of them, and wait until that is done.

    Where the folder of this user cannot be used nobody can look at them through it.

    Raises
    ------
    DeviceError : it does not
    """
    try:
        folder = running_folder()
    except (AcqError, OSError):         # no reason not to record: another user may have made it
        return
    until_s = time.monotonic() + wait_s
    asked: set[int] = set()
    while owner := owner_of(folder, _PREVIEW):
        if owner.pid and owner.pid not in asked and owner.host == socket.gethostname():
            asked.add(owner.pid)
            with suppress(ProcessLookupError):
                os.kill(owner.pid, signal.SIGTERM)
        if time.monotonic() > until_s:
            raise DeviceError(
                expected="the picture before a recording to end", found=f"it held by {owner}",
                fix="end that program",
            )
        time.sleep(_POLL_S)
