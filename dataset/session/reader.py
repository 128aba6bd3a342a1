"""Session: one recording, read-only and lazy.

A recording that is still being written, or whose writer was killed, is read like any other
(`dataset.session.hdf5`). Such a file may hold columns of unequal length; each stream is read up to
where all of its columns are whole. In a file that was closed they are refused. Frames stay on disk
until they are asked for (`dataset.session.frames`).

Nothing in a file is believed unchecked: names, dtypes and shapes are compared with
`acquire.layout`, and a link that leads out of the file is refused, not followed.
"""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np

from acquire import layout
from acquire.clock.place_arrivals import settle_delay
from acquire.errors import SessionError
from acquire.other_sensors.scale import make_values
from acquire.sensor.arrival import ArrivalTiming
from acquire.session import span

from .columns import Rows, check_frame_sizes, measure_chunks, read_streams, read_streams_beside
from .frames import Frames, check_frames
from .hdf5 import RESTORE, find_group, find_inside, open_to_read, was_never_closed
from .header import (
    as_camera,
    as_sensor,
    read_attributes,
    read_camera_attributes,
    read_header,
    read_sensor_attributes,
)


@dataclass(frozen=True)
class Event:
    """Something that happened while recording."""

    time_ns: int
    kind: str
    text: str


class Session:
    """One session file; a context manager.

    Parameters
    ----------
    wait_s : how long a file that was never closed may take to open; 0 waits for ever

    Raises
    ------
    SessionError : the file is missing, not HDF5, cut short, of another schema or version, lacks a
        dataset, links out of itself, or needs a filter that is not installed
    """

    def __init__(self, path: Path | str, *, wait_s: float = 30.0) -> None:
        self.path = Path(path)
        self._file = open_to_read(self.path, wait_s=wait_s)
        try:
            self._read_header()
            self._read_devices()
            self._read_streams()
            self._read_tables()
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            self._file.close()
            raise SessionError(
                expected=f"a readable {layout.SCHEMA} {layout.SCHEMA_VERSION}", found=error,
                where=self.path, fix=RESTORE,
            ) from error
        except SessionError:
            self._file.close()
            raise

    def _read_header(self) -> None:
        header = read_header(self._file, self.path)
        self.session_id = header.session_id
        self.subject = header.subject
        self.host = header.host
        self.acq_version = header.acq_version
        self.started_unix_ns = header.started_unix_ns
        self.started_monotonic_ns = header.started_monotonic_ns
        self.simulated = header.simulated
        self.complete = header.complete
        self.recovered = header.recovered
        self.imported_from = header.imported_from
        self._lost = header.lost

    def _read_devices(self) -> None:
        self._video = find_inside(self._file, layout.FRAMES, self.path)
        camera = read_camera_attributes(self._video, self.path)
        ppg = find_group(self._file, "ppg", self.path)
        sensor = read_sensor_attributes(ppg, self.path)
        check_frames(self._video, camera, self.path)
        self.camera = as_camera(camera, simulated=self.simulated)
        self.sensor = as_sensor(sensor)
        self._hashed_attributes = camera, sensor

    def _read_streams(self) -> None:
        self._rows = Rows(self._file, self.path)
        self._columns = read_streams(self._rows, frames=len(self._video))
        self.frame_time_ns = self._columns[layout.FRAME_TIME]
        self.frame_arrival_ns = self._columns[layout.FRAME_ARRIVAL]
        self.frame_sequence = self._columns[layout.FRAME_SEQUENCE]
        self.ppg_sequence = self._columns[layout.PPG_SEQUENCE]
        self.ppg_ticks = self._columns[layout.PPG_TICKS]
        self.ppg_arrival_ns = self._columns[layout.PPG_ARRIVAL]
        self.ppg_time_ns = self._columns[layout.PPG_TIME]
        self.ppg_bound_ns = self._columns[layout.PPG_BOUND]     # -1 while no bound was known
        # of a sensor without a clock: (S,) float64, the numbers as it sent them
        self.reading = self._columns.get(layout.READING)
        self.ppg = self._columns[layout.PPG_VALUE]              # uint16, full scale 65535
        self.ppg_flags = self._columns[layout.PPG_FLAGS]
        if self.reading is not None and self.sensor.scale is not None:
            # while a file is written its scale may become wider: one scale throughout
            self.ppg, self.ppg_flags = make_values(
                self.reading, self.ppg_flags, self.sensor.scale
            )

        count = len(self.frame_time_ns)
        self.frames = Frames(self._video, self.camera, count=count, where=self.path)
        # Of a closed file HDF5 has checked the length, and each frame is looked at when it is read.
        # To walk their chunks takes as long as all the rest, to count them half of that.
        if self._file.swmr_mode:
            self._stored_frames     # noqa: B018 - measured now, so that what lacks is refused

    def check_frames(self) -> None:
        """Refuse a recording that lacks a frame, without a look at each: opening does not.

        Raises
        ------
        SessionError : see above
        """
        if self._video.id.get_num_chunks() != len(self._video):
            self._stored_frames     # noqa: B018 - names what lacks

    @cached_property
    def _stored_frames(self) -> tuple[np.ndarray, np.ndarray]:
        """Stored size [bytes] and mask of skipped filters of each frame, both (N,) int64, checked.

        Raises
        ------
        SessionError : a frame is not stored, too large, raw and not whole, or beyond the file's end
        """
        sizes, skipped = measure_chunks(self._video, len(self.frames), self.path)
        check_frame_sizes(self._video, sizes, skipped, self.path)
        return sizes, skipped

    def _read_tables(self) -> None:
        self.exchanges = self._table(layout.EXCHANGES, layout.EXCHANGE_DTYPE)
        self._events = self._table(layout.EVENTS, layout.EVENT_DTYPE)
        self.clocks = np.empty(0, layout.CLOCK_DTYPE)           # older files have none
        if self._rows.has(layout.CLOCKS):
            self.clocks = self._table(layout.CLOCKS, layout.CLOCK_DTYPE)
        self.suspensions = np.empty(0, layout.SUSPENSION_DTYPE)     # older files have none
        if self._rows.has(layout.SUSPENSIONS):
            self.suspensions = self._table(layout.SUSPENSIONS, layout.SUSPENSION_DTYPE)
        # of an imported session: (S,) ppg, hr_bpm, spo2, as they were published
        self.published: np.ndarray | None = None
        if self._rows.has(layout.PUBLISHED):
            samples = len(self.ppg)
            self.published = self._table(layout.PUBLISHED, layout.PUBLISHED_DTYPE)
            if len(self.published) != samples:
                raise SessionError(
                    expected=f"{samples} published samples", found=len(self.published),
                    where=self.path, fix="import it again",
                )

        self.streams = read_streams_beside(self._file, self._rows, self.path)

    def _table(self, name: str, dtype: np.dtype) -> np.ndarray:
        return self._rows.read(name, dtype)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the columns stay, frames can no longer be read. May be called twice."""
        self._file.close()

    @property
    def events(self) -> list[Event]:
        """What happened, in the order it was noted."""
        return [
            Event(
                int(row["time_ns"]), row["kind"].decode(errors="replace"),
                row["text"].decode(errors="replace"),
            )
            for row in self._events
        ]

    @property
    def ended(self) -> str:
        """What stopped the recording or what failed, in words; "" where nobody closed it yet."""
        if self.recovered:
            return f"killed, cut short or damaged, and recovered: {self.recovered}"
        first_text = {event.kind: event.text for event in reversed(self.events)}
        stopped, fault = first_text.get("stopped", ""), first_text.get("fault", "")
        if fault and stopped not in (layout.FAULT, fault):
            return f"stopped by {stopped}; {fault}" if stopped else fault
        return fault or stopped

    @property
    def is_bounded(self) -> bool:
        """Whether the samples' times were bounded by pings: by acq, of a sensor that answers."""
        return not self.imported_from and self.sensor.timing is None

    @cached_property
    def arrival_timing(self) -> ArrivalTiming | None:
        """Of a sensor without a clock: how it is placed, and what its arrivals let be promised."""
        if self.sensor.timing is None:
            return None
        return settle_delay(
            self.sensor.timing, self.ppg_arrival_ns, self.ppg_sequence,
            rate_hz=self.sensor.rate_hz, start_ns=self.started_monotonic_ns,
            is_settled=layout.ARRIVALS_LATE.encode() in self._events["kind"],
        )

    @property
    def sync_one_sided(self) -> str:
        """What is known of the times of a sensor without a clock, in words; "" of others."""
        return self.arrival_timing.words if self.arrival_timing else ""

    @property
    def ppg_values(self) -> np.ndarray:
        """PPG in the units it came in, (S,) float64.

        The sensor's readings, or of an imported session the published numbers.
        """
        if self.reading is not None:
            return self.reading
        return self.ppg.astype(np.float64) if self.published is None else self.published["ppg"]

    @property
    def frame_light_ns(self) -> np.ndarray:
        """When each frame's light fell, (N,) int64 ns: what to put beside `ppg_time_ns`.

        The middle of the exposure where the camera was calibrated, else the camera's stamp.
        """
        light_offset = self.camera.light_offset
        return self.frame_time_ns - (light_offset.offset_ns if light_offset else 0)

    @property
    def started(self) -> datetime | None:
        """When the recording began, UTC; None where that is not known and stored as 0: imported."""
        if self.started_unix_ns == 0:
            return None
        return datetime.fromtimestamp(self.started_unix_ns / 1e9, tz=timezone.utc)

    @property
    def lost_frames(self) -> int:
        """Frames that the file lacks, before the first one and after the last one too.

        Where their numbers repeat or go back, as many as were noted when the file was closed.
        """
        return _count_all_lost(self.frame_sequence, self._lost["lost_frames"])

    @property
    def lost_samples(self) -> int:
        """Samples that the file lacks; see `lost_frames`."""
        return _count_all_lost(self.ppg_sequence, self._lost["lost_samples"])

    @property
    def duration_s(self) -> float:
        """Time from the first to the last stamp of either stream [s].

        Where the two share no time, as with a clock that was an hour off, it is that of the frames.
        """
        return span.duration_s(*self._spans)

    @property
    def without_frames_s(self) -> float:
        """How long there are samples before the first frame and after the last [s]."""
        return span.without_frames_s(*self._spans)

    @property
    def is_apart(self) -> bool:
        """Whether there are frames and samples, and no time at which there are both."""
        return span.are_apart(*self._spans)

    @property
    def _spans(self) -> tuple[span.Span | None, span.Span | None]:
        frames, samples = (
            (int(times_ns.min()), int(times_ns.max())) if len(times_ns) else None
            for times_ns in (self.frame_time_ns, self.ppg_time_ns)
        )
        return frames, samples

    @property
    def fps(self) -> float:
        """Rate at which frames were kept, over the whole session [Hz]; 0 with fewer than two."""
        return rate_hz(self.frame_time_ns)

    @property
    def sync_bound_ms(self) -> float | None:
        """Largest known bound on a sample's time error [ms]; None where none is known."""
        is_known = len(self.ppg_bound_ns) > self.unbounded_samples
        return float(self.ppg_bound_ns.max()) / 1e6 if is_known else None

    @property
    def unbounded_samples(self) -> int:
        """Samples whose time carries no bound."""
        return int(np.count_nonzero(self.ppg_bound_ns < 0))

    @property
    def raw_frames(self) -> int:
        """Frames stored as they are: the recorder's fallback when compressing falls behind."""
        return int(np.count_nonzero(self._stored_frames[1]))

    def stored_frame_bytes(self) -> np.ndarray:
        """Return the compressed size of each frame [bytes]."""
        return self._stored_frames[0]

    def content_hash(self) -> str:
        """Return the SHA-256 that identifies this recording, without decoding it.

        It covers the attributes, every column and table and the compressed bytes of every frame: no
        sample and no picture can change unseen. It takes an eighth of the time of decoding, 0.3 s
        for a minute of 640x360 on a desktop.
        """
        digest = hashlib.sha256()
        header = read_attributes(self._file, layout.ATTRS, self.path)
        header |= {layout.IMPORTED_ATTR: self.imported_from} if self.imported_from else {}
        digest.update(
            json.dumps([header, self._lost, *self._hashed_attributes], sort_keys=True).encode()
        )
        tables = {
            **self._columns, layout.EXCHANGES: self.exchanges, layout.CLOCKS: self.clocks,
            layout.EVENTS: self._events,
        }
        tables |= {} if self.published is None else {layout.PUBLISHED: self.published}
        tables |= {layout.SUSPENSIONS: self.suspensions} if len(self.suspensions) else {}
        for name, column in sorted(tables.items()):
            digest.update(f"{name} {len(column)} {column.dtype.descr}".encode())
            digest.update(column.tobytes())
        for name, stream in sorted(self.streams.items()):
            digest.update(json.dumps([name, stream.attributes], sort_keys=True).encode())
            digest.update(stream.samples.tobytes() + stream.offsets.tobytes())
        # where one frame ends and the next begins
        digest.update(self.stored_frame_bytes().tobytes())
        for at in range(len(self.frames)):
            chunk = (at,) + (0,) * (self._video.ndim - 1)
            skipped_filters, stored = self._video.id.read_direct_chunk(chunk)
            digest.update(skipped_filters.to_bytes(4, "little"))
            digest.update(stored)
        return digest.hexdigest()


