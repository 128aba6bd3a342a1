"""The curves beside a session: thinned, written, read back, and checked."""

import io
import zipfile

import numpy as np
import pytest

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.quality.curves import Curve, curves_to_draw, read_curves, thin_curve, write_curves

HASH = "ab" * 32


def made(n=100):
    y = np.sin(np.arange(n) / 7)
    y[3] = np.nan
    return {
        "ppg": thin_curve(np.arange(n) / 25, y, "sensor value"),
        "lag_ms": thin_curve(np.arange(3.0), np.array([80.0, np.nan, 90.0]), "ms"),
    }


def test_what_is_written_is_read_for_that_recording_alone(tmp_path):
    session = tmp_path / "S01.h5"
    assert read_curves(session, HASH) is None
    curves = made()
    assert write_curves(session, HASH, curves) == data_folder.quality_curves_file(session)
    assert [path.name for path in tmp_path.iterdir()] == ["S01.qc.npz"]
    read = read_curves(session, HASH)
    assert list(read) == ["ppg", "lag_ms"]
    for name, curve in curves.items():
        np.testing.assert_array_equal(read[name].x, curve.x)
        np.testing.assert_array_equal(read[name].y, curve.y)
        assert read[name].unit == curve.unit
    assert read_curves(session, "cd" * 32) is None
    assert curves_to_draw(session, "cd" * 32) == {}


def test_a_long_curve_is_thinned_and_keeps_its_spikes():
    y = np.random.default_rng(0).normal(size=100_003)
    y[40_000], y[40_001], y[70_000] = 50.0, np.nan, -60.0
    curve = thin_curve(np.arange(len(y)) / 25, y, "1")
    assert 1500 < len(curve.x) == len(curve.y) <= 2000
    assert (np.diff(curve.x) > 0).all()
    assert (curve.y.max(), curve.y.min()) == (50.0, -60.0)
    assert curve.x[curve.y.argmax()] == 1600.0


def test_what_is_not_finite_is_nothing():
    curve = thin_curve(np.arange(3.0), np.array([np.inf, 1.25, -np.inf]), "1")
    np.testing.assert_array_equal(curve.y, [np.nan, 1.25, np.nan])


def stored(x, y, **others):
    """The arrays of a file that holds one curve."""
    unit = np.array("1")
    return {"session_hash": np.array(HASH), "ppg.x": x, "ppg.y": y, "ppg.unit": unit, **others}


@pytest.mark.parametrize(
    ("arrays", "found"),
    [
        pytest.param(stored(np.ones(2), np.ones(1)), "ppg", id="unequal"),
        pytest.param(stored(np.ones(2), np.array(["a", "b"])), "ppg", id="text"),
        pytest.param(stored(np.ones((2, 2)), np.ones((2, 2))), "ppg", id="two axes"),
        pytest.param(stored(np.array([0, np.nan]), np.ones(2)), "ppg", id="x is NaN"),
        pytest.param(stored(np.ones(2), np.ones(2), more=np.ones(1)), "more", id="another array"),
        pytest.param(stored(np.array([{}, {}]), np.ones(2)), "allow_pickle", id="pickled objects"),
        pytest.param(stored(np.zeros(10**7), np.zeros(2)), "76 MB", id="too large"),
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays, found):
    path = data_folder.quality_curves_file(tmp_path / "S01.h5")
    np.savez_compressed(path, **arrays)
    with pytest.raises(CurationError, match=found) as caught:
        read_curves(tmp_path / "S01.h5", HASH)
    assert str(path) in str(caught.value)
    assert caught.value.fix is Fix.GRADE_AGAIN
    assert curves_to_draw(tmp_path / "S01.h5", HASH) == {}


@pytest.mark.parametrize("shape", [(2**40,), (2**20, 2**20), (3,), (2**33, 0), (-5,)])
def test_an_array_that_says_it_is_larger_than_its_bytes_takes_no_memory(tmp_path, shape):
    path = data_folder.quality_curves_file(tmp_path / "S01.h5")
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        array, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ppg.x.npy", array.getvalue() + bytes(4 * 2**20))
    with pytest.raises(CurationError, match=r"in 4194\d\d\d bytes|shape is not valid|shape"):
        read_curves(tmp_path / "S01.h5", HASH)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-40], id="cut short"),
        pytest.param(lambda data: data[:60] + b"\xff" * 40 + data[100:], id="overwritten"),
        pytest.param(lambda data: b"\x93NUMPY" + data, id="another kind of file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, damage):
    session = tmp_path / "S01.h5"
    path = write_curves(session, HASH, {"ppg": Curve(np.arange(9.0), np.ones(9), "1")})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CurationError, match=r"S01\.qc\.npz"):
        read_curves(session, HASH)
