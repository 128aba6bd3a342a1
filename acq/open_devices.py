"""Camera and sensor opened together, for the verbs that need both."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import typer

from acq.advice import without_hardware, word_fix
from acquire.errors import DeviceError, Fix, all_of

if TYPE_CHECKING:
    from acquire.camera.source import FrameSource
    from acquire.lsl.outlet import Outlets
    from acquire.lsl.recorded import RecordedStreams
    from acquire.other_sensors.port import OtherSensor
    from acquire.sensor.port import Sensor

FIRMWARE = "acq"                # the kind of our own sensor


def check_simulate(camera: str, port: str, *, simulate: bool) -> None:
    """Refuse `--simulate` beside devices of one's own."""
    if simulate and (camera != "auto" or port != "auto"):
        raise typer.BadParameter(
            "--simulate brings its own camera and sensor; leave out --camera and --port"
        )


@contextmanager
def open_lsl(
    names: Sequence[str], *, sends: bool
) -> Iterator[tuple["RecordedStreams", "Outlets | None"]]:
    """Open the streams of other programs that are recorded, and what ours are sent by.

    Raises
    ------
    DeviceError : a stream is not there, or is there twice
    AcqError : the library is not installed
    """
    from acquire.lsl.outlet import Outlets
    from acquire.lsl.recorded import open_streams

    with closing(open_streams(names)) as streams:
        outlets = Outlets() if sends else None
        yield streams, outlets
        if outlets is not None:
            outlets.close()


@contextmanager
def open_rig(
    camera: str, port: str, fps: float, *, simulate: bool, seed: int, subject: str = "S01",
    day: int = 0,
) -> Iterator[tuple["FrameSource", "Sensor"]]:
    """Open camera and our own sensor, as `open_devices`."""
    from acquire.sensor.port import Sensor

    with open_devices(
        camera, port, fps, simulate=simulate, seed=seed, subject=subject, day=day, sensor=FIRMWARE
    ) as (frames, opened):
        assert isinstance(opened, Sensor)
        yield frames, opened


@contextmanager
def open_devices(
    camera: str, port: str, fps: float, *, simulate: bool, seed: int, subject: str = "S01",
    day: int = 0, sensor: str = "auto", rate_hz: int | None = None,
) -> Iterator[tuple["FrameSource", "Sensor | OtherSensor"]]:
    """Open camera and sensor; what is missing is said of both at once.

    Parameters
    ----------
    simulate : a virtual rig instead, in front of which `subject` of that `seed` sits on its nth
        `day`
    sensor, rate_hz : kind of the contact sensor, and its rate, as `open_contact_sensor` takes them

    Raises
    ------
    DeviceError : one of them is missing, busy or gone
    """
    from acquire.camera.open import open_camera
    from acquire.other_sensors.find import open_contact_sensor

    if simulate:
        from acquire.sensor.port import open_sensor
        from acquire.simulation.rig import open_virtual_rig

        virtual = open_virtual_rig(subject, fps=fps, seed=seed, session=day)
        with virtual, closing(open_sensor(virtual.port)) as opened_sensor:
            yield virtual.camera, opened_sensor
        return

    def open_contact() -> "Sensor | OtherSensor":
        return open_contact_sensor(port, sensor=sensor, rate_hz=rate_hz)

    from acq.running.preview_lock import ask_to_let_go

    ask_to_let_go()
    with ExitStack() as opened:
        devices: list = []
        errors: list[DeviceError] = []
        for opener in (lambda: open_camera(camera, fps), open_contact):
            try:
                devices.append(opened.enter_context(closing(opener())))
            except DeviceError as error:
                errors.append(error)
        if errors:
            last = errors[-1]
            if "auto" in (camera, port):
                fix = word_fix(last.fix, "", of=last.of) if isinstance(last.fix, Fix) else last.fix
                last.fix = "; or ".join(filter(None, [fix, without_hardware()]))
            raise all_of(errors, DeviceError)          # `main` prints a line each
        yield devices[0], devices[1]
