"""Text of numbers in every form that programs write: the same numbers, and their lines."""

import numpy as np
import pytest

from acquire.errors import CurationError
from acquire.limits import LARGEST_DOCUMENT_BYTES
from acquire.stamps.number_text import read_number_text

VALUES = [[0.0, 512.25], [0.0334, -498.5], [0.0667, 501.0], [0.1, 512.0]]


def written(separator, *, decimal=".", end="\n"):
    return "".join(
        separator.join(f"{x:.4f}".replace(".", decimal) for x in row) + end for row in VALUES
    )


def read(path, text, encoding="utf-8"):
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_number_text(path, error=CurationError)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param(written(","), "utf-8", id="commas"),
        pytest.param(written(", "), "utf-8", id="commas and spaces"),
        pytest.param(written("\t"), "utf-8", id="tabs"),
        pytest.param(written("   ", end=" \n"), "utf-8", id="runs of spaces, one at the end"),
        pytest.param(written(";", decimal=","), "utf-8", id="semicolons and decimal commas"),
        pytest.param(written("\t", decimal=","), "utf-8", id="tabs and decimal commas"),
        pytest.param(written(" ", decimal=","), "utf-8", id="spaces and decimal commas"),
        pytest.param(written(";", end=";\r\n"), "utf-8", id="a semicolon at the end"),
        pytest.param("sep=;\r\n" + written(";"), "utf-8", id="Excel's first line"),
        pytest.param(written(","), "utf-8-sig", id="a mark, UTF-8"),
        pytest.param(written(","), "utf-16", id="a mark, UTF-16"),
        pytest.param(written(","), "utf-16-be", id="UTF-16 without a mark"),
        pytest.param(written(",", end="\r\n"), "utf-8", id="CR LF"),
        pytest.param(written(",", end="\r"), "utf-8", id="CR"),
        pytest.param(written(",") + "\n\n \n", "utf-8", id="blank lines behind"),
        pytest.param("# a\n% b\n// c\n" + written(",") + "#d\n", "utf-8", id="comments"),
        pytest.param(written(",").replace("-", "\u2212"), "utf-8", id="Unicode's minus"),
        pytest.param('"0.0";"512.25"\n' + "".join(written(";").splitlines(True)[1:]), "utf-8",
                     id="quotes"),
    ],
)
def test_every_form_holds_the_same_numbers(tmp_path, text, encoding):
    found = read(tmp_path / "t.csv", text, encoding)
    assert found.names == ()
    assert np.array([row.values for row in found.rows]) == pytest.approx(np.array(VALUES))
    assert all(not row.others for row in found.rows)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("time,ppg\n", ("time", "ppg")),
        ("time,ppg\ns,mV\n", ("time", "ppg")),
        ("Zeit [µs],x\n", ("Zeit [µs]", "x")),
        ("", ()),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_header_is_one_only_where_no_cell_begins_as_a_number(tmp_path, header, names, encoding):
    found = read(tmp_path / "t.csv", header + written(","), encoding)
    assert found.names == names
    assert len(found.rows) == len(VALUES)
    assert found.rows[0].line == header.count("\n") + 1


def test_one_column_of_decimal_commas_is_no_two_columns(tmp_path):
    found = read(tmp_path / "t.csv", "t\n0,000\n0,033\n0,067\n0,1\n")
    assert [row.values for row in found.rows] == [(0.0,), (0.033,), (0.067,), (0.1,)]
    found = read(tmp_path / "t.csv", "0,0\n1,33\n2,67\n3,100\n")      # frame and milliseconds
    assert [row.values for row in found.rows] == [(0, 0), (1, 33), (2, 67), (3, 100)]


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_a_comma_beside_decimal_points_is_no_decimal_comma(tmp_path, separator):
    lines = [("0.034", "999"), ("0.068", "1,001"), ("0.102", "1,002.5")]
    found = read(tmp_path / "t.csv", "".join(separator.join(line) + "\n" for line in lines))
    assert [row.word() for row in found.rows] == ["", "1,001", "1,002.5"]
    assert [row.count_words() for row in found.rows] == [0, 1, 1]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        (("2026-11-28T10:00:00.033Z", "2026-11-28T11:00:00.133+01:00"), 0.1),
        (("2026-11-28 23:59:59.95", "2026-11-29 00:00:00.05"), 0.1),
        (("2026-11-28 10:00:00,033", "2026-11-28 10:00:00,133"), 0.1),
        (("10:00:00.033", "10:00:00.133"), 0.1),
        (("59:59.9", "60:00.0"), 0.1),
    ],
)
def test_clock_times_are_seconds(tmp_path, words, seconds):
    found = read(tmp_path / "t.csv", "\n".join(words) + "\n")
    assert found.is_clock
    (first,), (second,) = (row.values for row in found.rows)
    assert second - first == pytest.approx(seconds, abs=1e-6)
    assert found.is_local == (words[0].startswith("2026") and "Z" not in words[0])


