"""The verb `acq studio`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.extras import check_studio_installed
from acq.options import Camera, ExistingData
from acq.terminal.printing import echo, note, print_json

if TYPE_CHECKING:
    from acq.web.tls import Tls

_THIS_MACHINE = "127.0.0.1"


def studio(
    data: ExistingData = Path("data"),
    port: Annotated[
        int, typer.Option("--port", min=1024, max=65535, help="Port of this machine to serve on.")
    ] = 8484,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS",
                     help="Another address of this machine; encrypted then."),
    ] = _THIS_MACHINE,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE",
                     help="Certificate to encrypt with, as PEM; else one made at the start."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The certificate's key, as PEM.")
    ] = None,
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
    """Look at sessions, data set and runs in a browser, and work on them. Ctrl-C ends it."""
    if (certificate is None) != (key is None):
        raise typer.BadParameter("say both, or none", param_hint="--certificate, --key")
    check_studio_installed()
    from acq.studio.app import build_app
    from acq.web.access import LOOPBACK, Access
    from acq.web.serve import bind, check_reached, is_this_machine, names_of, serve, tunnel_line
    from acq.web.tls import make_certificate, read_certificate

    with bind(port, host) as listening:
        check_reached(listening, host)
        names, tls, tunnel = LOOPBACK, None, tunnel_line(port)
        if not (is_alone := is_this_machine(listening)):
            names, tunnel = names_of(listening, host), ""
        if certificate is not None and key is not None:
            tls = read_certificate(certificate, key)
        elif not is_alone:
            tls = make_certificate(names)
        access = Access(port, names, "https" if tls else "http")
        app = build_app(data, access, camera=camera, port=sensor_port)
        if as_json:
            body = {"link": access.link, "tunnel": tunnel,
                    "fingerprint": tls.fingerprint if tls else None}
            print_json(body, one_line=True)
        else:
            _say_how(access.link, tunnel, tls)
        serve(app, listening, tls.context if tls else None)


def _say_how(link: str, tunnel: str, tls: "Tls | None") -> None:
    if tunnel:
        note("over SSH, first on your own machine, and leave it open:")
        echo(tunnel)
    if tls is not None:
        note("encrypted; " + (
            "the certificate is self-signed, made for this start alone: the browser warns of it. "
            "Compare its SHA-256 fingerprint:" if tls.is_self_signed
            else "the SHA-256 fingerprint of the certificate:"
        ))
        note(tls.fingerprint)
    note("open this link; who has it sees faces, may exclude and delete sessions:")
    echo(link)
