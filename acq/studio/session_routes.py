"""The addresses of one session: its page, its pictures and curves, and decisions on it."""

from collections.abc import Callable
from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from acq.web.answers import as_json, read_body

from . import session_page
from .decisions import (
    ExcludeRequest,
    ExcludeSeveralRequest,
    IncludeRequest,
    Told,
    UndoSeveralRequest,
)
from .sessions_page import Progress
from .shared import Shared


class SessionRoutes:
    """What a session's page asks for."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        session = "/sessions/{name}"
        return [
            Route("/exclude", self.exclude_several, methods=["POST"]),
            Route("/exclude/undo", self.undo_several, methods=["POST"]),
            Route(session, self.show),
            Route(f"{session}/timeline", self.timeline),
            Route(f"{session}/days", self.days),
            Route(f"{session}/curves", self.curves),
            Route(f"{session}/times", self.times),
            Route(f"{session}/frames/{{at:int}}", self.frame),
            Route(f"{session}/exclude", self.exclude, methods=["POST"]),
            Route(f"{session}/include", self.include, methods=["POST"]),
            Route(f"{session}/undo", self.undo, methods=["POST"]),
        ]

    def show(self, request: Request) -> Response:
        """Show the player of a session."""
        path = self._shared.session_file(request, is_opened=True)
        return self._shared.page(
            "session.html.j2", name=path.stem, subject=path.parent.name,
            has_others=session_page.has_others(path),
        )

    def timeline(self, request: Request) -> Response:
        """Return a session over its time."""
        path = self._shared.session_file(request)
        with self._shared.opened.player(path, newest=True) as player:
            shown = session_page.timeline(player, self._shared.data)
        can_undo = self._shared.decisions.can_undo(str(shown["session_id"]))
        return as_json({**shown, "can_undo": can_undo})

    def days(self, request: Request) -> Response:
        """Return the subject's recordings side by side; while they are read, how far that is."""
        path, listed = self._shared.session_file(request), self._shared.sessions.read()
        if isinstance(listed, Progress):
            return as_json({"progress": asdict(listed), "days": []})
        days = session_page.days_of(path, listed)
        return as_json({"progress": None, "days": [asdict(day) for day in days]})

    def curves(self, request: Request) -> Response:
        """Return the curves of a part of a session."""
        query = request.query_params
        with self._shared.opened.player(self._shared.session_file(request)) as player:
            return as_json(session_page.curves(player, query.get("from", ""), query.get("to", "")))

    def times(self, request: Request) -> Response:
        """Return the times of a session's frames."""
        with self._shared.opened.player(self._shared.session_file(request)) as player:
            return Response(session_page.frame_times(player), media_type="application/octet-stream")

    def frame(self, request: Request) -> Response:
        """Return one frame."""
        with self._shared.opened.player(self._shared.session_file(request)) as player:
            picture = session_page.jpeg(player, request.path_params["at"])
        return Response(picture, media_type="image/jpeg")

    async def exclude(self, request: Request) -> Response:
        """Exclude a session or a part of it."""
        asked = await read_body(request, ExcludeRequest)
        decisions = self._shared.decisions
        return await _decide(lambda: decisions.exclude([self._shared.session_file(request)], asked))

    async def exclude_several(self, request: Request) -> Response:
        """Exclude whole sessions."""
        asked = await read_body(request, ExcludeSeveralRequest)
        decisions, data = self._shared.decisions, self._shared.data
        part = ExcludeRequest(None, None, asked.reason)
        return await _decide(lambda: decisions.exclude(
            [session_page.session_file(data, name) for name in asked.sessions], part
        ))

    async def undo_several(self, request: Request) -> Response:
        """Take back that whole sessions were excluded."""
        asked = await read_body(request, UndoSeveralRequest)
        return await _decide(lambda: self._shared.decisions.undo_several(asked))

    async def include(self, request: Request) -> Response:
        """Revoke one decision."""
        asked = await read_body(request, IncludeRequest)
        decisions = self._shared.decisions
        return await _decide(lambda: decisions.include(self._shared.session_id(request), asked))

    async def undo(self, request: Request) -> Response:
        """Take the last decision on a session back."""
        return await _decide(
            lambda: self._shared.decisions.undo(self._shared.session_id(request))
        )


async def _decide(decide: Callable[[], Told]) -> Response:
    return as_json(await run_in_threadpool(decide))
