"""The one place through which acq prints: no control character of a file reaches the terminal.

A string in a file or in a file's name may hold codes that move the cursor, set the window's title
or turn the writing direction. `visible` writes them as escapes that a person sees. JSON has escapes
of its own, and stays what it is.
"""

import atexit
import os
import shutil
import sys
import textwrap
import unicodedata
from typing import TextIO

import typer

# control, format (bidi overrides, zero width), half a surrogate pair, line and paragraph separators
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_USUAL_COLUMNS = 80          # of a terminal that does not say it


def visible(text: str, *, keep: str = "") -> str:
    r"""Return a text with control characters as escapes such as `\x1b`, but for those of `keep`."""
    if text.isprintable():
        return text
    return "".join(
        char if char in keep or unicodedata.category(char) not in _INVISIBLE else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    if char == "\n":
        return "\\n"
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def echo(
    *parts: str | tuple[str, str | None], err: bool = False, fg: str | None = None,
    bold: bool = False,
) -> None:
    """Print one line on stdout, or on stderr.

    Parameters
    ----------
    parts : texts; or pairs of a text and its colour, where a part has a colour of its own
    fg : colour of the others
    """
    coloured = [part if isinstance(part, tuple) else (part, fg) for part in parts]
    _write(
        "".join(
            typer.style(visible(text), fg=colour, bold=bold) if colour or bold else visible(text)
            for text, colour in coloured
        ),
        err=err,
    )


def wrapped(text: str, *, err: bool = False) -> list[str]:
    """Return a line for stdout, or stderr: on a terminal broken between words, elsewhere whole."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        return [text]
    return textwrap.wrap(
        visible(text), _columns(stream), subsequent_indent="  ", break_long_words=False,
        break_on_hyphens=False,
    )


def _columns(stream: TextIO) -> int:
    """Return how wide a terminal is: as COLUMNS says, else as stdout's or the stream's own is."""
    try:
        own = os.get_terminal_size(stream.fileno())
    except OSError:
        own = os.terminal_size((_USUAL_COLUMNS, 24))
    return shutil.get_terminal_size(own).columns or _USUAL_COLUMNS


def _say(text: str, *, fg: str | None = None) -> None:
    """Print a remark on stderr."""
    lines = "\n".join(map(visible, wrapped(text, err=True)))
    _write(typer.style(lines, fg=fg) if fg else lines, err=True)


# whether lines on stderr are printed as JSON, and whether anybody still reads stdout
_state = {"json": False, "is_read": True}


def print_errors_as_json() -> None:
    """Print every later line on stderr as JSON."""
    _state["json"] = True


def is_stdout_read() -> bool:
    """Return whether stdout has a reader, as far as was seen when something was printed."""
    return _state["is_read"]


def are_errors_json() -> bool:
    """Return whether lines on stderr are printed as JSON."""
    return _state["json"]


def note(text: str, **facts: str | int) -> None:
    """Print one plain line on stderr: what is being done; as JSON with facts beside it."""
    if _state["json"]:
        print_json({"note": text, **facts}, one_line=True, err=True)
    else:
        _say(text)


def warn(text: str) -> None:
    """Print one yellow line on stderr."""
    if _state["json"]:
        print_json({"warning": text}, one_line=True, err=True)
    else:
        _say(f"acq: {text}", fg="yellow")


def complain(text: str, **facts: str) -> None:
    """Print one red line on stderr; as JSON with the facts of an error beside it."""
    if _state["json"]:
        print_json({"error": text, **facts}, one_line=True, err=True)
    else:
        _say(f"acq: {text}", fg="red")


def print_json(body: object, *, one_line: bool = False, err: bool = False) -> None:
    """Print one JSON document; a number that JSON does not have (NaN) is null."""
    import json

    from dataset.common.files import finite

    indent = None if one_line else 2
    _write(json.dumps(finite(body), indent=indent, allow_nan=False, default=str), err=err)


def print_csv(text: str) -> None:
    """Print CSV as it is, for a program; on a terminal without control characters."""
    _write(visible(text, keep="\n\r\t") if sys.stdout.isatty() else text, nl=False)


def print_text(text: str) -> None:
    """Print a text on stdout as it is."""
    _write(text)


def _write(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write to stdout or stderr; what the system refuses of stdout names it.

    A reader that has gone, as `head` does once it has its lines, ends no work: the rest is read by
    nobody. Nor does a stderr that cannot be written to, as a log on a full disk: it lacks the line.
    """
    try:
        typer.echo(text, err=err, nl=nl)
    except BrokenPipeError:
        _lead_nowhere(2 if err else 1)
        _state["is_read"] = _state["is_read"] and err
    except OSError as error:
        if err:
            return
        if error.filename is None:
            error.filename = "<stdout>"             # as Python calls it; acq.advice words it
        raise


@atexit.register
def _leave_stderr() -> None:
    """Let what stderr never took go: Python's own try at its end would be another exit code."""
    try:
        sys.stderr.flush()
    except OSError:
        _lead_nowhere(2)


def _lead_nowhere(stream: int) -> None:
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream)
