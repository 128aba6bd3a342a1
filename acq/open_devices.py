"""Camera and sensor opened together, for the verbs that need both."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import typer

from acq.advice import advise
from acq.terminal.printing import complain
from acquire.errors import DeviceError

if TYPE_CHECKING:
    from acquire.camera.source import FrameSource
    from acquire.sensor.port import Sensor


def check_simulate(camera: str, port: str, *, simulate: bool) -> None:
    """Refuse `--simulate` beside devices of one's own."""
    if simulate and (camera != "auto" or port != "auto"):
        raise typer.BadParameter(
            "--simulate brings its own camera and sensor; leave out --camera and --port"
        )


@contextmanager
def open_rig(
    camera: str, port: str, fps: float, *, simulate: bool, seed: int, subject: str = "S01",
    day: int = 0,
) -> Iterator[tuple["FrameSource", "Sensor"]]:
    """Open camera and sensor; what is missing is said of both at once.

    Parameters
    ----------
    simulate : a virtual rig instead, in front of which `subject` of that `seed` sits on its nth
        `day`

    Raises
    ------
    DeviceError : one of them is missing, busy or gone
    """
    from acquire.camera.open import open_camera
    from acquire.sensor.port import open_sensor

    if simulate:
        from acquire.simulation.rig import open_virtual_rig

        virtual = open_virtual_rig(subject, fps=fps, seed=seed, session=day)
        with virtual, closing(open_sensor(virtual.port)) as sensor:
            yield virtual.camera, sensor
        return
    with ExitStack() as opened:
        devices: list = []
        errors: list[DeviceError] = []
        for opener in (lambda: open_camera(camera, fps), lambda: open_sensor(port)):
            try:
                devices.append(opened.enter_context(closing(opener())))
            except DeviceError as error:
                errors.append(error)
        if errors:
            lines = [advise(error, "") for error in errors]
            if "auto" in (camera, port):
                lines[-1] += "; or try it without hardware, with --simulate"
            for line in lines[:-1]:                    # one line each; `main` prints the last
                complain(line)
            raise DeviceError(lines[-1])
        yield devices[0], devices[1]
