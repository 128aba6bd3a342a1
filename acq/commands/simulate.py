"""The verb `acq simulate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from acq.options import Data, Force, Json, Quiet, parse_duration
from acq.terminal.printing import echo, print_json
from acq.terminal.progress import show_progress
from dataset.common.wording import counted


def simulate(
    subjects: Annotated[
        int,
        typer.Option("--subjects", min=1, max=999, help="How many virtual subjects, S01 onwards."),
    ] = 8,
    sessions: Annotated[
        int, typer.Option("--sessions", min=1, max=999, help="Sessions of each, on different days.")
    ] = 3,
    duration: Annotated[
        str, typer.Option("--duration", metavar="TIME", help="Length of a session: 60s, 2min, 1h.")
    ] = "60s",
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps", min=1, max=240,
            help="Frames per second; when not given 25, in the varied world drawn from 7 to 60.",
        ),
    ] = None,
    world: Annotated[
        Literal["usual", "varied"],
        typer.Option(
            help="varied: people, light, camera, frame times, compression, motion and pulse are "
                 "drawn anew for each session, for training."
        ),
    ] = "usual",
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Another seed is another set of people.")
    ] = 0,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, help="Processes; as many as cores when not given."),
    ] = None,
    data: Data = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write sessions of virtual subjects faster than real time. They are marked as simulated."""
    from acquire.simulation.sessions import SimulatedSession, write_sessions

    duration_s = parse_duration(duration)
    plans = [
        SimulatedSession(
            subject=f"S{n:02d}", session=day, seed=seed, duration_s=duration_s, fps=fps, world=world
        )
        for n in range(1, subjects + 1)
        for day in range(sessions)
    ]
    with show_progress(quiet=quiet) as on_progress:
        paths = write_sessions(plans, data, jobs=jobs, force=force, on_progress=on_progress)
    if as_json:
        print_json({"sessions": [str(path) for path in paths], "simulated": True})
    else:
        echo(
            f"wrote {counted(len(paths), 'simulated session')} of "
            f"{counted(subjects, 'subject')}, {duration_s:g} s each, "
            f"under {data / 'sessions'}"
        )
