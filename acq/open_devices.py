"""Camera and sensor opened together, for the verbs that need both."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import typer

from acq.advice import word_fix
from acquire.errors import DeviceError, Fix, all_of

if TYPE_CHECKING:
    from acquire.camera.source import FrameSource
    from acquire.sensor.port import Sensor

_WITHOUT_HARDWARE = "try it without hardware, with --simulate"


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
            last = errors[-1]
            if "auto" in (camera, port):
                fix = word_fix(last.fix, "", of=last.of) if isinstance(last.fix, Fix) else last.fix
                last.fix = "; or ".join(filter(None, [fix, _WITHOUT_HARDWARE]))
            raise all_of(errors, DeviceError)          # `main` prints a line each
        yield devices[0], devices[1]
