"""SessionWriter: one recording as append-only HDF5 that opens after a crash.

Every group, dataset and attribute is made before SWMR mode starts; from then on the file only
grows, and after each flush it is whole up to there, whatever happens to the process. Readers may
follow it while it is written. `acquire.layout` names what is in it. Frames are compressed
losslessly (HTJ2K, one frame a chunk; `acquire.session.frame_store`); everything else is a few bytes
a row, kept in memory until the next flush.

A disk that fills is met before HDF5 meets it (`acquire.session.disk_reserve`): a frame that has no
room is refused, and the file can still be flushed and closed. Where that cannot be (no such
reserve, the disk is gone) a write fails. What was flushed before is then whole, and the file must
not be touched again: HDF5 would retry on closing it, fail again, and crash the process when it
frees what is left. So a writer that failed refuses every further write, its file is left open, and
the process leaves without HDF5's clean-up.
"""

import atexit
import json
import math
import os
import re
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import h5py
import hdf5plugin
import numpy as np

from acquire import layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import SessionError
from acquire.sensor.protocol import SENSOR_NAMES, Hello

from .disk_reserve import Reserve, release
from .frame_store import FrameStore

_ROWS_PER_CHUNK = 1024
_left_open: list["SessionWriter"] = []


def _leave() -> None:
    """End the process without HDF5's clean-up, which crashes over a file that could not be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _leave_open(writer: "SessionWriter") -> None:
    """Keep every handle of a file that cannot be written: letting go of one writes, fails, and says
    so at length.
    """
    writer.broken = True
    _left_open.append(writer)
    atexit.register(_leave)


def _reason(error: Exception) -> str:
    if number := getattr(error, "errno", None):
        return os.strerror(number)
    said = re.search(r"error message = '([^']+)'", str(error))       # in the page that HDF5 fills
    return said[1] if said else " ".join(str(error).split())


def _writing(method: Callable) -> Callable:
    """Turn a failed write into `SessionError`, once and for all."""

    @wraps(method)
    def guarded(self: "SessionWriter", *args: object, **kwargs: object) -> object:
        if self.broken:
            raise SessionError(
                f"expected to write {self.path}, which failed before; what was flushed by then is "
                "whole"
            )
        try:
            return method(self, *args, **kwargs)
        except (OSError, RuntimeError) as error:      # h5py raises either
            _leave_open(self)
            raise SessionError(
                f"expected to write {self.path}, got: {_reason(error)}; what was flushed before is "
                "whole"
            ) from error

    return guarded


@dataclass(frozen=True)
class Imported:
    """Where a session comes from that acq did not record."""

    source: str      # the public data set
    sensor: str      # what took the PPG, as far as was published


class SessionWriter:
    """Write one session file; a context manager, complete only if closed so.

    Parameters
    ----------
    imported : set where the session is imported; its samples then take the numbers as published,
        too

    Raises
    ------
    SessionError : the file exists already, or cannot be written (disk full, no permission)
    """

    def __init__(
        self,
        path: Path,
        *,
        session_id: str,
        subject: str,
        camera: CameraInfo,
        hello: Hello,
        port: str,
        started_unix_ns: int,
        started_monotonic_ns: int,
        simulated: bool,
        imported: Imported | None = None,
    ) -> None:
        self.path = path
        self.frames = 0
        self.samples = 0
        self.flushed_frames = 0          # what a failure cannot take away
        self.flushed_samples = 0
        self.broken = False
        tables = (*layout.COLUMNS, layout.EXCHANGES, layout.CLOCKS, layout.EVENTS, layout.PUBLISHED)
        self._rows: dict[str, list] = {name: [] for name in tables}
        # Until SWMR mode begins, a kill leaves what no reader opens. (Windows renames no open
        # file.)
        self._made_as = path if sys.platform == "win32" else path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise FileExistsError
            self._file = h5py.File(self._made_as, "x", libver="latest")
        except FileExistsError as error:
            raise SessionError(
                f"expected a new file, found {path} already there; start again in a second"
            ) from error
        except (OSError, RuntimeError) as error:          # h5py raises either
            with suppress(OSError):
                if self._made_as.stat().st_size == 0:
                    self._made_as.unlink()
            raise SessionError(f"expected to create {path}, got: {_reason(error)}") from error
        try:
            Reserve(self._file.id.get_vfd_handle()).ensure(math.prod(camera.image_shape))
            self._create(camera, {layout.PUBLISHED: layout.PUBLISHED_DTYPE} if imported else {})
            self._file.attrs.update({
                "schema": layout.SCHEMA,
                "schema_version": layout.SCHEMA_VERSION,
                "session_id": session_id,
                "subject": subject,
                "started_unix_ns": started_unix_ns,
                "started_monotonic_ns": started_monotonic_ns,
                "host": socket.gethostname(),
                "acq_version": version("acq"),
                "simulated": simulated,
                "complete": False,
                **dict.fromkeys(layout.LOSS_ATTRS, -1),
                **({layout.IMPORTED_ATTR: imported.source} if imported else {}),
            })
            self._file["ppg"].attrs.update(
                {
                    "sensor": imported.sensor
                    if imported
                    else SENSOR_NAMES.get(hello.sensor, str(hello.sensor)),
                    "rate_hz": hello.rate_hz,
                    "tick_hz": hello.tick_hz,
                    "adc_bits": hello.adc_bits,
                    "protocol": hello.protocol,
                    "firmware": hello.firmware,
                    "boot_id": hello.boot_id,
                    "port": port,
                }
            )
            self._file.swmr_mode = True
            self._file.flush()
            # Anew: HDF5 has cut the file to its length, and with it what was allocated behind; it
            # does so once more, on closing.
            self._reserve = Reserve(self._file.id.get_vfd_handle())
            self._reserve.ensure(math.prod(camera.image_shape))
            self._made_as.replace(path)
        except (OSError, RuntimeError) as error:
            _leave_open(self)
            self._made_as.unlink(missing_ok=True)         # nothing is in it
            raise SessionError(f"expected to write {path}, got: {_reason(error)}") from error

    def _create(self, camera: CameraInfo, more: dict[str, np.dtype]) -> None:
        shape = camera.image_shape
        frames = self._file.create_dataset(
            layout.FRAMES, shape=(0, *shape), maxshape=(None, *shape), chunks=(1, *shape),
            dtype="u1", **hdf5plugin.Htj2k(),
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
        if camera.light_offset is not None:
            light = camera.light_offset
            frames.attrs.update(
                zip(
                    layout.LIGHT_ATTRS, (light.offset_ns, light.bound_ns, light.source), strict=True
                )
            )
        self.store = FrameStore(frames)
        tables = {
            **layout.COLUMNS, layout.EXCHANGES: layout.EXCHANGE_DTYPE,
            layout.CLOCKS: layout.CLOCK_DTYPE, layout.EVENTS: layout.EVENT_DTYPE, **more,
        }
        self._columns = {
            name: self._file.create_dataset(
                name, shape=(0,), maxshape=(None,), chunks=(_ROWS_PER_CHUNK,), dtype=dtype,
                # or HDF5 keeps the first MB of each column in memory
                rdcc_nbytes=2 * _ROWS_PER_CHUNK * dtype.itemsize,
            )
            for name, dtype in tables.items()
        }

    def __enter__(self) -> "SessionWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(complete=False)

    def add_frame(self, frame: VideoFrame) -> None:
        """Compress and append one frame.

        Raises
        ------
        SessionError : there is no room for it, and the file is whole; or writing failed, and the
            writer is `broken`
        """
        if not self.broken:
            try:
                self._reserve.ensure(frame.image.nbytes)
            except OSError as error:
                raise SessionError(
                    f"expected room for a frame, got: {_reason(error)}, at {self.path.parent}; "
                    "stopped to keep the file whole"
                ) from error
        self._append(frame)

    @_writing
    def _append(self, frame: VideoFrame) -> None:
        # first: a frame that cannot be written counts among those that a failure took
        self.frames += 1
        self.store.append(frame.image)
        self._rows[layout.FRAME_TIME].append(frame.time_ns)
        self._rows[layout.FRAME_ARRIVAL].append(frame.arrival_ns)
        self._rows[layout.FRAME_SEQUENCE].append(frame.sequence)

    def add_sample(
        self, *, sequence: int, ticks: int, value: int, flags: int, arrival_ns: int, time_ns: int,
        bound_ns: int, published: tuple[float, float, float] | None = None,
    ) -> None:
        """Append one PPG sample; `ticks` unwrapped, times in ns on CLOCK_MONOTONIC, `bound_ns` -1
        while unknown.

        `published`, of an imported one: PPG, heart rate [bpm], oxygen saturation [%], NaN where
        none was published.
        """
        rows = self._rows
        rows[layout.PPG_SEQUENCE].append(sequence)
        rows[layout.PPG_TICKS].append(ticks)
        rows[layout.PPG_VALUE].append(value)
        rows[layout.PPG_FLAGS].append(flags)
        rows[layout.PPG_ARRIVAL].append(arrival_ns)
        rows[layout.PPG_TIME].append(time_ns)
        rows[layout.PPG_BOUND].append(bound_ns)
        if published is not None:
            rows[layout.PUBLISHED].append(published)
        self.samples += 1

    def add_exchange(
        self, send_ns: int, rx_ticks: int, tx_ticks: int, recv_ns: int, ping_id: int
    ) -> None:
        """Append one answered ping; ticks unwrapped."""
        self._rows[layout.EXCHANGES].append((send_ns, rx_ticks, tx_ticks, recv_ns, ping_id))

    def add_clocks(self, monotonic_ns: int, raw_ns: int) -> None:
        """Append one reading of the host's two clocks."""
        self._rows[layout.CLOCKS].append((monotonic_ns, raw_ns))

    def add_event(self, time_ns: int, kind: str, text: str) -> None:
        """Append one event; `text` is cut at 256 bytes of UTF-8."""
        cut = text.encode()[:256].decode(errors="ignore").encode()
        self._rows[layout.EVENTS].append((time_ns, kind.encode(), cut))

    @_writing
    def flush(self) -> None:
        """Write what is pending and make the file whole up to here.

        Raises
        ------
        SessionError : the disk is full or gone; what was flushed before stays readable
        """
        self.store.dataset.flush()
        for name, rows in self._rows.items():
            if rows:
                column = self._columns[name]
                column.resize(len(column) + len(rows), axis=0)
                column[-len(rows):] = np.array(rows, dtype=column.dtype)
                rows.clear()
                column.flush()
        self.flushed_frames, self.flushed_samples = self.frames, self.samples

    @_writing
    def place_ppg(self, time_ns: np.ndarray, bound_ns: np.ndarray) -> None:
        """Replace the live estimate of every sample's time by the one over the whole recording.

        A crash in between must not leave a new time beside an old bound: the bounds go first, and
        come last.
        """
        self.flush()
        for name, values in (
            (layout.PPG_BOUND, -1), (layout.PPG_TIME, time_ns), (layout.PPG_BOUND, bound_ns),
        ):
            self._columns[name][:] = values
            self._columns[name].flush()

    def column(self, name: str) -> np.ndarray:
        """Read back one column or table, flushed."""
        self.flush()
        return self._columns[name][:]

    def close(self, *, complete: bool, lost_frames: int = -1, lost_samples: int = -1) -> None:
        """Close the file; may be called twice.

        Parameters
        ----------
        complete : the recording ended as it was asked to
        lost_frames, lost_samples : all that is missing, behind the last row too; -1 where only the
            sequences tell
        """
        if self._file and not self.broken:
            self._finish(
                {"complete": complete, "lost_frames": lost_frames, "lost_samples": lost_samples}
            )

    @_writing
    def _finish(self, attrs: dict[str, int]) -> None:
        self.flush()
        for name, value in attrs.items():
            self._file.attrs.modify(name, value)
        self.store.close()
        self._file.close()
        release(self.path)
        _sync(self.path)


def _sync(path: Path) -> None:
    """Ask the system to put the file and its name on the disk, so that pulling the plug after
    'saved' loses nothing.
    """
    places = (path,) if sys.platform == "win32" else (path, path.parent)  # Windows opens no folder
    for place in places:
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
