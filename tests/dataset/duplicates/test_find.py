"""Copies of recordings are found, whatever was done to them; other recordings are not."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import SessionError
from acquire.session.writer import SessionWriter
from acquire.simulation.subject import VirtualSubject
from dataset.duplicates.find import PICTURES, PPG, Streams, find_duplicates, read_compared_streams
from tests.support.fakes import HELLO

HEIGHT, WIDTH = 48, 64
START_NS = 5_000_000_000_000
SECONDS = 24
FPS, RATE_HZ = 30, 25


def virtual_ppg(session, *, subject="S01", seconds=SECONDS, rate_hz=RATE_HZ):
    """What a 10-bit sensor reads from a virtual finger."""
    rng = np.random.default_rng([session, len(subject)])
    pulse = VirtualSubject(subject, session=session).ppg(
        np.arange(round(seconds * rate_hz)) / rate_hz
    )
    return np.round(500 + 120 * pulse + rng.normal(0, 0.7, len(pulse))) * 64


def made_frames(seed, count=SECONDS * FPS):
    """Frames as I420 whose detail wavers, as a face that moves does, under fresh grain."""
    rng = np.random.default_rng(seed)
    detail = 6 + 3 * np.convolve(rng.normal(0, 1, count + 8), np.ones(9) / 3, "valid")
    still = rng.normal(0, 1, (HEIGHT * 3 // 2, WIDTH))
    grain = rng.normal(0, 1, (count, HEIGHT * 3 // 2, WIDTH))
    return np.clip(120 + detail[:, None, None] * still + grain, 0, 255).astype(np.uint8)


@dataclass
class Take:
    """What one recording is written from."""

    ppg: np.ndarray
    frames: np.ndarray
    pixel_format: str = "I420"
    raw: bool = False
    first_s: float = 0.0          # where its own time begins in that of the original

    def cut(self, first_s, last_s):
        ppg = self.ppg[round(first_s * RATE_HZ) : round(last_s * RATE_HZ)]
        frames = self.frames[round(first_s * FPS) : round(last_s * FPS)]
        return replace(self, ppg=ppg, frames=frames, first_s=first_s)


def write(folder, name, take):
    camera = CameraInfo(
        "fake", WIDTH, HEIGHT, float(FPS), take.pixel_format, "start of exposure", simulated=False
    )
    start_ns = START_NS + round(take.first_s * 1e9)
    path = folder / f"{name}.h5"
    with SessionWriter(
        path, session_id=name, subject="S01", camera=camera, hello=HELLO, port="/dev/fake",
        started_unix_ns=1_767_258_000 * 10**9, started_monotonic_ns=start_ns, simulated=False,
    ) as writer:
        for i, value in enumerate(take.ppg):
            at = start_ns + round(i / RATE_HZ * 1e9)
            writer.add_sample(
                sequence=i, ticks=i * 80_000, value=int(np.clip(round(value), 0, 65535)), flags=0,
                arrival_ns=at + 9_000_000, time_ns=at, bound_ns=700_000,
            )
        writer.store.raw = take.raw
        for i, image in enumerate(take.frames):
            at = start_ns + round(i / FPS * 1e9)
            writer.add_frame(VideoFrame(image, at, at + 30_000_000, i))
        writer.add_exchange(start_ns, 1, 2, start_ns + 1_000_000, 1)
        writer.close(complete=True)
    return path


@cache
def one():
    """Make the recording that others are copies of."""
    return Take(virtual_ppg(0), made_frames(0))


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    other = Take(virtual_ppg(1), made_frames(1))
    return [write(folder, "one", one()), write(folder, "other", other)]


def as_rgb(frames):
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420) for frame in frames])


def noisy(values, sd, seed=9):
    return values + np.random.default_rng(seed).normal(0, sd, values.shape)


def pixels(values):
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


# made where they are tried: at the collection of tests each process would make all of them
CASES = [
    pytest.param(one, {PPG: (0, 24, True), PICTURES: (0, 24, True)}, id="copy"),
    pytest.param(
        lambda: one().cut(4, 22), {PPG: (4, 22, True), PICTURES: (4, 22, True)}, id="trimmed"
    ),
    pytest.param(
        lambda: one().cut(2, 8), {PPG: (2, 8, True), PICTURES: (2, 8, True)},
        id="trimmed to six seconds",
    ),
    pytest.param(
        lambda: replace(
            one(), frames=pixels(as_rgb(one().frames) * 1.03 + 2.0), pixel_format="RGB"
        ),
        {PPG: (0, 24, True), PICTURES: (0, 24, False)}, id="encoded as RGB and brighter",
    ),
    pytest.param(
        lambda: Take(
            noisy(0.9 * one().ppg, 0.05 * one().ppg.std()), pixels(noisy(one().frames, 0.7))
        ).cut(3, 22),
        {PPG: (3, 22, False), PICTURES: (3, 22, False)}, id="with noise, weaker, and trimmed",
    ),
    pytest.param(
        lambda: replace(one(), frames=made_frames(7)), {PPG: (0, 24, True)},
        id="its PPG with another video",
    ),
    pytest.param(
        lambda: replace(one(), ppg=virtual_ppg(7)), {PICTURES: (0, 24, True)},
        id="its video with another PPG",
    ),
    pytest.param(
        lambda: Take(virtual_ppg(8), made_frames(8)), {},
        id="another recording of the same subject",
    ),
    pytest.param(
        lambda: Take(one().ppg[::-1], one().frames[::-1]), {}, id="the same numbers, backwards"
    ),
    pytest.param(
        lambda: Take(virtual_ppg(8), one().frames, raw=True), {},
        id="stored uncompressed, which hides it",
    ),
]


@pytest.mark.parametrize(("make", "expected"), CASES)
def test_a_copy_is_found_with_its_stretch(make, expected, originals, tmp_path):
    take = make()
    path = write(tmp_path, "copy", take)
    duplicates = {
        copy.stream: copy
        for copy in find_duplicates([read_compared_streams(each) for each in (*originals, path)])
    }
    assert set(duplicates) == set(expected)
    for stream, (from_s, to_s, is_exact) in expected.items():
        duplicate = duplicates[stream]
        assert (duplicate.first.session, duplicate.second.session) == ("one", "copy")
        assert duplicate.is_exact == is_exact
        assert duplicate.r == 1 if is_exact else 0.25 < duplicate.r < 1
        slack_s = 0.1 if is_exact else 3.0          # windows of 10 s give no sharper end
        first = duplicate.first
        assert (first.from_s, first.to_s) == pytest.approx((from_s, to_s), abs=slack_s)
        shift_s = first.from_s - duplicate.second.from_s
        assert shift_s == pytest.approx(take.first_s, abs=0.05)
        of = "that of" if stream == "ppg" else "those of"
        assert f"{of} copy from" in duplicate.in_words(originals[0])
        assert f"{of} one from" in duplicate.in_words(path)


def streams(name, ppg=(), rate_hz=RATE_HZ, sizes=()):
    n = np.arange(len(sizes))
    return Streams(
        Path(name), name, np.asarray(ppg).astype(np.uint16), np.arange(len(ppg)) / rate_hz,
        np.asarray(sizes, np.int64), np.asarray(sizes, np.int64), n / FPS, n,
    )


@pytest.mark.parametrize("seconds", [20, 60])
def test_many_recordings_of_one_subject_are_not_taken_for_copies(seconds):
    recordings = [streams(f"{n}", virtual_ppg(n, seconds=seconds)) for n in range(60)]
    assert find_duplicates(recordings) == []


def test_pieces_of_real_logs_are_not_taken_for_copies_and_a_copy_of_one_is(real_face):
    ppg = np.loadtxt(
        real_face.parent / "pulse_sensor_logs" / "data3.csv", delimiter=",", usecols=1, skiprows=1
    )
    pieces = [
        streams(f"{at}", ppg[at : at + 2400], 100.4) for at in range(0, len(ppg) - 2400, 2400)
    ]
    assert len(pieces) > 25
    assert find_duplicates(pieces) == []
    # Half a sample off the grid of the others, at another rate, with noise.
    copy = noisy(
        np.interp(np.arange(600) / 26.3, np.arange(2400) / 100.4, pieces[5].ppg * 20.0), 60
    )
    (duplicate,) = find_duplicates([*pieces, streams("copy", copy, 26.3)])
    assert (
        duplicate.first.session, duplicate.second.session, duplicate.stream, duplicate.is_exact
    ) == (
        "12000", "copy", PPG, False,
    )


def test_the_flicker_of_one_lamp_is_not_taken_for_a_copy():
    def sizes(seed):
        rng = np.random.default_rng(seed)
        n = np.arange(30 * FPS)
        return 120_000 + 600 * np.sin(2 * np.pi * 1.7 * n / FPS) + rng.normal(0, 200, len(n))

    assert find_duplicates([streams(f"{seed}", sizes=sizes(seed)) for seed in range(30)]) == []


def test_a_tone_a_flat_line_and_nothing_are_not_taken_for_copies():
    t = np.arange(30 * RATE_HZ) / RATE_HZ
    tones = [
        noisy(30_000 + 8_000 * np.sin(2 * np.pi * 1.2037 * t + phase), 40, seed=phase)
        for phase in (0, 1, 2)
    ]
    flat = [np.full(len(t), 512)] * 2
    assert find_duplicates([streams(f"{i}", ppg, sizes=np.full(len(t), 90_000))
                    for i, ppg in enumerate([*tones, *flat, [], [1], [1, 2]])]) == []


def test_a_clock_that_jumps_a_year_takes_no_year_to_find_in_streams():
    ppg = virtual_ppg(3, seconds=40)
    late = streams("late", ppg + 300)
    late.ppg_s[600:] += 365 * 86400.0
    (duplicate,) = find_duplicates([streams("one", ppg), late])
    assert (duplicate.second.session, duplicate.second.to_s) == ("late", pytest.approx(24, abs=2.5))


def test_a_file_that_cannot_be_read_is_named(originals, tmp_path):
    (tmp_path / "torn.h5").write_bytes(b"\x89HDF")
    with pytest.raises(SessionError, match=r"torn\.h5"):
        read_compared_streams(tmp_path / "torn.h5")
