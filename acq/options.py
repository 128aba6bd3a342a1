"""Options that several verbs share."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from acq import complete
from acquire.errors import AcqError

if TYPE_CHECKING:
    from dataset.common.workers import Workers
    from models.data.from_sessions import Source

Data = Annotated[
    Path,
    typer.Option("--data", envvar="ACQ_DATA", help="Folder that holds sessions/, ubfc/ and runs/."),
]


def _check_there(data: Path) -> Path:
    from dataset.session.find import check_data_folder

    check_data_folder(data)
    return data


ExistingData = Annotated[              # of verbs that read what others wrote
    Path,
    typer.Option(
        "--data", envvar="ACQ_DATA", callback=_check_there,
        help="Folder that holds sessions/, ubfc/ and runs/.",
    ),
]
SessionFile = Annotated[
    str,
    typer.Argument(
        metavar="SESSION", help="A session's file, or its id.", autocompletion=complete.sessions
    ),
]
SessionFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="SESSION...", help="Session files or ids.", autocompletion=complete.sessions
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before removing.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is already there.")]
Reasons = Annotated[
    bool,
    typer.Option("--reasons", help="Also tell why something was excluded, in your own words."),
]
Fps = Annotated[
    float, typer.Option("--fps", min=1, max=240, help="Frames per second to ask the camera for.")
]
Camera = Annotated[
    str,
    typer.Option(
        "--camera", metavar="SPEC",
        help="auto, csi, uvc:/dev/video0, gst:PIPELINE, replay:VIDEO[?times=CSV or ?fps=30].",
    ),
]
Port = Annotated[
    str,
    typer.Option(
        "--port", metavar="SPEC",
        help="auto (asks every serial port), or a path such as /dev/ttyACM0.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Processes of this machine to work in; 1 when not given."),
]
JobsByWork = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1,
        help="Processes; when not given as many as cores, where memory and the work allow.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS",
        help="Instead: a Dask cluster, such as tcp://10.0.0.1:8786 (extra cluster).",
    ),
]
FromTime = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME",
        help="Where the part begins: 80, 1:20 or 1:02:03.5 after the start.",
    ),
]
ToTime = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Where it ends; not given, where the session does."),
]
NetPath = Annotated[
    Path | None,
    typer.Option(
        "--net", metavar="NET", autocompletion=complete.runs,
        help="A run or its id, a checkpoint or an ONNX file; else what comes with acq.",
    ),
]
Duration = Annotated[
    str | None,
    typer.Option("--duration", metavar="TIME",
                 help="Stop after 60s, 2min, 1h. Without it: until Ctrl-C."),
]
From = Annotated[
    Literal["ubfc", "sessions"],
    typer.Option(
        "--from", help="ubfc: what acq convert wrote; sessions: the same rows from the sessions "
                       "themselves, without curated folders."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the virtual subject.")]
TableFile = Annotated[
    Path | None,
    typer.Option(
        "--table", metavar="FILE", help="Also write the rows: FILE ends in .csv or .parquet."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


_ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ucx|wss?)://)?(?:\[[^\s\[\]]+\]|[^\s/:\[\]]+):([0-9]{1,5})"
)


def choose_workers(jobs: int | None, scheduler: str | None) -> "Workers":
    """Return processes of this machine, or the cluster that `--scheduler` names instead.

    Raises
    ------
    typer.BadParameter : both are named, or the scheduler has no address
    """
    from dataset.common.workers import Workers

    if scheduler is not None:
        match = _ADDRESS.fullmatch(scheduler)
        if match is None or not 0 < int(match[1]) < 2**16:
            raise typer.BadParameter(
                f"expected an address such as tcp://10.0.0.1:8786; found {scheduler!r}",
                param_hint="--scheduler",
            )
        if jobs is not None:
            raise typer.BadParameter(
                "expected no --jobs with --scheduler, whose cluster does the work; leave one out",
                param_hint="--jobs",
            )
    return Workers(jobs, scheduler)


def choose_source(ubfc: Path | None, source: Literal["ubfc", "sessions"]) -> "Source":
    """Return where recordings are read: a published folder, else what `--from` names.

    Raises
    ------
    typer.BadParameter : both are named
    """
    if ubfc is not None and source == "sessions":
        raise typer.BadParameter("expected no --from sessions with --ubfc", param_hint="--from")
    return ubfc or source


_UNITS_S = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Read `90`, `90s`, `1.5min` or `1h` as seconds.

    Raises
    ------
    typer.BadParameter : not a positive time
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text)
    if match is None or match[2] not in _UNITS_S or float(match[1]) == 0:
        raise typer.BadParameter(
            f"expected a time such as 60s, 2min or 1h; found {text!r}", param_hint="--duration"
        )
    return float(match[1]) * _UNITS_S[match[2]]


def parse_time(text: str | None, option: str) -> float | None:
    """Read `80`, `1:20` or `1:02:03.5` as seconds after a session's start; None stays None.

    Raises
    ------
    typer.BadParameter : no such time
    """
    if text is None:
        return None
    match = re.fullmatch(
        r"(?:(?:(\d{1,4}):(?=\d\d:))?([0-5]?\d):(?=\d\d))?(\d{1,6}(?:\.\d+)?)", text.strip()
    )
    if match is None or (match[2] is not None and float(match[3]) >= 60):
        raise typer.BadParameter(
            f"expected a time such as 80, 1:20 or 1:02:03.5; found {text!r}", param_hint=option
        )
    return int(match[1] or 0) * 3600.0 + int(match[2] or 0) * 60.0 + float(match[3])


def check_can_ask(otherwise: str = "") -> None:
    """Refuse where nobody can be asked, as in a pipe.

    Parameters
    ----------
    otherwise : what can be done there besides --yes

    Raises
    ------
    AcqError : nobody can
    """
    if not sys.stdin.isatty():
        raise AcqError(
            "; ".join(filter(None, ["expected --yes where nobody can be asked", otherwise]))
        )


def confirm(question: str) -> None:
    """Ask before something is done that cannot be undone; a no ends the verb, and so does Ctrl-C.

    Raises
    ------
    typer.Abort : the answer is no
    """
    from acquire.interrupts import accept

    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort as error:
        if interrupted := accept(error):           # a question takes Ctrl-C for a no
            raise KeyboardInterrupt from interrupted
        raise
