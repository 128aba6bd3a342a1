"""The verb `acq evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from acq import complete
from acq.advice import advise
from acq.extras import check_installed
from acq.options import ExistingData, Force, From, Json, Quiet, TableFile, choose_source
from acq.terminal.printing import echo, print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from dataset.common.wording import counted, number, with_interval

if TYPE_CHECKING:
    import pandas as pd

    from models.report.paper_rows import TableRow


def evaluate(
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[METHOD|NET]...",
            help="green, ica, pca, chrom, pos; as published: ica_poh, pca_lewandowska, chrom_skin, "
            "pos_skin, lgi, pbv, omit; all of these: all; a run or its id, RUN/NET, a checkpoint "
            "or an ONNX file; the first five when nothing is named.",
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
            metavar="FOLDER",
            help="UBFC-rPPG's DATASET_2 as published: of a run on it, its folds; else everyone.",
        ),
    ] = None,
    source: From = "ubfc",
    table: TableFile = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare the heart rates of methods and checkpoints with the finger's, on the curated data."""
    check_installed()
    _check(methods or [], table, force=force)
    from acquire.writing import reading
    from dataset.consistency.unsplit import find_unsplit
    from models.evaluation.compare import compare_methods, window_table

    with reading(data), show_progress(quiet=quiet) as on_progress:
        results = compare_methods(
            data, methods or [], side=side, other_data=other_data, allow_mixed=mix_simulated,
            source=choose_source(ubfc, source), on_progress=on_progress,
        )
    for doubt in [] if ubfc else find_unsplit(data):
        warn(advise(doubt, "evaluate"))
    if table is not None:
        _write_windows(table, window_table(results))
    if as_json:
        print_json(results.summary())
        return
    _echo(results.summary())


def _check(methods: list[str], table: Path | None, *, force: bool) -> None:
    from dataset.common.table_file import check_table

    check_table(table, force=force)
    if not all(map(str.strip, methods)):      # it would be the folder that one is in
        raise typer.BadParameter("expected a method or a network, found an empty word")


def _write_windows(path: Path, windows: "pd.DataFrame") -> None:
    from dataset.common.table_file import write_table

    columns = list(windows.columns)
    rows = [dict(zip(columns, row, strict=True)) for row in windows.itertuples(index=False)]
    write_table(path, rows, columns, texts=())


def _echo(summary: dict) -> None:
    from dataset.published_colour.methods import ALL_METHODS
    from models.evaluation.mean_rate import coverage_text

    if summary["verdict"]:
        for sentence in summary["verdict"]["words"]:
            echo(sentence)
        if gap := summary["verdict"]["gap_closed"]:
            ends = ", ".join(number(end, 0) for end in gap["interval_percent"])
            echo(
                f"Gap closed: {number(gap['percent'], 0)} % [{ends}] of the teacher's lead over "
                "the student."
            )
        echo()
    names, run = _row_names(summary["methods"])
    figures = list(summary["methods"].values())
    title = f"Heart rate on {summary['side']}: {', '.join(summary['subjects'])}"
    _show_columns(title + (f"; networks of {run}" if run else ""), {
        "": names,
        "MAE [bpm]": [with_interval(of, "mae_bpm") for of in figures],
        "RMSE [bpm]": [with_interval(of, "rmse_bpm") for of in figures],
        "coverage": [coverage_text([of["coverage_percent"]]) for of in figures],
    })
    resolution = figures[0]["resolution"]
    in_brackets = (
        "; in brackets 95 % by bootstrap over subjects" if figures[0]["interval"]["mae_bpm"] else ""
    )
    echo(
        f"{counted(figures[0]['windows'], 'window')} of {resolution['window_s']:g} s (left out: "
        f"{figures[0]['windows_left_out']} across a gap, {figures[0]['windows_without_finger']} in "
        f"which the finger's rate cannot be told){in_brackets}. Rates from 0.7 to 4 Hz, the "
        "finger's 0.5 to 4 Hz. Spectrum on a grid of "
        f"{resolution['grid_bpm']:g} bpm, peak refined; a "
        f"pulse is a peak {resolution['main_lobe_bpm']:g} bpm wide. "
        f"The subjects are {summary['people']}. Coverage: the windows with a prediction; the "
        "others count as the mean rate of the training windows, and have no SNR and MACC."
    )
    if summary["verdict"] and not set(ALL_METHODS) <= set(summary["methods"]):
        echo(
            f"The verdict is against the best of all {len(ALL_METHODS)} methods without training; "
            "those that are not asked for have no row here."
        )
    _echo_more_metrics(names, figures)
    _echo_by_video(names, figures)
    if summary["folds"]:
        _echo_folds_and_seeds(summary)
    for warning in summary["warnings"]:
        warn(warning)


def _row_names(methods: dict) -> tuple[list[str], str]:
    """Return the first cell of each row; and the run of all networks, where they are of one."""
    from models.board.find_net import run_seed_and_net
    from models.evaluation.methods import TITLES

    runs = {run_seed_and_net(name)[0] for name in methods} - {""}
    run = runs.pop() if len(runs) == 1 else ""
    names = []
    for name in methods:
        net = run_seed_and_net(name)[2]
        place = name.removesuffix(net)
        names.append((place.removeprefix(f"{run}/") if run else place) + TITLES.get(net, net))
    return names, run


