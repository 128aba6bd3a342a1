"""The verb `acq calibrate`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.advice import in_data
from acq.open_devices import check_simulate, open_rig
from acq.options import Data, Force, Fps, Json, Port, Quiet
from acq.terminal.printing import echo, note, print_json
from acq.terminal.progress import show_progress

if TYPE_CHECKING:
    from acquire.calibration.rig_file import Calibration


def calibrate(
    camera: Annotated[
        str,
        typer.Option("--camera", metavar="SPEC", help="auto, csi, uvc:/dev/video0, gst:PIPELINE."),
    ] = "auto",
    port: Port = "auto",
    fps: Fps = 25.0,
    toggles: Annotated[
        int, typer.Option("--toggles", min=40, max=600, help="How often the LED is switched; even.")
    ] = 120,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Calibrate the virtual rig: no hardware.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the virtual rig.")] = 0,
    data: Data = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure how late frames are after light, by the sensor's LED; write DATA/rig.json."""
    from acquire.calibration.blink import blinking_s
    from acquire.calibration.calibrate import calibrate
    from acquire.calibration.rig_file import check_writable, write_rig
    from acquire.camera.open import check_spec
    from acquire.writing import RIG, hold

    check_spec(camera)
    if toggles % 2:
        raise typer.BadParameter("the LED is dark before and after: --toggles has to be even")
    check_simulate(camera, port, simulate=simulate)
    check_writable(data, replace=force)
    with (
        hold(data, RIG),
        open_rig(camera, port, fps, simulate=simulate, seed=seed) as (frames, sensor),
    ):
        if not quiet:
            note(
                f"calibrating {frames.info.name} by the LED of the sensor on {sensor.port}; keep "
                f"both still for about {blinking_s(toggles, frames.info.fps):.0f} s"
            )
        with show_progress(quiet=quiet) as on_progress:
            calibration = calibrate(frames, sensor, toggles=toggles, on_progress=on_progress)
        path = write_rig(calibration, data)
    if as_json:
        print_json({**asdict(calibration), "path": str(path)})
    else:
        _report(calibration, path)


def _report(calibration: "Calibration", path: Path) -> None:
    from acq.running.calibration_words import light_words, offset_words

    echo(offset_words(calibration))
    echo(light_words(calibration))
    echo(f"saved {path}; {in_data('acq record')} stores it with each session of this camera")