def test_what_is_no_number_is_kept_with_its_line(tmp_path):
    found = read(tmp_path / "t.csv", "# x\n\n1,nan\n2,#N/A\n3,1_000\n4,0x10\n5,inf\n6,\n7,٣\n")
    assert [row.line for row in found.rows] == list(range(3, 10))
    assert [row.others.get(1) for row in found.rows[:5]] == ["nan", "#N/A", "1_000", "0x10", "inf"]
    assert [row.word() for row in found.rows] == ["", "", "1_000", "0x10", "", "", "٣"]
    assert found.rows[5].others == {1: ""}


def test_an_empty_last_cell_counts_where_some_line_fills_that_column(tmp_path):
    for text, values in (
        ("t,ppg\n1,5\n2,\n3,7\n", [(1, 5), (2, None), (3, 7)]),
        ("t,ppg,note\n1,5,\n2,,moved\n3,7,\n", [(1, 5, None), (2, None, None), (3, 7, None)]),
        ("t;ppg;;\n1;5;;\n2;;;\n3;7;;\n", [(1, 5), (2, None), (3, 7)]),
    ):
        rows = read(tmp_path / "t.csv", text).rows
        assert [tuple(None if v != v else v for v in row.values) for row in rows] == values


@pytest.mark.parametrize(("text", "kind"), [
    ('[{"t": 1685590249.95, "v": 27.0},\n {"t": 1685590250.01, "v": 26.0}]', "JSON"),
    ('{"/FullPackage": [{"Timestamp": 1}]}', "JSON"),
    ("<!DOCTYPE html><html><body>404 Not found</body></html>", "HTML or XML"),
    ("version https://git-lfs.github.com/spec/v1\nsize 123\n", "a pointer of Git LFS"),
])
def test_text_of_another_kind_is_named(tmp_path, text, kind):
    with pytest.raises(CurationError, match=f"expected a text of numbers, found {kind} in"):
        read(tmp_path / "t.csv", text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1\n\n3\n,\n \n6\n7\n\n", [1, 0, 3, 0, 0, 6, 7]),         # at the end they are none
        ("\n2\n3\n\n5\n", [0, 2, 3, 0, 5]),
        ("# x\n\n3\n\n5\n6\n", [3, 0, 5, 6]), ("ppg\n\n3\n\n5\n6\n", [3, 0, 5, 6]),
        ("1\r\r\n2\r\r\n3\r\r\n", [1, 2, 3]),                  # a whole text is spaced
        ("1\n\n2\n\n\n\n4\n\n5\n", [1, 2, 0, 4, 5]),
        ("1\n# x\n2\n", [1, 2]),
    ],
)
def test_blank_lines_keep_their_place(tmp_path, text, kept):
    (tmp_path / "t.csv").write_bytes(text.encode())
    rows = read_number_text(tmp_path / "t.csv", error=CurationError).with_blank_rows().rows
    assert [row.values[0] if row.values else 0 for row in rows] == kept


def test_what_is_no_text_is_refused(tmp_path):
    for data in (bytes(range(256)), b"\xff\xfe\x00", b"1,2\n\x1b[31m\n"):
        with pytest.raises(CurationError, match=r"expected t.csv as text, .* at .*t\.csv"):
            read(tmp_path / "t.csv", data)
    with pytest.raises(CurationError, match=r"expected none\.csv as text"):
        read_number_text(tmp_path / "none.csv", error=CurationError)
    with (tmp_path / "t.csv").open("wb") as file:
        file.truncate(LARGEST_DOCUMENT_BYTES + 1)
    with pytest.raises(CurationError, match="at most 64 MB"):
        read_number_text(tmp_path / "t.csv", error=CurationError)


@pytest.mark.parametrize("text", ["\n" * 1_500_001, "," * 3_000_001, "1 " * 3_000_001])
def test_more_than_may_be_is_refused_before_it_is_taken_apart(tmp_path, text):
    with pytest.raises(CurationError, match="at most 1500000 lines and 3000000 numbers"):
        read(tmp_path / "t.csv", text)
