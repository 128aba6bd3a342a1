"""The sensor as the recorder uses it, whether it runs our firmware or is another maker's."""

import queue
from typing import Protocol

from acquire.errors import AcqError
from acquire.host_time import SuspensionWatch
from acquire.other_sensors.port import OtherSensor
from acquire.other_sensors.thread import OtherSensorThread
from acquire.sensor.arrival import ArrivalTiming
from acquire.sensor.items import SensorItem
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import Hello
from acquire.sensor.thread import SensorThread


class SensorSource(Protocol):
    """A sensor that is prepared, started and read by a thread, which hands on items in order."""

    items: queue.Queue[SensorItem]
    lost: AcqError | None           # why the sensor is away, while it is
    timing: ArrivalTiming | None    # of a sensor without a clock

    @property
    def sensor(self) -> Sensor | OtherSensor:
        """The open port."""
        ...

    @property
    def scale(self) -> tuple[float, float] | None:
        """Lowest and highest reading of a sensor without a clock."""
        ...

    @property
    def damaged_packets(self) -> int:
        """Packets that came damaged since the recording began."""
        ...

    @property
    def unanswered_pings(self) -> int:
        """Pings that were never answered since the recording began."""
        ...

    def prepare(self) -> None:
        """Make the sensor ready; raise `DeviceError` where it is not."""
        ...

    def check(self) -> None:
        """Let the sensor deliver a sample; raise `DeviceError` where it does not."""
        ...

    def start(self) -> None:
        """Ask for samples, without waiting for the answer as `confirm` does."""
        ...

    def confirm(self) -> Hello:
        """Return what the sensor says of itself."""
        ...

    def run(self) -> None:
        """Read until `stop`; the body of the thread."""
        ...

    def stop(self) -> None:
        """Ask `run` to end."""
        ...

    def close(self) -> None:
        """Close a port that was opened here."""
        ...


def source_of(
    sensor: Sensor | OtherSensor, rate_hz: int, *, suspensions: SuspensionWatch | None
) -> SensorSource:
    """Return what reads a sensor; `rate_hz` is asked of our firmware, others have their own."""
    if isinstance(sensor, OtherSensor):
        return OtherSensorThread(sensor, suspensions=suspensions)
    return SensorThread(sensor, rate_hz, suspensions=suspensions)
