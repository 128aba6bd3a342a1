"""The kinds of contact sensors beside our firmware, in the order they are looked for."""

from acquire.errors import DeviceError

from .ascii_numbers import PRINTED_MAX30102, AsciiNumbers
from .contec_5byte import Contec5Byte
from .contec_9byte import Contec9Byte
from .kind import ContactSensor

KINDS: tuple[ContactSensor, ...] = (AsciiNumbers(), Contec9Byte(), Contec5Byte())
_NAMED = (*KINDS, PRINTED_MAX30102)      # the last one is taken only where it is named
FIRMWARE = "acq"                    # the name of our own
AUTO = "auto"
NAMES = (AUTO, FIRMWARE, *(kind.name for kind in _NAMED))


def kinds_of(name: str) -> tuple[ContactSensor, ...]:
    """Return the kinds that a name stands for: all of them for "auto", none for our firmware.

    Raises
    ------
    DeviceError : there is no such kind
    """
    if name not in NAMES:
        raise DeviceError(expected=f"a sensor of {', '.join(NAMES)}", found=repr(name))
    return KINDS if name == AUTO else tuple(kind for kind in _NAMED if kind.name == name)
