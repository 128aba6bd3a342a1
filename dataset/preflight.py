"""What to look at before a subject sits down, and with one: camera, light, face, sensor, pulse,
disk.

Each look is one line with a verdict and what to do. A failure means that a recording made now would
be worthless or end early; a warning, that it would be worse than it could be. Face and pulse are
warnings unless a subject is said to be there.
"""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire import host_time
from acquire.calibration.rig_file import light_offset_for, read_rig
from acquire.camera.source import CameraInfo, CameraRate, FrameSource
from acquire.camera.stamps import rate_from_stamps
from acquire.errors import AcqError, CalibrationError, DeviceError, SessionError
from acquire.recorder.disk_space import check_space
from acquire.sensor.finger import CLIPPED, FINGER_OFF, FLAT_LINE, FingerWatch
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import DEFAULT_RATE_HZ, SENSOR_NAMES, Pong, Sample
from dataset.face.quick_look import frame_luma, spot_face
from dataset.signals.beats import POOR, read_pulse

OK, WARN, FAIL = "ok", "warn", "fail"
CAMERA_S = 2.0
SENSOR_S = 6.0  # a pulse needs four, and a finger that has just come down settles
_SETTLE_S = 1.0                    # exposure, white balance
_PING_EVERY_S = 0.05
_BOUND_MS = 5.0                    # more is a fifth of a sample's period
_DISK_BYTES = 64 * 2**20
_DARK, _BRIGHT = 50, 205  # mean of a face in 8 bits, where its pulse is still free of the ends
_BLOWN_SHARE = 0.05


@dataclass(frozen=True)
class Look:
    """One thing looked at."""

    name: str
    verdict: str                   # OK, WARN or FAIL
    text: str                      # what was found
    advice: str = ""               # what to do about it


@dataclass(frozen=True)
class Filmed:
    """What a camera gave in a while."""

    rate: CameraRate
    lost: int                      # numbers skipped; 0 where the camera does not count
    image: np.ndarray | None       # the last


def film(
    camera: FrameSource, asked_fps: float, seconds: float = CAMERA_S, *, settle_s: float = _SETTLE_S
) -> Filmed:
    """Take frames from a started camera; their rate is that of their own stamps, once `settle_s`
    have passed.
    """
    times_ns: list[int] = []
    sequences: list[int] = []
    image = None
    begin = time.monotonic() + settle_s
    while time.monotonic() < begin + seconds:
        frame = camera.read(0.2)
        if frame is None:
            continue
        image = frame.image
        if time.monotonic() >= begin:
            times_ns.append(frame.time_ns)
            sequences.append(frame.sequence)
    lost = (
        sequences[-1] - sequences[0] - len(sequences) + 1
        if sequences and camera.info.counts_frames
        else 0
    )
    return Filmed(rate_from_stamps(np.array(times_ns, dtype=np.int64), asked_fps), lost, image)


def look_at_camera(camera: FrameSource, fps: float, *, with_subject: bool) -> list[Look]:
    """Start the camera; look at its rate, the light and the face."""
    info = camera.info
    control = info.exposure.get("control", "")
    opened = Look(
        "camera",
        WARN if control.startswith("not locked") else OK,
        f"{info.name}, {info.width}x{info.height} {info.pixel_format}"
        + (f", exposure and white balance {control}" if control else ""),
    )
    try:
        camera.start(host_time.now_ns())
        filmed = film(camera, fps)
    except DeviceError as error:
        return [opened, Look("rate", FAIL, str(error))]
    if filmed.image is None:
        return [
            opened,
            Look(
                "rate", FAIL, f"no frame within {_SETTLE_S + CAMERA_S:g} s",
                "replug the camera, or name another",
            ),
        ]
    share = filmed.rate.fps / fps
    text = f"{filmed.rate.fps:.2f} of {fps:g} frames/s asked for" + (
        f", {filmed.lost} lost" if filmed.lost else ""
    )
    if filmed.rate.complaint:
        told = Look(
            "rate", FAIL, text,
            "more light (auto-exposure halves the rate in the dark), or another --fps",
        )
    elif share < 0.97 or share > 1.03 or filmed.lost:
        told = Look("rate", WARN, text, "ask for a rate that the camera has, with --fps")
    else:
        told = Look("rate", OK, text)
    grey = frame_luma(filmed.image, info)
    face = spot_face(grey)
    if face is None:
        advice = "face the camera, 0.5 to 1 m away, with light from the front"
        seen = Look("face", FAIL if with_subject else WARN, "none found", advice)
    else:
        seen = Look(
            "face", OK, f"found, {(face.bottom - face.top) / info.height:.0%} of the picture high"
        )
    light = (
        look_at_light(grey, "the picture")
        if face is None
        else look_at_light(face.crop(grey), "the face")
    )
    return [opened, told, light, seen]


