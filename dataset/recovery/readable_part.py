"""The part of an unclosed or damaged session file that can be read, and a clean copy of it.

Copied are the columns of each stream up to where all of them are whole, and every frame that
decodes, as the bytes it was stored in. The samples are placed again by the clock fit over the whole
recording, which a killed recorder never came to. What is dropped is counted, and a frame dropped
between others is a jump in the sequence like any lost frame. The copy stays `complete` false,
because the recording ended early or lost what it had, and carries the attribute `recovered`.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from acquire import layout
from acquire.clock.place_arrivals import lateness_text
from acquire.clock.place_recording import place_recording
from acquire.clock.place_samples import NEVER_SUSPENDED
from acquire.clock.place_stream import place_stream
from acquire.errors import SessionError
from acquire.limits import LEAST_ROWS_BYTES
from acquire.other_sensors.scale import make_values
from acquire.recorder.losses import correct_events
from acquire.session.structure import FORMAT_BOUNDS
from dataset.common.progress import OnProgress
from dataset.session.columns import read_stream_headers
from dataset.session.frames import read_stored_frame
from dataset.session.hdf5 import find_group, find_inside
from dataset.session.header import as_sensor, check_rates, read_header, read_sensor_attributes
from dataset.session.reader import count_lost


@dataclass(frozen=True)
class Counts:
    """How many frames and samples a copy holds and lacks."""

    frames: int
    samples: int
    dropped_frames: int         # begun in the file, but not whole, or they do not decode
    dropped_samples: int
    lost_frames: int            # missing from the sequence
    lost_samples: int


class ReadablePart:
    """The columns of a file cut to what is whole, and its frames.

    Parameters
    ----------
    file : see `ClosedView`
    size : how much of the file is on the disk [bytes]
    path : named in errors

    Raises
    ------
    SessionError : it is no session, or lacks a dataset
    """

    def __init__(self, file: h5py.File, size: int, path: Path) -> None:
        self._file = file
        self._size = size
        self._path = path
        header = read_header(file, path)
        self._lost, self._begun_ns = header.lost, header.started_monotonic_ns
        self._ppg = find_group(file, "ppg", path)
        self._bounds: dict[str, int] = {}       # attributes of /ppg that the placement settles
        self._left = max(2 * size, LEAST_ROWS_BYTES)
        self._video = find_inside(file, layout.FRAMES, path)
        self._streams = read_stream_headers(file, path)
        names = [*layout.COLUMNS, *([layout.READING] if layout.READING in file else [])]
        begun = {name: find_inside(file, name, path) for name in names}
        columns = {name: self._read_rows(dataset) for name, dataset in begun.items()}
        self._frames = self._count_stored_frames(
            _count_whole(columns, "video/", layout.FRAME_ARRIVAL)
        )
        self._samples = _count_whole(columns, "ppg/", layout.PPG_ARRIVAL)
        self._columns = {
            name: column[: self._frames if name.startswith("video/") else self._samples]
            for name, column in columns.items()
        }
        self._tables = {
            name: self._read_rows(find_inside(file, name, path))
            for name in (
                layout.EXCHANGES, layout.CLOCKS, layout.SUSPENSIONS, layout.EVENTS,
                *(table for stream in self._streams for table in stream.tables),
            )
            if name in file
        }
        self._begun_frames = max(
            len(self._video), *(len(d) for n, d in begun.items() if n.startswith("video/"))
        )
        self._begun_samples = max(len(d) for n, d in begun.items() if n.startswith("ppg/"))

    def _read_rows(self, dataset: h5py.Dataset) -> np.ndarray:
        """Read a column or table up to the first row that does not lie in the file."""
        if dataset.chunks is None:
            raise SessionError(
                expected=f"{dataset.name} in chunks", found="it in one piece", where=self._path
            )
        per_chunk, item = dataset.chunks[0], dataset.dtype.itemsize
        rows = 0
        for at in range(0, len(dataset), per_chunk):
            stored = self._stored_bytes(dataset, (at,)) // item
            rows = at + min(stored, per_chunk)
            if stored < per_chunk or rows * item > self._left:
                break
        rows = min(rows, len(dataset))
        self._left -= rows * item
        if self._left < 0:                       # chunks that are the same bytes
            raise SessionError(
                expected=f"rows of {dataset.name} that fit into the file", found=f"{rows:,} rows",
                where=self._path,
            )
        return dataset[:rows]

    def _stored_bytes(self, dataset: h5py.Dataset, at: tuple[int, ...]) -> int:
        """Return how much of a chunk is in the file [bytes]; 0 where its index cannot be read."""
        try:
            chunk = dataset.id.get_chunk_info_by_coord(at)
        except (OSError, RuntimeError):
            return 0
        if chunk.byte_offset is None:
            return 0
        return max(0, min(chunk.size, self._size - chunk.byte_offset))

    def _count_stored_frames(self, most: int) -> int:
        """Count the frames up to the first whose bytes are not all there."""
        most = min(most, len(self._video))      # what the file declares may be without bounds
        is_whole = np.zeros(most + 1, bool)

        def note(chunk: Any) -> None:
            at = chunk.chunk_offset[0]
            if at < most:
                is_whole[at] = chunk.byte_offset + chunk.size <= self._size

        with suppress(OSError, RuntimeError):           # what was found before it counts
            self._video.id.chunk_iter(note)
        return int(np.argmin(is_whole))

    def write(self, part: Path, on_progress: OnProgress) -> Counts:
        """Write a clean session to `part`; this may be called once.

        Raises
        ------
        SessionError : not one frame or sample can be read
        """
        if not self._frames and not self._samples:
            raise SessionError(
                expected="a frame or a sample that can be read", found="none", where=self._path
            )
        with h5py.File(part, "w", libver=FORMAT_BOUNDS) as out:
            _copy_attributes(self._file, out)
            decodes = self._copy_frames(out, on_progress)
            for name, column in self._columns.items():
                if name.startswith("video/"):
                    self._columns[name] = column[decodes]
            self._make_values()
            self._place_samples()
            self._place_streams()
            counts = self._count(int(decodes.sum()))
            note = self._describe(counts)
            self._add_event("recovered", note, self._last_ns())
            for name, rows in {**self._columns, **self._tables}.items():
                self._create(out, name, len(rows))[:] = rows
            _copy_attributes(self._ppg, out.require_group("ppg"))
            out["ppg"].attrs.update(self._bounds)
            for stream in self._streams:
                name = f"{layout.STREAMS}/{stream.name}"
                group = find_group(self._file, name, self._path)
                _copy_attributes(group, out.require_group(name))
            out.attrs["complete"] = False
            out.attrs[layout.RECOVERED_ATTR] = note
            self._write_losses(out, counts)
        return counts

    def _describe(self, counts: Counts) -> str:
        return (
            f"{counts.dropped_frames} of {self._begun_frames} frames and {counts.dropped_samples} "
            f"of {self._begun_samples} samples dropped that were not whole; it ends "
            f"{(self._last_ns() - self._begun_ns) / 1e9:.1f} s after its start, how much was "
            "planned is not known; if it was a copy, its original may be whole"
        )

    def _count(self, frames: int) -> Counts:
        return Counts(
            frames=frames, samples=self._samples, dropped_frames=self._begun_frames - frames,
            dropped_samples=self._begun_samples - self._samples,
            lost_frames=count_lost(self._columns[layout.FRAME_SEQUENCE]),
            lost_samples=count_lost(self._columns[layout.PPG_SEQUENCE]),
        )

    def _write_losses(self, out: h5py.File, counts: Counts) -> None:
        by_attribute = {
            "lost_frames": (counts.lost_frames, counts.dropped_frames),
            "lost_samples": (counts.lost_samples, counts.dropped_samples),
        }
        for name, (lost, dropped) in by_attribute.items():
            stored = self._lost[name]
            # a file that was closed counted its losses before the first row and after the last, too
            out.attrs[name] = lost if stored < 0 else stored + dropped

    def _create(self, out: h5py.File, name: str, rows: int) -> h5py.Dataset:
        """Create a dataset like the file's own of that name, filters and all, of so many rows."""
        model = find_inside(self._file, name, self._path)
        parents = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        parents.set_create_intermediate_group(True)
        space = h5py.h5s.create_simple(
            (rows, *model.shape[1:]), (h5py.h5s.UNLIMITED, *model.shape[1:])
        )
        created = h5py.h5d.create(
            out.id, name.encode(), model.id.get_type(), space, model.id.get_create_plist(), parents
        )
        return h5py.Dataset(created)

    def _copy_frames(self, out: h5py.File, on_progress: OnProgress) -> np.ndarray:
        """Copy the stored bytes of every frame that decodes; return which do, (frames,) bool."""
        to = self._create(out, layout.FRAMES, self._frames)
        decodes = np.zeros(self._frames, bool)
        inner = (0,) * (self._video.ndim - 1)
        copied = 0
        for at in range(self._frames):
            try:
                skipped_filters, stored = read_stored_frame(self._video, at)
                self._video[at]
            except (OSError, RuntimeError, ValueError):
                continue
            to.id.write_direct_chunk((copied, *inner), stored, skipped_filters)
            decodes[at] = True
            copied += 1
            on_progress("frames", at + 1, self._frames)
        to.resize(copied, axis=0)
        _copy_attributes(self._video, to)
        return decodes

    def _make_values(self) -> None:
        """Make all values by the scale that the recording ended with."""
        scale = as_sensor(read_sensor_attributes(self._ppg, self._path)).scale
        columns = self._columns
        if scale is not None and layout.READING in columns:
            columns[layout.PPG_VALUE], columns[layout.PPG_FLAGS] = make_values(
                columns[layout.READING], columns[layout.PPG_FLAGS], scale
            )

    def _place_samples(self) -> None:
        """Place the samples on the host's clock, by all exchanges, and count their jumps anew."""
        sensor = as_sensor(read_sensor_attributes(self._ppg, self._path))
        check_rates(sensor.tick_hz, sensor.rate_hz, self._path)
        tables, columns = self._tables, self._columns
        clocks = tables.get(layout.CLOCKS, np.empty(0, layout.CLOCK_DTYPE))
        suspensions = tables.get(layout.SUSPENSIONS, NEVER_SUSPENDED)
        ticks, arrival_ns = columns[layout.PPG_TICKS], columns[layout.PPG_ARRIVAL]
        counted = columns[layout.PPG_SEQUENCE]
        time_ns, bound_ns, sequence, late_ns, timing = place_recording(
            tables[layout.EXCHANGES], clocks, ticks, arrival_ns, counted,
            tick_hz=sensor.tick_hz, rate_hz=sensor.rate_hz, timing=sensor.timing,
            suspensions=suspensions, start_ns=self._begun_ns,
        )
        columns |= {
            layout.PPG_TIME: time_ns, layout.PPG_BOUND: bound_ns, layout.PPG_SEQUENCE: sequence
        }
        tables[layout.EVENTS], more = correct_events(
            tables[layout.EVENTS], counted, sequence, arrival_ns
        )
        for time, kind, text in more:
            self._add_event(kind, text, time)
        is_settled = layout.ARRIVALS_LATE.encode() in tables[layout.EVENTS]["kind"]
        if timing is not None and len(arrival_ns) and not is_settled:
            self._bounds["delay_most_ns"] = timing.delay_most_ns
            self._add_event(layout.ARRIVALS_LATE, lateness_text(late_ns), int(arrival_ns[-1]))

    def _place_streams(self) -> None:
        """Place the samples of every stream by all offsets of its clock."""
        clocks = self._tables.get(layout.CLOCKS, np.empty(0, layout.CLOCK_DTYPE))
        for stream in self._streams:
            samples = self._tables[layout.stream_samples(stream.name)]
            offsets = self._tables[layout.stream_offsets(stream.name)]
            time_ns, bound_ns = place_stream(samples["stamp_s"], offsets, clocks)
            samples["time_ns"][bound_ns >= 0] = time_ns[bound_ns >= 0]
            samples["bound_ns"] = bound_ns

    def _last_ns(self) -> int:
        """Return the last moment that the file knows of [ns]."""
        arrivals = (self._columns[name] for name in (layout.FRAME_ARRIVAL, layout.PPG_ARRIVAL))
        return max(int(column[-1]) for column in arrivals if len(column))

    def _add_event(self, kind: str, text: str, time_ns: int) -> None:
        row = np.array([(time_ns, kind.encode(), text.encode())], layout.EVENT_DTYPE)
        self._tables[layout.EVENTS] = np.concatenate([self._tables[layout.EVENTS], row])


def _count_whole(columns: dict[str, np.ndarray], stream: str, arrival: str) -> int:
    """Return how many rows all columns of a stream share, up to the first that never arrived."""
    rows = min(len(column) for name, column in columns.items() if name.startswith(stream))
    unwritten = np.flatnonzero(columns[arrival][:rows] <= 0)
    return int(unwritten[0]) if len(unwritten) else rows


def _copy_attributes(
    source: h5py.File | h5py.Group | h5py.Dataset, to: h5py.File | h5py.Group | h5py.Dataset
) -> None:
    for name, value in source.attrs.items():
        to.attrs[name] = value
