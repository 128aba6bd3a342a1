"""A table as a file: CSV, or Parquet, as the file's name ends.

Parquet keeps what a column holds: numbers, texts, and what is not known. It needs pyarrow (extra
`parquet`); pandas deprecates its other engine.
"""

import csv
import io
import math
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from acquire.atomic import atomic_file, write_text
from acquire.errors import AcqError, Fix

from .files import check_has_folder

CSV, PARQUET = ".csv", ".parquet"
Rows = Sequence[Mapping[str, Any]]


def check_table(path: Path | None, *, force: bool, grows: bool = False) -> None:
    """Refuse a name that no table can have here, before any work; None is no table.

    Parameters
    ----------
    grows : rows are added while they come, which a Parquet file cannot hold

    Raises
    ------
    AcqError : it ends otherwise, something is there and `force` is not set, its folder or pyarrow
        is missing
    """
    if path is None:
        return
    endings = (CSV,) if grows else (CSV, PARQUET)
    if path.suffix.lower() not in endings:
        raise AcqError(
            expected=f"a table that ends in {' or '.join(endings)}", found=path.name,
            fix="a Parquet file cannot grow" if grows and path.suffix == PARQUET else "rename it",
        )
    if path.suffix.lower() == PARQUET and find_spec("pyarrow") is None:
        raise AcqError(
            expected="the extra `parquet`", found="no pyarrow in this environment",
            fix=Fix.INSTALL_PARQUET,
        )
    if path.exists() and not force:
        raise AcqError(expected=f"to make {path}", found="it there", fix=Fix.REPLACE)
    check_has_folder(path)


def write_table(path: Path, rows: Rows, columns: Sequence[str], *, texts: Collection[str]) -> None:
    """Write rows whole or not at all, as the name ends; see `check_table`.

    Parameters
    ----------
    columns : in their order; a row has a value for each, None or NaN where it is not known
    texts : those that hold text, also where no row knows one
    """
    if path.suffix.lower() == CSV:
        write_text(path, csv_text(rows, columns))
        return
    import pyarrow as pa
    import pyarrow.parquet

    arrays = {}
    for name in columns:
        array = pa.array([_known(row[name]) for row in rows])
        if pa.types.is_null(array.type):
            array = array.cast(pa.string() if name in texts else pa.float64())
        arrays[name] = array
    with atomic_file(path) as part:
        pyarrow.parquet.write_table(pa.table(arrays), part)


def csv_text(rows: Rows, columns: Sequence[str]) -> str:
    """Return rows under a line of headings; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_known(row[name]) for name in columns] for row in rows)
    return out.getvalue()


def _known(value: Any) -> Any:
    """Return a value as Python has it; None where it is not known."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value
