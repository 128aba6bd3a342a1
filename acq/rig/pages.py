"""The pages of the rig, and what their scripts ask for."""

import asyncio
import json
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from acq.web.answers import as_json, read_body
from acq.web.changes import ChangeLog
from acquire import host_time
from acquire.calibration.blink import BESIDE_S, FRAMES_A_TOGGLE, TOGGLES
from acquire.data_folder import check_new_subject, sessions_dir
from acquire.errors import AcqError
from acquire.recorder.disk_space import check_folder
from dataset.common.files import finite
from dataset.session.subject import (
    FIELDS,
    Subject,
    check_field,
    describe_field,
    note_new_subject,
    read_subject,
)

from .calibrating import FEWEST, MOST
from .choices import Devices, duration_option, find_protocols, protocol_path
from .rig import Rig

_PICTURE_S = 1 / 30              # how often a newer picture is looked for
_STATE_S = 0.25
_MOST_UNTAKEN = 2                # messages of a kind that a browser has not taken yet
# of the form of a new subject
_TITLES = {
    "age_band": "age band", "sex": "sex", "fitzpatrick": "skin type (Fitzpatrick)",
    "monk": "skin tone (Monk)", "consent": "consent form",
}
_HEAD = struct.Struct("<dq")     # age [s] when it is sent, time of its light [ns]


@dataclass(frozen=True)
class RecordRequest:
    """A recording to start."""

    camera: str
    port: str
    fps: float
    subject: str
    duration: str                # "": until it is stopped
    protocol: str                # the name of a file; "": none
    live: bool                   # whether the face's pulse is read, too


@dataclass(frozen=True)
class BlinkRequest:
    """Whether the LED is to blink."""

    on: bool


@dataclass(frozen=True)
class CalibrationRequest:
    """A calibration to start."""

    camera: str
    port: str
    fps: float
    toggles: int                 # how often the LED is switched


@dataclass(frozen=True)
class MarkRequest:
    """A mark."""

    number: int | None


@dataclass(frozen=True)
class SubjectRequest:
    """What is noted of a new subject; "" where nothing is."""

    subject: str
    noted: dict[str, str]


