"""Text of numbers as programs and people write it, read cell by cell with the line of each row.

A byte-order mark, UTF-16, any line ending, comments, a header, quotes, and columns between commas,
semicolons, tabs, bars or spaces make no difference to what is read. A comma is a decimal one where
columns are separated otherwise, or where it alone makes `0,033` a number: as a column `033` would
begin with a zero. Where numbers have decimal points a comma is none, and `1,234.5` and `1,234` are
words. Clock times (`2026-11-28T10:00:00.033+01:00`, `10:00:00.033`) become seconds.
What is no number is NaN, and its cell is kept for whoever names it.
"""

import codecs
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

import numpy as np

from acquire.errors import AcqError
from acquire.limits import LARGEST_DOCUMENT_BYTES, MOST_VALUES

_BOMS = (                          # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_WORD = re.compile(r"[^\s,;|]+")
_WORD_OF_ROW = re.compile(r"[^\s;|\"]+")             # a comma may be within a number
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_BLANK = ",;|\t \xa0\""
_MOST_LINES = 1_500_000       # fourteen hours of frames at 30 a second; as rows 400 MB
_SAMPLE = 1000                # lines by which the separator is told
_WORDS = 100_000              # of these by which the decimal sign is told
_COMMENTS = ("#", "%", "//")
_OTHER_KINDS = (                   # by how they begin; what mends it, where that is one thing
    (re.compile(r"version https://git-lfs"), "a pointer of Git LFS", "fetch it with git lfs pull"),
    (re.compile(r"[\[{]\s*[\[{\"\d-]"), "JSON", ""),
    (re.compile(r"<[!?a-zA-Z]"), "HTML or XML", ""),
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?", re.ASCII)
_CLOCK = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)[T ])?(?:(\d{1,2}):)?(\d{1,2}):(\d\d(?:[.,]\d{1,9})?)"
    r"(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_DATE_THEN_TIME = re.compile(r"(\d{4}-\d\d-\d\d) +(?=\d{1,2}:\d\d)", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-"})