def most_frames(paths: Iterable[Path]) -> int:
    """Return the frames of the longest recording; those that may not open do not count."""
    longest = 0
    for path in paths:
        if not was_never_closed(path):
            with suppress(SessionError), Session(path) as session:
                longest = max(longest, len(session.frames))
    return longest


def count_lost(sequence: np.ndarray) -> int:
    """Count the numbers that a counter from 0 skipped; a step back is a restart from 0."""
    step = np.diff(sequence, prepend=-1)
    return int(np.where(step > 0, step - 1, sequence).sum())


def rises(values: np.ndarray) -> bool:
    """Return whether each value is above the one before, as times and numbers of a stream are."""
    return bool((np.diff(values) > 0).all())


def _count_all_lost(sequence: np.ndarray, noted: int) -> int:
    """Return what a stream lost, by its numbers and by what the file notes; -1: nothing."""
    if noted >= 0 and not rises(sequence):
        return noted
    return max(count_lost(sequence), noted)


def rate_hz(time_ns: np.ndarray) -> float:
    """Return the mean rate of a stream [Hz]; 0 with fewer than two stamps."""
    span_ns = int(time_ns[-1] - time_ns[0]) if len(time_ns) > 1 else 0
    return (len(time_ns) - 1) * 1e9 / span_ns if span_ns > 0 else 0.0
