"""Checks of a sensor of another maker, as it is recorded: it has no clock and answers no pings."""

import queue
import threading
from collections import deque
from contextlib import suppress

import numpy as np

from acquire.other_sensors.port import OtherSensor
from acquire.other_sensors.thread import OtherSensorThread
from acquire.sensor.arrival import ReadingSample
from acquire.sensor.finger import FingerWatch
from acquire.sensor.items import ScaleWidened, SensorBack, SensorItem, SensorLost, SensorSays
from acquire.sensor.stamped_port import Received

from .result import FAIL, OK, WARN, Check
from .sensor import SENSOR_S, check_samples

_WAIT_S = 0.05


class OtherSensorListener:
    """The last samples of a sensor of another maker; it is read from at once, until `close`.

    Parameters
    ----------
    kept_s : how much is kept [s]

    Raises
    ------
    AcqError : it sends nothing
    """

    def __init__(self, sensor: OtherSensor, *, kept_s: float = SENSOR_S) -> None:
        self._reader = OtherSensorThread(sensor)
        self._reader.prepare()
        self._reader.start()
        self.hello = self._reader.hello
        self._kept_s, self._begun_s = kept_s, sensor.listened_s
        self._says = self._lost = ""
        self._begin()
        self._thread = threading.Thread(target=self._reader.run, name="other sensor", daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        """Begin with nothing, as where the scale is another from here on."""
        self.watch = FingerWatch(self.hello.rate_hz, sensor=self.hello.sensor)
        self._samples: deque[tuple[int, int]] = deque(      # sequence, value
            maxlen=round(self._kept_s * self.hello.rate_hz) + 1
        )

    def listen(self) -> None:
        """Take all that has come; wait for at most 0.05 s where nothing has."""
        with suppress(queue.Empty):
            self._take(self._reader.items.get(timeout=_WAIT_S))
            while True:
                self._take(self._reader.items.get_nowait())

    def _take(self, item: SensorItem) -> None:
        if isinstance(item, Received) and isinstance(sample := item.packet, ReadingSample):
            self._samples.append((sample.sequence, sample.value))
            self.watch.add(sample.sequence, sample.value, sample.flags, item.arrival_ns)
        elif isinstance(item, SensorSays):
            self._says = item.text
        elif isinstance(item, ScaleWidened):
            self.hello = item.hello
            self._begin()
        elif isinstance(item, SensorLost):
            self._lost = item.reason
        elif isinstance(item, SensorBack):
            self._lost, self.hello = "", item.hello
            self._begin()

    @property
    def trace(self) -> tuple[np.ndarray, np.ndarray]:
        """The samples: (S,) int64 sequence numbers, (S,) int64 values."""
        sequence, value = np.array(self._samples, dtype=np.int64).reshape(-1, 2).T
        return sequence, value

    def checks(self, *, with_subject: bool) -> list[Check]:
        """Check what the sensor says, its samples and the pulse in them, of those kept."""
        sensor = self._reader.sensor
        if self._lost:
            return [Check("sensor", FAIL, self._lost, "replug the sensor")]
        says = f"; it says: {self._says}" if self._says else ""
        timing = self._reader.timing
        return [
            Check("sensor", WARN if says else OK, f"{sensor.description} on {sensor.port}{says}"),
            *([Check("sync", OK, timing.words)] if timing is not None else []),
            *check_samples(
                self.trace, min(self._kept_s, sensor.listened_s - self._begun_s),
                self.hello.rate_hz, self.watch, with_subject=with_subject,
            ),
        ]

    def close(self) -> None:
        """Read no more; whoever opened the sensor closes it."""
        self._reader.stop()
        self._thread.join()
        self._reader.close()
