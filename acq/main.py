"""The typer app, and the only place where an error becomes an exit code.

Beside `AcqError` that is the system's own word: a full disk, a folder where a file should be, no
permission.

Every verb lives in a file of its own name; a verb imports its room inside itself, so that `acq
--help` is instant and a board without torch can record.
"""

import atexit
import os
import sys
import threading
import warnings
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

from acq.advice import advise, word_interrupt, word_kept
from acq.commands.bench_board import bench_board
from acq.commands.calibrate import calibrate
from acq.commands.card import card
from acq.commands.check import check
from acq.commands.convert import convert
from acq.commands.demo import demo
from acq.commands.devices import devices
from acq.commands.evaluate import evaluate
from acq.commands.exclude import exclude, include
from acq.commands.export import export
from acq.commands.firmware import firmware
from acq.commands.import_ import import_
from acq.commands.info import info
from acq.commands.live import live
from acq.commands.ls import ls
from acq.commands.predict import predict
from acq.commands.qc import qc
from acq.commands.record import record
from acq.commands.recover import recover
from acq.commands.resync import resync
from acq.commands.runs import runs
from acq.commands.simulate import simulate
from acq.commands.split import split
from acq.commands.studio import studio
from acq.commands.subject import subject
from acq.commands.train import train_kd
from acq.commands.verify import verify
from acq.commands.withdraw import withdraw
from acq.gone import CommandWithRecipe, CommandWithTable
from acq.help import Command, Group
from acq.mistakes import Mistake, word_mistake
from acq.terminal.printing import complain, echo, print_errors_as_json, warn
from acquire.errors import AcqError
from acquire.interrupts import SIGNALS, accept, raise_on_signals, what_is_left

app = typer.Typer(
    name="acq",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_ENDED_BY_SIGNAL = ("live", "studio")
END_S = 1.5              # after a signal: threads that wait for a device are not waited for longer

_state: dict[str, Any] = {"debug": False, "verb": ""}


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        echo(f"acq {version('acq')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Record face video and finger PPG in sync, curate the recordings, distil a small network.

    The road: record -> qc -> split -> convert -> train-kd, each in a folder that holds `data/`.
    """
    _state["debug"], _state["verb"] = debug, context.invoked_subcommand or ""


_KINDS: dict[Any, type[Command]] = {
    train_kd: CommandWithRecipe, **dict.fromkeys((ls, predict, live, evaluate), CommandWithTable),
}
for panel, verbs in (
    ("Record", (check, record, calibrate, subject, devices, info, recover, resync, simulate)),
    ("Curate", (
        ls, studio, import_, qc, exclude, include, split, convert, card, verify, withdraw,
    )),
    ("Train", (train_kd, evaluate, runs, demo)),
    ("Board", (export, bench_board, predict, live)),
):
    for verb in verbs:
        app.command(
            verb.__name__.strip("_").replace("_", "-"), rich_help_panel=panel,
            cls=_KINDS.get(verb, Command),
        )(verb)
app.add_typer(firmware, rich_help_panel="Record")


def main() -> None:
    """Run the command line; turn an `AcqError` or `OSError` into a line and exit code 1.

    An error that holds several has a line for each of them. A signal is a line, too; and so is a
    command line that makes no sense, with exit code 2.
    """
    raise_on_signals(*SIGNALS)
    warnings.showwarning = _show_warning
    if "--json" in sys.argv:
        print_errors_as_json()
    try:
        sys.exit(app(standalone_mode=False, prog_name="acq"))
    except Mistake as mistake:
        if words := word_mistake(mistake, sys.argv[1:]):
            complain(words)
        sys.exit(2)
    except BaseException as error:
        if interrupted := accept(error):
            _end(interrupted.number)
        if isinstance(error, typer.Abort):          # of a question
            complain("expected yes, found another answer or none; nothing was done")
            sys.exit(1)
        is_told = isinstance(error, AcqError | OSError) and not _state["debug"]
        for cause in (getattr(error, "causes", ()) or (error,)) if is_told else ():
            _complain(cause)
        if kept := word_kept(_state["verb"], what_is_left()):
            warn(kept)
        if not is_told:
            raise
        sys.exit(1)


def _complain(error: AcqError | OSError) -> None:
    """Print an error in a line; as JSON with its facts apart."""
    line = " ".join(advise(error, _state["verb"]).split())
    facts = {name: getattr(error, name, "") for name in ("expected", "found", "where")}
    complain(line, **{name: fact for name, fact in facts.items() if fact})


def _end(number: int) -> NoReturn:
    """End the process after a signal, also where a thread waits for a device that is silent."""
    # as a shell expects it: 130 after Ctrl-C; a verb that only shows has no other end
    exit_code = 0 if _state["verb"] in _ENDED_BY_SIGNAL else 128 + number
    last = threading.Timer(END_S, os._exit, (exit_code,))
    last.daemon = True
    last.start()
    with suppress(OSError):              # the terminal is gone
        warn(word_interrupt(_state["verb"], number, what_is_left()))
        sys.stdout.flush()
    # what was to be done at the end, but not a second of taking libraries apart
    atexit._run_exitfuncs()
    os._exit(exit_code)


def _show_warning(message: Warning | str, *_: object) -> None:
    """Print a warning in a line, without the place in the code."""
    warn(" ".join(str(message).split()))


if __name__ == "__main__":
    main()