def look_at_light(grey: np.ndarray, what: str) -> Look:
    """Say whether the brightness of (H, W) uint8 leaves room for a pulse at both ends."""
    mean, blown = float(grey.mean()), float((grey >= 250).mean())
    text = f"{what} at {mean:.0f} of 255" + (f", {blown:.0%} blown out" if blown > 0.005 else "")
    if mean < _DARK:
        return Look(
            "light", WARN, f"{text}: too dark", "more light from the front, or a longer exposure"
        )
    if mean > _BRIGHT or blown > _BLOWN_SHARE:
        return Look("light", WARN, f"{text}: too bright", "less light, or a shorter exposure")
    return Look("light", OK, text)


def look_at_light_offset(info: CameraInfo | None, data: Path) -> list[Look]:
    """Say which light offset a session of this camera would get; without a camera only a rig file
    that cannot be read is told.
    """
    name = "light offset"
    try:
        if info is None:
            read_rig(data)
            return []
        offset, warning = light_offset_for(info, data)
    except CalibrationError as error:
        return [Look(name, FAIL, str(error))]
    if warning:
        return [Look(name, WARN, str(warning))]
    if offset is None:
        advice = (
            ""
            if info.is_replay
            else "acq calibrate --simulate"
            if info.simulated
            else "acq calibrate"
        )
        return [Look(name, WARN, "none: how late the stamps are is not known", advice)]
    side = "later" if offset.offset_ns >= 0 else "earlier"
    return [
        Look(
            name,
            OK,
            f"stamps {abs(offset.offset_ns) / 1e6:.2f} ms {side} than the light, ± "
            f"{offset.bound_ns / 1e6:.2f}",
        )
    ]


def look_at_sensor(sensor: Sensor, *, with_subject: bool, seconds: float = SENSOR_S) -> list[Look]:
    """Sample for some seconds; look at the sensor's answers, its samples and the pulse in them."""
    try:
        return _sample(sensor, with_subject=with_subject, seconds=seconds)
    except AcqError as error:
        return [Look("sensor", FAIL, str(error))]


def _sample(sensor: Sensor, *, with_subject: bool, seconds: float) -> list[Look]:
    sensor.stop()
    while sensor.read(0.0) is not None:
        pass
    sensor.start(DEFAULT_RATE_HZ)
    hello = sensor.confirm_start(DEFAULT_RATE_HZ)
    watch = FingerWatch(hello.rate_hz, sensor=hello.sensor)
    sent_ns: dict[int, int] = {}
    trips_ms: list[float] = []
    samples: list[tuple[int, int]] = []
    end, next_ping, ping_id = time.monotonic() + seconds, 0.0, 0
    while (now := time.monotonic()) < end:
        if now >= next_ping:
            sent_ns[ping_id] = sensor.ping(ping_id)
            next_ping, ping_id = now + _PING_EVERY_S, ping_id + 1
        received = sensor.read(min(_PING_EVERY_S, max(0.0, next_ping - time.monotonic())))
        packet = None if received is None else received.packet
        if received is not None and isinstance(packet, Pong) and packet.id in sent_ns:
            inside_ns = (packet.tx_ticks - packet.rx_ticks) % 2**32 * 1e9 / hello.tick_hz
            trips_ms.append((received.arrival_ns - sent_ns.pop(packet.id) - inside_ns) / 1e6)
        elif received is not None and isinstance(packet, Sample):
            samples.append((packet.sequence, packet.value))
            watch.add(packet.sequence, packet.value, packet.flags, received.arrival_ns)
    sensor.stop()
    name = SENSOR_NAMES.get(hello.sensor, str(hello.sensor))
    looks = [
        Look(
            "sensor", OK, f"{name} on {sensor.port}, firmware {hello.firmware}, {hello.rate_hz} Hz"
        )
    ]
    if not trips_ms:
        looks.append(
            Look(
                "sync", FAIL, "no ping was answered", "replug the sensor; flash firmware/ppg_logger"
            )
        )
    else:
        bound_ms = min(trips_ms) / 2
        text = f"sync within about ±{bound_ms:.2f} ms: round trips of {min(trips_ms):.2f} ms, median {np.median(trips_ms):.1f}"
        slow = bound_ms > _BOUND_MS
        advice = "set the adapter's latency timer to 1 ms (docs/hardware.md)" if slow else ""
        looks.append(Look("sync", WARN if slow else OK, text, advice))
    return [
        *looks, *_look_at_pulse(samples, watch, hello.rate_hz, seconds, with_subject=with_subject),
    ]


