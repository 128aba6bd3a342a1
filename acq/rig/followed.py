"""The picture while a recording runs: the newest frames of the growing file.

The recorder flushes four times a second, and is asked for nothing. What is shown was filmed
`_LATE_S` before, so that the frames of one flush follow one another at their own pace.
"""

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from acquire import host_time
from acquire.data_folder import sessions_dir
from acquire.errors import SessionError
from dataset.preflight.view import look_at
from dataset.session.follow import Following

from .messages import Picture, encode
from .rows import check_rows, view_boxes

_PICTURE_S = 1 / 12
_VIEW_S = 1.0
_LATE_S = 0.3
_NICER = 5


class FollowedRecording:
    """The pictures of the recording of one subject, until it ends or `stop`."""

    def __init__(self, data: Path, subject: str) -> None:
        self.picture: Picture | None = None
        self.view: dict[str, Any] | None = None
        self.rows: list[dict[str, str]] = []
        self._folder = sessions_dir(data) / subject
        self._is_over = threading.Event()
        threading.Thread(target=self._run, name="follow", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._is_over.set()

    def _run(self) -> None:
        _yield_to_recorder()
        while not self._is_over.is_set():
            # at first there is no file yet; and one may be moved while it is followed
            with suppress(SessionError, OSError), Following(self._folder) as following:
                self._follow(following)
            self._is_over.wait(0.3)

    def _follow(self, following: Following) -> None:
        shown_ns, looked_s = 0, 0.0
        while not self._is_over.wait(_PICTURE_S):
            found = following.picture(host_time.now_ns() - round(_LATE_S * 1e9))
            if found is None or found[1] == shown_ns:
                if following.has_ended:
                    return
                continue
            image, shown_ns = found
            number = 1 if self.picture is None else self.picture.number + 1
            jpeg = encode(image, following.camera.pixel_format)
            self.picture = Picture(number, shown_ns, jpeg)
            if time.monotonic() - looked_s >= _VIEW_S:
                looked_s = time.monotonic()
                view = look_at(image, following.camera)
                self.view, self.rows = view_boxes(view), check_rows(view.checks)


def _yield_to_recorder() -> None:
    """Let this thread wait where the processors are busy: the recorder is another process."""
    if sys.platform == "linux":                     # where a thread has a priority of its own
        thread = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, nice + _NICER)
