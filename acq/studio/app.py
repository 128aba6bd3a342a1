"""The studio: which address leads to which page, behind the one guard of all."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from acq.web.access import Access, Guard
from acq.web.answers import NotThere, as_json, error_handlers, page, read_body
from acq.web.changes import ChangeLog
from acquire.data_folder import exclusions_file
from dataset.common.pages import render_page

from . import session_page
from .decisions import Decisions, ExcludeRequest, IncludeRequest, OutOfDate
from .open_sessions import OpenSessions
from .sessions_page import SessionList, page_values

TEMPLATES = Path(__file__).with_name("templates")
_JAVASCRIPT = "text/javascript"
_ASSETS = {
    "studio.css": (TEMPLATES / "studio.css.j2", "text/css"),
    "curves.js": (TEMPLATES / "curves.js", _JAVASCRIPT),
    "server.js": (TEMPLATES / "server.js", _JAVASCRIPT),
    "session.js": (TEMPLATES / "session.js", _JAVASCRIPT),
    "sessions.js": (TEMPLATES / "sessions.js", _JAVASCRIPT),
    "icon.svg": (TEMPLATES / "icon.svg", "image/svg+xml"),
}
_LOOK_S = 0.5                 # how often a page is told of what changed


class Studio:
    """What the pages of one data folder share."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.sessions = SessionList(data)
        self.opened = OpenSessions()
        self.log = ChangeLog()
        self.decisions = Decisions(data, self.log)
        self._files: dict[str, Path] = {}        # by name, of those whose pages were opened

    def page(self, template: str, *, here: str = "", **values: object) -> Response:
        """Return a page in the studio's frame; `here` is its address where it is a main page."""
        return page(TEMPLATES / template, data=str(self.data), here=here, **values)

    def home(self, request: Request) -> Response:
        """Lead to the first page."""
        return RedirectResponse("/sessions", 303)

    def show_sessions(self, request: Request) -> Response:
        """Show the list of sessions."""
        return self.page("sessions.html.j2", here="/sessions", **page_values(self.sessions.read()))

    def show_session(self, request: Request) -> Response:
        """Show the player of a session."""
        path = self._files[request.path_params["name"]] = self._file(request)
        return self.page(
            "session.html.j2", name=path.stem, subject=path.parent.name,
            others=session_page.other_sessions(path),
        )

    def timeline(self, request: Request) -> Response:
        """Return a session over its time."""
        path = self._file(request)
        with self.opened.player(path, newest=True) as player:
            shown = session_page.timeline(player, self.data)
        return as_json({**shown, "can_undo": self.decisions.can_undo(str(shown["session_id"]))})

    def curves(self, request: Request) -> Response:
        """Return the curves of a part of a session."""
        query = request.query_params
        with self.opened.player(self._file(request)) as player:
            return as_json(session_page.curves(player, query.get("from", ""), query.get("to", "")))

    def times(self, request: Request) -> Response:
        """Return the times of a session's frames."""
        with self.opened.player(self._file(request)) as player:
            return Response(session_page.frame_times(player), media_type="application/octet-stream")

    def frame(self, request: Request) -> Response:
        """Return one frame."""
        with self.opened.player(self._file(request)) as player:
            picture = session_page.jpeg(player, request.path_params["at"])
        return Response(picture, media_type="image/jpeg")

    async def exclude(self, request: Request) -> Response:
        """Exclude a session or a part of it."""
        asked = await read_body(request, ExcludeRequest)
        return await self._decide(lambda: self.decisions.exclude(self._file(request), asked))

    async def include(self, request: Request) -> Response:
        """Revoke one decision."""
        asked = await read_body(request, IncludeRequest)
        return await self._decide(lambda: self.decisions.include(self._id(request), asked))

    async def undo(self, request: Request) -> Response:
        """Take the last decision on a session back."""
        return await self._decide(lambda: self.decisions.undo(self._id(request)))

    async def _decide(self, decide: Callable[[], list[OutOfDate]]) -> Response:
        return as_json({"out_of_date": await run_in_threadpool(lambda: list(map(vars, decide())))})

    def _file(self, request: Request) -> Path:
        """Return the recording that an address names; pictures come too fast to search for each."""
        name = request.path_params["name"]
        known = self._files.get(name)
        if known is not None and known.exists():
            return known
        return session_page.session_file(self.data, name)

    def _id(self, request: Request) -> str:
        with self.opened.player(self._file(request)) as player:
            return player.session_id

    def asset(self, request: Request) -> Response:
        """Return a script or the style."""
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise NotThere(expected="a part of a page", found=name, fix="load the page again")
        path, kind = _ASSETS[name]
        text = str(render_page(path)) if path.suffix == ".j2" else path.read_text("utf-8")
        return Response(text, media_type=kind)

    def changes(self, request: Request) -> Response:
        """Show what was changed through the studio."""
        return self.page("changes.html.j2", here="/changes", changes=self.log.newest_first)

    async def follow(self, socket: WebSocket) -> None:
        """Send a line to a page whenever exclusions change, here or by another process."""
        await socket.accept()
        waiting = asyncio.ensure_future(socket.receive())
        seen = self._exclusions_state()
        try:
            while not waiting.done():                  # a page sends nothing; this is its end
                await asyncio.wait([waiting], timeout=_LOOK_S)
                if (state := self._exclusions_state()) != seen:
                    seen = state
                    await socket.send_json({"changed": "exclusions"})
        except WebSocketDisconnect:
            pass
        finally:
            waiting.cancel()

    def _exclusions_state(self) -> tuple[int, int, int] | None:
        try:
            stat = exclusions_file(self.data).stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns


def build_app(data: Path, access: Access) -> Starlette:
    """Return the studio of a data folder; it begins to read the sessions at once."""
    studio = Studio(data)
    session = "/sessions/{name}"
    return Starlette(
        routes=[
            Route("/", studio.home),
            Route("/sessions", studio.show_sessions),
            Route(session, studio.show_session),
            Route(f"{session}/timeline", studio.timeline),
            Route(f"{session}/curves", studio.curves),
            Route(f"{session}/times", studio.times),
            Route(f"{session}/frames/{{at:int}}", studio.frame),
            Route(f"{session}/exclude", studio.exclude, methods=["POST"]),
            Route(f"{session}/include", studio.include, methods=["POST"]),
            Route(f"{session}/undo", studio.undo, methods=["POST"]),
            Route("/changes", studio.changes),
            Route("/assets/{name}", studio.asset),
            WebSocketRoute("/follow", studio.follow),
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers=error_handlers(TEMPLATES / "error.html.j2"),
    )
