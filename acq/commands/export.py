"""The verb `acq export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import advise
from acq.extras import check_installed
from acq.options import Data, Force, Json
from acq.terminal.printing import echo, note, print_json
from acq.terminal.tables import show

if TYPE_CHECKING:
    from models.export.export import Exported, Int8


def export(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="A run or its id, or a student's checkpoint; the newest run unless given.",
            autocompletion=complete.runs,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to make instead of RUN/board.")
    ] = None,
    data: Data = Path("data"),
    force: Force = False,
    json: Json = False,
) -> None:
    """Write a student, its teacher and the face finder as ONNX, for a board without torch."""

    check_installed("onnx", "onnxruntime")
    from acquire.data_folder import runs_dir
    from acquire.errors import Fix, TrainingError
    from acquire.writing import refuse_links_out
    from dataset.runs import newest_training_run
    from models.board.find_net import find_run
    from models.board.onnx_net import SHIPPED
    from models.export.export import export

    if run is None:
        source = newest_training_run(data)
    else:
        source = run if run.is_file() else find_run(run, data)
    if out is None and source == SHIPPED:
        raise TrainingError(
            expected="a folder to export to", found="none, and nothing is written where acq is",
            where=source, fix=Fix.EXPORT_ELSEWHERE,
        )
    if out is None and source.is_relative_to(runs_dir(data)):
        refuse_links_out(data, source.parent)
    result = export(source, out=out, force=force)
    if json:
        int8 = None if result.int8 is None else {
            **vars(result.int8), "is_close": result.int8.is_close,
        }
        print_json({
            "folder": str(result.folder), "checkpoint": str(result.checkpoint),
            "largest_difference": result.differences, "int8": int8,
            "int8_refused": _refused(result),
        })
    else:
        _echo(result)


def _refused(result: "Exported") -> str:
    return "" if result.int8_refused is None else advise(result.int8_refused, "export")


def describe_int8(int8: "Int8") -> str:
    """Return whether the student in int8 is usable, and by which figures."""
    figures = (
        f"on {int8.pairs} training pairs kept from its calibration r {int8.pearson_r:.4f} with "
        f"float32, off by {int8.rms_percent:.1f} % of the SD (rms), at most "
        f"{int8.largest_percent:.1f} %"
    )
    if int8.is_close:
        return f"student-int8.onnx can be used in place of student.onnx: {figures}"
    return (
        f"student-int8.onnx is too far from student.onnx to be relied on: {figures}; use "
        "student.onnx, or see how far heart rates are apart: acq predict VIDEO --net FILE"
    )


def _echo(result: "Exported") -> None:
    from rich.table import Table

    table = Table(title=f"{result.checkpoint.stem} and what it needs, for a board without torch")
    table.add_column("")
    table.add_column("bytes", justify="right")
    table.add_column("largest difference from torch", justify="right")
    for path in sorted(result.folder.glob("*.onnx")):
        difference = result.differences.get(path.name)
        table.add_row(
            path.name, f"{path.stat().st_size:,}", "" if difference is None else f"{difference:.1g}"
        )
    show(table)
    if (int8 := result.int8) is not None:
        echo(describe_int8(int8))
    else:
        note(f"no student-int8.onnx, its ranges need the training data: {_refused(result)}")
    echo(f"exported: {result.folder}")
