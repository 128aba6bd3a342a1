"""What the pages of one data folder share."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from acq.jobs.jobs import Jobs
from acq.web.answers import page
from acq.web.changes import ChangeLog

from . import session_page
from .decisions import Decisions
from .open_sessions import OpenSessions
from .sessions_page import SessionList

TEMPLATES = Path(__file__).with_name("templates")


class Shared:
    """The sessions of a data folder, those that are open, and what was decided of them."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.sessions = SessionList(data)
        self.opened = OpenSessions()
        self.log = ChangeLog(data)
        self.jobs = Jobs(data, on_end=lambda job: self.log.add(
            f"{job.state}: {job.title} (job {job.id[-8:]})"
        ))
        self.decisions = Decisions(data, self.log)
        self._files: dict[str, Path] = {}        # by name, of those whose pages were opened

    def page(self, template: str, *, here: str = "", **values: object) -> Response:
        """Return a page in the studio's frame; `here` is its address where it is a main page."""
        return page(TEMPLATES / template, data=str(self.data), here=here, **values)

    def session_file(self, request: Request, *, is_opened: bool = False) -> Path:
        """Return the recording that an address names; pictures come too fast to search for each.

        Raises
        ------
        NotThere : there is none of that name, or two
        """
        name = request.path_params["name"]
        known = self._files.get(name)
        if known is None or is_opened or not known.exists():
            known = session_page.session_file(self.data, name)
            if is_opened:
                self._files[name] = known
        return known

    def session_id(self, request: Request) -> str:
        """Return the id of the recording that an address names."""
        with self.opened.player(self.session_file(request)) as player:
            return player.session_id
