"""The process that looks at the devices before a recording; `acq.rig.preview` starts it.

It is a child of the studio, so that a driver that hangs takes no page with it. It holds the lock of
`acq.running.preview_lock`, and ends at SIGTERM, or when its stdin ends: with the studio. A line on
stdin, `blink` or `dark`, has the sensor's LED blink, to be looked for in the picture. The camera
is read by the main thread alone, which hands the newest frame on: whatever is slow, encoding,
looking for a face, a studio that does not read, is left behind by frames, never holds them up.
"""

import json
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import cv2

from acq.advice import PAGE, advise
from acq.open_net import open_pulse
from acq.running.preview_lock import hold_preview
from acq.running.told import finger_points, tell_face
from acquire import host_time
from acquire.calibration.sighting import LedSighting
from acquire.camera.open import open_camera
from acquire.camera.source import EndOfStream, FrameSource, VideoFrame
from acquire.errors import AcqError
from acquire.other_sensors.find import Found, open_contact_sensor
from acquire.other_sensors.port import OtherSensor
from acquire.sensor.protocol import Led
from acquire.simulation.rig import VirtualRig, open_virtual_rig
from dataset.face.quick_look import load_detector
from dataset.preflight.camera import (
    check_led,
    check_light_offset,
    check_rate,
    rate_and_losses,
)
from dataset.preflight.other_sensor import OtherSensorListener
from dataset.preflight.result import FAIL, WARN, Check
from dataset.preflight.sensor import SensorListener
from dataset.preflight.view import View, look_at
from models.live.reader import LiveThread

from .messages import encode, write_picture, write_state
from .rows import check_rows, view_boxes

_PICTURE_S = 1 / 15
_VIEW_S = 0.3
_STATE_S = 0.25
_SHOWN_S = 10.0
_RATE_S = 3.0
_SILENT_S = 1.0
_LED_S = 1.0
_CLOSE_S = 2.0                 # for the sensor's thread to end


