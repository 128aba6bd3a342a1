"""What a conversion would take, as a table, and why a codec was chosen."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from acq.terminal.printing import complain, echo, print_json
from acq.terminal.tables import show
from dataset.common.wording import counted, size_text

if TYPE_CHECKING:
    from dataset.convert.plan import ConversionPlan


def why_codec(planned: "ConversionPlan") -> str:
    """Return which codec was chosen, and why, in one line."""
    way = planned.way
    quicker = planned.ways[: planned.ways.index(way)]
    too_large = ", ".join(f"{one.codec} {size_text(one.size_bytes)}" for one in quicker)
    return (
        f"codec {way.codec}, about {size_text(way.size_bytes)}; "
        f"{size_text(planned.free_bytes)} are free"
        + (f"; quicker ones take more: {too_large}" if quicker else "")
    )


def show_plan(
    planned: "ConversionPlan", failures: Sequence[str], *, as_json: bool = False
) -> None:
    """Print what each codec would take, what is free, and which sessions cannot be converted.

    Parameters
    ----------
    failures : a line for each session that cannot be converted
    """
    from rich.table import Table

    if as_json:
        print_json({**asdict(replace(planned, failed=())), "failed": failures})
        return
    table = Table()
    table.add_column("codec")
    for name in ("GB", "minutes", "fits"):
        table.add_column(name, justify="right")
    at_once = max(min(planned.jobs or 1, planned.sessions), 1)
    for way in planned.ways:
        chosen = "*" if way.codec == planned.codec else ""
        table.add_row(
            way.codec + chosen, f"{way.size_bytes / 1e9:.1f}", f"{way.seconds / 60 / at_once:.1f}",
            "yes" if way.fits else "no",
        )
    show(table)
    kept = f" ({planned.kept} more are there)" if planned.kept else ""
    side_by_side = f", {at_once} sessions at once" if at_once > 1 else ""
    if planned.jobs is None:
        side_by_side = "; minutes of one process here, which the cluster's workers share"
    echo(
        f"{counted(planned.sessions, 'session')}{kept}, {counted(planned.frames, 'frame')}; "
        f"{size_text(planned.free_bytes)} are free; * would be written; tried on a few frames"
        f"{side_by_side}"
    )
    for line in failures:
        complain(line)
