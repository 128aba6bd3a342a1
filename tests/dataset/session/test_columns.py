"""Columns are read by as many rows as there is room for."""

import h5py
import numpy as np

from dataset.session.columns import _read_first
from dataset.session.hdf5 import kind_of


def test_a_column_that_has_grown_meanwhile_writes_into_no_other_memory(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        column = file.create_dataset("a", data=np.arange(1.0, 1001), chunks=(64,), maxshape=(None,))
        memory = np.zeros(1000)
        kind = kind_of(column.id.get_type())
        _read_first(column.id, kind, memory[:100])      # the length that it had a moment ago
    assert np.array_equal(memory[:100], np.arange(1.0, 101))
    assert not memory[100:].any()
