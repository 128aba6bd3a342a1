"""Frames stored raw or compressed, and the rule that chooses."""

import h5py
import hdf5plugin
import numpy as np
import pytest

from acquire.session.frame_store import FrameStore, RawFallback, StorageCosts

SHAPE = (96, 64)


def costs(compress_ms, write_ms, ratio=0.35, *, raw=False):
    """Costs after a second of such frames; `write_ms` is of what is written, compressed or raw."""
    measured = StorageCosts()
    for _ in range(30):
        measured.add(compress_ms / 1e3, write_ms / 1e3 * (ratio if raw else 1), size_ratio=ratio)
    for _ in range(30 if raw else 0):
        measured.add(None, write_ms / 1e3, size_ratio=1.0)
    return measured


@pytest.mark.parametrize("pixels", [SHAPE, (*SHAPE, 3)])
def test_every_reader_decodes_raw_and_compressed_frames_of_one_dataset(tmp_path, pixels):
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 200, int(np.prod(pixels))).reshape(pixels)
    images = [np.uint8(ramp + rng.integers(0, 5, pixels)) for _ in range(12)]
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        dataset = file.create_dataset(
            "f", (0, *pixels), "u1", maxshape=(None, *pixels), chunks=(1, *pixels),
            **hdf5plugin.Htj2k(),
        )
        store = FrameStore(dataset)
        for i, image in enumerate(images):
            store.raw = i % 3 == 2
            store.append(image)
        store.close()
        assert store.raw_frames == 4
    with h5py.File(tmp_path / "a.h5") as file:
        for i, image in enumerate(images):
            assert (file["f"][i] == image).all()
            chunk = file["f"].id.get_chunk_info(i)
            assert chunk.filter_mask == (i % 3 == 2)
            assert (chunk.size == image.nbytes) == (i % 3 == 2)
        assert (file["f"][2:5] == images[2:5]).all()


@pytest.mark.parametrize(
    ("costs_now", "raw"),
    [
        pytest.param(costs(30, 0.3), True, id="slow processor"),
        pytest.param(costs(3, 0.3), True, id="both quick, and still it queues"),
        pytest.param(costs(3, 40), False, id="slow disk"),
        pytest.param(costs(30, 10), True, id="both slow, the processor more"),
        pytest.param(costs(30, 30), False, id="both slow, the disk more"),
        pytest.param(costs(30, 60, raw=True), False, id="slow disk seen while raw"),
        pytest.param(costs(30, 1, raw=True), True, id="slow processor seen while raw"),
        pytest.param(costs(5, 0.3, ratio=1.02), True, id="noise that does not compress"),
        pytest.param(StorageCosts(), False, id="no frame yet"),
    ],
)
def test_raw_where_it_is_quicker(costs_now, raw):
    fallback = RawFallback(100)
    assert fallback.update(50, costs_now, 0.0) == raw
    assert fallback.raw == raw


def test_it_goes_back_when_the_queue_has_drained_and_not_at_once():
    slow_processor, fallback = costs(40, 0.3), RawFallback(100)
    assert not fallback.update(49, slow_processor, 0.0)          # half full is behind
    assert fallback.update(50, slow_processor, 1.0)
    at_s = [
        t
        for t in np.arange(1.0, 20.0, 0.1)
        if fallback.update(3 if t > 2 else 60, slow_processor, t)
    ]
    assert at_s == pytest.approx([6.0], abs=0.11)
    assert not fallback.raw
    assert not fallback.update(49, slow_processor, 30.0)
    assert fallback.update(50, slow_processor, 31.0)             # and to raw again, without waiting
    assert fallback.raw


def test_a_disk_that_turns_slow_while_raw_gets_less_to_write():
    fallback = RawFallback(100)
    assert fallback.update(50, costs(40, 0.3), 0.0)
    assert not fallback.update(60, costs(40, 200, raw=True), 0.5)
    assert fallback.update(80, costs(40, 200, raw=True), 1.0)
    assert not fallback.raw


def test_a_pause_of_the_process_is_not_taken_for_a_slow_processor():
    measured = costs(6, 0.3)
    measured.add(8.0, 0.3e-3, size_ratio=0.35)          # stopped for 8 s while it compressed
    assert measured.compress_s.value == pytest.approx(6e-3)
    for _ in range(2):
        measured.add(0.1, 0.3e-3, size_ratio=0.35)
    assert measured.compress_s.value > 20e-3            # again and again is slow
