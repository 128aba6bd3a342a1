"""Checks of the sensor: its answers to pings, its samples, and the pulse in them."""

import time
from collections import deque

import numpy as np

from acquire.errors import AcqError
from acquire.sensor.finger import CLIPPED, FINGER_OFF, FLAT_LINE, FingerWatch
from acquire.sensor.pings import Pinger
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import DEFAULT_RATE_HZ, SENSOR_NAMES, Hello, Pong, Sample
from dataset.signals.pulse_quality import POOR, read_finger

from .result import FAIL, OK, WARN, Check, check_from_error

SENSOR_S = 6.0                     # a pulse takes 4 s, and a finger that just came down settles
_PING_EVERY_S = 0.05
_BOUND_MS = 5.0                    # more is an eighth of a sample's period at 25 Hz


class SensorListener:
    """The last samples of a sensor, and its answers to pings; it is started at once.

    Parameters
    ----------
    kept_s : how much is kept [s]

    Raises
    ------
    AcqError : it does not start
    """

    def __init__(self, sensor: Sensor, *, kept_s: float = SENSOR_S) -> None:
        self._sensor = sensor
        sensor.silence()
        sensor.start(DEFAULT_RATE_HZ)
        self.hello: Hello = sensor.confirm_start(DEFAULT_RATE_HZ)
        self.watch = FingerWatch(self.hello.rate_hz, sensor=self.hello.sensor)
        self._kept_s, self._begun_s = kept_s, sensor.listened_s
        self._pinger, self._next_ping = Pinger(), 0.0
        self._round_trips_ms: deque[float] = deque(maxlen=round(kept_s / _PING_EVERY_S))
        # sequence, value
        self._samples: deque[tuple[int, int]] = deque(maxlen=round(kept_s * self.hello.rate_hz) + 1)

    def listen(self) -> None:
        """Take what comes next, and ping when it is time; wait for at most 0.05 s."""
        if (now := time.monotonic()) >= self._next_ping:
            self._pinger.ping(self._sensor.send)
            self._next_ping = now + _PING_EVERY_S
        wait_s = max(0.0, self._next_ping - time.monotonic())
        received = self._sensor.read(min(_PING_EVERY_S, wait_s))
        if received is None:
            return
        packet = received.packet
        if isinstance(packet, Pong) and (answer := self._pinger.match(packet, received.arrival_ns)):
            inside_ns = (packet.tx_ticks - packet.rx_ticks) % 2**32 * 1e9 / self.hello.tick_hz
            self._round_trips_ms.append((answer.recv_ns - answer.sent_ns - inside_ns) / 1e6)
        elif isinstance(packet, Sample):
            self._samples.append((packet.sequence, packet.value))
            self.watch.add(packet.sequence, packet.value, packet.flags, received.arrival_ns)

    @property
    def trace(self) -> tuple[np.ndarray, np.ndarray]:
        """The samples: (S,) int64 sequence numbers, (S,) int64 values."""
        sequence, value = np.array(self._samples, dtype=np.int64).reshape(-1, 2).T
        return sequence, value

    def checks(self, *, with_subject: bool) -> list[Check]:
        """Check the sensor's answers, its samples and the pulse in them, of those that are kept."""
        hello = self.hello
        name = SENSOR_NAMES.get(hello.sensor, str(hello.sensor))
        text = f"{name} on {self._sensor.port}, firmware {hello.firmware}, {hello.rate_hz} Hz"
        return [
            Check("sensor", OK, text), _check_sync(list(self._round_trips_ms)),
            *check_samples(
                self.trace, min(self._kept_s, self._sensor.listened_s - self._begun_s),
                hello.rate_hz, self.watch, with_subject=with_subject,
            ),
        ]


def check_sensor(sensor: Sensor, *, with_subject: bool, seconds: float = SENSOR_S) -> list[Check]:
    """Sample for some seconds; check the sensor's answers, its samples and the pulse in them."""
    try:
        listener = SensorListener(sensor, kept_s=seconds)
        # time in which this process was not run does not count: its packets are still to be read
        end_s = sensor.listened_s + seconds
        while sensor.listened_s < end_s:
            listener.listen()
        sensor.stop()
    except AcqError as error:
        return [check_from_error("sensor", error)]
    return listener.checks(with_subject=with_subject)


def _check_sync(round_trips_ms: list[float]) -> Check:
    if not round_trips_ms:
        advice = "replug the sensor, or upload the firmware to it again"
        return Check("sync", FAIL, "no ping was answered", advice)
    shortest_ms = min(round_trips_ms)
    bound_ms = shortest_ms / 2
    text = (
        f"sync within about ±{bound_ms:.2f} ms: round trips of {shortest_ms:.2f} ms, median "
        f"{np.median(round_trips_ms):.1f} ms"
    )
    if bound_ms > _BOUND_MS:
        advice = "set the adapter's latency timer to 1 ms (docs/hardware.md)"
        return Check("sync", WARN, text, advice)
    return Check("sync", OK, text)


def check_samples(
    trace: tuple[np.ndarray, np.ndarray], seconds: float, rate_hz: int, watch: FingerWatch, *,
    with_subject: bool,
) -> list[Check]:
    """Check samples of some seconds, and the pulse in them.

    Parameters
    ----------
    trace : (S,) int64 sequence numbers, (S,) int64 values
    """
    sequence, value = trace
    if not len(sequence):
        return [Check("samples", FAIL, f"none in {seconds:.2g} s", "replug the sensor")]
    lost = int(sequence[-1] - sequence[0] + 1 - len(sequence))
    text = f"{len(sequence)} in {seconds:.2g} s at {rate_hz} Hz"
    samples = Check("samples", OK, text)
    if lost:
        samples = Check("samples", WARN, f"{text}, {lost} lost", "another cable or port")
    pulse = _check_pulse(sequence, value, rate_hz, watch, with_subject=with_subject)
    return [samples, pulse]


def _check_pulse(
    sequence: np.ndarray, value: np.ndarray, rate_hz: int, watch: FingerWatch, *, with_subject: bool
) -> Check:
    bad = FAIL if with_subject else WARN
    pulse = read_finger(sequence, value.astype(np.float64), rate_hz)
    if FLAT_LINE in watch.states:
        return Check("pulse", bad, "a flat line", "is the sensor plugged into A0, and powered?")
    if FINGER_OFF in watch.states or pulse is None:
        advice = "lay a fingertip on it, lightly, and keep still"
        return Check("pulse", bad, "no finger on the sensor", advice)
    if CLIPPED in watch.states:
        advice = "press less, or turn the sensor's gain down"
        return Check("pulse", WARN, "readings at the end of the scale", advice)
    text = pulse.rate_text
    if pulse.quality == POOR:
        advice = "warm the finger, press less, keep the hand still"
        return Check("pulse", bad, f"{text}, but poor", advice)
    return Check("pulse", OK, f"{text}, {pulse.quality}")
