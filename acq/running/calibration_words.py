"""A calibration in words: its offset, what the camera saw, and how old it is."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from dataset.common.wording import counted

if TYPE_CHECKING:
    from acquire.calibration.rig_file import Calibration


def offset_words(calibration: "Calibration") -> str:
    """Return the offset of the stamps and its bound, and what of the bound is the picture's."""
    offset_ms = calibration.light_offset_ns / 1e6
    return (
        f"{calibration.camera}: stamps are {abs(offset_ms):.2f} ms "
        f"{'later' if offset_ms >= 0 else 'earlier'} than the light, "
        f"± {calibration.light_offset_bound_ns / 1e6:.2f} ms (picture "
        f"{calibration.fit_ns / 1e6:.2f}, the rest "
        "the sensor's clock)" + ("; simulated" if calibration.simulated else "")
    )


def light_words(calibration: "Calibration") -> str:
    """Return how long a frame gathers light, and where and how often the LED was seen."""
    return (
        f"a frame gathers light for about {calibration.exposure_ns / 1e6:.0f} ms; the LED is "
        f"{calibration.row:.0%} down and "
        f"{calibration.column:.0%} across the picture, seen {calibration.seen} of "
        f"{calibration.toggles} times"
    )


def age_words(calibration: "Calibration", now: datetime) -> str:
    """Return when it was made, such as "3 days ago"; the date where that is none of the past."""
    try:
        made = datetime.fromisoformat(calibration.calibrated)
        seconds = (now - made.astimezone(timezone.utc)).total_seconds()
    except (ValueError, OverflowError):
        return calibration.calibrated
    if seconds < -60:
        return calibration.calibrated
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{counted(int(seconds // size), noun)} ago"
    return "just now"
