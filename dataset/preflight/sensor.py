"""Checks of the sensor: its answers to pings, its samples, and the pulse in them."""

import time
from dataclasses import dataclass, field

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


@dataclass
class _SensorSample:
    """What a sensor delivered in a few seconds."""

    hello: Hello
    watch: FingerWatch
    seconds: float
    round_trips_ms: list[float] = field(default_factory=list)
    samples: list[tuple[int, int]] = field(default_factory=list)     # sequence, value


def check_sensor(sensor: Sensor, *, with_subject: bool, seconds: float = SENSOR_S) -> list[Check]:
    """Sample for some seconds; check the sensor's answers, its samples and the pulse in them."""
    try:
        sample = _sample_sensor(sensor, seconds)
    except AcqError as error:
        return [check_from_error("sensor", error)]
    hello = sample.hello
    name = SENSOR_NAMES.get(hello.sensor, str(hello.sensor))
    text = f"{name} on {sensor.port}, firmware {hello.firmware}, {hello.rate_hz} Hz"
    return [
        Check("sensor", OK, text), _check_sync(sample.round_trips_ms),
        *_check_samples(sample, with_subject=with_subject),
    ]


def _sample_sensor(sensor: Sensor, seconds: float) -> _SensorSample:
    sensor.silence()
    sensor.start(DEFAULT_RATE_HZ)
    hello = sensor.confirm_start(DEFAULT_RATE_HZ)
    sample = _SensorSample(hello, FingerWatch(hello.rate_hz, sensor=hello.sensor), seconds)
    pinger = Pinger()
    # time in which this process was not run does not count: its packets are still to be read
    end_s, next_ping = sensor.listened_s + seconds, 0.0
    while sensor.listened_s < end_s:
        if (now := time.monotonic()) >= next_ping:
            pinger.ping(sensor.send)
            next_ping = now + _PING_EVERY_S
        received = sensor.read(min(_PING_EVERY_S, max(0.0, next_ping - time.monotonic())))
        if received is None:
            continue
        packet = received.packet
        if isinstance(packet, Pong) and (answer := pinger.match(packet, received.arrival_ns)):
            inside_ns = (packet.tx_ticks - packet.rx_ticks) % 2**32 * 1e9 / hello.tick_hz
            sample.round_trips_ms.append((answer.recv_ns - answer.sent_ns - inside_ns) / 1e6)
        elif isinstance(packet, Sample):
            sample.samples.append((packet.sequence, packet.value))
            sample.watch.add(packet.sequence, packet.value, packet.flags, received.arrival_ns)
    sensor.stop()
    return sample


def _check_sync(round_trips_ms: list[float]) -> Check:
    if not round_trips_ms:
        advice = "replug the sensor, or upload the firmware to it again"
        return Check("sync", FAIL, "no ping was answered", advice)
    shortest_ms = min(round_trips_ms)
    bound_ms = shortest_ms / 2
    text = (
        f"sync within about ±{bound_ms:.2f} ms: round trips of {shortest_ms:.2f} ms, median "
        f"{np.median(round_trips_ms):.1f}"
    )
    if bound_ms > _BOUND_MS:
        advice = "set the adapter's latency timer to 1 ms (docs/hardware.md)"
        return Check("sync", WARN, text, advice)
    return Check("sync", OK, text)


def _check_samples(sample: _SensorSample, *, with_subject: bool) -> list[Check]:
    if not sample.samples:
        return [Check("samples", FAIL, f"none in {sample.seconds:g} s", "replug the sensor")]
    sequence, value = np.array(sample.samples, dtype=np.int64).T
    rate_hz = sample.hello.rate_hz
    lost = int(sequence[-1] - sequence[0] + 1 - len(sequence))
    text = f"{len(sequence)} in {sample.seconds:g} s at {rate_hz} Hz"
    samples = Check("samples", OK, text)
    if lost:
        samples = Check("samples", WARN, f"{text}, {lost} lost", "another cable or port")
    pulse = _check_pulse(sequence, value, rate_hz, sample.watch, with_subject=with_subject)
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
