"""The mark of simulated pictures in a video file: acq's exports have it, and their readers look.

It stands in the container's comment, which every player passes over. What is made of such a video
is simulated, too: a replay of it, a reading, a session that is imported.
"""

from pathlib import Path

import av
import av.error

SIMULATED_MARK = "acq: simulated, of a virtual subject"


def is_marked_video(path: Path) -> bool:
    """Return whether a video says that its pictures are simulated; False where it is no video."""
    try:
        with av.open(str(path)) as container:
            return SIMULATED_MARK in container.metadata.get("comment", "")
    except (OSError, ValueError, av.error.FFmpegError):
        return False