def _look_at_pulse(
    samples: list[tuple[int, int]], watch: FingerWatch, rate_hz: int, seconds: float, *,
    with_subject: bool,
) -> list[Look]:
    if not samples:
        return [Look("samples", FAIL, f"none in {seconds:g} s", "replug the sensor")]
    sequence, value = np.array(samples, dtype=np.int64).T
    lost = int(sequence[-1] - sequence[0] + 1 - len(sequence))
    text = f"{len(samples)} in {seconds:g} s at {rate_hz} Hz" + (f", {lost} lost" if lost else "")
    looks = [Look("samples", WARN if lost else OK, text, "another cable or port" if lost else "")]
    bad = FAIL if with_subject else WARN
    pulse = read_pulse(sequence, value.astype(np.float64), rate_hz)
    if FLAT_LINE in watch.states:
        looks.append(
            Look("pulse", bad, "a flat line", "is the sensor plugged into A0, and powered?")
        )
    elif FINGER_OFF in watch.states or pulse is None:
        looks.append(
            Look(
                "pulse", bad, "no finger on the sensor",
                "lay a fingertip on it, lightly, and keep still",
            )
        )
    elif CLIPPED in watch.states:
        looks.append(
            Look(
                "pulse", WARN, "readings at the end of the scale",
                "press less, or turn the sensor's gain down",
            )
        )
    elif pulse.quality == POOR:
        looks.append(
            Look(
                "pulse", bad, f"{pulse.hr_bpm:.0f} bpm, but poor",
                "warm the finger, press less, keep the hand still",
            )
        )
    else:
        looks.append(Look("pulse", OK, f"{pulse.hr_bpm:.0f} bpm, {pulse.quality}"))
    return looks


def look_at_disk(folder: Path, bytes_per_s: float, duration_s: float | None) -> list[Look]:
    """Write and sync 64 MB beside where sessions will be, and compare speed and room with what raw
    video needs.

    Parameters
    ----------
    folder : need not exist yet; the nearest folder above that does is written to, and left as it
        was
    bytes_per_s : of raw video
    duration_s : planned length of the recording; None for a minute
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        return [
            Look(
                "disk", FAIL, f"cannot write in {folder}: it is no folder",
                "name another folder with --data",
            )
        ]
    planned = f"{duration_s / 60:.1f} min" if duration_s else "a minute"
    try:
        check_space(folder, bytes_per_s, duration_s)
        free = shutil.disk_usage(folder).free
        need_gb = bytes_per_s * (duration_s or 60) / 1e9
        room = Look(
            "space", OK, f"{free / 1e9:.1f} GB free; {planned} takes {need_gb:.2f} GB if raw"
        )
    except SessionError as error:
        room = Look("space", FAIL, str(error))
    try:
        mb_s = _write_speed(folder) / 1e6
    except OSError as error:
        return [
            Look(
                "disk", FAIL, f"cannot write in {folder}: {error.strerror}",
                "name another folder with --data",
            ),
            room,
        ]
    need = bytes_per_s / 1e6
    text = f"{mb_s:.0f} MB/s in {folder}, {need:.1f} needed for raw video"
    if mb_s < need / 2:
        return [
            Look("disk", FAIL, text, "use a faster disk, or ask for fewer frames with --fps"), room,
        ]
    if mb_s < need:
        return [
            Look(
                "disk", WARN, text, "enough while frames can be compressed; a faster disk is safer"
            ),
            room,
        ]
    return [Look("disk", OK, text), room]


def _write_speed(folder: Path) -> float:
    """Give bytes per second of a file that is written, synced and removed again."""
    block = np.random.default_rng(0).bytes(2**20)           # what no file system compresses
    handle, name = tempfile.mkstemp(dir=folder, prefix=".acq-check-")
    try:
        began = time.monotonic()
        for _ in range(_DISK_BYTES // len(block)):
            os.write(handle, block)
        os.fsync(handle)
        return _DISK_BYTES / (time.monotonic() - began)
    finally:
        os.close(handle)
        Path(name).unlink()