_MISSING = ("", "nan", "na", "n/a", "#n/a", "null", "none", "-", "inf", "+inf", "-inf", "infinity")
_NO_OTHERS: dict[int, str] = {}     # shared: a row of numbers is the rule


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One line of numbers."""

    line: int                    # in the file, from 1
    values: tuple[float, ...]    # NaN where a cell holds no finite number
    others: dict[int, str]       # the cells that hold none, by their place in the row

    def word(self) -> str:
        """Return the first cell that is neither a number nor the sign of a missing one; or ""."""
        return next((cell for cell in self.others.values() if not is_missing(cell)), "")

    def count_words(self) -> int:
        """Return how many cells are neither a number nor the sign of a missing one."""
        return sum(not is_missing(cell) for cell in self.others.values())


@dataclass(frozen=True)
class NumberText:
    """A whole text of numbers."""

    path: Path
    names: tuple[str, ...]       # of the columns, by the header; () where there is none
    rows: tuple[NumberRow, ...]
    is_clock: bool               # some cells are clock times, read as seconds
    is_local: bool = False       # some of them have a date and no time zone
    blank: tuple[int, ...] = ()  # lines before and between the rows that hold nothing

    def with_blank_rows(self) -> "NumberText":
        """Return the text with a row without values for each blank line, which keeps its place.

        Blank lines after the last row are none, nor those below a header or a comment; nor as many
        as stand between any two rows: so the whole text is spaced.
        """
        lines = [row.line for row in self.rows]
        if len(lines) < 2 or not self.blank:
            return self
        blank = np.array(self.blank)
        row_above = np.searchsorted(lines, blank) - 1
        blanks_above = np.searchsorted(blank, lines)
        spacing = int(np.diff(blanks_above).min())
        starts = np.where(row_above < 0, 0, blanks_above[row_above])
        keeps = (np.arange(len(blank)) - starts + 1) % (spacing + 1) == 0
        if blanks_above[0] < lines[0] - 1:           # other lines stand above the first row
            keeps &= row_above >= 0
        rows = [*self.rows, *(NumberRow(line, (), _NO_OTHERS) for line in blank[keeps].tolist())]
        return replace(self, rows=tuple(sorted(rows, key=lambda row: row.line)))


def read_number_text(path: Path, *, error: type[AcqError]) -> NumberText:
    """Read a file of numbers.

    Parameters
    ----------
    error : what to raise where the file cannot be read as text

    Raises
    ------
    AcqError : `error`; no such file, larger than a document may be, not text, or text of another
        kind, such as JSON
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_DOCUMENT_BYTES + 1)
    except OSError as reason:
        raise error(
            expected=f"{path.name or path} as text", found=reason, where=f"at {path}"
        ) from reason
    if len(data) > LARGEST_DOCUMENT_BYTES:
        raise error(
            expected=f"a text of numbers of at most {LARGEST_DOCUMENT_BYTES >> 20} MB",
            found="a larger file", where=f"at {path}",
        )
    text = _DATE_THEN_TIME.sub(r"\1T", _decode(data, path, error).translate(_SIGNS))
    del data
    for begins, kind, fix in _OTHER_KINDS:
        if begins.match(text.lstrip()):
            raise error(expected="a text of numbers", found=kind, where=path, fix=fix)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > _MOST_LINES or _count_cells(text) > MOST_VALUES:
        raise error(
            expected=f"at most {_MOST_LINES} lines and {MOST_VALUES} numbers", found="more",
            where=f"at {path}",
        )
    lines = text.split("\n")
    first = list(islice(_lines_of_numbers(lines), _SAMPLE))
    said = _SEPARATOR_LINE.fullmatch(first[0][1]) if first else None
    columns = _Columns([line for _, line in first[bool(said):]], said[1] if said else None)
    names, rows, is_clock, is_local = (), [], False, False
    for number, line in islice(_lines_of_numbers(lines), int(bool(said)), None):
        cells = columns.split(line)
        if not rows and number != first[-1][0] and _is_header(cells):
            names = names or cells
            continue
        rows.append(columns.row(number, cells))
        is_clock = is_clock or ":" in line
        is_local = is_local or (":" in line and any(map(_is_local, cells)))
    last = rows[-1].line if rows else 0
    blank = [at for at, line in enumerate(lines[:last], 1) if not line.strip(_BLANK)]
    return NumberText(path, names, tuple(rows), is_clock, is_local, tuple(blank))


