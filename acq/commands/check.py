"""The verb `acq check`: checks before a subject sits down."""

import time
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.advice import word_fix
from acq.open_devices import check_simulate
from acq.options import Camera, Data, Force, Fps, Json, Port, parse_duration
from acq.terminal.printing import echo, note, print_json
from acquire.errors import DeviceError, Fix, ProtocolError

if TYPE_CHECKING:
    import numpy as np

    from acquire.camera.source import CameraInfo
    from dataset.preflight.result import Check
    from dataset.preflight.view import View

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
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", metavar="FILE",
            help="Save what the camera sees, the face's box and the frame to sit in drawn.",
        ),
    ] = None,
    data: Data = Path("data"),
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Look at camera, light, face, sensor, pulse, sync and disk before a recording; ten seconds."""
    from acquire.camera.open import check_spec
    from dataset.preflight.view import check_picture

    duration_s = None if duration is None else parse_duration(duration)
    check_spec(camera)
    check_simulate(camera, port, simulate=simulate)
    if picture is not None:
        check_picture(picture, replace=force)
    checks = _run_checks(
        camera, port, fps, data, duration_s, simulate=simulate, with_subject=with_subject,
        picture=picture,
    )
    failed = any(check.status == "fail" for check in checks)
    if as_json:
        print_json({"ok": not failed, "looks": [_row(check) for check in checks]})
    else:
        for row in map(_row, checks):
            status = f"{row['verdict']:4}", _COLOURS[row["verdict"]]
            advice = f"; {row['advice']}" if row["advice"] else ""
            echo(status, f"  {row['name']:12} {row['text']}{advice}")
    if failed:
        raise typer.Exit(1)


def _row(check: "Check") -> dict[str, str]:
    advice = word_fix(check.fix, "check") if isinstance(check.fix, Fix) else check.fix
    return {
        "name": check.name, "verdict": check.status, "text": check.text, "advice": advice,
    }


def _save(picture: Path, camera: "CameraInfo", image: "np.ndarray", view: "View") -> None:
    from dataset.preflight.view import save_picture

    save_picture(picture, image, camera, view)
    note(f"saved {picture}, which shows a face: for your eyes alone")


def _run_checks(
    camera: str, port: str, fps: float, data: Path, duration_s: float | None, *, simulate: bool,
    with_subject: bool, picture: Path | None,
) -> list["Check"]:
    """Check camera and sensor at once, and then, with the machine quiet, the disk."""
    import numpy as np

    from acq.running.preview_lock import ask_to_let_go
    from acquire.camera.open import HEIGHT, WIDTH, open_camera
    from acquire.data_folder import sessions_dir
    from acquire.pool import open_threads
    from acquire.sensor.port import open_sensor
    from dataset.face.quick_look import load_detector
    from dataset.preflight.camera import check_camera, check_light_offset
    from dataset.preflight.date import check_date
    from dataset.preflight.disk import check_disk
    from dataset.preflight.result import check_from_error
    from dataset.preflight.sensor import check_sensor

    load_detector()
    with ExitStack() as opened:
        rig = None
        if simulate:
            from acquire.simulation.rig import open_virtual_rig

            rig = opened.enter_context(open_virtual_rig("S01", fps=fps))
        else:
            ask_to_let_go()
        frames = sensor = None
        checks: list[Check] = []
        try:
            frames = opened.enter_context(closing(rig.camera if rig else open_camera(camera, fps)))
        except DeviceError as error:
            checks.append(check_from_error("camera", error))
        try:
            sensor = opened.enter_context(closing(open_sensor(rig.port if rig else port)))
        except (DeviceError, ProtocolError) as error:
            checks.append(check_from_error("sensor", error))
        raw = (
            float(WIDTH * HEIGHT * 1.5 * fps)
            if frames is None
            else float(np.prod(frames.info.image_shape)) * fps
        )
        with open_threads() as pool:
            under_way = []
            if frames is not None:
                save = partial(_save, picture, frames.info) if picture is not None else None
                under_way.append(pool.submit(
                    check_camera, frames, fps, with_subject=with_subject, on_view=save
                ))
            if sensor is not None:
                under_way.append(pool.submit(check_sensor, sensor, with_subject=with_subject))
            for results in under_way:
                checks += results.result()
        checks += check_light_offset(None if frames is None else frames.info, data)
    date = check_date(time.time())
    return [*checks, *date, *check_disk(sessions_dir(data), raw, duration_s)]
