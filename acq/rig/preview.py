"""The picture before a recording, as the studio has it: `acq.rig.look` in a process of its own."""

import json
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from acq.jobs.program import program_of

from .choices import Devices
from .messages import Picture, read_messages

_END_S = 5.0


class Preview:
    """The newest picture and state of the devices; a thread reads them as they come."""

    def __init__(self, devices: Devices, data: Path) -> None:
        self.devices = devices
        self.picture: Picture | None = None         # the newest; replaced, never changed
        self.state: dict[str, Any] = {}
        request = {
            "camera": devices.camera, "port": devices.port, "fps": devices.fps,
            "is_virtual": devices.is_virtual, "data": str(data),
        }
        # a session of its own: Ctrl-C ends it through the studio, with its stdin
        self._process = subprocess.Popen(
            [*program_of("acq.rig.look"), json.dumps(request)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        threading.Thread(target=self._read, name="preview", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether it has let go of the devices, or never had them."""
        return self._process.poll() is not None

    def blink(self, *, is_on: bool) -> None:
        """Have the sensor's LED blink, and look for it in the picture; or have it dark."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):         # it has ended
            self._process.stdin.write(b"blink\n" if is_on else b"dark\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """Let go of the devices; returns when that is done."""
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:           # a driver hangs
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError, ValueError):
                    pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        number = 0
        with suppress(OSError, ValueError):         # it is closed by `stop`
            for message in read_messages(self._process.stdout):
                if isinstance(message, tuple):
                    number += 1
                    self.picture = Picture(number, *message)
                else:
                    self.state = message
