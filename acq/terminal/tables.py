"""Tables on stdout: fitted to a terminal, or whole lines where another program reads them."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST = 10_000                     # characters in a line where no terminal is


def show(table: "Table") -> None:
    """Print a table; where no terminal is, nothing is wrapped and nothing padded."""
    import io

    from rich.console import Console

    console = Console()
    if console.is_terminal:
        console.print(table)
        return
    out = io.StringIO()
    Console(file=out, width=_WIDEST, color_system=None).print(table)
    typer.echo("\n".join(line.rstrip() for line in out.getvalue().splitlines()))