class Look:
    """What the devices deliver, until `is_over`."""

    def __init__(self, *, fps: float, data: Path) -> None:
        self.is_over = threading.Event()
        self._fps, self._data = fps, data
        self._camera: FrameSource | None = None
        self._frame: VideoFrame | None = None
        self._view: View | None = None
        self._face: LiveThread | None = None
        self._stamps: deque[tuple[int, int]] = deque(maxlen=round(_RATE_S * fps))
        self._offset: list[Check] = []
        self._sighting: LedSighting | None = None        # while the LED blinks
        self._led: list[Check] = []
        self._led_at: tuple[float, float] | None = None  # how far down and across the picture
        self._sensor_checks: list[Check] = []
        self._points: dict[str, Any] | None = None
        self._faults: dict[str, Check] = {}

    def fail(self, device: str, error: Exception) -> None:
        """Note that a device does not work."""
        words = advise(error, PAGE) if isinstance(error, AcqError | OSError) else repr(error)
        self._faults[device] = Check(device, FAIL, words)

    def start(self, work: Callable[[], None], device: str) -> threading.Thread:
        """Do something in a thread of its own; what goes wrong is a fault of a device."""

        def run() -> None:
            try:
                work()
            except Exception as error:      # reaches the page through the state
                self.fail(device, error)

        thread = threading.Thread(target=run, name=device, daemon=True)
        thread.start()
        return thread

    def blink(self, *, is_on: bool) -> None:
        """Have the LED blink, or be dark."""
        sighting = LedSighting() if is_on else None
        self._sighting = None               # other threads say nothing of the one before
        self._led, self._led_at = [check_led(sighting)[0]] if sighting else [], None
        self._sighting = sighting

    def read_camera(self, camera: FrameSource, face: LiveThread | None) -> None:
        """Read frames as they come."""
        self._camera, self._face = camera, face
        self._offset = check_light_offset(camera.info, self._data)
        camera.start(host_time.now_ns())
        while not self.is_over.is_set():
            try:
                frame = camera.read(0.1)
            except EndOfStream:
                return
            if frame is not None:
                self._frame = frame
                self._stamps.append((frame.time_ns, frame.sequence))
                if (sighting := self._sighting) is not None:
                    sighting.add_frame(frame.image, camera.info, frame.time_ns)
                if face is not None:
                    face.offer(frame)

    def look_for_face(self) -> None:
        """Look at the newest frame now and then."""
        load_detector()
        seen = None
        while not self.is_over.wait(_VIEW_S):
            frame, camera = self._frame, self._camera
            if frame is not None and camera is not None and frame is not seen:
                self._view, seen = look_at(frame.image, camera.info), frame

    def look_for_led(self) -> None:
        """Look for the LED now and then, while it blinks."""
        while not self.is_over.wait(_LED_S):
            if (sighting := self._sighting) is not None:
                found, at = check_led(sighting)
                if sighting is self._sighting:
                    self._led, self._led_at = [found], at

    def listen(self, open_sensor: Callable[[], Found]) -> None:
        """Take what the sensor sends, and check it now and then."""
        with closing(open_sensor()) as sensor:
            if isinstance(sensor, OtherSensor):
                with closing(OtherSensorListener(sensor, kept_s=_SHOWN_S)) as other:
                    self._follow(other, self._refuse_to_blink)
                return
            is_lit = False

            def blink() -> None:
                nonlocal is_lit
                if (sighting := self._sighting) is not None:
                    sighting.switch(sensor.send, host_time.now_ns())
                elif is_lit:
                    sensor.send(Led(0))
                is_lit = sighting is not None

            self._follow(SensorListener(sensor, kept_s=_SHOWN_S), blink)
            sensor.send(Led(0))
            sensor.stop()

    def _follow(
        self, listener: SensorListener | OtherSensorListener, blink: Callable[[], None]
    ) -> None:
        checked_s = shown_s = 0.0
        while not self.is_over.is_set():
            listener.listen()
            blink()
            if (now_s := time.monotonic()) - checked_s >= 1.0:
                checked_s = now_s
                self._sensor_checks = listener.checks(with_subject=False)
            if now_s - shown_s >= _STATE_S:     # after each sample it would take a core at 500 Hz
                shown_s = now_s
                self._points = finger_points(*listener.trace, listener.hello.rate_hz)

    def _refuse_to_blink(self) -> None:
        if self._sighting is not None:
            self._sighting = None
            self._led = [Check(
                "LED", WARN, "this sensor switches none: only a board with the firmware of acq does"
            )]

    def tell(self) -> None:
        """Write the newest picture, and the state, as fast as they are taken."""
        out = sys.stdout.buffer
        seen, told_s = None, 0.0
        while not self.is_over.is_set():
            begun_s = time.monotonic()
            frame, camera = self._frame, self._camera
            if frame is not None and camera is not None and frame is not seen:
                seen = frame
                write_picture(out, frame.time_ns, encode(frame.image, camera.info.pixel_format))
            if begun_s - told_s >= _STATE_S:
                told_s = begun_s
                write_state(out, self.state())
            self.is_over.wait(max(0.0, begun_s + _PICTURE_S - time.monotonic()))

    def _rate_checks(self) -> list[Check]:
        camera, frame, stamps = self._camera, self._frame, list(self._stamps)
        if camera is None or frame is None:
            return []
        silent_s = (host_time.now_ns() - frame.arrival_ns) / 1e9
        if silent_s > _SILENT_S:
            return [Check("camera", FAIL, f"no frame for {silent_s:.0f} s", "replug the camera")]
        if len(stamps) <= self._fps:
            return []
        return [check_rate(*rate_and_losses(stamps, self._fps, camera.info), self._fps)]

    def state(self) -> dict[str, Any]:
        """Return what is known now."""
        camera, view, face = self._camera, self._view, self._face
        info = None if camera is None else camera.info
        checks = [*self._faults.values(), *self._rate_checks()]
        checks += view.checks if view is not None else []
        checks += [*self._led, *self._sensor_checks, *self._offset]
        snapshot = None if face is None else face.snapshot
        return {
            "camera": "" if info is None else info.name,
            "is_simulated": info is not None and info.simulated,
            "rows": check_rows(checks), "view": None if view is None else view_boxes(view),
            "led": self._led_at, "finger": self._points,
            "face": None if snapshot is None else tell_face(snapshot),
        }


def look(request: dict[str, Any]) -> None:
    """Look at the devices that a request names, until this process is asked to end."""
    cv2.setNumThreads(1)
    shown = Look(fps=request["fps"], data=Path(request["data"]))
    signal.signal(signal.SIGTERM, lambda *_: shown.is_over.set())

    def hear_studio() -> None:
        for line in sys.stdin.buffer:
            shown.blink(is_on=line.strip() == b"blink")
        shown.is_over.set()

    threading.Thread(target=hear_studio, daemon=True).start()
    threading.Thread(target=shown.tell, name="tell", daemon=True).start()
    with ExitStack() as opened:
        rig: VirtualRig | None = None
        if request["is_virtual"]:
            rig = opened.enter_context(open_virtual_rig("S01", fps=request["fps"]))
        else:
            opened.enter_context(hold_preview())
        executor = opened.enter_context(ThreadPoolExecutor(1, thread_name_prefix="face"))
        port = rig.port if rig else request["port"]
        # of another maker's sensor the port is listened to for seconds: the picture comes meanwhile
        listening = shown.start(
            lambda: shown.listen(lambda: open_contact_sensor(port)), "sensor"
        )
        opened.callback(listening.join, _CLOSE_S)
        try:
            camera = rig.camera if rig else open_camera(request["camera"], request["fps"])
            opened.enter_context(closing(camera))
            pulse, _ = open_pulse(None, Path(request["data"]), executor=executor)
            face = opened.enter_context(LiveThread(pulse, camera.info))
            shown.start(shown.look_for_face, "face")
            shown.start(shown.look_for_led, "LED")
            shown.read_camera(camera, face)
        except AcqError as error:
            shown.fail("camera", error)
        shown.is_over.wait()


if __name__ == "__main__":
    try:
        look(json.loads(sys.argv[1]))
    except AcqError as error:
        write_state(sys.stdout.buffer, {"fault": advise(error, PAGE)})
