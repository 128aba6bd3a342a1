"""Which USB device a serial port is, and the port of the same device after it was unplugged."""

import os

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

UsbIdentity = tuple[int | None, int | None, str | None]      # vendor, product, serial number


def _identity(info: ListPortInfo) -> UsbIdentity:
    return info.vid, info.pid, info.serial_number


def _resolve(port: str) -> str:
    return os.path.realpath(port) if os.path.islink(port) else port


def usb_identity(port: str) -> UsbIdentity | None:
    """Return which USB device a port is; None where it is not one."""
    device = _resolve(port)
    for info in list_ports.comports():
        if info.device == device and info.vid is not None:
            return _identity(info)
    return None


def ports_of(identity: UsbIdentity | None, port: str) -> list[str]:
    """Return the ports to open for the device that was on `port`: one, or none while it is away.

    Devices without a serial number look alike: one under another name is taken for the same only
    where it is the only one.
    """
    if identity is None:
        return [port]
    same = [info.device for info in list_ports.comports() if _identity(info) == identity]
    if _resolve(port) in same:
        return [port]
    return same if len(same) == 1 else []
