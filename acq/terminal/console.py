"""Rich's console, as acq uses it: what is drawn on it holds no control character of a file."""

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from .printing import visible


class SafeConsole(Console):
    """A console that writes control characters in texts as escapes that a person sees."""

    def render_str(self, text: str, **kwargs: Any) -> Text:
        """Return a cell's text; escapes have their width before the layout is made."""
        return super().render_str(visible(text, keep="\n"), **kwargs)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the pieces of what is drawn; texts that were made elsewhere are checked here."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text, keep="\n"), segment.style)


def make_console(*, stderr: bool = False) -> SafeConsole:
    """Return a console on stdout or stderr that colours nothing by itself."""
    return SafeConsole(stderr=stderr, highlight=False)


def console_into(file: IO[str], *, width: int, color: bool) -> SafeConsole:
    """Return a console that writes into `file`, lines of at most `width` characters."""
    return SafeConsole(
        file=file, width=width, highlight=False, color_system="auto" if color else None,
        force_terminal=color or None,
    )