class RigPages:
    """The rig on pages; `page` makes one from a template."""

    def __init__(
        self, rig: Rig, log: ChangeLog, page: Callable[..., Response], data: Path
    ) -> None:
        self._rig, self._log, self._page, self._data = rig, log, page, data

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        return [
            Route("/rig", self.show),
            Route("/rig/cues", self.show_cues),
            Route("/rig/devices", self.devices, methods=["POST"]),
            Route("/rig/look", self.look, methods=["POST"]),
            Route("/rig/let-go", self.let_go, methods=["POST"]),
            Route("/rig/subject", self.subject),
            Route("/rig/subject", self.note_subject, methods=["POST"]),
            Route("/rig/record", self.record, methods=["POST"]),
            Route("/rig/blink", self.blink, methods=["POST"]),
            Route("/rig/calibrate", self.calibrate, methods=["POST"]),
            Route("/rig/calibrate/stop", self.stop_calibrating, methods=["POST"]),
            Route("/rig/mark", self.mark, methods=["POST"]),
            Route("/rig/undo", self.undo, methods=["POST"]),
            Route("/rig/stop", self.stop, methods=["POST"]),
            WebSocketRoute("/rig/follow", self.follow),
        ]

    def show(self, request: Request) -> Response:
        """Show the rig."""
        fields = [(name, _TITLES[name], describe_field(name)) for name in FIELDS]
        protocols = find_protocols(self._data)
        return self._page(
            "rig.html.j2", here="/rig", choices=self._rig.choices, fields=fields,
            toggles=TOGGLES, most_toggles=MOST, fewest_toggles=FEWEST, beside_s=BESIDE_S,
            frames_a_toggle=FRAMES_A_TOGGLE,
            protocols=[
                (name, f"cannot be read: {found}" if isinstance(found, AcqError) else found.name)
                for name, found in protocols.items()
            ],
        )

    def show_cues(self, request: Request) -> Response:
        """Show the cues alone, large."""
        return self._page("cues.html.j2")

    def devices(self, request: Request) -> Response:
        """Look for devices."""
        self._rig.choices.look()
        return as_json(self._rig.choices.as_dict())

    async def look(self, request: Request) -> Response:
        """Show what devices deliver."""
        asked = await read_body(request, Devices)
        await run_in_threadpool(self._rig.look, asked)
        return as_json({})

    def let_go(self, request: Request) -> Response:
        """Let go of the devices."""
        self._rig.let_go()
        return as_json({})

    def subject(self, request: Request) -> Response:
        """Return whether anything is noted of a subject; refuse what cannot be recorded.

        That is before anything is noted of a new one.
        """
        name = request.query_params.get("name", "")
        self._check_recorded(name)
        duration_option(request.query_params.get("duration", ""))
        return as_json({"is_noted": read_subject(self._data, name) is not None})

    async def note_subject(self, request: Request) -> Response:
        """Note what may be noted of a new subject."""
        asked = await read_body(request, SubjectRequest)
        await run_in_threadpool(self._note, asked)
        return as_json({})

    def _check_recorded(self, subject: str) -> None:
        """Refuse a subject that cannot be recorded, and a data folder that cannot be written."""
        check_new_subject(self._data, subject)
        check_folder(sessions_dir(self._data) / subject)

    def _note(self, asked: SubjectRequest) -> None:
        self._check_recorded(asked.subject)
        noted = {
            field: check_field(field, value, where=f"at {field.replace('_', ' ')}")
            for field in FIELDS if (value := asked.noted.get(field, "").strip())
        }
        note_new_subject(self._data, asked.subject, Subject(**noted))
        self._log.add(f"noted of {asked.subject}: {', '.join(noted) or 'nothing'}")

    async def record(self, request: Request) -> Response:
        """Start a recording."""
        asked = await read_body(request, RecordRequest)
        await run_in_threadpool(self._record, asked)
        return as_json({})

    def _record(self, asked: RecordRequest) -> None:
        self._check_recorded(asked.subject)
        options = ["--subject", asked.subject, *duration_option(asked.duration)]
        if asked.protocol:
            options += ["--protocol", str(protocol_path(self._data, asked.protocol))]
        if asked.live:
            options.append("--live")
        self._rig.record(Devices(asked.camera, asked.port, asked.fps), options)
        self._log.add(f"recording of {asked.subject} started")

    async def blink(self, request: Request) -> Response:
        """Have the LED blink, or be dark."""
        asked = await read_body(request, BlinkRequest)
        await run_in_threadpool(self._rig.blink, is_on=asked.on)
        return as_json({})

    async def calibrate(self, request: Request) -> Response:
        """Start a calibration."""
        asked = await read_body(request, CalibrationRequest)
        devices = Devices(asked.camera, asked.port, asked.fps)
        check_folder(self._data)
        await run_in_threadpool(self._rig.calibrate, devices, asked.toggles)
        self._log.add(f"calibration with the camera {asked.camera} started")
        return as_json({})

    def stop_calibrating(self, request: Request) -> Response:
        """End a calibration."""
        self._rig.stop_calibrating()
        self._log.add("calibration stopped")
        return as_json({})

    async def mark(self, request: Request) -> Response:
        """Set a mark."""
        asked = await read_body(request, MarkRequest)
        await run_in_threadpool(self._rig.ask, "mark", asked.number)
        return as_json({})

    def undo(self, request: Request) -> Response:
        """Undo the last mark."""
        self._rig.ask("undo")
        return as_json({})

    def stop(self, request: Request) -> Response:
        """End the recording."""
        self._rig.ask("stop")
        self._log.add("recording stopped")
        return as_json({})

    async def follow(self, socket: WebSocket) -> None:
        """Send a page pictures and states as fast as it takes them; what it does not is left out.

        The page answers each message by a letter, "p" or "s"; of each kind two are under way at
        most, wherever they are: in this process, in the network, or in a tunnel.
        """
        await socket.accept()
        self._rig.open_page()
        untaken = {"p": 0, "s": 0}
        sender = asyncio.ensure_future(self._send(socket, untaken, with_pictures=(
            socket.query_params.get("pictures") != "no"
        )))
        try:
            while True:
                taken = await socket.receive_text()
                if untaken.get(taken, 0):
                    untaken[taken] -= 1
        except (WebSocketDisconnect, KeyError, asyncio.CancelledError):
            pass                                    # the page has gone, or the studio ends
        finally:
            sender.cancel()
            self._rig.close_page()

    async def _send(
        self, socket: WebSocket, untaken: dict[str, int], *, with_pictures: bool
    ) -> None:
        seen, told_s = None, 0.0
        clock = asyncio.get_running_loop().time
        with suppress(WebSocketDisconnect, RuntimeError):        # the page is gone
            while True:
                picture = self._rig.picture if with_pictures else None
                if picture is not None and picture is not seen and untaken["p"] < _MOST_UNTAKEN:
                    seen = picture
                    untaken["p"] += 1
                    age_s = (host_time.now_ns() - picture.time_ns) / 1e9
                    await socket.send_bytes(_HEAD.pack(age_s, picture.time_ns) + picture.jpeg)
                if clock() - told_s >= _STATE_S and untaken["s"] < _MOST_UNTAKEN:
                    told_s = clock()
                    untaken["s"] += 1
                    await socket.send_text(_dumps(self._rig.state()))
                await asyncio.sleep(_PICTURE_S)


def _dumps(state: dict[str, Any]) -> str:
    return json.dumps(finite(state), default=str)
