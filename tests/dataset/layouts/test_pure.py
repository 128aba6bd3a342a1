"""The PURE layout: pictures are what was given, or the recording is refused."""

import threading

import cv2
import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.layouts.pure import PureWriter, read_pictures

COUNT = 40                                # more than threads and what waits for them


def pictures():
    return np.random.default_rng(0).integers(0, 256, (COUNT, 24, 32, 3), np.uint8)


def write(folder, *, beside=None):
    with PureWriter(folder, subject_number=3, session_number=2) as writer:
        for at, bgr in enumerate(pictures()):
            writer.add(bgr, at)
        if beside:
            (writer.pictures / beside).touch()
        writer.finish(np.zeros(2), np.arange(2), np.full(2, 60.0))
    return writer


def test_pictures_that_are_written_at_once_are_in_order_and_no_thread_is_left(tmp_path):
    before = threading.active_count()
    writer = write(tmp_path)
    writer.labels.unlink()
    assert np.array_equal(list(read_pictures(writer.pictures)), pictures())
    assert threading.active_count() == before


def test_a_picture_that_reads_otherwise_than_it_was_given_is_refused(tmp_path, monkeypatch):
    encode, other = cv2.imencode, pictures()[1]

    def encode_another(ending, bgr, options):
        return encode(ending, other if np.array_equal(bgr, pictures()[30]) else bgr, options)

    monkeypatch.setattr(cv2, "imencode", encode_another)
    with pytest.raises(CurationError, match=r"found another at .*Image0{17}30\.png"):
        write(tmp_path)
    assert not list(tmp_path.glob("**/*.json"))


def test_what_is_no_picture_of_the_recording_is_noticed(tmp_path):
    with pytest.raises(CurationError, match=f"expected {COUNT} pictures, found {COUNT + 1}"):
        write(tmp_path, beside="Image0.png")


def test_a_disk_that_takes_no_more_is_told_with_the_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imencode", lambda *_: (False, None))
    with pytest.raises(CurationError, match=r"expected to write .*Image0{19}\.png.* make room"):
        write(tmp_path)
