"""The fault harness: what `test_faults.py` runs for seconds and `benchmarks/soak.py` for an hour.

Every device here knows the truth: frame n shows the number n, sample n holds n * 7 % 65536 at a
time that is written down. So a check needs no tolerance but that of the claim it checks, and each
raises `AssertionError` where a claim is broken.
"""

import json
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from math import exp

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import SessionError
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import (
    PacketParser,
    Ping,
    Pong,
    Sample,
    Status,
    cobs_decode,
    cobs_encode,
    encode,
)
from dataset.recovery import recover as recover_module
from dataset.session.reader import Session
from tests.support.fakes import FakeCamera, FakeSensor

# -- the sensor away and back


def record_through(folder, device, faults, *, duration_s, camera=None):
    """Record while `faults`, pairs of a moment [s] and what to do then, happen."""
    def play():
        began = time.monotonic()
        for moment_s, fault in faults:
            time.sleep(max(0.0, began + moment_s - time.monotonic()))
            fault()

    sensor = Sensor(device.port)
    player = threading.Thread(target=play)
    player.start()
    try:
        return Recorder(camera or FakeCamera(), sensor).record(folder, "S01", duration_s=duration_s)
    finally:
        sensor.close()
        player.join()


def check_samples(session, middle_ns, period_ns):
    """Every sample is where it belongs on one timeline; what is missing between two is counted
    right to one sample.
    """
    truth_ns = np.array(middle_ns)
    laps = np.concatenate(
        [[0], np.cumsum(np.diff(session.ppg.astype(np.int64) * _UNDO_7 % 65536) < 0)]
    )
    numbers = session.ppg.astype(np.int64) * _UNDO_7 % 65536 + 65536 * laps
    assert (truth_ns[numbers] < session.ppg_arrival_ns).all()
    assert (np.diff(numbers) > 0).all()
    assert (np.diff(session.ppg_time_ns) > 0).all()
    assert (np.diff(session.ppg_sequence) > 0).all()
    assert (np.diff(session.ppg_ticks) > 0).all()
    assert (session.ppg_bound_ns >= 0).all()
    assert (np.abs(session.ppg_time_ns - truth_ns[numbers]) <= session.ppg_bound_ns).all()
    periods = np.diff(truth_ns[numbers]) / period_ns
    # where pings were slow, so is all knowledge
    known = (session.ppg_bound_ns[:-1] + session.ppg_bound_ns[1:]) / period_ns
    wrong = np.abs(np.diff(session.ppg_sequence) - periods) - known
    assert wrong.max() <= 1, (
        np.diff(session.ppg_sequence)[wrong > 1], periods[wrong > 1], known[wrong > 1],
        session.events,
    )


_UNDO_7 = pow(7, -1, 65536)


# -- SIGKILL


class NumberedCamera:
    """A quick camera of small pictures; a reader later than eight frames loses the oldest."""

    info = CameraInfo("numbered", 64, 48, 100.0, "I420", "start of exposure")
    _base = np.random.default_rng(1).integers(0, 256, info.image_shape, dtype=np.uint8)

    def start(self, start_ns):
        self._start_ns, self._next = start_ns, 0

    @classmethod
    def image(cls, n):
        image = cls._base + np.uint8(n % 256)
        image[0, :8] = np.frombuffer(n.to_bytes(8, "little"), np.uint8)
        return image

    def read(self, timeout_s):
        period_ns = round(1e9 / self.info.fps)
        late = (time.monotonic_ns() - self._start_ns) // period_ns - self._next
        if late > 8:
            self._next += late - 8
        due_ns = self._start_ns + self._next * period_ns
        wait_s = (due_ns - time.monotonic_ns()) / 1e9
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            return None
        self._next += 1
        return VideoFrame(self.image(self._next - 1), due_ns, time.monotonic_ns(), self._next - 1)

    def close(self):
        pass


@dataclass
class Kills:
    """What kills left."""

    found: Counter = field(default_factory=Counter)        # "no file yet", "killed", "closed"
    # of each killed one: from the last frame or sample in it to the kill
    lost_s: list = field(default_factory=list)
    frames: int = 0
    samples: int = 0
    recovered: int = 0


