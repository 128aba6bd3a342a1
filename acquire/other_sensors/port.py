"""A contact sensor of another maker on its port: recognised, its rate measured, read.

A port is listened to with the settings of each kind in turn, until readings of that kind come. What
the sensor does not state, its rate and its scale, is measured then.
"""

import math
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import serial

from acquire.errors import DeviceError, DeviceTimeout
from acquire.sensor.arrival import ArrivalTiming
from acquire.sensor.finger import ANALOG_BITS
from acquire.sensor.latency_timer import SYSFS
from acquire.sensor.protocol import SENSOR_ANALOG, SENSOR_MAX30102, Hello
from acquire.sensor.stamped_port import (
    Line,
    Received,
    StampedPort,
    describe_bytes,
    open_serial,
    set_line,
)

from .kind import ContactSensor, NumberedReading
from .scale import tell_scale

TICK_HZ = 1_000_000             # ticks of such a sensor are microseconds of the host's clock
_FASTEST = 1.04                 # a UART's rate above its nominal one, as `acquire.clock` takes it
_BOOT_S = 2.5                   # an Arduino that was reset by opening its port is silent so long
_LISTEN_S = 0.8                 # with each setting of the line
_MEASURE_S = 2.0
_HEARD_BYTES = 256              # that are kept, to tell what a sensor sends in place of readings
_SHOWN_TEXT = 48                # characters of a line
_FEWEST = 8                     # readings that a rate is measured from
_SLOWEST_HZ, _FASTEST_HZ = 10, 1000


class OtherSensor:
    """A contact sensor of another maker, open.

    Parameters
    ----------
    kinds : what it may be
    rate_hz, scale : its sample rate, and its lowest and highest reading, where they are known; else
        those of its kind, or they are measured
    was_silent : nothing came from the port a moment ago: only a request can make it speak

    Raises
    ------
    DeviceError : the port is missing, busy or gone; or its rate is none that is recorded
    DeviceTimeout : it is none of these kinds; says in words what came
    """

    def __init__(
        self, port: str, kinds: tuple[ContactSensor, ...], *, rate_hz: int | None = None,
        scale: tuple[float, float] | None = None, was_silent: bool = False, sysfs: Path = SYSFS,
    ) -> None:
        self.port = port
        opened = open_serial(port, Line())
        try:
            self.kind, self.line = _recognise(opened, kinds, was_silent=was_silent)
        except BaseException:
            opened.close()
            raise
        self._decoder = self.kind.decoder()
        self._heard = b""
        self._stamped = StampedPort(opened, self._number, sysfs=sysfs)
        try:
            self._stamped.shorten_latency()
            self.rate_hz, self.scale = self._measure(
                rate_hz or self.kind.rate_hz, scale or self.kind.scale
            )
        except BaseException:
            self.close()
            raise
        self.is_rate_measured = rate_hz is None and self.kind.rate_hz is None

    def _number(self, data: bytes) -> Iterator[NumberedReading]:
        self._heard = (self._heard + data)[-_HEARD_BYTES:]
        for reading in self._decoder.feed(data):
            yield NumberedReading(reading, self._decoder.damaged)

    def _measure(
        self, rate_hz: int | None, scale: tuple[float, float] | None
    ) -> tuple[int, tuple[float, float]]:
        """Return rate and scale, as stated or from what comes within some seconds."""
        if rate_hz is not None and scale is not None:
            return rate_hz, scale
        readings: list[tuple[float, int]] = []
        give_up_s = self.listened_s + _MEASURE_S
        while (left_s := give_up_s - self.listened_s) > 0:
            if (received := self.read(left_s)) is not None:
                readings.append((received.packet.reading.value, received.arrival_ns))
        if len(readings) < _FEWEST:
            raise DeviceTimeout(
                expected=f"readings of {self.kind.title} to measure its rate by",
                found=f"{len(readings)} within {_MEASURE_S:g} s", where=f"on {self.port}",
            )
        span_s = (readings[-1][1] - readings[0][1]) / 1e9
        measured_hz = rate_hz or round((len(readings) - 1) / max(span_s, 1e-9))
        if not _SLOWEST_HZ <= measured_hz <= _FASTEST_HZ:
            raise DeviceError(
                expected=f"{_SLOWEST_HZ} to {_FASTEST_HZ} readings a second", found=measured_hz,
                where=f"on {self.port}", fix="change how often it prints",
            )
        return measured_hz, scale or tell_scale(value for value, _ in readings)

    @property
    def hello(self) -> Hello:
        """What our firmware would say of it: rate and resolution; protocol 0 is none of ours."""
        bits = max(1, math.ceil(math.log2(self.scale[1] - self.scale[0] + 1)))
        sensor = SENSOR_MAX30102 if bits > ANALOG_BITS else SENSOR_ANALOG
        return Hello(0, 0, 0, 0, 0, TICK_HZ, self.rate_hz, bits, sensor)

    @property
    def timing(self) -> ArrivalTiming:
        """How its samples are placed in time."""
        kind, line = self.kind, self.line
        bits = max(0, kind.least_bytes * line.bits_per_byte - 1)
        most_s = kind.delay_most_s(line, self.rate_hz)
        return ArrivalTiming(
            sensor=kind.name, line_ns=int(bits * 1e9 / (line.baud * _FASTEST)),
            spacing_ns=int((1 - kind.rate_error) * 1e9 / self.rate_hz),
            delay_most_ns=-1 if most_s is None else round(most_s * 1e9), delay=kind.delay,
            unseen=(
                "a sample carries no number: one that is lost whole shows only where nothing came "
                "for a quarter of a second"
            ),
        )

    @property
    def description(self) -> str:
        """What it is, in one line."""
        rate = f"{'about ' if self.is_rate_measured else ''}{self.rate_hz} a second"
        return f"{self.kind.title} ({self.kind.name}), {self.line}, {rate}; no clock"

    @property
    def latency_timer(self) -> str:
        """Of the USB adapter, in words: before and now; empty where it has none."""
        return self._stamped.latency_timer

    @property
    def listened_s(self) -> float:
        """How long the port has been listened to [s]."""
        return self._stamped.listened_s

    @property
    def bad_packets(self) -> int:
        """Readings that came damaged since the port was opened."""
        return self._decoder.damaged

    @property
    def last_words(self) -> str:
        """The last whole line that came, quoted, where it is words; else that it is none."""
        lines = self._heard.split(b"\n")[:-1][-1:]
        line = lines[0].strip() if lines else b""
        if not re.search(rb"[A-Za-z]{2}", line) or not line.decode("latin1").isprintable():
            return "bytes that are no readings"
        return f'"{line[:_SHOWN_TEXT].decode("ascii", "replace")}"'

    def read(self, timeout_s: float) -> Received | None:
        """Return the next reading, with its arrival; None when none came in time.

        Raises
        ------
        DeviceError : the port is gone, and all that came before has been read
        """
        return self._stamped.read(timeout_s)

    def request(self, data: bytes) -> None:
        """Write a request of the kind's, if there is one."""
        if data:
            self._stamped.write(data)

    def close(self) -> None:
        """Stop it, and close the port; may be called twice."""
        if self.kind.requests.stop and not self._stamped.is_closed:
            with suppress(DeviceError):      # it is gone
                self.request(self.kind.requests.stop)
        self._stamped.close()


