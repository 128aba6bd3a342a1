"""The verbs `acq firmware build` and `acq firmware flash`."""

from pathlib import Path
from typing import Annotated

import typer

from acq.help import Command, Group
from acq.options import Json
from acq.terminal.printing import echo, note, print_json

firmware = typer.Typer(
    name="firmware", cls=Group, no_args_is_help=True,
    help="Build the sensor's firmware, or write it to a board.",
)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for what is built.")]


@firmware.command(cls=Command)
def build(out: Out = Path("build/firmware"), as_json: Json = False) -> None:
    """Build the sketch for an Arduino Uno or Nano, and say what it takes of flash and RAM."""
    from acquire.sensor.flash import build_sketch

    built = build_sketch(out)
    if as_json:
        print_json({"hex_file": built.hex_file, "tool": built.tool, "size": built.size})
    else:
        echo(f"{built.hex_file} by {built.tool}: {built.size}")


@firmware.command(cls=Command)
def flash(
    port: Annotated[
        str, typer.Option("--port", metavar="PORT", help="auto: the one board on USB; or its port.")
    ] = "auto",
    out: Out = Path("build/firmware"),
    as_json: Json = False,
) -> None:
    """Build the sketch, write it to a board, and ask the board who it is."""
    from acquire.sensor.flash import build_sketch, describe_firmware, find_board, write_sketch

    board = find_board() if port == "auto" else port
    built = build_sketch(out)
    written = write_sketch(built.hex_file, board, say=note)
    if as_json:
        print_json({
            "port": written.port, "tool": written.tool, "hex_file": built.hex_file,
            "size": built.size, "firmware": describe_firmware(written.hello),
        })
    else:
        echo(f"{written.port} now says: {describe_firmware(written.hello)}")
