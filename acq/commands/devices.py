"""The verb `acq devices`."""

from dataclasses import asdict
from typing import Annotated

import typer

from acq.options import Json
from acq.terminal.printing import echo, print_json


def devices(
    port: Annotated[
        list[str] | None,
        typer.Option("--port", metavar="PATH", help="Ask this port too; may be given again."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List cameras and serial ports, and what they answer. Asking a port resets an Arduino."""
    from acquire.inventory import find_cameras, find_ports

    cameras, remarks = find_cameras()
    ports = find_ports(port or ())
    if as_json:
        print_json({
            "cameras": [asdict(camera) for camera in cameras],
            "ports": [asdict(port) for port in ports], "remarks": remarks,
        })
        return
    echo("cameras")
    for camera in cameras:
        echo(
            f"  {camera.spec}  {camera.name}" + (f", at {camera.socket}" if camera.socket else "")
        )
        for text in camera.formats:
            echo(f"    {text}")
    for remark in remarks:
        echo(f"  {remark}")
    if not cameras:
        echo(
            "  none found: plug one in; on Linux it shows as /dev/video*, or play a file with "
            "--camera replay:VIDEO"
        )
    echo("ports")
    for serial_port in ports:
        words = serial_port.description, serial_port.usb_id, serial_port.serial_number
        about = ", ".join(filter(None, words))
        echo(f"  {serial_port.port}  {about + ': ' if about else ''}{serial_port.answer}")
    if not ports:
        echo(
            "  none found: plug in the Arduino; a port that the system does not list is asked with "
            "--port PATH"
        )
    if ports and not any(serial_port.is_sensor for serial_port in ports):
        echo(
            "  none of them is the PPG sensor: is firmware/ppg_logger flashed, and is no other "
            "program using the port?"
        )
