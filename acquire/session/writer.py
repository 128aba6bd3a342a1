"""SessionWriter: one recording as append-only HDF5 that can be read after a crash.

Every group, dataset and attribute is made before SWMR mode starts; from then on the file only
grows, and after each flush it is whole up to there, whatever happens to the process. Readers may
follow it while it is written. `acquire.layout` names what is in it. Frames are compressed
losslessly (HTJ2K, one frame a chunk; `frame_store`); everything else is a few bytes a row, kept in
memory until the next flush.

A disk that fills is noticed before HDF5 meets it (`disk_reserve`): a frame that has no room is
refused, and the file can still be flushed and closed. Where that is not possible (no such reserve,
the disk is gone) a write fails (`write_failure`); what was flushed before is then whole. A file
that is moved while it is written is followed to its new place; one that is deleted is an error.
"""

import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from acquire import layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import SessionError
from acquire.host_time import Suspension
from acquire.sensor.protocol import Hello

from .disk_reserve import DiskReserve, release
from .frame_store import FrameStore
from .place import place_of
from .structure import (
    FORMAT_BOUNDS,
    ImportOrigin,
    RecordedWith,
    SessionHeader,
    create_frames,
    create_tables,
    write_attributes,
)
from .write_failure import WRITE_ERRORS, failure_reason, guard_write, leave_open

_OURS = RecordedWith()


