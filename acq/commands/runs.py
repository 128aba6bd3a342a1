"""The verb `acq runs`: training runs side by side, also those that were interrupted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import in_data
from acq.options import ExistingData, Json, Yes, check_can_ask, confirm
from acq.resuming import resume_command
from acq.terminal.printing import complain, echo, print_json
from acq.terminal.tables import show
from dataset.common.wording import counted, number

if TYPE_CHECKING:
    from rich.table import Table

    from dataset.run_results import MethodResult, RunResults

_HASH = 8                # characters of a data hash that are shown


def runs(
    run: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...", help="Names of runs; all of them where none is named.",
            autocompletion=complete.all_runs,
        ),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the runs that are named, for good.")
    ] = False,
    yes: Yes = False,
    data: ExistingData = Path("data"),
    as_json: Json = False,
) -> None:
    """Compare training runs, also those that were interrupted; or remove some."""
    from dataset.run_results import read_run_results, remove_run
    from dataset.runs import find_run_folder

    if remove and not run:
        raise typer.BadParameter("say which to remove", param_hint="RUN")
    folders = [find_run_folder(data, name) for name in dict.fromkeys(run or [])]
    listed = [row for row in read_run_results(data) if not folders or row.folder in folders]
    if not remove:
        if as_json:
            print_json({"runs": [row.as_dict() for row in listed]})
        else:
            _print(listed, data)
        return
    if not yes:
        _ask(listed, data)
    for row in listed:
        remove_run(data, row.folder)
        if not as_json:
            echo(f"removed {row.folder}")
    if as_json:
        print_json({"removed": [str(row.folder) for row in listed]})


def _ask(listed: "list[RunResults]", data: Path) -> None:
    """Show what would be removed, and ask; refuse where nobody can be asked."""
    check_can_ask()
    for row in listed:
        size_mb = sum(file.stat().st_size for file in row.folder.rglob("*") if file.is_file()) / 1e6
        echo(f"remove {size_mb:9.3f} MB  {row.folder}  ({row.state})", err=True)
    confirm(f"Remove {counted(len(listed), 'run')}? It cannot be undone")


def _print(listed: "list[RunResults]", data: Path) -> None:
    from dataset.run_results import read_begun_with

    if not listed:
        echo(f"no run in {data / 'runs'}; {in_data('acq train-kd')} makes one")
        return
    show(_table(listed))
    _tell_what_is_shown(listed)
    current = {row.data_hash[:_HASH] for row in listed if row.is_current}
    if current:
        echo(f"the curated folders are those of data {current.pop()} now")
    elif any(row.is_current is False for row in listed):
        echo("the curated folders are of other data than each of these runs now")
    for row in listed:
        _tell_how_trained(row)
        if row.owner:
            echo(f"{row.name} is trained by {row.owner}")
        if row.state == "interrupted":
            needs = " on its own data" if row.is_current is False else ""
            echo(
                f"{row.name} was interrupted: "
                f"{resume_command(read_begun_with(row.folder), data)} goes on{needs}; "
                + in_data(f"acq runs --remove {row.name} removes it")
            )
        for problem in row.problems:
            complain(problem)


def _tell_how_trained(row: "RunResults") -> None:
    """Print what is not as usual: the recipe, the teacher, what that started from."""
    from models.published_nets.titles import CAN, titles

    if row.recipe not in ("", "acq"):
        echo(f"the recipe of {row.name} is {row.recipe}")
    if row.teacher not in ("", CAN):
        echo(f"the teacher of {row.name} is {titles().get(row.teacher, row.teacher)}")
    if row.started_from:
        echo(f"the teacher of {row.name} started from {row.started_from}")


def _tell_what_is_shown(listed: "list[RunResults]") -> None:
    if any(method.low_bpm is not None for row in listed for method in row.methods):
        echo("MAE over all test windows; in brackets 95 % by bootstrap over subjects")
    if any(row.seeds > 1 and row.methods for row in listed):
        echo("MAE of several seeds: of the first; the report has each, and the mean")


def _table(listed: "list[RunResults]") -> "Table":
    from rich.table import Table

    from models.evaluation.methods import MEAN_RATE, TITLES

    table = Table()
    for heading in ("run, UTC", "state", "data"):
        table.add_column(heading)
    for heading in ("folds", "seeds"):
        table.add_column(heading, justify="right")
    table.add_column("method")
    for heading in ("MAE [bpm]", "coverage", "parameters"):
        table.add_column(heading, justify="right")
    for row in listed:
        about = (row.name, row.state, row.data_hash[:_HASH], str(row.folds), str(row.seeds))
        methods = [
            method for method in row.methods if method.parameters or method.name == MEAN_RATE
        ]
        if not methods:
            epochs = f"{counted(row.epochs, 'epoch')}" if row.epochs else ""
            table.add_row(*about, epochs, "", "", "")
        for method in methods:
            table.add_row(*about, TITLES.get(method.name, method.name), *_figures(method))
    return table


def _figures(method: "MethodResult") -> tuple[str, str, str]:
    from models.evaluation.mean_rate import coverage_text

    interval = (
        "" if method.low_bpm is None or method.high_bpm is None
        else f" [{number(method.low_bpm)}, {number(method.high_bpm)}]"
    )
    parameters = "" if method.parameters is None else f"{method.parameters:,}"
    coverage = coverage_text([method.coverage_percent])
    return f"{number(method.mae_bpm)}{interval}", coverage, parameters