def record_and_be_killed(folder, duration_s):
    """Record in a child process of this one; give its pid. Needs a parent that runs no threads."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with FakeSensor() as device:
            sensor = Sensor(device.port)
            Recorder(NumberedCamera(), sensor).record(folder, "S01", duration_s=duration_s)
        os._exit(0)
    except BaseException:
        os._exit(9)


def kill_many(folder, trials, *, seed=1, at_once=8, duration_s=2.0, longest_s=3.2):
    """SIGKILL recorders at random moments, from before there is a file to behind its closing, and
    look at what they left.
    """
    rng, kills = random.Random(seed), Kills()
    # none is looked at before all are dead: the moments stay random
    for first in range(0, trials, at_once):
        doomed = []
        for trial in range(first, min(first + at_once, trials)):
            place = folder / f"{trial:04d}"
            doomed.append(
                (
                    time.monotonic() + rng.uniform(0.0, longest_s),
                    record_and_be_killed(place, duration_s), place,
                )
            )
        dead = []
        for when, pid, place in sorted(doomed):
            time.sleep(max(0.0, when - time.monotonic()))
            dead.append((place, time.monotonic_ns()))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for place, killed_ns in dead:
            look_at_unclosed_file(place, killed_ns, kills, duration_s)
            shutil.rmtree(place, ignore_errors=True)
    return kills


def look_at_unclosed_file(place, killed_ns, kills, duration_s):
    files = list(place.rglob("*.h5"))
    if not files:
        kills.found["no file yet"] += 1
        return
    (path,) = files
    with Session(path, wait_s=0) as session:
        check_numbers(session)
        kills.frames += len(session.frames)
        kills.samples += len(session.ppg)
        kills.found["closed" if session.ended else "killed"] += 1
        rows = len(session.frames), len(session.ppg)
        if session.ended:
            return
        for arrival_ns in (session.frame_arrival_ns, session.ppg_arrival_ns):
            last_ns = arrival_ns[-1] if len(arrival_ns) else session.started_monotonic_ns
            # it recorded no longer
            end_ns = min(killed_ns, session.started_monotonic_ns + round(duration_s * 1e9))
            kills.lost_s.append((end_ns - int(last_ns)) / 1e9)
    os.utime(path, (1, 1))                                 # whoever wrote it is dead
    try:
        found = recover_module.recover(path)
    except SessionError:
        assert rows == (0, 0)                              # killed before the first flush
        return
    assert (found.frames, found.samples) == rows
    with Session(path) as session:
        check_numbers(session)
        assert session.recovered
    kills.recovered += 1


def check_numbers(session):
    """No wrong value: every frame and sample is that of its number."""
    for at, number in enumerate(session.frame_sequence.tolist()):
        assert (session.frames.raw(at) == NumberedCamera.image(number)).all()
    assert (session.ppg == session.ppg_sequence * 7 % 65536).all()
    assert (np.diff(session.frame_sequence) > 0).all()
    assert (np.diff(session.frame_time_ns) > 0).all()
    assert (np.diff(session.ppg_sequence) > 0).all()


# -- a process that is not let run


def starve(folder, stops):
    """SIGSTOP a recorder while its sensor runs on in another process; give the frames and samples
    that it counted as lost.

    `stops` are pairs of a moment and a length [s].
    """
    link, truth = folder / "port", folder / "truth.json"
    device_pid = os.fork()
    if not device_pid:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with FakeSensor(link=link) as device:
            stop.wait()
        truth.write_text(json.dumps([device.middle_ns, device.period_ns]))
        os._exit(0)
    while not link.exists():
        time.sleep(0.01)
    length_s = max(moment_s + for_s for moment_s, for_s in stops) + 1.0
    pid = os.fork()
    if not pid:
        try:
            Recorder(NumberedCamera(), Sensor(str(link))).record(folder, "S01", duration_s=length_s)
            os._exit(0)
        except BaseException:
            os._exit(9)
    while not list(folder.rglob("*.h5")):
        time.sleep(0.01)
    began = time.monotonic()
    for moment_s, for_s in stops:
        time.sleep(max(0.0, began + moment_s - time.monotonic()))
        os.kill(pid, signal.SIGSTOP)
        time.sleep(for_s)
        os.kill(pid, signal.SIGCONT)
    _, status = os.waitpid(pid, 0)
    os.kill(device_pid, signal.SIGTERM)
    os.waitpid(device_pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    (path,) = folder.rglob("*.h5")
    middle_ns, period_ns = json.loads(truth.read_text())
    with Session(path) as session:
        check_numbers(session)
        check_samples(session, middle_ns, period_ns)
        assert session.complete
        told = Counter()
        for event in session.events:
            if event.kind in ("lost_frames", "lost_samples") and ": " in event.text:
                told[event.kind] += int(event.text.split(":")[0])
        assert session.lost_frames == told["lost_frames"]
        assert session.lost_samples == told["lost_samples"]
        return session.lost_frames, session.lost_samples


# -- damaged bytes


@dataclass
class Fuzzed:
    """What the parser made of damaged bytes."""

    bytes: int = 0
    intact: int = 0               # packets that followed a zero undamaged: all must be found
    candidates: int = 0           # damaged ones that only the CRC can tell from a packet
    accepted: int = 0             # of them

    @property
    def allowed(self):
        """The most of them that a CRC of 16 bits may let pass, but for one run in ten thousand."""
        mean = self.candidates / 2**16
        at, term = 0, exp(-mean)
        total = term
        while total < 1 - 1e-4:
            at += 1
            term *= mean / at
            total += term
        return at


_MAKE = (
    lambda rng, n: Sample(n % 2**32, rng.getrandbits(32), rng.getrandbits(16), rng.getrandbits(3)),
    lambda rng, n: Pong(n % 2**16, rng.getrandbits(32), n % 2**32),
    lambda rng, n: Status(n % 2**32, rng.getrandbits(32)),
    lambda rng, n: Ping(n % 2**16),
)
_SIZES = {0x01: 16, 0x02: 11, 0x03: 10, 0x04: 8, 0x10: 0, 0x11: 2, 0x12: 2, 0x13: 0, 0x14: 1}


def damage(rng, data):
    """Damage the bytes of one packet, its closing zero included, as lines do, and as an enemy
    would.
    """
    kind = rng.randrange(7)
    bad = bytearray(data)
    if kind == 0:                                          # bits flip
        for _ in range(rng.randint(1, 8)):
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
    elif kind == 1:                                        # the line drops bytes
        at = rng.randrange(len(bad))
        del bad[at : at + rng.randint(1, 6)]
    elif kind == 2:                                        # zeros come in
        bad.insert(rng.randrange(len(bad)), 0)
    elif kind == 3:                                        # a byte comes twice
        at = rng.randrange(len(bad))
        bad.insert(at, bad[at])
    elif kind == 4:                                        # noise
        bad = bytearray(rng.randbytes(rng.randint(1, 400)))
    elif kind == 5:                                        # a stretch is overwritten
        at = rng.randrange(len(bad))
        bad[at:] = rng.randbytes(len(bad) - at)
    else:                                                  # right in all but the CRC, which is any
        of = rng.choice(list(_SIZES))
        bad = bytearray(cobs_encode(bytes([of]) + rng.randbytes(_SIZES[of] + 2)) + b"\0")
    return bytes(bad)


def fuzz_parser(n_bytes, *, seed=0):
    """Feed packets with damage between them, in lumps of any length; every whole packet behind a
    zero must come out.

    Raises
    ------
    AssertionError : one does not, or more damaged ones come out than a CRC of 16 bits lets pass
    """
    rng, parser, done = random.Random(seed), PacketParser(), Fuzzed()
    number = 0
    rest = b""                                             # since the last zero
    whole = {}  # undamaged, as between two zeros, and what they say
    while done.bytes < n_bytes:
        stream = bytearray()
        whole = dict(list(whole.items())[-2:])             # the last one may end in this stretch
        for _ in range(2000):
            packet = rng.choice(_MAKE)(rng, number)
            number += 1
            piece = encode(packet)
            whole[piece[:-1]] = packet
            stream += piece if rng.random() < 0.5 else damage(rng, piece)
        got, at = [], 0
        while at < len(stream):
            size = rng.choice((1, 7, 64, 4096))
            got += parser.feed(bytes(stream[at : at + size]))
            at += size
        *parts, rest = (rest + bytes(stream)).split(b"\0")
        wanted = [whole[part] for part in parts if part in whole]
        left = iter(wanted)
        want = next(left, None)
        for packet in got:
            if packet == want:
                want = next(left, None)
            else:
                done.accepted += 1
        assert want is None, f"a whole packet was not found: {want}"
        done.candidates += sum(_looks_right(part) for part in parts if part not in whole)
        done.intact += len(wanted)
        done.bytes += len(stream)
    assert done.accepted <= done.allowed, (
        f"{done.accepted} damaged packets accepted, {done.allowed} allowed"
    )
    return done


def _looks_right(encoded):
    body = cobs_decode(encoded) if 0 < len(encoded) <= 20 else None
    return body is not None and len(body) >= 3 and _SIZES.get(body[0]) == len(body) - 3
