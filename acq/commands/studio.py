"""The verb `acq studio`."""

from pathlib import Path
from typing import Annotated

import typer

from acq.extras import check_studio_installed
from acq.options import Camera, ExistingData
from acq.terminal.printing import echo, note, print_json


def studio(
    data: ExistingData = Path("data"),
    port: Annotated[
        int, typer.Option("--port", min=1024, max=65535, help="Port of this machine to serve on.")
    ] = 8484,
    camera: Camera = "auto",
    sensor_port: Annotated[
        str,
        typer.Option(
            "--sensor-port", metavar="SPEC",
            help="A serial port to offer, besides those that are found: auto, or a path.",
        ),
    ] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the link as one line of JSON.")
    ] = False,
) -> None:
    """Look at the sessions in a browser: list, player, exclusions. Ctrl-C ends it."""
    check_studio_installed()
    from acq.studio.app import build_app
    from acq.web.access import Access
    from acq.web.serve import bind, serve, tunnel_line

    with bind(port) as listening:
        access = Access(port)
        app = build_app(data, access, camera=camera, port=sensor_port)
        tunnel = tunnel_line(port)
        if as_json:
            print_json({"link": access.link, "tunnel": tunnel}, one_line=True)
        else:
            if tunnel:
                note("over SSH, first on your own machine, and leave it open:")
                echo(tunnel)
            note("open this link; who has it sees faces and may exclude sessions:")
            echo(access.link)
        serve(app, listening)
