"""The verb `acq bench-board`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.options import Data, Json
from acq.terminal.printing import echo, note, print_json
from acq.terminal.tables import show

if TYPE_CHECKING:
    from models.board.find_net import NetFile
    from models.timing.board_times import BoardTimes


def bench_board(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="NET",
            help="A run or its id, an export, a checkpoint or an ONNX file; the newest run unless "
                 "given.",
            autocompletion=complete.runs,
        ),
    ] = None,
    runs: Annotated[
        int,
        typer.Option(min=1, help="Of each stage; a tenth as many of those that are not done to "
                                 "every frame."),
    ] = 300,
    data: Data = Path("data"),
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Also write board.json beside the run's metrics, and its rows into the run's "
                 "report.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Time every stage from decoded frame to heart rate, here, on one core, without torch."""
    import json as to_json
    from dataclasses import asdict

    from models.report.board import check_run, keep_board
    from models.timing.board_times import PUBLISHED, find_board, time_board

    net = find_board(run, data)
    folder = net.path.parent if net.is_checkpoint else net.path.parent.parent
    if report:
        check_run(folder)
    with _on_board(net, alone=run is not None and run.is_file()) as place:
        times = time_board(place, runs=runs)
    body = {
        **asdict(times),
        "folder": str(net.path.parent),
        "published": PUBLISHED,
        "pipeline_times_faster": {
            net: times.times_faster("pipeline, ", net) for net in times.nets if net != "teacher"
        },
        "network_times_faster": {
            net: times.times_faster("", net) for net in times.nets if net != "teacher"
        },
    }
    if json:
        print_json(body)
    else:
        _echo(times, net.path.parent)
    if report:
        note(f"report: {keep_board(folder, to_json.dumps(body, indent=1))}")


@contextmanager
def _on_board(net: "NetFile", *, alone: bool) -> Iterator[Path]:
    """Yield the export that a network is in, or its file alone; a checkpoint is exported first."""
    if not net.is_checkpoint:
        yield net.path if alone else net.path.parent
        return
    from tempfile import TemporaryDirectory

    from acq.extras import check_checkpoints_readable

    check_checkpoints_readable(net.path)
    from models.export.export import export

    with TemporaryDirectory(prefix="acq-board-") as folder:
        yield export(net.path, out=Path(folder) / "board").folder


def _echo(times: "BoardTimes", folder: Path) -> None:
    from rich.table import Table

    from models.timing.board_times import PUBLISHED
    from models.timing.stages import LIVE, RATE

    for name, checkpoint in times.checkpoints.items():
        echo(
            f"{name}: {times.parameters[name]:,} parameters, {times.multiply_adds[name]:,} "
            "multiply-adds a frame, "
            f"exported from {checkpoint}"
        )
    table = Table(
        title=f"{times.board}, one of {times.cores} cores, ONNX Runtime {times.onnxruntime}: one "
              "frame at a time"
    )
    table.add_column("")
    for heading in ("median [ms]", "p99 [ms]", "mean [ms]", "runs"):
        table.add_column(heading, justify="right")
    for stage in times.stages:
        table.add_row(
            stage.name, f"{stage.median_ms:.3f}", f"{stage.p99_ms:.3f}", f"{stage.mean_ms:.3f}",
            str(stage.runs),
        )
    show(table)
    first = times.nets[0]
    echo(
        f"{first}: from decoded frame to heart rate {times.mean_ms(LIVE + first):.2f} ms a frame "
        f"on average; {times.mean_ms(RATE):.0f} ms of that once a second, for the {RATE}"
    )
    for net in times.nets:
        if (
            net != "teacher"
            and (alone := times.times_faster("", net))
            and (whole := times.times_faster("pipeline, ", net))
        ):
            echo(
                f"{net}: {alone:.1f} times faster than the teacher, {whole:.1f} times from decoded "
                "frame to pulse"
            )
    echo(
        f"{PUBLISHED['board']}: teacher {PUBLISHED['teacher_s']:.2f} s a frame, student "
        f"{PUBLISHED['student_s']:.2f} s, "
        f"{PUBLISHED['times']:.0f} times"
    )
    echo(f"peak memory of this process: {times.peak_mb:.0f} MB; from {folder}")
