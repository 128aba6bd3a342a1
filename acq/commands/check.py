"""The verb `acq check`: the looks before a subject sits down."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.open_devices import check_simulate
from acq.options import Camera, Data, Fps, Json, Port, parse_duration
from acquire.errors import DeviceError, ProtocolError

if TYPE_CHECKING:
    from dataset.preflight import Look

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def check(
    duration: Annotated[
        str | None,
        typer.Option("--duration", metavar="TIME", help="Planned length: is there room for it?"),
    ] = None,
    with_subject: Annotated[
        bool,
        typer.Option(
            "--with-subject", help="A subject sits there: no face or no pulse is a failure."
        ),
    ] = False,
    camera: Camera = "auto",
    port: Port = "auto",
    fps: Fps = 25.0,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Look at a virtual subject: no hardware.")
    ] = False,
    data: Data = Path("data"),
    as_json: Json = False,
) -> None:
    """Look at camera, light, face, sensor, pulse, sync and disk before a recording; ten seconds."""
    from acquire.camera.open import check_spec

    duration_s = None if duration is None else parse_duration(duration)
    check_spec(camera)
    check_simulate(camera, port, simulate=simulate)
    looks = _look(camera, port, fps, data, duration_s, simulate=simulate, with_subject=with_subject)
    failed = any(look.verdict == "fail" for look in looks)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "looks": [asdict(look) for look in looks]}))
    else:
        for look in looks:
            typer.echo(
                f"{typer.style(f'{look.verdict:4}', fg=_COLOURS[look.verdict])}  {look.name:12} "
                f"{look.text}"
                + (f"; {look.advice}" if look.advice else "")
            )
    if failed:
        raise typer.Exit(1)


def _look(
    camera: str, port: str, fps: float, data: Path, duration_s: float | None, *, simulate: bool,
    with_subject: bool,
) -> list["Look"]:
    """Look at camera and sensor at once, and then, with the machine quiet, at the disk."""
    import numpy as np

    from acquire.camera.open import HEIGHT, WIDTH, open_camera
    from acquire.data_folder import sessions_dir
    from acquire.sensor.port import open_sensor
    from dataset import preflight as looks
    from dataset.face.quick_look import load_detector

    load_detector()
    with ExitStack() as opened:
        rig = None
        if simulate:
            from acquire.simulation.rig import open_virtual_rig

            rig = opened.enter_context(open_virtual_rig("S01", fps=fps))
        frames = sensor = None
        checks: list[Look] = []
        try:
            frames = opened.enter_context(closing(rig.camera if rig else open_camera(camera, fps)))
        except DeviceError as error:
            checks.append(looks.Look("camera", looks.FAIL, str(error)))
        try:
            sensor = opened.enter_context(closing(open_sensor(rig.port if rig else port)))
        except (DeviceError, ProtocolError) as error:
            checks.append(looks.Look("sensor", looks.FAIL, str(error)))
        raw = (
            float(WIDTH * HEIGHT * 1.5 * fps)
            if frames is None
            else float(np.prod(frames.info.image_shape)) * fps
        )
        with ThreadPoolExecutor() as pool:
            under_way = []
            if frames is not None:
                under_way.append(
                    pool.submit(looks.look_at_camera, frames, fps, with_subject=with_subject)
                )
            if sensor is not None:
                under_way.append(
                    pool.submit(looks.look_at_sensor, sensor, with_subject=with_subject)
                )
            for look in under_way:
                checks += look.result()
        checks += looks.look_at_light_offset(None if frames is None else frames.info, data)
    return [*checks, *looks.look_at_disk(sessions_dir(data), raw, duration_s)]
