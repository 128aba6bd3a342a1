"""Find the contact sensor: our firmware first, which answers; then those of other makers."""

from collections.abc import Sequence

from serial.tools import list_ports

from acquire.errors import AcqError, DeviceTimeout
from acquire.pool import open_threads
from acquire.sensor.port import HELLO_TIMEOUT_S, Sensor, ask_ports, only_one, open_sensor
from acquire.sensor.stamped_port import SILENCE

from .kind import ContactSensor
from .kinds import AUTO, FIRMWARE, KINDS, kinds_of
from .port import OtherSensor

Found = Sensor | OtherSensor


def open_contact_sensor(
    port: str = AUTO, *, sensor: str = AUTO, rate_hz: int | None = None
) -> Found:
    """Open the one contact sensor that is plugged in.

    Parameters
    ----------
    port : "auto", or the path of a port
    sensor : "auto"; "acq" for our firmware alone; or the name of a kind, whose port is then not
        asked for our firmware
    rate_hz : of a sensor of another maker that has no rate of its own; measured where it is None

    Raises
    ------
    DeviceError : there is none, or several; lists every port that was asked and its answer
    """
    kinds = kinds_of(sensor)
    if sensor == FIRMWARE:
        return open_sensor(port)
    if port != AUTO:
        return _open_named(port, kinds, rate_hz, is_ours_possible=sensor == AUTO)
    ports = sorted(info.device for info in list_ports.comports())
    answers: dict[str, Found | str] = dict(ask_ports(ports) if sensor == AUTO else {})
    # a board with our firmware is meant, whatever else is plugged in
    if not any(isinstance(answer, Sensor) for answer in answers.values()):
        words = {port: str(answers.get(port, "")) for port in ports}
        answers |= _recognise_all(words, kinds, rate_hz)
    what = "a PPG sensor" if sensor == AUTO else kinds[0].title
    return only_one(answers, what)


def _open_named(
    port: str, kinds: tuple[ContactSensor, ...], rate_hz: int | None, *, is_ours_possible: bool
) -> Found:
    """Open the sensor on a port: ours if it may be and answers, else one of these kinds."""
    if not is_ours_possible:
        return OtherSensor(port, kinds, rate_hz=rate_hz)
    try:
        return Sensor(port)
    except DeviceTimeout as error:
        try:
            was_silent = error.found == SILENCE
            return OtherSensor(port, kinds, rate_hz=rate_hz, was_silent=was_silent)
        except DeviceTimeout:
            raise error from None


def ask_all(
    ports: list[str], *, timeout_s: float = HELLO_TIMEOUT_S
) -> dict[str, Found | str]:
    """Return for each port the sensor on it, open, or what answered in words; all at once.

    Ports where our firmware does not answer are listened to for the other kinds.
    """
    answers: dict[str, Found | str] = dict(ask_ports(ports, timeout_s=timeout_s))
    words = {port: answer for port, answer in answers.items() if isinstance(answer, str)}
    return answers | _recognise_all(words, KINDS, None)


def _recognise_all(
    ports: dict[str, str], kinds: Sequence[ContactSensor], rate_hz: int | None
) -> dict[str, Found | str]:
    """Listen to all ports at once; `ports` has what each answered before, "" if not asked."""

    def recognise(port: str) -> Found | str:
        was_silent = ports[port] == SILENCE
        try:
            return OtherSensor(port, tuple(kinds), rate_hz=rate_hz, was_silent=was_silent)
        except DeviceTimeout as error:
            return ports[port] or error.found
        except AcqError as error:
            return error.found

    with open_threads(max(len(ports), 1)) as pool:
        return dict(zip(ports, pool.map(recognise, ports), strict=True))
