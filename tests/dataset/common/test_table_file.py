"""A table is the same in CSV and in Parquet, as its name ends."""

import csv
import math

import numpy as np
import pytest

from acquire.errors import AcqError, Fix
from dataset.common import table_file
from dataset.common.table_file import check_table, write_table

COLUMNS = ("name", "bpm", "count", "is_out", "words", "low_bpm")
ROWS = [
    {"name": "S01", "bpm": 71.25, "count": 3, "is_out": False, "words": None, "low_bpm": None},
    {"name": "ä, \"b\"", "bpm": math.nan, "count": np.int64(4), "is_out": None, "words": None,
     "low_bpm": None},
]


def test_parquet_keeps_numbers_texts_and_what_is_not_known(tmp_path):
    """A column of which no row knows a value keeps its kind, so that files can be joined."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_table(tmp_path / "t.parquet", ROWS, COLUMNS, texts=("name", "words"))
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.column_names == list(COLUMNS)
    assert table.schema.types == [
        pa.string(), pa.float64(), pa.int64(), pa.bool_(), pa.string(), pa.float64(),
    ]
    assert table.column("bpm").to_pylist() == [71.25, None]
    assert table.column("name").to_pylist() == ["S01", "ä, \"b\""]
    assert table.column("is_out").to_pylist() == [False, None]


def test_csv_has_the_same_rows(tmp_path):
    write_table(tmp_path / "t.csv", ROWS, COLUMNS, texts=())
    with (tmp_path / "t.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first == {"name": "S01", "bpm": "71.25", "count": "3", "is_out": "False", "words": "",
                     "low_bpm": ""}
    assert (second["name"], second["bpm"], second["count"]) == ("ä, \"b\"", "", "4")


def test_a_name_that_no_table_can_have_is_refused_before_any_work(tmp_path, monkeypatch):
    check_table(None, force=False)
    with pytest.raises(AcqError, match=r"ends in \.csv or \.parquet, found t\.xlsx"):
        check_table(tmp_path / "t.xlsx", force=False)
    with pytest.raises(AcqError, match=r"ends in \.csv, found t\.parquet; a Parquet file cannot"):
        check_table(tmp_path / "t.parquet", force=False, grows=True)
    (tmp_path / "t.csv").touch()
    with pytest.raises(AcqError) as refused:
        check_table(tmp_path / "t.csv", force=False)
    assert refused.value.fix is Fix.REPLACE
    check_table(tmp_path / "t.csv", force=True)
    with pytest.raises(AcqError, match=r"a folder for t\.csv, found nothing at .*no; make it"):
        check_table(tmp_path / "no" / "t.csv", force=False)
    monkeypatch.setattr(table_file, "find_spec", lambda name: None)
    with pytest.raises(AcqError) as refused:
        check_table(tmp_path / "t.parquet", force=False)
    assert refused.value.fix is Fix.INSTALL_PARQUET
