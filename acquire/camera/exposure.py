"""Exposure, gain and white balance: let them settle, lock them, keep what was asked and what was
answered.

A pulse changes the skin's colour by a part in a few hundred; a camera that corrects its exposure
while it records writes its own regulation over that. So acq lets the automatics find their values,
switches them off and asks for the values they found. Drivers refuse, clamp and forget, so
everything is read back. `CameraInfo.exposure` holds, and the session keeps as JSON:

```text
control    "locked", "not locked: ..." with what the driver refused, or "not controlled by acq"
settled    how long the picture took to be steady, or that it did not get so
asked      what acq asked for, by name
answered   what the driver said afterwards; units are the driver's own
refused    the names that did not take
```
"""

import time
from collections import deque
from collections.abc import Callable
from statistics import fmean
from typing import Any, Protocol

import cv2

NOT_CONTROLLED = {"control": "not controlled by acq"}

_STEADY_FRAMES = 10
_LEAST_S = 1.0                    # automatics start late: the first frames may be steady and wrong
_GIVE_UP_S = 5.0
_LONGEST_OF_PERIOD = 0.9          # exposure: the sensor must be read out too

_VALUES = {
    "exposure": cv2.CAP_PROP_EXPOSURE,
    "gain": cv2.CAP_PROP_GAIN,
    "white_balance_temperature": cv2.CAP_PROP_WB_TEMPERATURE,
    "focus": cv2.CAP_PROP_FOCUS,
}
_NEEDED = ("auto_exposure", "auto_white_balance", "aelock", "awblock", "ae-enable", "awb-enable")

# GStreamer's sources: the properties that lock, and those that tell the values. libcamera and Argus
# both keep the last values found when their automatics are locked; Argus tells none of them, only
# the ranges it was given.
ELEMENTS: dict[str, tuple[dict[str, bool], tuple[str, ...]]] = {
    "nvarguscamerasrc": (
        {"aelock": True, "awblock": True}, ("exposuretimerange", "gainrange", "wbmode"),
    ),
    "libcamerasrc": (
        {"ae-enable": False, "awb-enable": False},
        ("exposure-time", "analogue-gain", "colour-gains", "colour-temperature"),
    ),
}


class Controls(Protocol):
    """What `cv2.VideoCapture` has of this."""

    def get(self, prop: int, /) -> float:
        """Read one property."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Ask for a value; say whether the driver took it."""
        ...


def settle(
    brightness: Callable[[], float], *, give_up_s: float = _GIVE_UP_S,
    now: Callable[[], float] = time.monotonic,
) -> str:
    """Wait until the picture is steady, and say in words how that went.

    Parameters
    ----------
    brightness : waits for the next frame and gives its mean, 0 to 255; ten in a row within 2 % (or
        one level) are steady
    """
    start = now()
    last: deque[float] = deque(maxlen=_STEADY_FRAMES)
    while (passed_s := now() - start) < give_up_s:
        last.append(brightness())
        steady = len(last) == _STEADY_FRAMES and max(last) - min(last) <= max(
            1.0, 0.02 * fmean(last)
        )
        if steady and passed_s >= _LEAST_S:
            return f"steady after {passed_s:.1f} s"
    return f"not steady within {give_up_s:g} s"


def free_uvc(capture: Controls, *, v4l2: bool) -> None:
    """Switch a UVC camera's automatics on: it keeps what another program, or acq, left in it."""
    # V4L2_EXPOSURE_APERTURE_PRIORITY, a UVC camera's automatic
    capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, 3.0 if v4l2 else 1.0)
    capture.set(cv2.CAP_PROP_AUTO_WB, 1.0)
    capture.set(cv2.CAP_PROP_AUTOFOCUS, 1.0)


def lock_uvc(
    capture: Controls, *, fps: float, v4l2: bool, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Switch a UVC camera's automatics off and ask for the values they found.

    On V4L2, whose unit is 100 us, an exposure longer than 90 % of a frame is asked shorter: dark is
    better than half the rate.

    Parameters
    ----------
    before : what this function gave for the same camera earlier, to be asked for again; None: what
        is in force now
    """
    values = (
        before["asked"] if before else {name: capture.get(prop) for name, prop in _VALUES.items()}
    )
    # -1: there is no such
    values = {
        name: float(value) for name, value in values.items() if name in _VALUES and value != -1
    }
    if v4l2 and "exposure" in values:
        values["exposure"] = min(values["exposure"], float(int(_LONGEST_OF_PERIOD * 1e4 / fps)))
    automatics = {
        # V4L2_EXPOSURE_MANUAL is 1
        "auto_exposure": (cv2.CAP_PROP_AUTO_EXPOSURE, 1.0 if v4l2 else 0.0),
        "auto_white_balance": (cv2.CAP_PROP_AUTO_WB, 0.0),
        "autofocus": (cv2.CAP_PROP_AUTOFOCUS, 0.0),
    }
    ask = {**automatics, **{name: (_VALUES[name], value) for name, value in values.items()}}
    took = {name: capture.set(prop, value) for name, (prop, value) in ask.items()}
    answered = {name: capture.get(prop) for name, (prop, _) in ask.items()}
    refused = [
        name for name, (_, value) in ask.items() if not took[name] or answered[name] != value
    ]
    return _told({name: value for name, (_, value) in ask.items()}, answered, refused)


def lock_element(
    element: Any, locks: dict[str, Any], told: tuple[str, ...], *,
    before: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Set those of `locks` that a GStreamer element has, and read back them and `told`.

    Parameters
    ----------
    before : what this function gave for the same element earlier; what `remembered` finds in it is
        asked for again
    """
    asked = {**locks, **remembered(before, told)}
    has = {name for name in (*asked, *told) if element.find_property(name) is not None}
    for name, value in asked.items():
        if name in has:
            element.set_property(name, value)
    answered = {name: _plain(element.get_property(name)) for name in (*locks, *told) if name in has}
    return _told(
        asked, answered, [name for name, value in asked.items() if answered.get(name) != value]
    )


def remembered(before: dict[str, Any] | None, told: tuple[str, ...]) -> dict[str, int | float]:
    """Give the numbers that an element told earlier and can be asked for again; none where it tells
    none.
    """
    known = (before or {}).get("answered", {})
    return {
        name: known[name]
        for name in told
        if isinstance(known.get(name), int | float) and known[name]
    }


def _plain(value: Any) -> bool | int | float | str:
    return (
        value
        if isinstance(value, bool | int | float | str) and type(value) in (bool, int, float, str)
        else str(value)
    )


def _told(asked: dict[str, Any], answered: dict[str, Any], refused: list[str]) -> dict[str, Any]:
    open_still = [name for name in refused if name in _NEEDED]
    control = (
        f"not locked: {' and '.join(open_still)} did not take, so either may change while recording"
    )
    return {
        "control": control if open_still else "locked", "asked": asked, "answered": answered,
        "refused": refused,
    }
