"""The groups, datasets and attributes of a new session file, as `acquire.layout` names them."""

import json
import socket
from dataclasses import dataclass
from importlib.metadata import version

import h5py
import hdf5plugin

from acquire import layout
from acquire.camera.source import CameraInfo
from acquire.sensor.arrival import ArrivalTiming
from acquire.sensor.protocol import SENSOR_NAMES, Hello

from .stream_table import StreamHeader

# The oldest format that readers may follow while it is written: HDF5 1.10 reads it. With "latest",
# HDF5 2.0 writes what no earlier version reads.
FORMAT_BOUNDS = ("v110", "v110")
_ROWS_PER_CHUNK = 1024


@dataclass(frozen=True)
class ImportOrigin:
    """Where a session comes from that acq did not record."""

    data_set: str               # title of the public data set
    sensor: str                 # what took the PPG, as far as was published


@dataclass(frozen=True)
class RecordedWith:
    """What a session is recorded with beside a camera and a sensor of ours."""

    timing: ArrivalTiming | None = None         # of a sensor without a clock
    streams: tuple[StreamHeader, ...] = ()
    scale: tuple[float, float] | None = None    # of a sensor without a clock: lowest, highest


@dataclass(frozen=True)
class SessionHeader:
    """What is known of a session before its first frame."""

    session_id: str
    subject: str
    camera: CameraInfo
    hello: Hello                # what the sensor says of itself
    port: str                   # of the sensor
    started_unix_ns: int
    started_monotonic_ns: int
    simulated: bool
    origin: ImportOrigin | RecordedWith

    @property
    def timing(self) -> ArrivalTiming | None:
        """Of a sensor without a clock."""
        return self.origin.timing if isinstance(self.origin, RecordedWith) else None

    @property
    def scale(self) -> tuple[float, float] | None:
        """Lowest and highest reading of a sensor without a clock."""
        return self.origin.scale if isinstance(self.origin, RecordedWith) else None

    @property
    def imported(self) -> ImportOrigin | None:
        """Where a session comes from that acq did not record."""
        return self.origin if isinstance(self.origin, ImportOrigin) else None

    @property
    def streams(self) -> tuple[StreamHeader, ...]:
        """Recorded beside camera and sensor."""
        return self.origin.streams if isinstance(self.origin, RecordedWith) else ()


def create_frames(file: h5py.File, camera: CameraInfo) -> h5py.Dataset:
    """Create the dataset of frames: no frame yet, one frame a chunk, compressed by HTJ2K."""
    shape = camera.image_shape
    frames = file.create_dataset(
        layout.FRAMES, shape=(0, *shape), maxshape=(None, *shape), chunks=(1, *shape), dtype="u1",
        **hdf5plugin.Htj2k(),
    )
    frames.attrs.update({
        "pixel_format": camera.pixel_format,
        "width": camera.width,
        "height": camera.height,
        "nominal_fps": camera.fps,
        "camera": camera.name,
        "pipeline": camera.pipeline,
        "time_meaning": camera.time_meaning,
        "exposure": json.dumps(camera.exposure),
    })
    if (light := camera.light_offset) is not None:
        values = light.offset_ns, light.bound_ns, light.source
        frames.attrs.update(zip(layout.LIGHT_ATTRS, values, strict=True))
    return frames


def create_tables(file: h5py.File, header: SessionHeader) -> dict[str, h5py.Dataset]:
    """Create every column and table, without rows; more where the session's origin has more."""
    dtypes = {
        **layout.COLUMNS, layout.EXCHANGES: layout.EXCHANGE_DTYPE,
        layout.CLOCKS: layout.CLOCK_DTYPE, layout.SUSPENSIONS: layout.SUSPENSION_DTYPE,
        layout.EVENTS: layout.EVENT_DTYPE,
    }
    if header.imported:
        dtypes[layout.PUBLISHED] = layout.PUBLISHED_DTYPE
    if header.timing:
        dtypes[layout.READING] = layout.READING_DTYPE
    for stream in header.streams:
        dtypes |= stream.tables
    return {
        name: file.create_dataset(
            name, shape=(0,), maxshape=(None,), chunks=(_ROWS_PER_CHUNK,), dtype=dtype,
            # without it HDF5 keeps the first MB of each column in memory
            rdcc_nbytes=2 * _ROWS_PER_CHUNK * dtype.itemsize,
        )
        for name, dtype in dtypes.items()
    }


def write_attributes(file: h5py.File, header: SessionHeader) -> None:
    """Write the attributes of the file and of its group `ppg`; the session is not complete yet."""
    imported, timing, hello = header.imported, header.timing, header.hello
    file.attrs.update({
        "schema": layout.SCHEMA,
        "schema_version": layout.SCHEMA_VERSION,
        "session_id": header.session_id,
        "subject": header.subject,
        "started_unix_ns": header.started_unix_ns,
        "started_monotonic_ns": header.started_monotonic_ns,
        "host": socket.gethostname(),
        "acq_version": version("acq"),
        "simulated": header.simulated,
        "complete": False,
        **dict.fromkeys(layout.LOSS_ATTRS, -1),
        **({layout.IMPORTED_ATTR: imported.data_set} if imported else {}),
    })
    sensor = SENSOR_NAMES.get(hello.sensor, str(hello.sensor))
    if source := imported or timing:
        sensor = source.sensor
    file["ppg"].attrs.update({
        "sensor": sensor,
        "rate_hz": hello.rate_hz,
        "tick_hz": hello.tick_hz,
        "adc_bits": hello.adc_bits,
        "protocol": hello.protocol,
        "firmware": "" if timing or imported else hello.firmware,
        "boot_id": hello.boot_id,
        "port": header.port,
    })
    for stream in header.streams:
        values = stream.title, stream.kind, stream.channels, stream.rate_hz, stream.source
        group = file[f"{layout.STREAMS}/{stream.name}"]
        group.attrs.update(zip(layout.STREAM_ATTRS, values, strict=True))
    if timing is not None:
        values = (
            timing.line_ns, timing.spacing_ns, timing.delay_most_ns, timing.delay, timing.unseen,
        )
        file["ppg"].attrs.update(zip(layout.ARRIVAL_ATTRS, values, strict=True))
    if header.scale is not None:
        scale = (float(end) for end in header.scale)
        file["ppg"].attrs.update(zip(layout.SCALE_ATTRS, scale, strict=True))
