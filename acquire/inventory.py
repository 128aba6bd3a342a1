"""What is plugged in: cameras and serial ports, with what they answer.

Every device that is opened here is closed again. Linux lists its cameras; GStreamer, where it is
installed, adds their sizes and rates. On other systems OpenCV offers no list: the first numbers are
opened one after the other, until one is not there.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from acquire.camera.v4l2_nodes import SYSFS, list_nodes
from acquire.other_sensors.find import Found, ask_all
from acquire.other_sensors.kinds import FIRMWARE
from acquire.other_sensors.port import OtherSensor
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import SENSOR_NAMES

from .errors import DeviceError

_NUMBERS = 8      # cameras that are tried where the system has no list


@dataclass(frozen=True)
class FoundCamera:
    """A camera that could be recorded from."""

    spec: str                                          # as `acquire.camera.open` takes it
    name: str
    socket: str = ""                                   # where it is plugged in
    # "video/x-raw YUY2 640x360 at 30", as GStreamer writes it; empty: unknown
    formats: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FoundPort:
    """A serial port, and what answered on it."""

    port: str
    description: str
    usb_id: str               # "2341:0043", empty where it is no USB device
    serial_number: str
    is_sensor: bool
    answer: str               # what the sensor is, in words, or why there is none
    sensor: str = ""          # kind of the sensor; "acq": our firmware


def find_cameras(
    sysfs: Path = SYSFS, *, system: str = sys.platform, open_capture: Any = None
) -> tuple[list[FoundCamera], list[str]]:
    """Return the cameras, and remarks on what could not be searched.

    Parameters
    ----------
    open_capture : as in `UvcCamera`
    """
    cameras, remarks = [], []
    formats: dict[str, list[str]] = {}
    try:
        from acquire.camera.gstreamer import csi_element, list_formats

        formats = list_formats()
        name = f"{csi_element()} is installed; whether a camera is behind it shows when it opens"
        cameras.append(FoundCamera("csi", name))
    except DeviceError as error:
        remarks.append(f"csi: {error}")
    if system == "linux":
        cameras += [
            FoundCamera(
                f"uvc:{node.device}", node.name, node.socket, formats.get(node.device, [])
            )
            for node in list_nodes(sysfs) if node.index == 0
        ]
    else:
        cameras += _open_numbers(system, open_capture)
    return cameras, remarks


def _open_numbers(system: str, open_capture: Any) -> list[FoundCamera]:
    import cv2

    from acquire.camera.uvc import BACKENDS

    backend = BACKENDS.get(system, (cv2.CAP_ANY,))[0]
    cameras: list[FoundCamera] = []
    for number in range(_NUMBERS):
        capture = (open_capture or cv2.VideoCapture)(number, backend)
        try:
            if not capture.isOpened():
                break
            width, height, fps = (
                capture.get(prop)
                for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
            )
            name = f"camera {number} of {capture.getBackendName()}"
            formats = [f"{width:.0f}x{height:.0f} at {fps:g}"]
            cameras.append(FoundCamera(f"uvc:{number}", name, formats=formats))
        finally:
            capture.release()
    return cameras


def find_ports(also: Iterable[str] = (), *, timeout_s: float = 4.0) -> list[FoundPort]:
    """Return the serial ports, each asked for a HELLO and listened to, all at once.

    Asking opens a port, which resets an Arduino.

    Parameters
    ----------
    also : ports that the system does not list
    """
    listed = {info.device: info for info in list_ports.comports()}
    answers = ask_all(sorted({*listed, *also}), timeout_s=timeout_s)
    return [_describe(port, listed.get(port), answer) for port, answer in answers.items()]


def _describe(port: str, info: ListPortInfo | None, answer: Found | str) -> FoundPort:
    sensor = ""
    if not isinstance(answer, str):
        answer.close()
    if isinstance(answer, OtherSensor):
        sensor, answer = answer.kind.name, f"PPG sensor: {answer.description}"
    elif isinstance(answer, Sensor):
        sensor = FIRMWARE
        hello = answer.hello
        answer = (
            f"PPG sensor: {SENSOR_NAMES.get(hello.sensor, str(hello.sensor))}, firmware "
            f"{hello.firmware}, protocol {hello.protocol}, boot id {hello.boot_id:#06x}"
        )
    if info is None:
        return FoundPort(port, "", "", "", bool(sensor), answer, sensor)
    usb_id = "" if info.vid is None else f"{info.vid:04x}:{info.pid:04x}"
    description = "" if info.description == "n/a" else info.description
    serial_number = info.serial_number or ""
    return FoundPort(port, description, usb_id, serial_number, bool(sensor), answer, sensor)
