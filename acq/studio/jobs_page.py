"""The page of jobs, and the addresses with which every page begins, watches and cancels them."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from acq.jobs.jobs import JobView
from acq.jobs.request import JobRequest
from acq.web.answers import NotThere, as_json, read_body
from acquire.errors import CurationError

from .shared import Shared

Result = TypeVar("Result")


class JobPages:
    """Jobs as pages see them."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        return [
            Route("/jobs", self.show),
            Route("/jobs", self.begin, methods=["POST"]),
            Route("/jobs/list", self.listed),
            Route("/jobs/{job}/result", self.result),
            Route("/jobs/{job}/cancel", self.cancel, methods=["POST"]),
        ]

    def show(self, request: Request) -> Response:
        """Show the jobs; the page asks for their list."""
        return self._shared.page("jobs.html.j2", here="/jobs")

    def listed(self, request: Request) -> Response:
        """Return every job, the newest first."""
        return as_json({"jobs": [asdict(job) for job in self._shared.jobs.listed()]})

    def result(self, request: Request) -> Response:
        """Return what a job printed."""
        job = request.path_params["job"]
        result = _of_job(lambda: self._shared.jobs.result(job))
        if result is None:
            raise NotThere(expected=f"a result of {job}", found="none", fix="wait until it ends")
        return as_json(result)

    async def begin(self, request: Request) -> Response:
        """Begin a job."""
        asked = await read_body(request, JobRequest)
        return as_json(asdict(await run_in_threadpool(self._shared.jobs.begin, asked)))

    async def cancel(self, request: Request) -> Response:
        """Ask a job to end."""
        name = request.path_params["job"]
        return as_json(asdict(await run_in_threadpool(self._cancel, name)))

    def _cancel(self, name: str) -> JobView:
        job = _of_job(lambda: self._shared.jobs.cancel(name))
        self._shared.log.add(f"cancelled: {job.title} (job {job.id[-8:]})")
        return job


def _of_job(ask: Callable[[], Result]) -> Result:
    """Return what is asked of a job.

    Raises
    ------
    NotThere : there is no such job
    """
    try:
        return ask()
    except CurationError as error:
        raise NotThere(expected=error.expected, found=error.found, fix=error.fix) from error
