"""A clip of a tiny face, and the same read whole."""

import pytest

from models.whole.read import read_whole
from models.whole.reference import NamedRate
from tests.support.whole_clips import BPM, film, pulse


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return film(tmp_path_factory.mktemp("clip") / "face.avi", 14.0)


@pytest.fixture(scope="module")
def read(clip):
    return read_whole(pulse(), clip, reference=NamedRate(BPM), methods=("network", "ica", "pos"))
