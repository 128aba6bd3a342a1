"""The studio: which address leads to which page, behind the one guard of all."""

import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from acq.rig.choices import Choices
from acq.rig.pages import RigPages
from acq.rig.rig import Rig
from acq.web.access import Access, Guard
from acq.web.answers import NotThere, error_handlers
from acquire.data_folder import exclusions_file, session_files
from dataset.common.pages import render_page

from .dataset_page import DatasetPages
from .jobs_page import JobPages
from .runs_page import RunPages
from .session_routes import SessionRoutes
from .sessions_page import page_values
from .shared import TEMPLATES, Shared
from .withdrawal import WithdrawalRoutes

_KINDS = {".j2": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# scripts, the style and the icon by the name that an address has
_ASSETS = {
    path.name.removesuffix(".j2"): path for path in TEMPLATES.iterdir()
    if path.suffix in _KINDS and not path.name.endswith(".html.j2")
}
_LOOK_S = 0.5                 # how often a page is told of what changed


class Studio:
    """The pages that are of no session."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        return [
            Route("/", self.home),
            Route("/sessions", self.show_sessions),
            Route("/changes", self.changes),
            Route("/assets/{name}", self.asset),
            WebSocketRoute("/follow", self.follow),
        ]

    def home(self, request: Request) -> Response:
        """Lead to where one begins: the rig as long as nothing was recorded, then the sessions.

        Whoever records opens the rig by hand; whoever curates may have no devices at all.
        """
        return RedirectResponse("/sessions" if session_files(self._shared.data) else "/rig", 303)

    def show_sessions(self, request: Request) -> Response:
        """Show the list of sessions."""
        listed = self._shared.sessions.read()
        return self._shared.page("sessions.html.j2", here="/sessions", **page_values(listed))

    def asset(self, request: Request) -> Response:
        """Return a script or the style."""
        path = _ASSETS.get(name := request.path_params["name"])
        if path is None:
            raise NotThere(expected="a part of a page", found=name, fix="load the page again")
        text = str(render_page(path)) if path.suffix == ".j2" else path.read_text("utf-8")
        return Response(text, media_type=_KINDS[path.suffix])

    def changes(self, request: Request) -> Response:
        """Show what was changed through the studio."""
        log = self._shared.log
        return self._shared.page(
            "changes.html.j2", here="/changes", changes=log.newest_first, path=str(log.path),
        )

    async def follow(self, socket: WebSocket) -> None:
        """Send a line to a page whenever exclusions change, here or by another process.

        A page of a session hears, too, when its recording is gone.
        """
        await socket.accept()
        name = socket.query_params.get("session", "")
        waiting = asyncio.ensure_future(socket.receive())
        seen = self._exclusions_state(), self._shared.is_there(name)
        try:
            while not waiting.done():                  # a page sends nothing; this is its end
                await asyncio.wait([waiting], timeout=_LOOK_S)
                state = self._exclusions_state(), self._shared.is_there(name)
                if state != seen:
                    what = "exclusions" if state[0] != seen[0] else "session"
                    seen = state
                    await socket.send_json({"changed": what})
        except (WebSocketDisconnect, asyncio.CancelledError):
            pass                                       # the page has gone, or the studio ends
        finally:
            waiting.cancel()

    def _exclusions_state(self) -> tuple[int, int, int] | None:
        try:
            stat = exclusions_file(self._shared.data).stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns


def build_app(
    data: Path, access: Access, *, camera: str = "auto", port: str = "auto"
) -> Starlette:
    """Return the studio of a data folder; it begins to read the sessions at once.

    Parameters
    ----------
    camera, port : may be chosen for a recording beside those that are found

    Raises
    ------
    DeviceError : the camera is named by no spec
    """
    shared = Shared(data)
    # a group of pages a line
    groups = (
        Studio(shared),
        RigPages(Rig(data, Choices.named(camera, port)), shared.log, shared.page, data),
        SessionRoutes(shared),
        DatasetPages(shared),
        RunPages(shared),
        JobPages(shared),
        WithdrawalRoutes(shared),
    )
    return Starlette(
        routes=[route for group in groups for route in group.routes()],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers=error_handlers(TEMPLATES / "error.html.j2"),
    )
