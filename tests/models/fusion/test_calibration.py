"""The interval: wider where less is sure, and of the features that it was made of."""

import json

import numpy as np
import pytest

from models.fusion import calibration as module
from models.fusion.calibration import shipped_calibration
from models.fusion.candidates import FEATURES


def test_less_confidence_never_has_a_narrower_interval():
    calibration = shipped_calibration()
    widths = [calibration.half_width(p) for p in np.linspace(0, 1, 200)]
    assert (np.diff(widths) <= 0).all()
    assert widths[0] > 5 >= widths[-1]
    assert 0.5 < calibration.shown_from < 1
    assert len(calibration.mean) == len(calibration.deviation) == len(FEATURES)


def test_no_rate_is_stood_by_whose_interval_says_nothing():
    calibration = shipped_calibration()
    enough = [p for p in np.linspace(0, 1, 1001) if calibration.is_enough(p)]
    assert max(2 * calibration.half_width(p) for p in enough) <= module.WIDEST_BPM
    assert min(enough) >= calibration.shown_from
    assert calibration.is_enough(1.0)


def test_a_calibration_of_other_features_is_refused(tmp_path, monkeypatch):
    stored = json.loads(module.CALIBRATION.read_text())
    stored["features"] = stored["features"][1:]
    other = tmp_path / "calibration.json"
    other.write_text(json.dumps(stored))
    monkeypatch.setattr(module, "CALIBRATION", other)
    shipped_calibration.cache_clear()
    with pytest.raises(ValueError, match="expected a calibration of"):
        shipped_calibration()
    shipped_calibration.cache_clear()
