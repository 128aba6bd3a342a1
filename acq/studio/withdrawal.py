"""What the deletion of a subject would remove, listed before it is asked for."""

from collections.abc import Iterable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from acq.jobs.told import words_of_rest
from acq.web.answers import as_json
from acquire.data_folder import check_subject, split_file
from dataset.withdraw.plan import plan_withdrawal
from dataset.withdraw.subject_files import SubjectFile, as_subject_file

from .shared import Shared


class WithdrawalRoutes:
    """What the dialog that deletes a subject asks for."""

    def __init__(self, shared: Shared) -> None:
        self._data = shared.data

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        return [Route("/withdraw/plan", self.plan)]

    def plan(self, request: Request) -> Response:
        """Return what `acq withdraw` would remove, by the plan that it makes itself."""
        subject = request.query_params.get("subject", "")
        check_subject(subject)
        plan = plan_withdrawal(self._data, subject)
        files, split = plan.files, split_file(self._data)
        removed = [split] if plan.split_removed else []
        runs = [as_subject_file("run", run.folder) for run in files.runs]
        return as_json({
            "removed": self._rows([
                *files.removable,
                *(as_subject_file("split, which needs the subject", path) for path in removed),
            ]),
            "rewritten": [self._place(path) for path in files.lists if path not in removed],
            "runs": self._rows(runs),
            "rest": words_of_rest((), map(self._place, files.mentions), files.unchecked),
        })

    def _rows(self, files: Iterable[SubjectFile]) -> list[dict[str, object]]:
        return [
            {"what": file.label, "path": self._place(file.path), "bytes": file.size_bytes}
            for file in files
        ]

    def _place(self, path: Path) -> str:
        """Return a path as it is shown: within the data folder, where it is."""
        return str(path.relative_to(self._data) if path.is_relative_to(self._data) else path)
