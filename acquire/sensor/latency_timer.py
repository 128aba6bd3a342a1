"""The latency timer of an FTDI adapter: how long it may hold bytes for the host, by default 16 ms.

Linux shows it in sysfs, where root may set it; a user who may open the port gets the same through
the driver's low-latency flag. The timer is shortened while a sensor is open and restored
afterwards, so that the machine is left as it was.

Source: FTDI AN232B-04, "Data Throughput, Latency and Handshaking"; Linux,
drivers/usb/serial/ftdi_sio.c.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SYSFS = Path("/sys/bus/usb-serial/devices")
_SHORT_MS = 1


class LatencyTimer:
    """The latency timer behind a port, shortened to 1 ms where that is allowed.

    Parameters
    ----------
    set_low_latency : sets or clears the driver's low-latency flag; None where the system has none
    sysfs : the folder where the system lists USB serial ports
    """

    def __init__(
        self, port: str, set_low_latency: Callable[[bool], None] | None, *, sysfs: Path = SYSFS
    ) -> None:
        self._file = sysfs / Path(os.path.realpath(port)).name / "latency_timer"
        self._set_low_latency = set_low_latency
        self._put_back: Callable[[], object] | None = None
        self.was_ms = self._read()
        if self.was_ms is not None and self.was_ms > _SHORT_MS:
            self._shorten()

    def _read(self) -> int | None:
        try:
            return int(self._file.read_text())
        except (OSError, ValueError):
            return None                 # no FTDI, or no Linux

    def _write(self, value_ms: int | None) -> None:
        self._file.write_text(str(value_ms))

    def _shorten(self) -> None:
        try:
            self._write(_SHORT_MS)
            self._put_back = lambda: self._write(self.was_ms)
        except OSError:
            if (flag := self._set_low_latency) is not None:
                # pyserial raises ValueError where the driver refuses
                with suppress(OSError, ValueError, NotImplementedError):
                    flag(True)
                    self._put_back = lambda: flag(False)

    def __str__(self) -> str:
        """Return what it was and is, in words; empty where the port has none."""
        if self.was_ms is None:
            return ""
        now_ms = self._read()
        changed = f"was {self.was_ms} ms, set to {now_ms} ms"
        return f"{self.was_ms} ms" if now_ms == self.was_ms else changed

    def restore(self) -> None:
        """Restore the earlier value; may be called twice, and after the adapter is gone."""
        if self._put_back is not None:
            with suppress(OSError, ValueError):
                self._put_back()
            self._put_back = None
