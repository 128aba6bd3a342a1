"""Session: one recording, read-only and lazy.

A recording that is still being written, or whose writer was killed, is read like any other
(`dataset.session.hdf5`). Such a file may hold columns of unequal length; each stream is read up to
where all of its columns are whole. Frames stay on disk until they are asked for, and I420 becomes
RGB in one place, here.

Nothing in a file is believed unchecked: names, dtypes and shapes are compared with
`acquire.layout`, and a link that leads out of the file is refused, not followed.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, overload

import cv2
import h5py
import numpy as np

from acquire import data_folder, layout
from acquire.errors import SessionError
from dataset.common.files import one_line

from .hdf5 import find_inside, open_to_read, refuse_links

# ITU-R BT.601, limited range: what cameras and GStreamer mean by I420 up to 576 lines, and what
# OpenCV computes.
_TO_RGB = {"I420": cv2.COLOR_YUV2RGB_I420, "RGB": None}
_TO_BGR = {"I420": cv2.COLOR_YUV2BGR_I420, "RGB": cv2.COLOR_RGB2BGR}


@dataclass(frozen=True)
class Event:
    """Something that happened while recording."""

    time_ns: int
    kind: str
    text: str


class Frames(Sequence[np.ndarray]):
    """The pictures of one session: `frames[i]` is (H, W, 3) uint8 RGB, decoded when asked for."""

    def __init__(
        self, dataset: h5py.Dataset, camera: dict[str, Any], *, count: int, where: Path
    ) -> None:
        self._dataset = dataset
        self._count = count
        self._where = where
        self._buffer = np.empty(dataset.shape[1:], np.uint8)
        self.pixel_format = str(camera["pixel_format"])
        self.height = int(camera["height"])
        self.width = int(camera["width"])
        self.stored_shape: tuple[int, ...] = self._buffer.shape

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> np.ndarray: ...
    def __getitem__(self, index: int | slice) -> np.ndarray:
        """Give frame `index`, (H, W, 3) uint8 RGB; a slice gives (N, H, W, 3)."""
        if isinstance(index, slice):
            chosen = range(*index.indices(self._count))
            out = np.empty((len(chosen), self.height, self.width, 3), np.uint8)
            for at, i in enumerate(chosen):
                self.read_into(i, out[at])
            return out
        return self.read_into(index, np.empty((self.height, self.width, 3), np.uint8))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(self._count))

    def raw(self, index: int) -> np.ndarray:
        """Give frame `index` as it is stored: (H*3/2, W) I420 or (H, W, 3) RGB."""
        out = np.empty_like(self._buffer)
        self._read(index, out)
        return out

    def read_into(self, index: int, out: np.ndarray, *, bgr: bool = False) -> np.ndarray:
        """Decode frame `index` into `out`, (H, W, 3) uint8 C-contiguous, and give it back.

        New memory costs more than the colour conversion itself: whoever walks through a session
        reuses one `out`.
        """
        code = (_TO_BGR if bgr else _TO_RGB)[self.pixel_format]
        if code is None:
            self._read(index, out)
        else:
            self._read(index, self._buffer)
            cv2.cvtColor(self._buffer, code, dst=out)
        return out

    def _read(self, index: int, out: np.ndarray) -> None:
        at = index + self._count if index < 0 else index
        if not 0 <= at < self._count:
            raise IndexError(f"frame {index} of {self._count}")
        try:
            self._dataset.read_direct(out, np.s_[at])
        except OSError as error:
            raise SessionError(
                f"expected frame {at} of {self._count}, found bytes that do not decode, in "
                f"{self._where}: "
                f"{one_line(error)}; restore the file from a copy"
            ) from error


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
            self._check_header()
            self._read_streams()
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            self._file.close()
            raise SessionError(
                f"expected a readable {layout.SCHEMA} {layout.SCHEMA_VERSION}, got: "
                f"{one_line(error)}, in {self.path}; "
                "restore the file from a copy"
            ) from error
        except SessionError:
            self._file.close()
            raise

    def _check_header(self) -> None:
        names = (*layout.ATTRS, *layout.LOSS_ATTRS, layout.RECOVERED_ATTR, layout.IMPORTED_ATTR)
        stored = self._file.attrs
        attrs = {name: _plain(stored[name]) for name in names if name in stored}
        schema = attrs.get("schema", "none")
        if schema != layout.SCHEMA:
            raise SessionError(
                f"expected schema {layout.SCHEMA}, found {schema!r} in {self.path}; is it a "
                "recording of acq?"
            )
        version = attrs.get("schema_version", 0)
        if version != layout.SCHEMA_VERSION:
            raise SessionError(
                f"expected session format {layout.SCHEMA_VERSION}, found {version} in {self.path}; "
                "read it with the version of acq that wrote it"
            )
        if missing := [name for name in layout.ATTRS if name not in attrs]:
            raise SessionError(
                f"expected the attributes of a session, found no {', '.join(missing)} in "
                f"{self.path}"
            )
        for name in ("started_unix_ns", "started_monotonic_ns"):
            if not isinstance(attrs[name], int) or not 0 <= attrs[name] < 2**63:
                raise SessionError(
                    f"expected {name} as int64 nanoseconds, found {attrs[name]!r} in {self.path}"
                )
        self.session_id = str(attrs["session_id"])
        self.subject = str(attrs["subject"])
        self.host = str(attrs["host"])
        self.acq_version = str(attrs["acq_version"])
        self.started_unix_ns = attrs["started_unix_ns"]
        self.started_monotonic_ns = attrs["started_monotonic_ns"]
        self.simulated = bool(attrs["simulated"])
        self.complete = bool(attrs["complete"])
        # what `acq recover` dropped; "" where it was not needed
        self.recovered = str(attrs.get(layout.RECOVERED_ATTR, ""))
        # a public data set; "" where acq recorded it
        self.imported_from = str(attrs.get(layout.IMPORTED_ATTR, ""))
        self._lost = {name: int(attrs.get(name, -1)) for name in layout.LOSS_ATTRS}
        if not data_folder.is_subject_id(self.subject):
            raise SessionError(
                f"expected a subject id like S01, found {self.subject!r} in {self.path}"
            )
        if not data_folder.is_session_id(self.session_id):
            raise SessionError(
                f"expected a session id like S01-20260101T090000Z, found {self.session_id!r} in "
                f"{self.path}"
            )

    def _read_streams(self) -> None:
        video = find_inside(self._file, layout.FRAMES, self.path)
        self.camera = self._attributes(video, layout.VIDEO_ATTRS)
        self._read_light_offset(video)
        refuse_links(self._file, "ppg", self.path)
        ppg = self._file["ppg"]
        if not isinstance(ppg, h5py.Group):
            raise SessionError(
                f"expected the group /ppg, found a dataset in {self.path}; restore the file from a "
                "copy"
            )
        self.sensor = self._attributes(ppg, layout.PPG_ATTRS)
        self._check_frames(video)

        columns = {name: self._column(name, dtype) for name, dtype in layout.COLUMNS.items()}
        of_video = [name for name in columns if name.startswith("video/")]
        of_ppg = [name for name in columns if name.startswith("ppg/")]
        frames = min([len(columns[name]) for name in of_video] + [len(video)])
        samples = min(len(columns[name]) for name in of_ppg)
        # A frame without a chunk would read as black, silently.
        self._frame_bytes, skipped = self._stored_bytes(video, frames)
        # the recorder's fallback when compressing falls behind
        self.raw_frames = int(np.count_nonzero(skipped))
        if (stored := int(np.count_nonzero(self._frame_bytes))) < frames:
            raise SessionError(
                f"expected {frames} stored frames, found {stored} in {self.path}; restore the file "
                "from a copy"
            )
        self.frames = Frames(video, self.camera, count=frames, where=self.path)
        self._columns = {n: c[: frames if n in of_video else samples] for n, c in columns.items()}
        self.frame_time_ns = self._columns[layout.FRAME_TIME]
        self.frame_arrival_ns = self._columns[layout.FRAME_ARRIVAL]
        self.frame_sequence = self._columns[layout.FRAME_SEQUENCE]
        self.ppg = self._columns[layout.PPG_VALUE]              # uint16, full scale 65535
        self.ppg_sequence = self._columns[layout.PPG_SEQUENCE]
        self.ppg_ticks = self._columns[layout.PPG_TICKS]
        self.ppg_arrival_ns = self._columns[layout.PPG_ARRIVAL]
        self.ppg_time_ns = self._columns[layout.PPG_TIME]
        self.ppg_bound_ns = self._columns[layout.PPG_BOUND]     # -1 while no bound was known
        self.ppg_flags = self._columns[layout.PPG_FLAGS]
        self.exchanges = self._column(layout.EXCHANGES, layout.EXCHANGE_DTYPE)
        clocks = layout.CLOCKS in self._file  # older files have none
        self.clocks = (
            self._column(layout.CLOCKS, layout.CLOCK_DTYPE)
            if clocks
            else np.empty(0, layout.CLOCK_DTYPE)
        )
        self._events = self._column(layout.EVENTS, layout.EVENT_DTYPE)
        # of an imported session: (S,) ppg, hr_bpm, spo2, as they were published
        self.published: np.ndarray | None = None
        if layout.PUBLISHED in self._file:
            self.published = self._column(layout.PUBLISHED, layout.PUBLISHED_DTYPE)[:samples]
            if len(self.published) != samples:
                raise SessionError(
                    f"expected {samples} published samples, found {len(self.published)} in "
                    f"{self.path}; import it again"
                )

    def _read_light_offset(self, video: h5py.Dataset) -> None:
        """Read the camera's offset against the light; a session that was not calibrated has none.
        """
        self.light_offset_ns: int | None = None
        self.light_offset_bound_ns: int | None = None
        self.light_offset_from = ""
        if not any(name in video.attrs for name in layout.LIGHT_ATTRS):
            return
        light = self._attributes(video, layout.LIGHT_ATTRS)
        offset_ns, bound_ns, source = light.values()
        if type(offset_ns) is not int or type(bound_ns) is not int or bound_ns < 0:
            raise SessionError(
                f"expected a light offset and its bound in ns, found {offset_ns!r}, {bound_ns!r} "
                f"in {self.path}"
            )
        self.light_offset_ns, self.light_offset_bound_ns, self.light_offset_from = (
            offset_ns, bound_ns, str(source),
        )
        self.camera |= light  # and so into the content hash

    def _attributes(
        self, node: h5py.Dataset | h5py.Group, names: tuple[str, ...]
    ) -> dict[str, Any]:
        stored = node.attrs
        if missing := [name for name in names if name not in stored]:
            raise SessionError(
                f"expected attributes of {node.name}, found no {', '.join(missing)} in {self.path}"
            )
        return {name: _plain(stored[name]) for name in names}

    def _check_frames(self, video: h5py.Dataset) -> None:
        pixel_format, width, height = (
            self.camera[key] for key in ("pixel_format", "width", "height")
        )
        if pixel_format not in _TO_RGB:
            raise SessionError(
                f"expected frames as {' or '.join(_TO_RGB)}, found {pixel_format!r} in {self.path}"
            )
        # its colours are one for two by two pixels
        even = pixel_format != "I420" or (height % 2 == 0 and width % 2 == 0)
        if (
            not isinstance(height, int)
            or not isinstance(width, int)
            or min(height, width) < 1
            or not even
        ):
            raise SessionError(
                f"expected a width and a height in pixels, even for I420, found {width} and "
                f"{height} for {pixel_format} "
                f"in {self.path}"
            )
        shape = (height * 3 // 2, width) if pixel_format == "I420" else (height, width, 3)
        if video.dtype != np.uint8 or video.shape[1:] != shape:
            raise SessionError(
                f"expected {pixel_format} frames of shape {shape} uint8, found {video.shape[1:]} "
                f"{video.dtype} in {self.path}"
            )

    def _column(self, name: str, dtype: np.dtype) -> np.ndarray:
        dataset = find_inside(self._file, name, self.path)
        if dataset.ndim != 1 or dataset.dtype != dtype:
            raise SessionError(
                f"expected /{name} as one column of {dtype}, found {dataset.dtype} {dataset.shape} "
                f"in {self.path}"
            )
        if dataset.chunks:
            self._stored_bytes(dataset, 0)
        return dataset[:]

    def _stored_bytes(self, dataset: h5py.Dataset, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the stored size of the first `count` chunks [bytes], 0 where there is none, and the
        filters that each skipped.

        A chunk beyond the file's end is refused.

        HDF5 reads what lies beyond the end of a file that was never closed as zeros.
        """
        chunks: list[Any] = []
        dataset.id.chunk_iter(chunks.append)
        end = max((chunk.byte_offset + chunk.size for chunk in chunks), default=0)
        if end > (size := self.path.stat().st_size):
            raise SessionError(
                f"expected {dataset.name} up to byte {end}, found a file of {size}, cut short, at "
                f"{self.path}; "
                "try `acq recover` on it, or restore it from a copy"
            )
        sizes, skipped = np.zeros((2, count), np.int64)
        for chunk in chunks if count else ():
            if (at := chunk.chunk_offset[0]) < count:
                sizes[at], skipped[at] = chunk.size, chunk.filter_mask
        return sizes, skipped

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
        """How the recording ended, in words: what stopped it or what failed; "" where nobody closed
        it, or has yet.
        """
        if self.recovered:
            return f"killed, cut short or damaged, and recovered: {self.recovered}"
        told = {event.kind: event.text for event in reversed(self.events)}
        stopped, fault = told.get("stopped", ""), told.get("fault", "")
        return (
            f"{stopped}; {fault}"
            if fault and stopped not in (layout.FAULT, fault)
            else fault or stopped
        )

    @property
    def ppg_values(self) -> np.ndarray:
        """PPG in the units it came in, (S,) float64: the sensor's readings, or of an imported
        session the published numbers.
        """
        return self.ppg.astype(np.float64) if self.published is None else self.published["ppg"]

    @property
    def frame_light_ns(self) -> np.ndarray:
        """When each frame's light fell, the middle of its exposure, (N,) int64 ns: what to put
        beside `ppg_time_ns`.

        `frame_time_ns - light_offset_ns` where the camera was calibrated, else the camera's stamp
        as it is.
        """
        return self.frame_time_ns - (self.light_offset_ns or 0)

    @property
    def lost_frames(self) -> int:
        """Frames that the file lacks, before the first one and behind the last one too."""
        return max(count_lost(self.frame_sequence), self._lost["lost_frames"])

    @property
    def lost_samples(self) -> int:
        """Samples that the file lacks, before the first one and behind the last one too."""
        return max(count_lost(self.ppg_sequence), self._lost["lost_samples"])

    @property
    def duration_s(self) -> float:
        """Time from the first to the last stamp of either stream [s]."""
        ends = [t[[0, -1]] for t in (self.frame_time_ns, self.ppg_time_ns) if len(t)]
        return float(np.max(ends) - np.min(ends)) / 1e9 if ends else 0.0

    @property
    def fps(self) -> float:
        """Rate at which frames were kept, over the whole session [Hz]; 0 with fewer than two."""
        return rate_hz(self.frame_time_ns)

    @property
    def sync_bound_ms(self) -> float | None:
        """Largest known bound on a sample's time error [ms], None where none is;
        `unbounded_samples` have none.
        """
        known = len(self.ppg_bound_ns) > self.unbounded_samples
        return float(self.ppg_bound_ns.max()) / 1e6 if known else None

    @property
    def unbounded_samples(self) -> int:
        """Samples whose time carries no bound."""
        return int(np.count_nonzero(self.ppg_bound_ns < 0))

    def stored_frame_bytes(self) -> np.ndarray:
        """Give the compressed size of each frame [bytes]."""
        return self._frame_bytes

    def content_hash(self) -> str:
        """Give the SHA-256 that identifies this recording, without decoding it.

        It covers the attributes, every column and table and the compressed bytes of every frame: no
        sample and no picture can change unseen. It takes an eighth of the time of decoding, 0.3 s
        for a minute of 640x360 on a desktop.
        """
        digest = hashlib.sha256()
        header = {name: _plain(self._file.attrs[name]) for name in layout.ATTRS}
        header |= {layout.IMPORTED_ATTR: self.imported_from} if self.imported_from else {}
        digest.update(
            json.dumps([header, self._lost, self.camera, self.sensor], sort_keys=True).encode()
        )
        tables = {
            **self._columns, layout.EXCHANGES: self.exchanges, layout.CLOCKS: self.clocks,
            layout.EVENTS: self._events,
        }
        tables |= {} if self.published is None else {layout.PUBLISHED: self.published}
        for name, column in sorted(tables.items()):
            digest.update(f"{name} {len(column)} {column.dtype.descr}".encode())
            digest.update(column.tobytes())
        # where one frame ends and the next begins
        digest.update(self.stored_frame_bytes().tobytes())
        video: h5py.Dataset = self._file[layout.FRAMES]  # type: ignore[assignment]
        for at in range(len(self.frames)):
            skipped_filters, stored = video.id.read_direct_chunk((at,) + (0,) * (video.ndim - 1))
            digest.update(skipped_filters.to_bytes(4, "little"))
            digest.update(stored)
        return digest.hexdigest()


def count_lost(sequence: np.ndarray) -> int:
    """Count the numbers that a counter from 0 skipped; a step back is a restart from 0."""
    step = np.diff(sequence, prepend=-1)
    return int(np.where(step > 0, step - 1, sequence).sum())


def rate_hz(time_ns: np.ndarray) -> float:
    """Give the mean rate of a stream [Hz]; 0 with fewer than two stamps."""
    span_ns = int(time_ns[-1] - time_ns[0]) if len(time_ns) > 1 else 0
    return (len(time_ns) - 1) * 1e9 / span_ns if span_ns > 0 else 0.0


def _plain(value: Any) -> Any:
    """Turn an attribute into a Python value; ValueError where it is an array or empty."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, str | int | float):
        raise ValueError(f"an attribute that is not one value, but {plain!r}")
    return plain
