"""Which devices may be chosen on a page: those that were found, and those named at the start."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import typer

from acq.options import parse_duration
from acquire.camera.open import check_spec
from acquire.errors import AcqError, DeviceError, Fix
from acquire.recorder.cues import CueProtocol, load_cues

VIRTUAL, AUTO = "virtual", "auto"
_PROTOCOLS = "protocols"            # a folder of the data folder
_FPS = (1.0, 240.0)


@dataclass(frozen=True)
class Devices:
    """A camera and a port that were chosen."""

    camera: str                     # VIRTUAL, or as `acq record --camera`
    port: str                       # as `acq record --port`
    fps: float

    @property
    def is_virtual(self) -> bool:
        """Whether a virtual subject sits there instead."""
        return self.camera == VIRTUAL

    @property
    def options(self) -> list[str]:
        """Return them as options of `acq record`."""
        fps = ["--fps", f"{self.fps:g}"]
        if self.is_virtual:
            return ["--simulate", *fps]
        return ["--camera", self.camera, "--port", self.port, *fps]


@dataclass
class Choices:
    """The devices that a page offers; a text of a page never becomes a device by itself."""

    cameras: dict[str, str] = field(default_factory=dict)     # spec: what it is, in words
    ports: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def named(cls, camera: str, port: str) -> "Choices":
        """Return those that are there before any is looked for.

        Raises
        ------
        DeviceError : the camera is named by no spec
        """
        choices = cls(
            {AUTO: "the first that is found", VIRTUAL: "a virtual subject, no hardware"},
            {AUTO: "the sensor that answers"},
        )
        if camera not in choices.cameras:
            check_spec(camera)
            choices.cameras[camera] = "named at the start"
        choices.ports.setdefault(port, "named at the start")
        return choices

    def look(self) -> None:
        """Look for cameras and ports as `acq devices` does; asking a port resets an Arduino."""
        from acquire.inventory import find_cameras, find_ports

        cameras, self.remarks = find_cameras()
        for camera in cameras:
            self.cameras[camera.spec] = camera.name
        for port in find_ports():
            self.ports[port.port] = port.answer

    def check(self, devices: Devices) -> None:
        """Refuse what is not among them.

        Raises
        ------
        DeviceError : it is not
        """
        for what, name, known in (
            ("camera", devices.camera, self.cameras), ("port", devices.port, self.ports),
        ):
            if name not in known:
                raise DeviceError(
                    expected=f"a {what} of {', '.join(known)}", found=repr(name),
                    fix="look for devices, or name it when the studio is started",
                )
        if not _FPS[0] <= devices.fps <= _FPS[1]:
            raise DeviceError(
                expected="1 to 240 frames per second", found=devices.fps, fix=Fix.CHOOSE_RATE
            )

    def as_dict(self) -> dict[str, Any]:
        """Return them as plain values."""
        return asdict(self)


def find_protocols(data: Path) -> dict[str, CueProtocol | AcqError]:
    """Return the protocols in DATA/protocols by the names of their files; the fault of a bad one.

    Returns
    -------
    none where there is no such folder
    """
    found: dict[str, CueProtocol | AcqError] = {}
    for path in sorted((data / _PROTOCOLS).glob("*.yaml")):
        try:
            found[path.name] = load_cues(path)
        except AcqError as error:
            found[path.name] = error
    return found


def protocol_path(data: Path, name: str) -> Path:
    """Return the file of a protocol.

    Raises
    ------
    AcqError : there is none of that name, or it is none
    """
    protocol = find_protocols(data).get(name)
    if protocol is None:
        raise AcqError(
            expected="a protocol of the list", found=repr(name), fix="choose another"
        )
    if isinstance(protocol, AcqError):
        raise protocol
    return data / _PROTOCOLS / name


def duration_option(text: str) -> list[str]:
    """Return a length such as 2min as an option of `acq record`; none where none is named.

    Raises
    ------
    AcqError : no such time
    """
    text = text.strip()
    if not text:
        return []
    try:
        parse_duration(text)
    except typer.BadParameter as error:
        raise AcqError(error.message) from error
    return ["--duration", text]
