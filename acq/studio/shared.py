"""What the pages of one data folder share."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from acq.jobs.jobs import Jobs, JobView
from acq.web.answers import Gone, NotThere, page
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
        self.jobs = Jobs(
            data, on_begin=lambda job: self._note("begun", job), on_end=self._note_end
        )
        self.decisions = Decisions(data, self.log)
        self._files: dict[str, Path] = {}        # by name, of those whose pages were opened

    def _note(self, what: str, job: JobView) -> None:
        self.log.add(f"{what}: {job.title} (job {job.id[-8:]})")

    def _note_end(self, job: JobView) -> None:
        self.opened.forget_gone()                # as after a withdrawal
        self._note(job.state, job)

    def page(self, template: str, *, here: str = "", **values: object) -> Response:
        """Return a page in the studio's frame; `here` is its address where it is a main page."""
        return page(TEMPLATES / template, data=str(self.data), here=here, **values)

    def session_file(self, request: Request, *, is_opened: bool = False) -> Path:
        """Return the recording that an address names; pictures come too fast to search for each.

        Raises
        ------
        Gone : its page was opened before, and it is not there any more
        NotThere : there is none of that name, or two
        """
        name = request.path_params["name"]
        known = self._files.get(name)
        if known is None or is_opened or not self.is_there(name):
            try:
                known = session_page.session_file(self.data, name)
            except NotThere as error:
                if self.is_there(name):
                    raise
                self.opened.forget_gone()
                raise Gone(
                    "this recording is no longer there: it was deleted, or moved elsewhere"
                ) from error
            if is_opened:
                self._files[name] = known
        return known

    def is_there(self, name: str) -> bool:
        """Return whether the recording of a page that was opened is still where it was."""
        return name not in self._files or self._files[name].exists()

    def session_id(self, request: Request) -> str:
        """Return the id of the recording that an address names."""
        with self.opened.player(self.session_file(request)) as player:
            return player.session_id