class SessionWriter:
    """Write one session file; a context manager, complete only if closed so.

    Parameters
    ----------
    origin : set where the session is imported, or recorded with more than a camera and a sensor of
        ours. Samples of an imported session, and of a sensor without a clock, also carry the
        numbers that were published or sent

    Raises
    ------
    SessionError : the file exists already, or cannot be written (disk full, no permission)
    """

    def __init__(
        self, path: Path, *, session_id: str, subject: str, camera: CameraInfo, hello: Hello,
        port: str, started_unix_ns: int, started_monotonic_ns: int, simulated: bool,
        origin: ImportOrigin | RecordedWith = _OURS,
    ) -> None:
        self.path = path
        self.frames = 0
        self.samples = 0
        self.flushed_frames = 0          # what a failure cannot take away
        self.flushed_samples = 0
        self.broken = False              # a write has failed
        header = SessionHeader(
            session_id, subject, camera, hello, port, started_unix_ns, started_monotonic_ns,
            simulated, origin,
        )
        self._pending: dict[str, list] = {
            name: []
            for name in (
                *layout.COLUMNS, layout.EXCHANGES, layout.CLOCKS, layout.SUSPENSIONS,
                layout.EVENTS, layout.PUBLISHED, layout.READING,
                *(table for stream in header.streams for table in stream.tables),
            )
        }
        # Until SWMR mode begins, no reader can open the file, so it has another name. (Windows
        # renames no open file.)
        self._first_path = path if sys.platform == "win32" else path.with_suffix(".part")
        self._open_new_file()
        try:
            DiskReserve(self._file.id.get_vfd_handle()).ensure(math.prod(camera.image_shape))
            self._create(header)
            self._start_swmr_mode(camera)
        except WRITE_ERRORS as error:
            leave_open(self)
            self._first_path.unlink(missing_ok=True)         # nothing is in it
            raise SessionError(
                expected="to write the session file", found=failure_reason(error), where=path
            ) from error

    def _open_new_file(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                raise FileExistsError
            self._file = h5py.File(self._first_path, "x", libver=FORMAT_BOUNDS)
        except FileExistsError as error:
            raise SessionError(
                expected="a new file", found="one that is already there", where=self.path,
                fix="start again in a second",
            ) from error
        except WRITE_ERRORS as error:
            with suppress(OSError):
                if self._first_path.stat().st_size == 0:
                    self._first_path.unlink()
            raise SessionError(
                expected="to create the session file", found=failure_reason(error), where=self.path
            ) from error

    def _create(self, header: SessionHeader) -> None:
        self.store = FrameStore(create_frames(self._file, header.camera))
        self._columns = create_tables(self._file, header)
        write_attributes(self._file, header)

    def _start_swmr_mode(self, camera: CameraInfo) -> None:
        """Let readers follow the file, reserve disk space, and give the file its name."""
        self._file.swmr_mode = True
        self._file.flush()
        # A new reserve: HDF5 has cut the file to its length, and with it what was allocated behind;
        # it does so once more on closing.
        self._reserve = DiskReserve(self._file.id.get_vfd_handle())
        self._reserve.ensure(math.prod(camera.image_shape))
        self._first_path.replace(self.path)

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
                    expected="room for a frame", found=failure_reason(error),
                    where=f"at {self.path.parent}", fix="stopped to keep the file whole",
                ) from error
        self._append(frame)

    @guard_write
    def _append(self, frame: VideoFrame) -> None:
        # counted first: a frame that cannot be written is among those that the failure takes
        self.frames += 1
        self.store.append(frame.image)
        self._pending[layout.FRAME_TIME].append(frame.time_ns)
        self._pending[layout.FRAME_ARRIVAL].append(frame.arrival_ns)
        self._pending[layout.FRAME_SEQUENCE].append(frame.sequence)

    def add_sample(
        self, *, sequence: int, ticks: int, value: int, flags: int, arrival_ns: int, time_ns: int,
        bound_ns: int, published: tuple[float, float, float] | None = None,
        reading: float | None = None,
    ) -> None:
        """Append one PPG sample.

        Parameters
        ----------
        ticks : of the device, unwrapped
        arrival_ns, time_ns : on CLOCK_MONOTONIC
        bound_ns : -1 while it is not known
        published : of an imported session: PPG, heart rate [bpm], oxygen saturation [%]; NaN where
            none was published
        reading : of a sensor without a clock: as it was sent
        """
        pending = self._pending
        pending[layout.PPG_SEQUENCE].append(sequence)
        pending[layout.PPG_TICKS].append(ticks)
        pending[layout.PPG_VALUE].append(value)
        pending[layout.PPG_FLAGS].append(flags)
        pending[layout.PPG_ARRIVAL].append(arrival_ns)
        pending[layout.PPG_TIME].append(time_ns)
        pending[layout.PPG_BOUND].append(bound_ns)
        if published is not None:
            pending[layout.PUBLISHED].append(published)
        if reading is not None:
            pending[layout.READING].append(reading)
        self.samples += 1

    def add_exchange(
        self, send_ns: int, rx_ticks: int, tx_ticks: int, recv_ns: int, ping_id: int
    ) -> None:
        """Append one answered ping; the ticks are unwrapped."""
        self._pending[layout.EXCHANGES].append((send_ns, rx_ticks, tx_ticks, recv_ns, ping_id))

    def add_clocks(self, monotonic_ns: int, raw_ns: int) -> None:
        """Append one reading of the host's two clocks."""
        self._pending[layout.CLOCKS].append((monotonic_ns, raw_ns))

    def add_suspension(self, suspension: Suspension) -> None:
        """Append a time in which the host was suspended."""
        self._pending[layout.SUSPENSIONS].append(tuple(suspension))

    def add_row(self, table: str, row: tuple) -> None:
        """Append one row to a table of a stream."""
        self._pending[table].append(row)

    def add_event(self, time_ns: int, kind: str, text: str) -> None:
        """Append one event; `text` is cut at 256 bytes of UTF-8."""
        cut = text.encode()[:256].decode(errors="ignore").encode()
        self._pending[layout.EVENTS].append((time_ns, kind.encode(), cut))

    @guard_write
    def flush(self) -> None:
        """Write all pending rows and make the file whole up to here.

        Raises
        ------
        SessionError : the disk is full or gone, what was flushed before stays readable; or the file
            was deleted
        """
        self._write_rows()
        self.path = place_of(self._file.id.get_vfd_handle(), self.path)

    def _write_rows(self) -> None:
        self.store.dataset.flush()
        for name, rows in self._pending.items():
            if rows:
                column = self._columns[name]
                column.resize(len(column) + len(rows), axis=0)
                column[-len(rows):] = np.array(rows, dtype=column.dtype)
                rows.clear()
                column.flush()
        self.flushed_frames, self.flushed_samples = self.frames, self.samples

    @guard_write
    def place_ppg(
        self, time_ns: np.ndarray, bound_ns: np.ndarray, sequence: np.ndarray | None = None
    ) -> None:
        """Replace the live estimate of every sample's time by that of the whole recording.

        A crash in between must not leave a new time beside an old bound: so the bounds are first
        set to "not known", and written last.

        Parameters
        ----------
        sequence : the samples' numbers where they follow from the times, too
        """
        self.flush()
        new = [(layout.PPG_BOUND, -1), (layout.PPG_TIME, time_ns)]
        if sequence is not None:
            new.append((layout.PPG_SEQUENCE, sequence))
        for name, values in (*new, (layout.PPG_BOUND, bound_ns)):
            self._columns[name][:] = values
            self._columns[name].flush()

    @guard_write
    def replace_rows(self, table: str, rows: np.ndarray) -> None:
        """Replace all rows of a table by as many others."""
        self.flush()
        self._columns[table][:] = rows
        self._columns[table].flush()

    @guard_write
    def set_delay(self, delay_most_ns: int) -> None:
        """Replace by how much the light was earlier than a sample's time at most [ns]."""
        self._file["ppg"].attrs.modify("delay_most_ns", delay_most_ns)

    @guard_write
    def set_scale(self, scale: tuple[float, float], adc_bits: int) -> None:
        """Replace the lowest and the highest reading of a sensor without a clock.

        It is in the file before any value that was made by it.
        """
        ppg = self._file["ppg"].attrs
        for name, value in (*zip(layout.SCALE_ATTRS, scale, strict=True), ("adc_bits", adc_bits)):
            ppg.modify(name, value)
        self._file.flush()

    def column(self, name: str) -> np.ndarray:
        """Return all rows of one column or table, after a flush."""
        self.flush()
        return self._columns[name][:]

    def close(self, *, complete: bool, lost_frames: int = -1, lost_samples: int = -1) -> None:
        """Close the file; may be called twice.

        Parameters
        ----------
        complete : the recording ended as it was asked to
        lost_frames, lost_samples : every loss, also behind the last row; -1 where only the jumps in
            the sequences are known

        Raises
        ------
        SessionError : the disk is full or gone, or the file was deleted
        """
        if self._file and not self.broken:
            self._write_end(
                {"complete": complete, "lost_frames": lost_frames, "lost_samples": lost_samples}
            )

    @guard_write
    def _write_end(self, attrs: dict[str, int]) -> None:
        self._write_rows()
        for name, value in attrs.items():
            self._file.attrs.modify(name, value)
        self.store.close()
        descriptor = os.dup(self._file.id.get_vfd_handle())
        try:
            self._file.close()
            self.path = place_of(descriptor, self.path)
        finally:
            os.close(descriptor)
        release(self.path)
        _sync_to_disk(self.path)


def _sync_to_disk(path: Path) -> None:
    """Put the file and its name on the disk, so that a power failure from now on loses nothing."""
    # Windows opens no folder
    for file_or_folder in (path,) if sys.platform == "win32" else (path, path.parent):
        descriptor = os.open(file_or_folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
