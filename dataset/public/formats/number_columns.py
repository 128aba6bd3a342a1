"""A text of numbers that a public set has beside its pictures, and its columns by their names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from acquire.stamps.number_text import NumberRow, NumberText, read_number_text
from dataset.common.wording import counted
from dataset.public.folders import what_instead
from dataset.public.published import GET_FILE, GET_FOLDER, name_missing

_WORD_SHARE = 0.01           # of the cells, at most, may be neither a number nor empty
_FEWEST = 20                 # values of a PPG of which anything can be told


def read_label_text(path: Path) -> NumberText:
    """Read a file of numbers that belongs to a set.

    Raises
    ------
    CurationError : it is missing, larger than a document may be, or not text
    """
    if not path.is_file():
        raise CurationError(
            expected=path.name, found=what_instead(path), where=f"at {path}", fix=GET_FOLDER
        )
    try:
        return read_number_text(path, error=CurationError)
    except CurationError as error:
        error.fix = error.fix or GET_FILE
        raise


def check_words(rows: Sequence[NumberRow], path: Path) -> None:
    """Refuse numbers among which are words: more than one in a hundred, or at a row's beginning.

    Raises
    ------
    CurationError : they are
    """
    first = next((row for row in rows if row.word()), None)
    if first is None:
        return
    words = sum(row.count_words() for row in rows)
    at_beginning = [row for row in rows if row.others.get(0) == row.word() != ""]
    if at_beginning or words > _WORD_SHARE * sum(len(row.values) for row in rows):
        row = at_beginning[0] if at_beginning else first
        place = "at the beginning of" if at_beginning else "in"
        raise CurationError(
            expected="numbers",
            found=f"{row.word()!r} {place} line {row.line}" + (
                f", and {words - 1} more" if words > 1 else ""
            ),
            where=path, fix="take words and separators of thousands out, or get the file again",
        )


def read_one_column(path: Path, name: str, defects: list[str]) -> np.ndarray:
    """Read a file of one number a line; a header of words is left out and named.

    A blank line between numbers is a value that lacks: what follows keeps its time.

    Returns
    -------
    (N,) float64, NaN where a line holds no number

    Raises
    ------
    CurationError : it is missing, holds words, too few numbers, or more than one a line
    """
    text = read_label_text(path).with_blank_rows()
    if text.names:
        defects.append(f"{path.name} begins with the words {' '.join(text.names)[:40]!r}; left out")
    if wide := [row for row in text.rows if len(row.values) > 1]:
        raise CurationError(
            expected="one number a line",
            found=f"{len(wide[0].values)} in line {wide[0].line}", where=path, fix=GET_FILE,
        )
    check_words(text.rows, path)
    values = np.array([row.values[0] if row.values else np.nan for row in text.rows])
    _check_count(values, name, path)
    name_missing(values, name, defects)
    return values


def read_named_columns(
    path: Path, wanted: Sequence[str], optional: Sequence[str], defects: list[str]
) -> dict[str, np.ndarray]:
    """Read the columns of a table by the names in its header.

    Parameters
    ----------
    wanted : names that have to be there
    optional : names of which those that are missing are named as a defect

    Returns
    -------
    (N,) float64 of each name that is there, NaN where a row has no number for it

    Raises
    ------
    CurationError : it is missing, has no header or not the wanted columns, holds words, or too few
        rows
    """
    text = read_label_text(path).with_blank_rows()
    if not any(np.isfinite(row.values).any() for row in text.rows):
        raise CurationError(
            expected=f"a table with {', '.join(wanted)}", found="no numbers", where=path,
            fix=GET_FILE,
        )
    names = [name.strip().casefold() for name in text.names]
    if lacking := [name for name in wanted if name.casefold() not in names]:
        raise CurationError(
            expected=f"a header with {', '.join(lacking)}",
            found=", ".join(text.names)[:100] or "none", where=path, fix=GET_FILE,
        )
    if missing := [name for name in optional if name.casefold() not in names]:
        defects.append(f"{path.name} has no column {', '.join(missing)}")
    if uneven := [row for row in text.rows if len(row.values) != len(names)]:
        defects.append(
            f"{counted(len(uneven), 'line')} of {path.name} of another count than {len(names)} "
            f"numbers, the first is line {uneven[0].line}; left out"
        )
    even = [row for row in text.rows if len(row.values) == len(names)]
    check_words(even, path)
    lacks = (np.nan,) * len(names)
    table = np.array([
        row.values if len(row.values) == len(names) else lacks for row in text.rows
    ]).reshape(-1, len(names))
    columns = {
        name: table[:, names.index(name.casefold())]
        for name in (*wanted, *optional) if name.casefold() in names
    }
    for name in wanted:
        _check_count(columns[name], name, path)
        name_missing(columns[name], name, defects)
    return columns


def _check_count(values: np.ndarray, name: str, path: Path) -> None:
    if np.count_nonzero(np.isfinite(values)) < _FEWEST:
        raise CurationError(
            expected=f"at least {_FEWEST} values of {name}",
            found=int(np.count_nonzero(np.isfinite(values))), where=path, fix=GET_FILE,
        )
