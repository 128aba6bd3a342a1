"""The streams of one recording: started with it, written as they come, placed when it closes."""

from collections.abc import Iterable, Sequence

from acquire import layout
from acquire.clock.place_stream import place_stream
from acquire.errors import DeviceError
from acquire.session.stream_table import StreamHeader
from acquire.session.writer import SessionWriter

from .inlet import StreamLost, StreamReader, StreamSample, find_stream


class RecordedStreams:
    """Streams that are recorded together; a context manager's `closing` ends them."""

    def __init__(self, readers: Sequence[StreamReader] = ()) -> None:
        self._readers = tuple(readers)
        self.counts = {reader.header.name: 0 for reader in self._readers}
        self.lost_ns: dict[str, int] = {}        # when each of those that ended was lost
        if len(self.counts) < len(self._readers):
            raise DeviceError(
                expected="streams with different names",
                found=", ".join(reader.header.title for reader in self._readers),
                fix="rename one",
            )

    @property
    def headers(self) -> tuple[StreamHeader, ...]:
        """What the file says of them."""
        return tuple(reader.header for reader in self._readers)

    def start(self) -> None:
        """Begin with what is sent from now on."""
        for reader in self._readers:
            reader.start()

    def write(self, writer: SessionWriter) -> None:
        """Write what has come since the last call."""
        for reader in self._readers:
            name = reader.header.name
            for _ in range(reader.items.qsize()):
                item = reader.items.get_nowait()
                if isinstance(item, StreamSample):
                    self.counts[name] += 1
                    row = item.stamp_s, item.arrival_ns, item.arrival_ns, -1, item.value
                    writer.add_row(layout.stream_samples(name), row)
                elif isinstance(item, StreamLost):
                    self.lost_ns[name] = item.time_ns
                    text = f"{name}: {item.reason}"
                    writer.add_event(item.time_ns, "stream_lost", text)
                else:
                    writer.add_row(layout.stream_offsets(name), item)

    def finish(self, writer: SessionWriter) -> None:
        """Stop reading, and place every sample by all offsets of its stream."""
        self.close()
        self.write(writer)
        clocks = writer.column(layout.CLOCKS)
        for name in self.counts:
            samples = writer.column(layout.stream_samples(name))
            offsets = writer.column(layout.stream_offsets(name))
            time_ns, bound_ns = place_stream(samples["stamp_s"], offsets, clocks)
            is_placed = bound_ns >= 0
            samples["time_ns"][is_placed] = time_ns[is_placed]
            samples["bound_ns"] = bound_ns
            writer.replace_rows(layout.stream_samples(name), samples)

    def close(self) -> None:
        """Stop reading; may be called twice."""
        for reader in self._readers:
            reader.stop()


def open_streams(names: Iterable[str]) -> RecordedStreams:
    """Open the streams of these names.

    Raises
    ------
    DeviceError : one is not there, or is there twice
    """
    readers: list[StreamReader] = []
    try:
        for name in names:
            readers.append(find_stream(name))
        return RecordedStreams(readers)
    except BaseException:
        for reader in readers:
            reader.stop()
        raise
