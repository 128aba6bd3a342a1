"""Frames that are made ahead: in order, errors in their place, and no thread is left."""

import threading

import numpy as np
import pytest

from dataset.common.ahead import read_ahead


def numbered(count, *, error=None):
    """Make frames that hold their number, and then an error."""
    for at in range(count):
        yield np.full((2, 2, 3), at, np.uint8), at
    if error is not None:
        raise error


def ahead_threads():
    return [thread for thread in threading.enumerate() if thread.name == "frames ahead"]


@pytest.fixture(params=[1, 2], ids=["one core", "two cores"])
def cores(request, monkeypatch):
    monkeypatch.setattr("dataset.common.ahead.own_cores", lambda: request.param)
    return request.param


def test_frames_come_in_order(cores):
    with read_ahead(numbered(100)) as frames:
        seen = [(int(picture[0, 0, 0]), at) for picture, at in frames]
        assert bool(ahead_threads()) <= (cores > 1)
    assert seen == [(at, at) for at in range(100)]
    with read_ahead(numbered(0)) as frames:
        assert list(frames) == []


def keep_each(frames, seen, *, until=1000):
    with read_ahead(frames) as ahead:
        for _, at in ahead:
            seen.append(at)
            if at == until:
                raise KeyboardInterrupt


def test_an_error_comes_after_the_frames_before_it(cores):
    seen = []
    with pytest.raises(ValueError, match="broken"):
        keep_each(numbered(50, error=ValueError("broken")), seen)
    assert seen == list(range(50))
    assert not ahead_threads()


def test_who_stops_early_leaves_no_thread_and_few_frames_were_made(cores):
    made = []

    def frames():
        for frame in numbered(1000):
            made.append(frame[1])
            yield frame

    with pytest.raises(KeyboardInterrupt):
        keep_each(frames(), [], until=3)
    assert not ahead_threads()
    assert 4 <= len(made) < 50
