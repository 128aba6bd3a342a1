"""One stream of another program, read by a thread: its samples, and its clock's offsets, as told.

A stream that ends is not waited for: what it sent is kept, and the file says when it was lost. The
library would reconnect in silence, and nobody could say what was missed.
"""

import queue
import re
import threading
from typing import Any, NamedTuple

from acquire import host_time
from acquire.errors import DeviceError
from acquire.session.stream_table import MOST_CHANNELS, StreamHeader

from .library import load, measure_offset, read_local

_RESOLVE_S = 3.0
_OPEN_S = 5.0
_FIRST_OFFSET_S = 5.0
_PULL_S = 0.1
_OFFSET_EVERY_S = 1.0           # the library measures anew every two seconds
_MOST_SAMPLES = 1024            # pulled at once


class StreamSample(NamedTuple):
    """A row of a stream's samples, before it is placed."""

    stamp_s: float
    arrival_ns: int
    value: Any                  # tuple of floats, or bytes


class StreamLost(NamedTuple):
    """The stream ended, as far as can be seen from here."""

    time_ns: int
    reason: str


OffsetRow = tuple[int, float, float, float, int, int]       # as OFFSET_DTYPE


def find_stream(name: str) -> "StreamReader":
    """Open the one stream of that name in the network, and measure its clock.

    Raises
    ------
    DeviceError : there is none, or several; it does not open, or its clock cannot be measured
    """
    lsl = load()
    found = lsl.resolve_byprop("name", name, 1, _RESOLVE_S)
    if not found:
        others = sorted({info.name() for info in lsl.resolve_streams(wait_time=1.0)})
        raise DeviceError(
            expected=f"a stream named {name!r} in the network",
            found=f"only {', '.join(others)}" if others else "no stream at all",
            fix="start the program that sends it",
        )
    if len(found) > 1:
        hosts = ", ".join(sorted(info.hostname() for info in found))
        raise DeviceError(
            expected=f"one stream named {name!r}", found=f"{len(found)}, on {hosts}",
            fix="end one of them, or give it another name",
        )
    return StreamReader(found[0])


class StreamReader:
    """An open stream; `run` is the body of its thread, `items` what it hands on, in order."""

    def __init__(self, info) -> None:
        self._lsl = load()
        channels, is_text = info.channel_count(), info.channel_format() == self._lsl.cf_string
        if (is_text and channels != 1) or channels > MOST_CHANNELS:
            raise DeviceError(
                expected=f"numbers in at most {MOST_CHANNELS} channels, or one channel of text",
                found=f"{channels} channels{' of text' if is_text else ''}",
                where=f"in the stream {info.name()}",
            )
        self.header = StreamHeader(
            name=group_name(info.name()), title=info.name()[:200], kind=info.type()[:200],
            channels=0 if is_text else channels, rate_hz=info.nominal_srate(),
            source=f"{info.source_id()} on {info.hostname()}"[:400],
        )
        self.items: queue.SimpleQueue[StreamSample | StreamLost | OffsetRow] = queue.SimpleQueue()
        self._inlet = self._lsl.StreamInlet(info, recover=False)
        self._stop = threading.Event()
        self._last_remote_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name=f"stream {info.name()}", daemon=True)
        try:
            self._inlet.open_stream(timeout=_OPEN_S)
            if not self._measure(_FIRST_OFFSET_S):
                raise DeviceError(
                    expected=f"the clock of the stream {info.name()} to be measured",
                    found=f"no answer within {_FIRST_OFFSET_S:g} s",
                    fix="let UDP through to its sender",
                )
        except RuntimeError as error:            # the kinds of pylsl
            raise DeviceError(
                expected=f"the stream {info.name()} to open", found=error
            ) from error

    def start(self) -> None:
        """Begin with what is sent from now on."""
        self._inlet.flush()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after what has come; may be called twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._inlet.close_stream()

    def _measure(self, timeout_s: float) -> bool:
        """Hand on a measurement of the clock if there is a new one; return whether there was."""
        offset = measure_offset(self._inlet, timeout_s=timeout_s)
        if offset is None or offset.remote_s == self._last_remote_s:
            return False
        self._last_remote_s = offset.remote_s
        local_ns, local_bound_ns = read_local(self._lsl.local_clock)
        self.items.put((
            host_time.now_ns(), offset.remote_s, offset.offset_s, offset.uncertainty_s, local_ns,
            local_bound_ns,
        ))
        return True

    def _run(self) -> None:
        due_ns = host_time.now_ns()
        try:
            while not self._stop.is_set():
                self._pull(_PULL_S)
                if host_time.now_ns() >= due_ns:
                    due_ns = host_time.now_ns() + round(_OFFSET_EVERY_S * 1e9)
                    self._measure(0.05)
            self._pull(0.0)
            self._measure(0.05)
        except RuntimeError as error:            # the kinds of pylsl: what ends it is told
            self.items.put(StreamLost(host_time.now_ns(), str(error)))

    def _pull(self, timeout_s: float) -> None:
        values, stamps = self._inlet.pull_chunk(
            timeout=timeout_s, max_samples=_MOST_SAMPLES, min_samples=1
        )
        arrival_ns = host_time.now_ns()
        for sample, stamp_s in zip(values or (), stamps, strict=True):
            self.items.put(StreamSample(stamp_s, arrival_ns, self._value(sample)))

    def _value(self, sample: list) -> Any:
        if self.header.channels:
            return tuple(map(float, sample))
        return str(sample[0]).encode()[:256].decode(errors="ignore").encode()


def group_name(title: str) -> str:
    """Return a stream's name as that of a group: letters, digits, - and _, at most 64."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", title).strip("_")[:64] or "stream"
