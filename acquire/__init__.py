"""Devices, clock and sessions: everything between the hardware and one recorded file."""

from typing import TYPE_CHECKING

from .lazy import public_names

if TYPE_CHECKING:
    from .camera.open import open_camera
    from .errors import AcqError
    from .recorder.recorder import Recorder
    from .sensor.port import open_sensor
    from .session.writer import SessionWriter

__all__ = ["AcqError", "Recorder", "SessionWriter", "open_camera", "open_sensor"]

__getattr__, __dir__ = public_names(__name__, {
    "AcqError": "acquire.errors",
    "Recorder": "acquire.recorder.recorder",
    "SessionWriter": "acquire.session.writer",
    "open_camera": "acquire.camera.open",
    "open_sensor": "acquire.sensor.port",
})
