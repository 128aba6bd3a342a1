"""The verb `acq evaluate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from acq import complete
from acq.advice import advise
from acq.extras import check_installed
from acq.options import ExistingData, Json, Quiet
from acq.terminal.printing import echo, print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from dataset.common.wording import counted


def evaluate(
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[METHOD|NET]...",
            help="green, ica, pca, chrom, pos; a run or its id, RUN/NET, a checkpoint or an ONNX "
            "file; all five methods when nothing is named.",
            autocompletion=complete.methods,
        ),
    ] = None,
    data: ExistingData = Path("data"),
    side: Annotated[
        Literal["test", "train", "all"], typer.Option(help="Which side of the split is read.")
    ] = "test",
    other_data: Annotated[
        bool,
        typer.Option(
            "--other-data", help="Allow a checkpoint that was trained on another dataset or split."
        ),
    ] = False,
    mix_simulated: Annotated[
        bool,
        typer.Option("--mix-simulated", help="Allow virtual and real subjects in one dataset."),
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a row per window.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare the heart rates of methods and checkpoints with the finger's, on the curated data."""
    check_installed()
    from acquire.atomic import write_text
    from acquire.writing import reading
    from dataset.consistency.of_today import find_unsplit
    from models.evaluation.compare import compare_methods, window_table

    with reading(data), show_progress(quiet=quiet) as on_progress:
        results = compare_methods(
            data, methods or [], side=side, other_data=other_data, allow_mixed=mix_simulated,
            on_progress=on_progress,
        )
    for doubt in find_unsplit(data):
        warn(advise(doubt, "evaluate"))
    if csv is not None:
        write_text(csv, window_table(results).to_csv(index=False))
    if as_json:
        print_json(results.summary())
        return
    _echo(results.summary())


def _echo(summary: dict) -> None:
    from rich.table import Table

    from models.evaluation.methods import MEAN_RATE, TITLES

    if summary["verdict"]:
        for sentence in summary["verdict"]["words"]:
            echo(sentence)
        echo()
    table = Table(title=f"Heart rate on {summary['side']}: {', '.join(summary['subjects'])}")
    table.add_column("")
    for heading in (
        "MAE [bpm]", "RMSE [bpm]", "MAPE [%]", "r", "SNR [dB]", "MACC", "per video MAE",
        "toolbox MAE",
    ):
        table.add_column(heading, justify="right")
    for name, figures in summary["methods"].items():
        table.add_row(
            TITLES[name] if name == MEAN_RATE else name,
            _with_interval(figures, "mae_bpm"), _with_interval(figures, "rmse_bpm"),
            f"{figures['mape_percent']:.1f}", _number(figures["pearson_r"]),
            _number(figures["snr_db"]), _number(figures["macc"]),
            f"{figures['per_video_mean']['mae_bpm']:.2f}", f"{figures['toolbox']['mae_bpm']:.2f}",
        )
    show(table)
    first = next(iter(summary["methods"].values()))
    resolution, toolbox = first["resolution"], first["toolbox"]
    low, high = toolbox["bin_bpm"]
    in_brackets = (
        "; in brackets 95 % by bootstrap over subjects" if first["interval"]["mae_bpm"] else ""
    )
    echo(
        f"{counted(first['windows'], 'window')} of {resolution['window_s']:g} s (left out: "
        f"{first['windows_left_out']} across a gap, {first['windows_without_finger']} in which the "
        f"finger's rate cannot be told){in_brackets}. Rates from 0.7 to 4 Hz, the finger's 0.5 "
        "to 4 Hz. Spectrum on a grid of "
        f"{resolution['grid_bpm']:g} bpm, peak refined; a "
        f"pulse is a peak {resolution['main_lobe_bpm']:g} bpm wide. toolbox: the plain FFT metric "
        "of rPPG-Toolbox, bins of "
        f"{low:.2f} bpm"
        + (f" to {high:.2f}" if high - low > 0.005 else "")
        + f". The subjects are {summary['people']}."
    )
    for warning in summary["warnings"]:
        warn(warning)


def _with_interval(figures: dict, name: str) -> str:
    ends = figures["interval"][name]
    return f"{figures[name]:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
