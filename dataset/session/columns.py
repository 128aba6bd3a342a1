"""Columns and tables of a session file, read whole and checked against `acquire.layout`."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from acquire import layout
from acquire.errors import Fix, SessionError
from acquire.limits import LATEST_NS, LEAST_ROWS_BYTES
from acquire.session.stream_table import MOST_CHANNELS, StreamHeader
from dataset.common.wording import counted

from .frames import largest_stored_bytes
from .hdf5 import RESTORE, Kind, find_group, has_link, kind_of, open_inside
from .header import read_attributes

_MOST_STREAMS = 256
_LARGEST_NUMBER = 2**40          # of a frame or a sample: 348 years at 100 Hz


class Rows:
    """The columns and tables of one session file, read under a limit on their size.

    They are stored as they are, so that all of them together cannot be larger than the file. What a
    small or sparse file declares beyond that is refused before memory is taken.
    """

    def __init__(self, file: h5py.File, path: Path) -> None:
        self._file, self._path, self._is_closed = file, path, not file.swmr_mode
        state = path.stat()
        self._end = state.st_size
        # twice: a file system that compresses says less than what was written
        self._left = max(2 * state.st_blocks * 512, LEAST_ROWS_BYTES)

    def has(self, name: str) -> bool:
        """Return whether there is a column of that name, which not every session has."""
        return has_link(self._file, name)

    def read(self, name: str, dtype: np.dtype) -> np.ndarray:
        """Read one column or table.

        Raises
        ------
        SessionError : it is missing, of another type or shape, larger than the file, or lies beyond
            the end of the file; a value is none that a recording can have
        """
        node, properties = open_inside(self._file, name, self._path)
        kind, shape = kind_of(node.get_type()), node.shape
        if shape is None or len(shape) != 1 or kind.dtype != dtype:
            raise SessionError(
                expected=f"/{name} as one column of {dtype}",
                found=f"{kind.dtype} {shape}", where=self._path,
            )
        count = self._count_stored(node, properties, shape[0], dtype.itemsize)
        self._left -= count * dtype.itemsize
        if self._left < 0:
            raise SessionError(
                expected=f"rows of /{name} that fit into the file", found=f"{shape[0]:,} rows",
                where=self._path, fix=RESTORE,
            )
        # as stored: texts carry their coding, which the hash of the content covers
        rows = np.empty(count, kind.dtype)
        _read_first(node, kind, rows)
        _check_values(rows, name, self._path)
        return rows

    def check_alike(self, lengths: dict[str, int]) -> None:
        """Refuse columns of one stream that differ in length, in a file that was closed.

        Raises
        ------
        SessionError : see above; it names the longest and the shortest
        """
        most, least = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
        if self._is_closed and lengths[least] < lengths[most]:
            raise SessionError(
                expected=f"as many rows of /{least} as of /{most}, {lengths[most]:,}",
                found=f"{lengths[least]:,}", where=self._path, fix=Fix.RECOVER_OR_RESTORE,
            )

    def _count_stored(
        self, node: h5py.h5d.DatasetID, properties: h5py.h5p.PropDCID, count: int, row_bytes: int
    ) -> int:
        """Return how many of `count` rows are stored; of a closed file, all or an error."""
        if properties.get_layout() == h5py.h5d.CHUNKED:
            per_chunk = properties.get_chunk()[0]
            declared = -(-count // per_chunk)
            declared_bytes = declared * per_chunk * row_bytes
            if declared_bytes > self._left:
                stored = node.get_num_chunks() * per_chunk
            elif self._is_closed and node.get_storage_size() == declared_bytes:
                return count        # without filters every chunk takes the same
            else:
                sizes, _ = measure_chunks(h5py.Dataset(node), declared, self._path)
                whole = sizes == per_chunk * row_bytes
                stored = (declared if whole.all() else int(np.argmin(whole))) * per_chunk
        else:
            stored = _contiguous_rows(h5py.Dataset(node), self._end)
        if stored < count and self._is_closed:
            raise SessionError(
                expected=f"{count:,} rows of {h5py.Dataset(node).name}", found=f"{stored:,} stored",
                where=self._path, fix=Fix.RECOVER_OR_RESTORE,
            )
        return min(stored, count)


def _read_first(node: h5py.h5d.DatasetID, kind: Kind, rows: np.ndarray) -> None:
    """Read the first rows, without the selection of h5py, which takes as long as reading.

    As many as `rows` holds, whatever the column's length: another handle on the file in this
    process may have made it longer a moment ago, and HDF5 would write past the end of `rows`.
    """
    if not len(rows):
        return
    stored = node.get_space()
    stored.select_hyperslab((0,), rows.shape)
    node.read(h5py.h5s.create_simple(rows.shape), stored, rows, kind.in_memory)


def _contiguous_rows(dataset: h5py.Dataset, end: int) -> int:
    """Return how many rows of a dataset without chunks lie before the end of the file."""
    if dataset.id.get_create_plist().get_layout() == h5py.h5d.COMPACT:
        return len(dataset)
    offset = dataset.id.get_offset()
    return 0 if offset is None else max(0, end - offset) // dataset.dtype.itemsize


def _check_values(rows: np.ndarray, name: str, path: Path) -> None:
    """Refuse numbers whose differences or sums are none: more than 146 years, 2^40 samples.

    Raises
    ------
    SessionError : see above
    """
    largest = _LARGEST_NUMBER if name.endswith("sequence") else LATEST_NS
    fields = [rows[field] for field in rows.dtype.names] if rows.dtype.names else [rows]
    for values in fields:
        if values.dtype != np.int64 or not len(values):
            continue
        low, high = int(values.min()), int(values.max())
        if max(-low, high) >= largest:
            raise SessionError(
                expected=f"numbers up to {largest} in /{name}",
                found=low if -low >= largest else high, where=path, fix=RESTORE,
            )


def read_streams(rows: Rows, *, frames: int) -> dict[str, np.ndarray]:
    """Read the columns of both streams, each cut to the rows that all of its columns have.

    Parameters
    ----------
    frames : how many frames there are at most

    Raises
    ------
    SessionError : as `Rows.read`; the columns of a closed file are of unlike length
    """
    columns = {name: rows.read(name, dtype) for name, dtype in layout.COLUMNS.items()}
    if rows.has(layout.READING):
        columns[layout.READING] = rows.read(layout.READING, layout.READING_DTYPE)
    video = [name for name in columns if name.startswith("video/")]
    lengths = {name: len(column) for name, column in columns.items()}
    rows.check_alike({layout.FRAMES: frames, **{name: lengths[name] for name in video}})
    rows.check_alike({name: count for name, count in lengths.items() if name not in video})
    frames = min(frames, *(lengths[name] for name in video))
    samples = min(count for name, count in lengths.items() if name not in video)
    return {
        name: column[: frames if name in video else samples] for name, column in columns.items()
    }


def measure_chunks(
    dataset: h5py.Dataset, count: int, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the stored size of the first `count` chunks, and the filters that each skipped.

    HDF5 reads what lies beyond the end of a file that was never closed as zeros: such a chunk is
    refused.

    Returns
    -------
    (count,) int64 sizes [bytes], 0 where there is no chunk; (count,) int64 filter masks

    Raises
    ------
    SessionError : a chunk lies beyond the end of the file
    """
    sizes, skipped = np.zeros((2, count), np.int64)
    end, per_chunk = 0, (dataset.chunks or (1,))[0]

    def note(chunk: Any) -> None:
        nonlocal end
        end = max(end, chunk.byte_offset + chunk.size)
        if (at := chunk.chunk_offset[0] // per_chunk) < count:
            sizes[at], skipped[at] = chunk.size, chunk.filter_mask

    dataset.id.chunk_iter(note)
    if end > (size := path.stat().st_size):
        raise SessionError(
            expected=f"{dataset.name} up to byte {end}", found=f"a file of {size}, cut short,",
            where=path, fix=Fix.RECOVER_OR_RESTORE,
        )
    return sizes, skipped


def check_frame_sizes(
    video: h5py.Dataset, sizes: np.ndarray, skipped: np.ndarray, path: Path
) -> None:
    """Refuse frames that are not stored, that are too large, or raw and not whole.

    Parameters
    ----------
    sizes, skipped : of `measure_chunks`

    Raises
    ------
    SessionError : see above; it names the first
    """
    shape = video.shape[1:]
    whole, most = math.prod(shape), largest_stored_bytes(shape)
    is_raw = (skipped != 0) | (video.id.get_create_plist().get_nfilters() == 0)
    if (stored := int(np.count_nonzero(sizes))) < len(sizes):     # it would read as black
        raise SessionError(
            expected=f"{len(sizes)} stored frames", found=stored, where=path,
            fix=Fix.RECOVER_OR_RESTORE,
        )
    is_wrong = np.where(is_raw, sizes != whole, sizes > most)
    if is_wrong.any():
        at = int(np.argmax(is_wrong))
        raise SessionError(
            expected=f"{whole} bytes of frame {at}" if is_raw[at] else
            f"at most {most} bytes of frame {at}",
            found=f"{sizes[at]} stored", where=path, fix=Fix.RECOVER_OR_RESTORE,
        )


@dataclass(frozen=True)
class Stream:
    """One stream; its times are on the session's clock."""

    name: str
    title: str                  # as its sender called it
    kind: str                   # such as "Markers"
    rate_hz: float              # nominal; 0: none
    source: str                 # id and host of its sender
    samples: np.ndarray         # (N,) rows: stamp_s, arrival_ns, time_ns, bound_ns, value or text
    offsets: np.ndarray         # (M,) OFFSET_DTYPE: its clock against the host's, as measured

    @property
    def attributes(self) -> list[Any]:
        """What the file says of it, in the order of `layout.STREAM_ATTRS`."""
        channels = 0 if self.is_text else self.samples.dtype["value"].shape[0]
        return [self.title, self.kind, channels, self.rate_hz, self.source]

    @property
    def is_text(self) -> bool:
        """Whether its samples are text, as those of markers mostly are."""
        return "text" in (self.samples.dtype.names or ())

    @property
    def values(self) -> np.ndarray:
        """What it sent: (N, channels) float64; of text (N,) str."""
        if self.is_text:
            return np.array([text.decode(errors="replace") for text in self.samples["text"]], str)
        return self.samples["value"]

    @property
    def time_ns(self) -> np.ndarray:
        """When the sender's clock showed each stamp, (N,) int64; where there is no bound: arrival.

        A sender may stamp what it sends as it likes: by how much the stamp is late is its own.
        """
        return self.samples["time_ns"]

    @property
    def bound_ns(self) -> np.ndarray:
        """How far `time_ns` may be off, (N,) int64; -1 where it is not known."""
        return self.samples["bound_ns"]

    @property
    def words(self) -> str:
        """How much there is, and how well its times are known."""
        kind = f"{self.kind}, " if self.kind else ""
        samples = counted(len(self.samples), "sample")
        if self.bound_ms is None:
            return f"{kind}{samples} without a bound"
        unknown = int(np.count_nonzero(self.bound_ns < 0))
        more = f", {unknown} without a bound" if unknown else ""
        return f"{kind}{samples}, stamps within {self.bound_ms:.2f} ms{more}"

    @property
    def bound_ms(self) -> float | None:
        """Largest known bound [ms]; None where none is known."""
        widest = int(self.bound_ns.max(initial=-1))
        return widest / 1e6 if widest >= 0 else None


def read_header_of(group: h5py.Group, name: str, path: Path) -> StreamHeader:
    """Read the attributes of a stream's group.

    Raises
    ------
    SessionError : one is missing, or is not what it should be
    """
    attrs = read_attributes(group, layout.STREAM_ATTRS, path)
    if not 0 <= attrs["channels"] <= MOST_CHANNELS:
        raise SessionError(
            expected=f"0 to {MOST_CHANNELS} channels", found=attrs["channels"],
            where=f"in the stream {name} of {path}", fix=RESTORE,
        )
    return StreamHeader(
        name, str(attrs["title"]), str(attrs["kind"]), int(attrs["channels"]),
        float(attrs["nominal_hz"]), str(attrs["source"]),
    )


def read_stream_headers(file: h5py.File, path: Path) -> list[StreamHeader]:
    """Read what a session says of its streams, sorted by name; most sessions have none.

    Raises
    ------
    SessionError : there are too many, or one is not what it should be
    """
    if not has_link(file, layout.STREAMS):
        return []
    names = sorted(find_group(file, layout.STREAMS, path))
    if len(names) > _MOST_STREAMS:
        raise SessionError(
            expected=f"at most {_MOST_STREAMS} streams", found=len(names), where=path, fix=RESTORE
        )
    return [
        read_header_of(find_group(file, f"{layout.STREAMS}/{name}", path), name, path)
        for name in names
    ]


def read_streams_beside(file: h5py.File, rows: Rows, path: Path) -> dict[str, Stream]:
    """Read the streams of a session by their names.

    Raises
    ------
    SessionError : as `Rows.read` and `read_stream_headers`
    """
    return {
        header.name: Stream(
            header.name, header.title, header.kind, header.rate_hz, header.source,
            rows.read(layout.stream_samples(header.name), header.sample_dtype),
            rows.read(layout.stream_offsets(header.name), layout.OFFSET_DTYPE),
        )
        for header in read_stream_headers(file, path)
    }
