"""The thread of a sensor without a clock: it reads, keeps the sensor awake, and reconnects it.

It is to the recorder what `acquire.sensor.thread.SensorThread` is for our firmware, without pings:
every reading becomes a sample whose ticks are its arrival. Readings that came damaged are numbers
that are missing.
"""

import queue
import threading
import time
from contextlib import suppress

from acquire import host_time
from acquire.errors import AcqError, DeviceTimeout
from acquire.host_time import SuspensionWatch
from acquire.sensor.arrival import ArrivalTiming, ReadingSample
from acquire.sensor.items import ScaleWidened, SensorBack, SensorItem, SensorLost, SensorSays
from acquire.sensor.protocol import SAMPLE_CLIPPED, Hello
from acquire.sensor.stamped_port import Received
from acquire.sensor.thread import FELL_SILENT, UNPLUGGED
from acquire.sensor.usb import ports_of, usb_identity

from .port import OtherSensor
from .scale import Scale, ScaleWatch, to_values

_STALL_S = 3.0                  # without a reading: it is gone
_QUIET_S = 0.6                  # without a reading: ask for them again
_FIRST_S = 2.0
_REOPEN_EVERY_S = 0.1
_READ_S = 0.1


class OtherSensorThread:
    """What the recorder does with the sensor; `run` is its thread, `items` what it hands on."""

    unanswered_pings = 0

    def __init__(
        self, sensor: OtherSensor, *, suspensions: SuspensionWatch | None = None
    ) -> None:
        self.sensor = sensor
        self.hello: Hello = sensor.hello
        self.timing: ArrivalTiming | None = sensor.timing
        self.items: queue.Queue[SensorItem] = queue.Queue()
        self.lost: AcqError | None = None        # why the sensor is away, while it is
        self._first_sensor = sensor              # its owner closes it
        self._scale = ScaleWatch(sensor.scale, is_told=sensor.kind.scale is None)
        self._usb = usb_identity(sensor.port)
        self._stop = threading.Event()
        self._suspensions = suspensions or SuspensionWatch()
        self._sequence = -1
        self._damaged_before = 0                 # on this port, up to the last sample
        self._damaged = 0                        # since the recording began
        self._status = ""
        self._sample_at_s = 0.0
        self._sent_instead = ""                  # of readings, in words, while none comes

    @property
    def scale(self) -> Scale | None:
        """Lowest and highest reading, as far as they are known."""
        return self._scale.scale

    @property
    def damaged_packets(self) -> int:
        """Readings that came damaged since the recording began."""
        return self._damaged

    def prepare(self) -> None:
        """Make sure that it sends.

        Raises
        ------
        DeviceTimeout : it does not
        """
        self._suspensions.look()                 # what was before is not of the recording
        self.sensor.request(self.sensor.kind.requests.start)
        while self.sensor.read(0.0) is not None:
            pass
        if self.sensor.read(_FIRST_S) is None:
            raise DeviceTimeout(
                expected=f"a reading from the sensor on {self.sensor.port}",
                found=f"none within {_FIRST_S:g} s", fix="unplug it and plug it in again",
            )

    def check(self) -> None:
        """Let the sensor deliver a reading.

        Raises
        ------
        DeviceTimeout : it does not
        """
        self.prepare()

    def start(self) -> None:
        """Begin the recording with the next reading."""
        while self.sensor.read(0.0) is not None:
            pass
        self._damaged_before = self.sensor.bad_packets

    def confirm(self) -> Hello:
        """Return what is known of the sensor."""
        return self.hello

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()

    def close(self) -> None:
        """Close a port that was opened here; may be called twice."""
        if self.sensor is not self._first_sensor:
            self.sensor.close()

    def run(self) -> None:
        """Read until `stop`; reconnect the sensor when it goes away."""
        self._sample_at_s = self.sensor.listened_s
        while not self._stop.is_set():
            try:
                self._listen()
            except AcqError as error:
                self._mark_lost(error)
                self._reconnect()

    def _listen(self) -> None:
        """Read until `stop`; raise where the line is gone or dead."""
        requests = self.sensor.kind.requests
        awake_until_s = time.monotonic() + requests.keep_alive_s
        ask_at_s = 0.0
        while not self._stop.is_set():
            if requests.keep_alive and time.monotonic() >= awake_until_s:
                self.sensor.request(requests.keep_alive)
                awake_until_s = time.monotonic() + requests.keep_alive_s
            received = self.sensor.read(_READ_S)
            if suspension := self._suspensions.look():
                self.items.put(suspension)
            quiet_s = self.sensor.listened_s - self._sample_at_s
            if quiet_s > _QUIET_S and received is None:
                self._note_sent_instead()
            if received is not None:
                self._hand_on(received)
            elif quiet_s > _QUIET_S and time.monotonic() > ask_at_s:
                self.sensor.request(requests.start)
                ask_at_s = time.monotonic() + _QUIET_S
            elif quiet_s > _STALL_S:
                raise DeviceTimeout(
                    expected=f"readings from the sensor on {self.sensor.port}",
                    found=f"none for {_STALL_S:g} s"
                    + (f"; {self._sent_instead}" if self._sent_instead else ""),
                )

    def _note_sent_instead(self) -> None:
        """Note what comes while no reading does: it tells what is wrong, and is the gap's cause."""
        if self._sent_instead or self.sensor.bad_packets == self._damaged_before:
            return
        self._sent_instead = f"the sensor sent {self.sensor.last_words}"
        reason = f"{self._sent_instead} in place of readings"
        self.items.put(SensorLost(host_time.now_ns(), self._sent_instead, reason))

    def _hand_on(self, received: Received) -> None:
        (reading, damaged), arrival_ns = received.packet, received.arrival_ns
        self._sample_at_s = self.sensor.listened_s
        new_damaged = max(0, damaged - self._damaged_before)
        if self._sent_instead:                   # its time tells how many there would have been
            back = SensorBack(arrival_ns, self.hello, self._sent_instead, self.sensor.port)
            self.items.put(back)
            self._sent_instead, new_damaged = "", 0
        self._damaged_before = damaged
        self._damaged += new_damaged
        self._sequence += 1 + new_damaged
        if reading.status != self._status:
            self._status = reading.status
            self.items.put(SensorSays(arrival_ns, reading.status))
        before = self._scale.scale
        if self._scale.add(reading.value):
            self._widen(arrival_ns, before)
        scale = self._scale.scale
        is_cut = self.sensor.kind.clips and reading.value in scale
        flags = SAMPLE_CLIPPED if is_cut or self._scale.is_beyond(reading.value) else 0
        sample = ReadingSample(
            self._sequence % 2**32, arrival_ns // 1000 % 2**32,
            int(to_values(reading.value, scale)), flags, reading.value,
        )
        self.items.put(Received(sample, arrival_ns))

    def _widen(self, time_ns: int, before: Scale) -> None:
        self.sensor.scale = self._first_sensor.scale = self._scale.scale
        self.hello = self.sensor.hello
        self.items.put(ScaleWidened(time_ns, before, self._scale.scale, self.hello))

    # -- away and back

    def _mark_lost(self, error: AcqError) -> None:
        if str(error) != str(self.lost):
            cause = FELL_SILENT if isinstance(error, DeviceTimeout) else UNPLUGGED
            self.items.put(SensorLost(host_time.now_ns(), cause, str(error)))
        self.lost = error
        self.sensor.close()

    def _reconnect(self) -> None:
        """Try to open the sensor until it works, or the recording ends."""
        kind, rate_hz = self.sensor.kind, self.hello.rate_hz
        while not self._stop.wait(_REOPEN_EVERY_S):
            for port in ports_of(self._usb, self.sensor.port):
                with suppress(AcqError):         # `lost` keeps the first reason
                    scale = self._scale.scale
                    self.sensor = OtherSensor(port, (kind,), rate_hz=rate_hz, scale=scale)
                    self.lost, self._sent_instead = None, ""
                    self._sample_at_s = self.sensor.listened_s
                    self._damaged_before = self.sensor.bad_packets
                    back = SensorBack(host_time.now_ns(), self.hello, UNPLUGGED, port)
                    self.items.put(back)
                    return
