"""What a session file says of itself in attributes: the recording, its camera, its sensor."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a  # pyright: ignore[reportAttributeAccessIssue] - compiled

from acquire import data_folder, layout
from acquire.camera.source import CameraInfo, LightOffset
from acquire.documents import parse_json
from acquire.errors import Fix, SessionError
from acquire.limits import LATEST_NS, LONGEST_TEXT
from acquire.sensor.arrival import ArrivalTiming

from .hdf5 import read_attribute


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
    adc_bits: int                  # 0: not known
    protocol: int                  # 0: it runs no firmware of ours
    firmware: str                  # "" where it runs none of ours
    boot_id: int
    port: str
    # of a sensor without a clock: how its samples were placed; None: by pings
    timing: ArrivalTiming | None = None
    # of one: the readings that are the values 0 and 65535; None: an older file does not say
    scale: tuple[float, float] | None = None


def read_header(file: h5py.File, path: Path) -> Header:
    """Read and check the attributes of a session file.

    Raises
    ------
    SessionError : another schema or version, an attribute is missing, or is not what it should be
    ValueError : an attribute is not one value
    """
    names = (*layout.ATTRS, *layout.LOSS_ATTRS, layout.RECOVERED_ATTR, layout.IMPORTED_ATTR)
    attrs = _read_those(file, names)
    _check_schema(attrs, path)
    check_types(attrs, path)
    if missing := [name for name in layout.ATTRS if name not in attrs]:
        raise SessionError(
            expected="the attributes of a session", found=f"no {', '.join(missing)}", where=path
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
            fix=Fix.MOVE_AWAY,
        )
    if version != layout.SCHEMA_VERSION:
        raise SessionError(
            expected=f"session format {layout.SCHEMA_VERSION}", found=version, where=path,
            fix="read it with the version of acq that wrote it",
        )


_CORRECT = "restore the file from a copy, or correct the attribute"


def read_attributes(
    node: h5py.File | h5py.Dataset | h5py.Group, names: tuple[str, ...], path: Path
) -> dict[str, Any]:
    """Read attributes as Python values.

    Raises
    ------
    SessionError : one is missing, or is not what it should be
    ValueError : one is not one value
    """
    attrs = _read_those(node, names)
    if missing := [name for name in names if name not in attrs]:
        raise SessionError(
            expected=f"attributes of {node.name}", found=f"no {', '.join(missing)}", where=path
        )
    check_types(attrs, path)
    return attrs


def _read_those(
    node: h5py.File | h5py.Dataset | h5py.Group, names: tuple[str, ...]
) -> dict[str, Any]:
    """Read those of the attributes that are there."""
    return {name: _plain(read_attribute(node, name)) for name in names if _is_there(node, name)}


def _is_there(node: h5py.File | h5py.Dataset | h5py.Group, name: str) -> bool:
    return h5a.exists(node.id, name.encode())


def check_types(attrs: Mapping[str, Any], path: Path) -> None:
    """Refuse attributes that are not of their type, or out of its bounds.

    Raises
    ------
    SessionError : see above; the first one
    """
    for name, value in attrs.items():
        words, fits = _MEANING.get(name, _TEXT)
        if not fits(value):
            raise SessionError(
                expected=f"the attribute {name} as {words}", found=repr(value), where=path,
                fix=_CORRECT,
            )


def read_camera_attributes(video: h5py.Dataset, path: Path) -> dict[str, Any]:
    """Read the attributes of the frames, with the light offset where the rig was calibrated.

    Raises
    ------
    SessionError, ValueError : as `read_attributes`
    """
    attrs = read_attributes(video, layout.VIDEO_ATTRS, path)
    if any(_is_there(video, name) for name in layout.LIGHT_ATTRS):
        attrs |= read_attributes(video, layout.LIGHT_ATTRS, path)
    return attrs


def read_sensor_attributes(ppg: h5py.Group, path: Path) -> dict[str, Any]:
    """Read the attributes of the samples, with those of a sensor without a clock.

    Raises
    ------
    SessionError, ValueError : as `read_attributes`
    """
    attrs = read_attributes(ppg, layout.PPG_ATTRS, path)
    for names in (layout.ARRIVAL_ATTRS, layout.SCALE_ATTRS):
        if any(_is_there(ppg, name) for name in names):
            attrs |= read_attributes(ppg, names, path)
    if "scale_low" in attrs and not attrs["scale_low"] < attrs["scale_high"]:
        raise SessionError(
            expected="scale_low below scale_high",
            found=f"{attrs['scale_low']:g} and {attrs['scale_high']:g}", where=path, fix=_CORRECT,
        )
    return attrs


def as_camera(attrs: dict[str, Any], *, simulated: bool) -> CameraInfo:
    """Return the camera that attributes of frames describe, which `check_types` has checked."""
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
        simulated=simulated, exposure=parse_json(attrs["exposure"]), light_offset=light_offset,
    )


def check_rates(tick_hz: float, rate_hz: float, path: Path) -> None:
    """Refuse rates of a sensor by which no sample can be placed in time.

    Raises
    ------
    SessionError : see above
    """
    if not all(0 < hz < 2**32 for hz in (tick_hz, rate_hz)):
        raise SessionError(
            expected="rates in Hz", found=f"tick_hz {tick_hz} and rate_hz {rate_hz}", where=path
        )


def as_sensor(attrs: dict[str, Any]) -> SensorInfo:
    """Return the sensor that the attributes of /ppg describe."""
    numbers = {
        name: int(attrs[name]) for name in ("rate_hz", "tick_hz", "adc_bits", "protocol", "boot_id")
    }
    timing = None
    if "line_ns" in attrs:
        timing = ArrivalTiming(
            str(attrs["sensor"]), attrs["line_ns"], attrs["spacing_ns"], attrs["delay_most_ns"],
            str(attrs["delay"]), str(attrs["unseen_losses"]),
        )
    low, high = (attrs.get(name) for name in layout.SCALE_ATTRS)
    return SensorInfo(
        # what was imported with an earlier version has 0.0.0
        name=str(attrs["sensor"]), firmware=str(attrs["firmware"]) if numbers["protocol"] else "",
        port=str(attrs["port"]),
        timing=timing, scale=None if low is None or high is None else (low, high), **numbers,
    )


def _is_reading(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _LARGEST_READING


def _is_whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _is_object(value: Any) -> bool:
    """Return whether text is a JSON object of plain values, as a camera's exposure is."""
    try:
        parsed = parse_json(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return isinstance(parsed, dict)


def _is_rate(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value < 1e6


_TEXT: tuple[str, Callable[[Any], bool]] = (
    f"text of at most {LONGEST_TEXT} characters",
    lambda value: isinstance(value, str) and len(value) <= LONGEST_TEXT,
)
_FLAG = ("true or false", lambda value: type(value) is bool or value in (0, 1))
_TIME = ("nanoseconds", _is_whole(-LATEST_NS, LATEST_NS))
_SINCE_1970 = ("nanoseconds since 1970", _is_whole(0, LATEST_NS))
_COUNT = ("a whole number", _is_whole(0, 2**63))
_LOST = ("a number of losses, or -1", _is_whole(-1, 2**40))
# the longest is that of a pause of the host
_DELAY = ("nanoseconds up to an hour, or -1", _is_whole(-1, 3600 * 10**9))
_LARGEST_READING = 2.0**53
_LONGEST_NS = 2 * 10**9          # of a light offset: twice what a calibration tries
_READING = ("a reading of the sensor", _is_reading)
_PIXELS = ("a number of pixels", _is_whole(1, 2**31))
# What attributes mean and may be; those that are not listed are text.
_MEANING: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "schema_version": _COUNT, "started_unix_ns": _SINCE_1970, "started_monotonic_ns": _TIME,
    "simulated": _FLAG, "complete": _FLAG, "lost_frames": _LOST, "lost_samples": _LOST,
    "width": _PIXELS, "height": _PIXELS,
    "nominal_fps": ("frames a second", _is_rate), "channels": _COUNT,
    "nominal_hz": ("samples a second", _is_rate),
    "exposure": ("a JSON object", _is_object),
    "light_offset_ns": ("nanoseconds up to 2 s", _is_whole(-_LONGEST_NS, _LONGEST_NS)),
    "light_offset_bound_ns": ("nanoseconds up to 2 s", _is_whole(0, _LONGEST_NS)),
    "rate_hz": _COUNT, "tick_hz": _COUNT, "adc_bits": _COUNT, "protocol": _COUNT,
    "boot_id": _COUNT,
    "line_ns": _DELAY, "spacing_ns": _DELAY, "delay_most_ns": _DELAY,
    "scale_low": _READING, "scale_high": _READING,
}


def _plain(value: Any) -> Any:
    """Return an attribute as a Python value; ValueError where it is an array or empty."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str):                     # h5py keeps what is not UTF-8 as surrogates
        return value.encode(errors="surrogateescape").decode(errors="replace")
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bytes):
        return plain.decode(errors="replace")
    if not isinstance(plain, str | int | float):
        raise ValueError(f"an attribute that is not one value, but {plain!r}")
    return plain