def _lines_of_numbers(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line that is neither blank nor a comment."""
    for number, whole in enumerate(lines, 1):
        line = whole.strip(" \xa0")
        if line.strip(_BLANK) and not line.startswith(_COMMENTS):
            yield number, line


def _count_cells(text: str) -> int:
    """Count the cells of a text, at least, up to just above what may be."""
    if (separators := sum(text.count(separator) for separator in ",;|\t")) > MOST_VALUES:
        return separators
    return sum(1 for _ in islice(_WORD.finditer(text), MOST_VALUES + 1))


def _decode(data: bytes, path: Path, error: type[AcqError]) -> str:
    """Decode by the byte-order mark; without one as UTF-16 where half of it is zeros, or UTF-8."""
    encodings = [name for mark, name in _BOMS if data.startswith(mark)][:1]
    if not encodings and data.count(0) > len(data) // 3:
        encodings = ["utf-16-le" if data[1:2] == b"\0" else "utf-16-be"]
    for encoding in encodings or ["utf-8", "cp1252"]:     # the last: numbers are the same in it
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _CONTROL.search(text):
            return text
    raise error(expected=f"{path.name} as text", found="bytes that are none", where=f"at {path}")


def is_missing(cell: str) -> bool:
    """Return whether a cell is empty, or the sign of a missing number."""
    return cell.lower() in _MISSING


def number_of(word: str) -> float:
    """Return a word as a number with a decimal point; NaN where it is none, or beyond 1e300."""
    value = float(word) if _NUMBER.fullmatch(word) else math.nan
    return value if abs(value) < 1e300 else math.nan


class _Columns:
    """How the lines of one text are cut into cells, and which comma is a decimal one."""

    def __init__(self, lines: Sequence[str], separator: str | None) -> None:
        self.separator, self.has_decimal_commas = separator, False
        if separator is None:
            for candidate in ("\t", ";", "|"):
                if 2 * sum(candidate in line for line in lines) > len(lines):
                    self.separator = candidate
                    break
            else:
                self.separator = "," if self._are_columns(lines) else None
        if self.separator != ",":
            words = islice((word for line in lines for word in _WORD_OF_ROW.findall(line)), _WORDS)
            self.has_decimal_commas = not any(map(_DECIMAL_POINT.fullmatch, words))
        # an empty last cell is one of a column that some line fills, else a separator at line ends
        self._width = max((
            len(line.rstrip(_BLANK).split(self.separator)) for line in lines
        ), default=0) if self.separator not in (None, " ") else 0

    def _are_columns(self, lines: Sequence[str]) -> bool:
        """Return whether commas stand between columns, in lines without another separator."""
        with_comma = [line for line in lines if "," in line]
        if 2 * len(with_comma) <= len(lines):
            return False
        words = [word for line in with_comma for word in line.split()]
        if any(", " in line or " ," in line for line in with_comma) or any(
            word.count(",") > 1 for word in words
        ):
            return True
        of_comma = [word for word in words if "," in word]
        if all(_CLOCK.fullmatch(word) for word in of_comma):
            return False
        decimal = [word for word in of_comma if _DECIMAL_COMMA.fullmatch(word)]
        if 10 * len(decimal) < 9 * len(of_comma):       # a header may stand above
            return True
        if len(words) > len(with_comma):                # spaces are between the columns
            return False
        return not any(re.search(r",0\d", word) for word in decimal)

    def split(self, line: str) -> tuple[str, ...]:
        if self.separator is None or self.separator == " ":
            cells = line.split()
        else:
            cells = line.split(self.separator)
            while len(cells) > max(self._width, 1) and not cells[-1].strip(_BLANK):
                cells = cells[:-1]
        return tuple(cell.strip().strip("\"'").strip() for cell in cells)

    def row(self, line: int, cells: tuple[str, ...]) -> NumberRow:
        values = tuple([self._number(cell) for cell in cells])
        if not any(map(math.isnan, values)):
            return NumberRow(line, values, _NO_OTHERS)
        others = {at: cells[at] for at, value in enumerate(values) if math.isnan(value)}
        return NumberRow(line, values, others)

    def _number(self, cell: str) -> float:
        """Return a cell as a number, a clock time in seconds; NaN where it is neither."""
        if self.has_decimal_commas and "," in cell and _DECIMAL_COMMA.fullmatch(cell):
            cell = cell.replace(",", ".")
        clock = _CLOCK.fullmatch(cell) if ":" in cell else None
        return number_of(cell) if clock is None else _seconds(clock)


def _seconds(clock: re.Match[str]) -> float:
    """Return a clock time in seconds: since 1970 where it has a date, else since midnight."""
    date, hours, minutes, seconds, zone = clock.groups()
    since_midnight = 3600 * int(hours or 0) + 60 * int(minutes) + float(seconds.replace(",", "."))
    days = 0.0
    if date:
        try:
            days = datetime.fromisoformat(date).replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            return float("nan")
    if zone and zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        since_midnight -= sign * (3600 * int(zone[1:3]) + 60 * int(zone[-2:]))
    return days + since_midnight


def _is_local(cell: str) -> bool:
    clock = _CLOCK.fullmatch(cell)
    return clock is not None and clock[1] is not None and clock[5] is None


def _is_header(cells: Sequence[str]) -> bool:
    """Return whether cells are names: none of them begins as a number does, or is a missing one."""
    return not any(
        re.match(r"[+-]?[.,]?\d", cell) or cell.lower() in _MISSING[1:] for cell in cells
    )
