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
    ubfc: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="UBFC-rPPG's DATASET_2 as published, of a run on it."
        ),
    ] = None,
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
            ubfc=ubfc, on_progress=on_progress,
        )
    for doubt in [] if ubfc else find_unsplit(data):
        warn(advise(doubt, "evaluate"))
    if csv is not None:
        write_text(csv, window_table(results).to_csv(index=False))
    if as_json:
        print_json(results.summary())
        return
    _echo(results.summary())


def _echo(summary: dict) -> None:
    from rich.table import Table

    from models.evaluation.mean_rate import coverage_text
    from models.evaluation.methods import MEAN_RATE, TITLES

    if summary["verdict"]:
        for sentence in summary["verdict"]["words"]:
            echo(sentence)
        echo()
    table = Table(title=f"Heart rate on {summary['side']}: {', '.join(summary['subjects'])}")
    table.add_column("")
    for heading in ("MAE [bpm]", "RMSE [bpm]", "coverage", "MAPE [%]", "r", "SNR [dB]", "MACC"):
        table.add_column(heading, justify="right")
    for name, figures in summary["methods"].items():
        table.add_row(
            TITLES[name] if name == MEAN_RATE else name,
            _with_interval(figures, "mae_bpm"), _with_interval(figures, "rmse_bpm"),
            coverage_text([figures["coverage_percent"]]), f"{figures['mape_percent']:.1f}",
            _number(figures["pearson_r"]), _number(figures["snr_db"]), _number(figures["macc"]),
        )
    show(table)
    first = next(iter(summary["methods"].values()))
    resolution = first["resolution"]
    in_brackets = (
        "; in brackets 95 % by bootstrap over subjects" if first["interval"]["mae_bpm"] else ""
    )
    echo(
        f"{counted(first['windows'], 'window')} of {resolution['window_s']:g} s (left out: "
        f"{first['windows_left_out']} across a gap, {first['windows_without_finger']} in which the "
        f"finger's rate cannot be told){in_brackets}. Rates from 0.7 to 4 Hz, the finger's 0.5 "
        "to 4 Hz. Spectrum on a grid of "
        f"{resolution['grid_bpm']:g} bpm, peak refined; a "
        f"pulse is a peak {resolution['main_lobe_bpm']:g} bpm wide. "
        f"The subjects are {summary['people']}. Coverage: the windows with a prediction; the "
        "others count as the mean rate of the training windows, and have no SNR and MACC."
    )
    _echo_by_other_definitions(summary["methods"])
    for warning in summary["warnings"]:
        warn(warning)


def _echo_by_other_definitions(methods: dict) -> None:
    """Print the figures that other papers and rPPG-Toolbox would have, under their names."""
    from rich.table import Table

    from models.evaluation.mean_rate import coverage_text
    from models.evaluation.methods import MEAN_RATE, TITLES

    table = Table(title="The same by other definitions")
    table.add_column("")
    for heading in (
        "per video MAE", "limits [bpm]", "coverage", "SNR de Haan", "toolbox MAE", "coverage",
        "its peaks", "its SNR", "its MACC",
    ):
        table.add_column(heading, justify="right")
    for name, figures in methods.items():
        toolbox, limits = figures["toolbox"], figures["bland_altman"]
        table.add_row(
            TITLES[name] if name == MEAN_RATE else name,
            f"{figures['per_video_mean']['mae_bpm']:.2f}",
            f"{_number(limits['low_bpm'])} to {_number(limits['high_bpm'])}",
            coverage_text([figures["coverage_percent"]]), _number(figures["snr_de_haan_db"]),
            _number(toolbox["mae_bpm"]), coverage_text([toolbox["coverage_percent"]]),
            _number(toolbox["peak"]["mae_bpm"]), _number(toolbox["snr_db"]),
            _number(toolbox["macc"]),
        )
    show(table)
    toolbox = next(iter(methods.values()))["toolbox"]
    low, high = toolbox["bin_bpm"]
    echo(
        "per video: one rate each, the mean over its windows. limits: of agreement, for repeated "
        "measures (Bland and Altman 2007). SNR de Haan: as de Haan and Jeanne (2013) define it. "
        "toolbox: the whole chain of rPPG-Toolbox over whole videos, the coverage beside it is of "
        "videos, bins of "
        f"{low:.2f} bpm" + (f" to {high:.2f}" if high - low > 0.005 else "") + "."
    )


def _with_interval(figures: dict, name: str) -> str:
    ends = figures["interval"][name]
    return f"{figures[name]:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