def _show_columns(title: str, columns: dict[str, list[str]]) -> None:
    """Print a table; its rows fit 80 columns where names are short, also in a pipe."""
    from rich.table import Table

    table = Table(title=title)
    for heading in columns:
        table.add_column(heading, justify="right" if heading else "left")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    show(table)


def _echo_more_metrics(names: list[str], figures: list[dict]) -> None:
    from models.metrics.snr import DE_HAAN, OURS

    limits = [of["bland_altman"] for of in figures]
    echo()
    _show_columns("The same windows, by other metrics", {
        "": names,
        "MAPE %": [with_interval(of, "mape_percent", 1) for of in figures],
        "r": [with_interval(of, "pearson_r") for of in figures],
        "MACC": [with_interval(of, "macc") for of in figures],
    })
    echo()
    _show_columns("SNR [dB] by two definitions, and limits of agreement [bpm]", {
        "": names,
        "SNR acq": [with_interval(of, "snr_db", 1) for of in figures],
        "SNR de Haan": [with_interval(of, "snr_de_haan_db", 1) for of in figures],
        "limits": [
            f"{number(ends['low_bpm'], 1)} to {number(ends['high_bpm'], 1)}" for ends in limits
        ],
    })
    echo(
        f"SNR acq: acq's own definition, {OURS.words}. SNR de Haan: after de Haan and Jeanne "
        f"(2013), as iPhys computes it, {DE_HAAN.words}. limits: of agreement, for repeated "
        "measures (Bland and Altman 2007)."
    )


def _echo_by_video(names: list[str], figures: list[dict]) -> None:
    """Print the errors of one rate a video, ours and those that rPPG-Toolbox would have."""
    from models.evaluation.mean_rate import coverage_text

    toolbox = [of["toolbox"] for of in figures]
    echo()
    _show_columns("One rate a video", {
        "": names,
        "MAE": [with_interval(of["per_video_mean"], "mae_bpm") for of in figures],
        "toolbox MAE": [with_interval(of, "mae_bpm") for of in toolbox],
        "coverage": [coverage_text([of["coverage_percent"]]) for of in toolbox],
    })
    echo()
    _show_columns("rPPG-Toolbox's other figures", {
        "": names,
        "MAE by peaks": [with_interval(of["peak"], "mae_bpm", 1) for of in toolbox],
        "its SNR [dB]": [with_interval(of, "snr_db", 1) for of in toolbox],
        "its MACC": [with_interval(of, "macc") for of in toolbox],
    })
    low, high = toolbox[0]["bin_bpm"]
    echo(
        "MAE: of the mean over a video's windows. toolbox: the whole chain of rPPG-Toolbox over "
        "whole videos, coverage is of videos, bins of "
        f"{low:.2f} bpm" + (f" to {high:.2f}" if high - low > 0.005 else "") +
        "; SNR and MACC by its own definitions."
    )


def _echo_folds_and_seeds(summary: dict) -> None:
    """Print the errors of a run in each fold and with each seed, as when it was trained."""
    from models.board.find_net import run_seed_and_net
    from models.evaluation.methods import TITLES
    from models.evaluation.published import gain_over_seeds
    from models.report.paper_rows import plain_row, rows_of_folds

    folds, seeds = summary["folds"], summary["seeds"]
    networks = list(seeds[0]["methods"])
    of_first_seed: dict[str, dict] = {}
    for name, figures in summary["methods"].items():
        of_first_seed.setdefault(run_seed_and_net(name)[2], figures)
    rows = {
        f"By fold, seed {seeds[0]['seed']}": rows_of_folds(
            {**summary, "methods": of_first_seed, "subjects": {"test": summary["subjects"]}},
            networks,
        ) if len(folds) > 1 else [],
        "By seed": [
            plain_row(f"seed {seed['seed']}", seed["methods"], networks) for seed in seeds
        ] if len(seeds) > 1 else [],
    }
    for title, of_part in rows.items():
        if of_part:
            echo()
            titles = ("", *(TITLES[name] for name in networks), "coverage")
            lines = [line for row in of_part for line in _lines(row)]
            _show_columns(f"{title}: MAE / RMSE [bpm]", {
                head: list(cells)
                for head, cells in zip(titles, zip(*lines, strict=True), strict=True)
            })
    if len(folds) > 1:
        echo(
            "per signal: as the paper counts, one heart rate a recording, the mean over its "
            "windows; of folds the mean. Other rows: of windows. 95 %: by bootstrap over subjects, "
            "within each fold; none where each has one."
        )
    if len(seeds) > 1 and {"student", "student_kd"} <= set(networks):
        echo(gain_over_seeds(seeds))


def _lines(row: "TableRow") -> list[list[str]]:
    """Return the cells of a row, and below them those of its intervals where it has some."""
    from models.report.paper_rows import lines_of_intervals

    return [
        [row.label, *map(_pair, row.errors), row.coverage or "-"],
        *([label, *intervals, ""] for label, intervals in lines_of_intervals(row)),
    ]


def _pair(errors: tuple[float, float] | None) -> str:
    return " / ".join(map(number, errors)) if errors else "-"
