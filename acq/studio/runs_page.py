"""The pages of training runs: side by side, and each with its curves, report and predictions."""

from dataclasses import asdict, dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from acq.web.access import FRAMED
from acq.web.answers import NotThere, as_json
from acquire.data_folder import is_session_id, session_files
from acquire.errors import TrainingError
from dataset.run_results import (
    MethodResult,
    RunResults,
    TrainingCurve,
    read_run_results,
    read_training_curves,
)
from dataset.runs import find_run_folder, run_name
from models.evaluation.methods import MEAN_RATE, TITLES

from .shared import Shared

REPORT = "report.html"


@dataclass(frozen=True)
class Column:
    """A method that at least one run has."""

    name: str
    title: str


class RunPages:
    """Training runs as pages."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        run = "/runs/{run}"
        return [
            Route("/runs", self.show_all),
            Route("/runs/list", self.listed),
            Route(run, self.show),
            Route(f"{run}/curves", self.curves),
            Route(f"{run}/report", self.report),
        ]

    def show_all(self, request: Request) -> Response:
        """Show all runs in one table, a method a column."""
        runs = read_run_results(self._shared.data)[::-1]
        return self._shared.page(
            "runs.html.j2", here="/runs", runs=runs, columns=columns_of(runs),
            best={run.name: _best(run) for run in runs},
        )

    def listed(self, request: Request) -> Response:
        """Return how far each run is; a page that shows them is loaded again where that changes."""
        runs = read_run_results(self._shared.data)
        return as_json({"runs": [[run.name, run.state, run.epochs] for run in runs]})

    def show(self, request: Request) -> Response:
        """Show one run."""
        run = self._run(request)
        names = [path.stem for path in session_files(self._shared.data)]
        return self._shared.page(
            "run.html.j2", run=run, title=_title, has_report=(run.folder / REPORT).is_file(),
            sessions=[name for name in names if is_session_id(name)], is_ended=run.state == "done",
        )

    def curves(self, request: Request) -> Response:
        """Return the losses of a run by epoch, and whether it still trains."""
        run = self._run(request)
        curves = [
            {**asdict(curve), "title": _title(curve.network)}
            for curve in sorted(read_training_curves(run.folder), key=_by_network)
        ]
        return as_json({"state": run.state, "owner": run.owner, "curves": curves})

    def report(self, request: Request) -> Response:
        """Return the report of a run, to be shown in a frame: no script of it runs."""
        path = self._folder(request) / REPORT
        if not path.is_file():
            raise NotThere(expected="a report", found="none yet", where=path.parent,
                           fix="wait until the run ends")
        return HTMLResponse(path.read_bytes(), headers=FRAMED)

    def _run(self, request: Request) -> RunResults:
        folder = self._folder(request)
        for run in read_run_results(self._shared.data):
            if run.name == run_name(folder):
                return run
        raise NotThere(expected="a run", found="one that was just removed", fix="choose another")

    def _folder(self, request: Request) -> Path:
        try:
            return find_run_folder(self._shared.data, request.path_params["run"])
        except TrainingError as error:
            raise NotThere(
                expected=error.expected, found=error.found, fix="choose one of the list"
            ) from error


def columns_of(runs: list[RunResults]) -> list[Column]:
    """Return the trained methods that any of these runs has, and the guess without a picture."""
    there = {
        method.name for run in runs for method in run.methods
        if method.parameters or method.name == MEAN_RATE
    }
    known = [name for name in TITLES if name in there]
    return [Column(name, _title(name)) for name in (*known, *sorted(there - set(known)))]


def _by_network(curve: TrainingCurve) -> int:
    return list(TITLES).index(curve.network) if curve.network in TITLES else len(TITLES)


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _best(run: RunResults) -> str:
    """Return the network of a run with the smallest error; "" where there is none."""
    trained = [one for one in run.methods if one.parameters and one.mae_bpm is not None]
    return min(trained, key=_error).name if trained else ""


def _error(method: MethodResult) -> float:
    return float("inf") if method.mae_bpm is None else method.mae_bpm
