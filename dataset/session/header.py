"""What a session file says of itself in attributes: the recording, its camera, its sensor."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from acquire import data_folder, layout
from acquire.camera.source import CameraInfo, LightOffset
from acquire.errors import SessionError


@dataclass(frozen=True)
class Header:
    """The attributes of the file as a whole."""

    session_id: str
    subject: str
    host: str
    acq_version: str
    started_unix_ns: int
    started_monotonic_ns: int
    simulated: bool
    complete: bool                 # False: still being written, or cut short
    recovered: str                 # what a recovery dropped; "" where it was not needed
    imported_from: str             # a public data set; "" where acq recorded it
    lost: dict[str, int]           # of LOSS_ATTRS; -1 where the file does not know


@dataclass(frozen=True)
class SensorInfo:
    """The sensor of a session, as its firmware introduced itself."""

    name: str                      # "analog", "MAX30102", "virtual"; of a data set, its sensor
    rate_hz: int                   # nominal
    tick_hz: int
    adc_bits: int
    protocol: int
    firmware: str
    boot_id: int
    port: str


def read_header(file: h5py.File, path: Path) -> Header:
    """Read and check the attributes of a session file.

    Raises
    ------
    SessionError : another schema or version, an attribute is missing, or is not what it should be
    ValueError : an attribute is not one value
    """
    names = (*layout.ATTRS, *layout.LOSS_ATTRS, layout.RECOVERED_ATTR, layout.IMPORTED_ATTR)
    attrs = {name: _plain(file.attrs[name]) for name in names if name in file.attrs}
    _check_schema(attrs, path)
    if missing := [name for name in layout.ATTRS if name not in attrs]:
        raise SessionError(
            expected="the attributes of a session", found=f"no {', '.join(missing)}", where=path
        )
    for name in ("started_unix_ns", "started_monotonic_ns"):
        if not isinstance(attrs[name], int) or not 0 <= attrs[name] < 2**63:
            raise SessionError(
                expected=f"{name} as int64 nanoseconds", found=repr(attrs[name]), where=path
            )
    header = Header(
        session_id=str(attrs["session_id"]), subject=str(attrs["subject"]),
        host=str(attrs["host"]), acq_version=str(attrs["acq_version"]),
        started_unix_ns=attrs["started_unix_ns"],
        started_monotonic_ns=attrs["started_monotonic_ns"], simulated=bool(attrs["simulated"]),
        complete=bool(attrs["complete"]), recovered=str(attrs.get(layout.RECOVERED_ATTR, "")),
        imported_from=str(attrs.get(layout.IMPORTED_ATTR, "")),
        lost={name: int(attrs.get(name, -1)) for name in layout.LOSS_ATTRS},
    )
    if not data_folder.is_subject_id(header.subject):
        raise SessionError(
            expected="a subject id like S01", found=repr(header.subject), where=path
        )
    if not data_folder.is_session_id(header.session_id):
        raise SessionError(
            expected="a session id like S01-20260101T090000Z", found=repr(header.session_id),
            where=path,
        )
    return header


def _check_schema(attrs: dict[str, Any], path: Path) -> None:
    schema, version = attrs.get("schema", "none"), attrs.get("schema_version", 0)
    if schema != layout.SCHEMA:
        raise SessionError(
            expected=f"schema {layout.SCHEMA}", found=repr(schema), where=path,
            fix="is it a recording of acq?",
        )
    if version != layout.SCHEMA_VERSION:
        raise SessionError(
            expected=f"session format {layout.SCHEMA_VERSION}", found=version, where=path,
            fix="read it with the version of acq that wrote it",
        )


def read_attributes(
    node: h5py.File | h5py.Dataset | h5py.Group, names: tuple[str, ...], path: Path
) -> dict[str, Any]:
    """Read attributes as Python values.

    Raises
    ------
    SessionError : one is missing
    ValueError : one is not one value
    """
    stored = node.attrs
    if missing := [name for name in names if name not in stored]:
        raise SessionError(
            expected=f"attributes of {node.name}", found=f"no {', '.join(missing)}", where=path
        )
    return {name: _plain(stored[name]) for name in names}


def read_camera_attributes(video: h5py.Dataset, path: Path) -> dict[str, Any]:
    """Read the attributes of the frames, with the light offset where the rig was calibrated.

    Raises
    ------
    SessionError, ValueError : as `read_attributes`; an offset or its bound that is none
    """
    attrs = read_attributes(video, layout.VIDEO_ATTRS, path)
    if not any(name in video.attrs for name in layout.LIGHT_ATTRS):
        return attrs
    light = read_attributes(video, layout.LIGHT_ATTRS, path)
    offset_ns, bound_ns, _ = light.values()
    if type(offset_ns) is not int or type(bound_ns) is not int or bound_ns < 0:
        raise SessionError(
            expected="a light offset and its bound in ns", found=f"{offset_ns!r}, {bound_ns!r}",
            where=path,
        )
    return attrs | light


def as_camera(attrs: dict[str, Any], *, simulated: bool) -> CameraInfo:
    """Return the camera that attributes of frames describe; an unreadable exposure is empty."""
    light_offset = None
    if "light_offset_ns" in attrs:
        light_offset = LightOffset(
            attrs["light_offset_ns"], attrs["light_offset_bound_ns"],
            str(attrs["light_offset_from"]),
        )
    return CameraInfo(
        name=str(attrs["camera"]), width=int(attrs["width"]), height=int(attrs["height"]),
        fps=float(attrs["nominal_fps"]), pixel_format=str(attrs["pixel_format"]),
        time_meaning=str(attrs["time_meaning"]), pipeline=str(attrs["pipeline"]),
        simulated=simulated, exposure=_parse_object(attrs["exposure"]), light_offset=light_offset,
    )


def as_sensor(attrs: dict[str, Any]) -> SensorInfo:
    """Return the sensor that the attributes of /ppg describe."""
    numbers = {
        name: int(attrs[name]) for name in ("rate_hz", "tick_hz", "adc_bits", "protocol", "boot_id")
    }
    return SensorInfo(
        name=str(attrs["sensor"]), firmware=str(attrs["firmware"]), port=str(attrs["port"]),
        **numbers,
    )


def _parse_object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> Any:
    """Return an attribute as a Python value; ValueError where it is an array or empty."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, str | int | float):
        raise ValueError(f"an attribute that is not one value, but {plain!r}")
    return plain