def _recognise(
    opened: serial.Serial, kinds: tuple[ContactSensor, ...], *, was_silent: bool
) -> tuple[ContactSensor, Line]:
    """Return what is on a port, and the setting of its line."""
    settings: dict[Line, list[ContactSensor]] = {}
    for kind in kinds:
        for line in kind.lines if not was_silent or kind.requests.start else ():
            settings.setdefault(line, []).append(kind)
    heard = b""
    wait_s = _LISTEN_S if was_silent else _BOOT_S
    for line, candidates in settings.items():
        if not set_line(opened, line):
            continue
        opened.reset_input_buffer()
        for kind in candidates:
            opened.write(kind.requests.start)
        decoders = [(kind, kind.decoder()) for kind in candidates]
        found, data = _listen(opened, decoders, first_s=wait_s)
        if found is not None:
            return found, line
        heard = heard or data
        if data:
            wait_s = _LISTEN_S
    raise DeviceTimeout(
        expected=" or ".join(kind.title for kind in kinds), found=describe_bytes(heard),
        where=f"on {opened.port}", fix="make sure that the sensor is switched on and sends",
    )


def _listen(
    opened: serial.Serial, decoders: list, *, first_s: float
) -> tuple[ContactSensor | None, bytes]:
    """Read until a kind is recognised, or for a while after the first byte.

    Returns
    -------
    the kind, or None; the first bytes that came
    """
    counts = [0] * len(decoders)            # readings since the last damaged one
    damaged = [0] * len(decoders)           # bytes may be left of the setting before
    data = b""
    give_up_s = time.monotonic() + first_s
    while time.monotonic() < give_up_s:
        try:
            new = opened.read(max(1, opened.in_waiting))
        except (serial.SerialException, OSError) as error:
            raise DeviceError(
                expected="a sensor", found="that the line was pulled", where=f"on {opened.port}"
            ) from error
        if new and not data:
            give_up_s = time.monotonic() + _LISTEN_S
        data = (data + new)[:64]
        for at, (kind, decoder) in enumerate(decoders):
            for _ in decoder.feed(new):
                counts[at] = counts[at] + 1 if decoder.damaged == damaged[at] else 1
                damaged[at] = decoder.damaged
            if counts[at] >= kind.needed and decoder.damaged == damaged[at]:
                return kind, data
    return None, data
