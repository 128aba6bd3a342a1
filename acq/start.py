"""The entry point of the command line: Ctrl-C is one line from the first moment on.

The command line takes a tenth of a second to import. Nothing is made meanwhile, so that a signal
then ends the process as it is.
"""

import os
import signal
import sys
from types import FrameType
from typing import TextIO


def start() -> None:
    """Run the command line."""
    # What a caller closed (`>&-`) gives no error: nobody reads it.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)
    from acq.main import main

    main()


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"acq: interrupted; nothing was begun\n")
    os._exit(128 + number)


if __name__ == "__main__":
    start()
