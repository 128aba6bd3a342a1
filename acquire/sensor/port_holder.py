"""Which program has a serial port open, as far as Linux lets it be seen."""

import os
from pathlib import Path

_PROCESSES = Path("/proc")


def name_holder(port: str) -> str:
    """Return " (NAME, process NUMBER)" of another process that has a port open; "" where not known.

    Those of other users can be seen by root alone.
    """
    device = os.path.realpath(port)
    for folder in _PROCESSES.glob("[0-9]*"):
        if folder.name == str(os.getpid()):
            continue
        try:
            if any(os.path.realpath(link) == device for link in (folder / "fd").iterdir()):
                return f" ({(folder / 'comm').read_text().strip()}, process {folder.name})"
        except OSError:
            continue                    # it ended, or is another user's
    return ""
