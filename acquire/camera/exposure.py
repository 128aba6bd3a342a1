"""Exposure, gain and white balance: let the automatics settle, lock them, read the values back.

A pulse changes the skin's colour by a part in a few hundred; a camera that corrects its exposure
while it records adds its own regulation to that signal. So the automatics first find their values;
then they are switched off and the found values are requested. Drivers refuse, clamp and forget
values, so everything is read back. `CameraInfo.exposure` holds, and the session keeps as JSON:

```text
control    "locked", "not locked: ..." with what the driver refused, or "not controlled by acq"
settled    how long the picture took to become steady, or that it did not
asked      the requested values, by name
answered   the values that the driver returned afterwards; units are the driver's own
refused    the names whose value was not accepted
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
_LONGEST_OF_PERIOD = 0.9          # exposure: the image sensor must be read out too

_VALUES = {
    "exposure": cv2.CAP_PROP_EXPOSURE,
    "gain": cv2.CAP_PROP_GAIN,
    "white_balance_temperature": cv2.CAP_PROP_WB_TEMPERATURE,
    "focus": cv2.CAP_PROP_FOCUS,
}
_NEEDED = ("auto_exposure", "auto_white_balance", "aelock", "awblock", "ae-enable", "awb-enable")

# GStreamer's source elements: the properties that lock, and those that report the values.
# libcamera and Argus both keep the last values found when their automatics are locked; Argus
# reports none of them, only the ranges it was given.
GST_CONTROLS: dict[str, tuple[dict[str, bool], tuple[str, ...]]] = {
    "nvarguscamerasrc": (
        {"aelock": True, "awblock": True}, ("exposuretimerange", "gainrange", "wbmode"),
    ),
    "libcamerasrc": (
        {"ae-enable": False, "awb-enable": False},
        ("exposure-time", "analogue-gain", "colour-gains", "colour-temperature"),
    ),
}


class Controls(Protocol):
    """The part of `cv2.VideoCapture` that is used here."""

    def get(self, prop: int, /) -> float:
        """Read one property."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Request a value; return whether the driver accepted it."""
        ...


def wait_until_steady(
    brightness: Callable[[], float], *, give_up_s: float = _GIVE_UP_S,
    now: Callable[[], float] = time.monotonic,
) -> str:
    """Wait until the picture is steady; return in words how long that took.

    Parameters
    ----------
    brightness : waits for the next frame and returns its mean, 0 to 255; ten in a row within 2 %
        (or one level) are steady
    """
    start_s = now()
    last: deque[float] = deque(maxlen=_STEADY_FRAMES)
    while (passed_s := now() - start_s) < give_up_s:
        last.append(brightness())
        is_steady = (
            len(last) == _STEADY_FRAMES and max(last) - min(last) <= max(1.0, 0.02 * fmean(last))
        )
        if is_steady and passed_s >= _LEAST_S:
            return f"steady after {passed_s:.1f} s"
    return f"not steady within {give_up_s:g} s"


def unlock_uvc(capture: Controls, *, v4l2: bool) -> None:
    """Switch a UVC camera's automatics on: it keeps the settings of the program before."""
    # V4L2_EXPOSURE_APERTURE_PRIORITY, a UVC camera's automatic
    capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, 3.0 if v4l2 else 1.0)
    capture.set(cv2.CAP_PROP_AUTO_WB, 1.0)
    capture.set(cv2.CAP_PROP_AUTOFOCUS, 1.0)


def lock_uvc(
    capture: Controls, *, fps: float, v4l2: bool, earlier: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Switch a UVC camera's automatics off and request the values they found.

    On V4L2, whose unit is 100 us, an exposure longer than 90 % of a frame is shortened to that: a
    dark picture is better than half the rate.

    Parameters
    ----------
    earlier : what this function returned for the same camera before, to be requested again; None:
        the values now in force
    """
    values = (
        earlier["asked"] if earlier else {name: capture.get(prop) for name, prop in _VALUES.items()}
    )
    # -1: the camera has no such property
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
    requests = {**automatics, **{name: (_VALUES[name], value) for name, value in values.items()}}
    accepted = {name: capture.set(prop, value) for name, (prop, value) in requests.items()}
    answered = {name: capture.get(prop) for name, (prop, _) in requests.items()}
    refused = [
        name for name, (_, value) in requests.items()
        if not accepted[name] or answered[name] != value
    ]
    return _exposure({name: value for name, (_, value) in requests.items()}, answered, refused)


def lock_element(
    element: Any, locks: dict[str, Any], reported: tuple[str, ...], *,
    earlier: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Set those of `locks` that a GStreamer element has, and read back them and `reported`.

    Parameters
    ----------
    earlier : what this function returned for the same element before; the values that
        `values_to_restore` finds in it are requested again
    """
    asked = {**locks, **values_to_restore(earlier, reported)}
    present = {name for name in (*asked, *reported) if element.find_property(name) is not None}
    for name, value in asked.items():
        if name in present:
            element.set_property(name, value)
    answered = {
        name: _plain(element.get_property(name)) for name in (*locks, *reported) if name in present
    }
    refused = [name for name, value in asked.items() if answered.get(name) != value]
    return _exposure(asked, answered, refused)


def values_to_restore(
    earlier: dict[str, Any] | None, reported: tuple[str, ...]
) -> dict[str, int | float]:
    """Return the numbers that an element reported earlier and that can be requested again."""
    values = (earlier or {}).get("answered", {})
    return {
        name: values[name]
        for name in reported
        if isinstance(values.get(name), int | float) and values[name]
    }


def _plain(value: Any) -> bool | int | float | str:
    return value if type(value) in (bool, int, float, str) else str(value)


def _exposure(
    asked: dict[str, Any], answered: dict[str, Any], refused: list[str]
) -> dict[str, Any]:
    """Return what `CameraInfo.exposure` holds, but for `settled`."""
    not_locked = [name for name in refused if name in _NEEDED]
    control = (
        f"not locked: {' and '.join(not_locked)} did not take, so either may change while recording"
    )
    return {
        "control": control if not_locked else "locked", "asked": asked, "answered": answered,
        "refused": refused,
    }
