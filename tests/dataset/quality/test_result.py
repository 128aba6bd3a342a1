"""The quality file: what is written is read back, files of before are read, nothing is believed."""

import json
import re

import pytest

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.quality.result import Flag, SessionQuality, read_quality, write_quality

FLAG = Flag("finger_off", "warning", 1.0, 2.5, 1.5, 1.0, "no pulse on the sensor for 1.5 s")
QUALITY = SessionQuality(
    "S01-20260101T090001Z", "S01", "ab" * 32, False, 8.0, "usable", (FLAG,),
    {"lag_ms": None, "face_luma": 120.5}, "cd" * 32, "0.1.0",
)


def test_what_is_written_is_read(tmp_path):
    session = tmp_path / "S01.h5"
    assert read_quality(session) is None
    assert write_quality(session, QUALITY) == data_folder.quality_file(session)
    assert read_quality(session) == QUALITY


def test_a_file_of_before_with_curves_inside_is_read(tmp_path):
    session = tmp_path / "S01.h5"
    path = write_quality(session, QUALITY)
    body = json.loads(path.read_text())
    body["series"] = {"ppg": {"x": [0.0, 0.04], "y": [1.0, None], "unit": "sensor value"}}
    path.write_text(json.dumps(body))
    assert read_quality(session) == QUALITY


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda text: text[:-2], "cut short"),
        (lambda text: text.replace('"usable"', '"fine"'), "'fine', which is not allowed, at"),
        (lambda text: text.replace('"warning"', '"awful"'), "which is not allowed, at $.flags["),
        (
            lambda text: text.replace("120.5", '"bright"'),
            "text instead of a number or null at $.measures[...]",
        ),
        (lambda text: text.replace("acq-quality", "acq-split"), "schema 'acq-split'"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "version 2"),
        (lambda text: '{"schema": "acq-quality", "schema_version": 1}', "session"),
        (lambda text: "[1]", "a list instead of an object"),
        (lambda text: "", "an empty file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, damage, found):
    session = tmp_path / "S01.h5"
    path = write_quality(session, QUALITY)
    path.write_text(damage(path.read_text()))
    with pytest.raises(CurationError, match=re.escape(found)) as caught:
        read_quality(session)
    assert str(path) in str(caught.value)
    assert caught.value.fix is Fix.GRADE_AGAIN
