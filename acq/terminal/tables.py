"""Tables on stdout: fitted to a terminal without cutting a cell, whole lines for other programs.

On a terminal the headings are broken over lines first. Where that is not enough, the columns are
divided among several tables below each other, each beginning with the first column; and where not
even two columns fit, each row becomes a block of lines. Only a column that is made with
`overflow="fold"` holds sentences, which are broken over lines. No table has a frame.
A heading and a cell that is a `str` are taken as they are, without rich's markup.
"""

import io
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .printing import print_text, visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Column, Table
    from rich.text import Text

    from .console import SafeConsole

_WIDEST = 10_000                     # characters in a line where no terminal is
_GAP = 2                             # characters between columns
_MOST_PARTS = 3                      # tables below each other
_LEAST = 24                          # of a column of sentences


def show(table: "Table") -> None:
    """Print a table; where no terminal is, nothing is wrapped and nothing padded."""
    from .console import console_into, make_console

    if sys.stdout.isatty():
        console = make_console()
        for part in _fitted(table, console):
            console.print(part)
        return
    out = io.StringIO()
    console = console_into(out, width=_WIDEST, color=False)
    if table.title:
        console.print(table.title, markup=False)
    console.print(_join(_columns_of(table), table))
    print_text("\n".join(line.rstrip() for line in out.getvalue().splitlines()))


@dataclass(frozen=True)
class _Cells:
    """One column: its heading, its cells, and how wide they are."""

    heading: str
    column: "Column"
    cells: "list[Text]"
    holds_sentences: bool

    @property
    def cells_width(self) -> int:
        """The widest cell, where no cell is broken over lines."""
        return max((cell.cell_len for part in self.cells for cell in part.split()), default=0)

    @property
    def width(self) -> int:
        """The width on one line with its heading."""
        from rich.cells import cell_len

        return max(self.cells_width, cell_len(self.heading))

    @property
    def least_width(self) -> int:
        """The width with its heading broken over lines."""
        words = max((len(word) for word in self.heading.split()), default=0)
        widest = max(self.cells_width, words)
        return min(widest, _LEAST) if self.holds_sentences else widest


def _columns_of(table: "Table") -> list[_Cells]:
    from rich.text import Text

    def as_text(cell: "RenderableType") -> Text:
        return cell if isinstance(cell, Text) else Text(visible(str(cell)))

    return [
        _Cells(
            as_text(column.header).plain if table.show_header else "", column,
            [as_text(cell) for cell in column.cells],
            column.overflow == "fold" and not column.no_wrap,
        )
        for column in table.columns
    ]


def _fitted(table: "Table", console: "SafeConsole") -> "Iterator[RenderableType]":
    """Yield what is printed of a table on a terminal, so that nothing of it is cut."""
    from rich.text import Text

    if table.title:
        yield Text(str(table.title), "bold")
    columns, width = _columns_of(table), console.width
    if _total(column.width for column in columns) <= width:
        yield _join(columns, table)
        return
    parts = _divided(columns, width)
    names = {cell.plain for cell in columns[0].cells}
    is_told_apart = len(names) == len(columns[0].cells)       # by the column that is repeated
    if not is_told_apart or len(parts) > _MOST_PARTS or any(
        _total(column.least_width for column in part) > width for part in parts
    ):
        yield from _blocks(columns)
        return
    for number, part in enumerate(parts):
        if number:
            yield Text()
        yield _join(part, table, heads=width)


def _divided(columns: Sequence[_Cells], width: int) -> list[list[_Cells]]:
    """Divide columns among tables of at most `width`, each with the first column."""
    first, *others = columns
    parts = [[first]]
    for column in others:
        part = parts[-1]
        if len(part) > 1 and _total(c.least_width for c in (*part, column)) > width:
            parts.append([first, column])
        else:
            part.append(column)
    return parts


def _total(widths: "Sequence[int] | Iterator[int]") -> int:
    listed = list(widths)
    return sum(listed) + _GAP * (len(listed) - 1)


def _join(columns: Sequence[_Cells], like: "Table", *, heads: int = _WIDEST) -> "Table":
    """Put columns side by side; headings are broken where they need more than `heads`."""
    from rich.table import Table
    from rich.text import Text

    is_tight = _total(column.width for column in columns) > heads
    table = Table(
        box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=like.show_header,
        header_style="bold",
    )
    for column in columns:
        heading = column.heading
        if is_tight and not column.holds_sentences:
            heading = "\n".join(textwrap.wrap(
                heading, max(1, column.least_width), break_long_words=False,
                break_on_hyphens=False,
            ))
        table.add_column(
            Text(heading), justify=column.column.justify, style=column.column.style,
            no_wrap=not column.holds_sentences, overflow="fold",
            min_width=column.least_width if is_tight else None,
        )
    for number, row in enumerate(like.rows):
        table.add_row(*(column.cells[number] for column in columns), style=row.style)
    return table


def _blocks(columns: Sequence[_Cells]) -> "Iterator[RenderableType]":
    """Yield each row as a block: its first cell, below it a line for each other cell."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    first, *others = columns
    for row, name in enumerate(first.cells):
        yield Text(name.plain, "bold", overflow="fold")
        block = Table.grid(padding=(0, _GAP, 0, 0))
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for column in others:
            if column.cells[row].plain:
                block.add_row(Text(column.heading), column.cells[row])
        yield Padding(block, (0, 0, 0, _GAP))
