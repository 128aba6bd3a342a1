"""The process that looks at the devices before a recording; `acq.rig.preview` starts it.

It is a child of the studio, so that a driver that hangs takes no page with it. It holds the lock of
`acq.running.preview_lock`, and ends at SIGTERM, or when its stdin ends: with the studio. The camera
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

from acq.advice import advise
from acq.open_net import open_pulse
from acq.running.preview_lock import hold_preview
from acq.running.told import finger_points, tell_face
from acquire import host_time
from acquire.camera.open import open_camera
from acquire.camera.source import EndOfStream, FrameSource, VideoFrame
from acquire.errors import AcqError
from acquire.sensor.port import Sensor, open_sensor
from acquire.simulation.rig import VirtualRig, open_virtual_rig
from dataset.face.quick_look import load_detector
from dataset.preflight.camera import check_light_offset, check_rate, rate_and_losses
from dataset.preflight.result import FAIL, Check
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
        self._listener: SensorListener | None = None
        self._sensor_checks: list[Check] = []
        self._points: dict[str, Any] | None = None
        self._faults: dict[str, Check] = {}

    def fail(self, device: str, error: Exception) -> None:
        """Note that a device does not work."""
        words = advise(error, "check") if isinstance(error, AcqError | OSError) else repr(error)
        self._faults[device] = Check(device, FAIL, words)

    def start(self, work: Callable[[], None], device: str) -> None:
        """Do something in a thread of its own; what goes wrong is a fault of a device."""

        def run() -> None:
            try:
                work()
            except Exception as error:      # reaches the page through the state
                self.fail(device, error)

        threading.Thread(target=run, name=device, daemon=True).start()

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

    def listen(self, sensor: Sensor) -> None:
        """Take what the sensor sends, and check it now and then."""
        self._listener = listener = SensorListener(sensor, kept_s=_SHOWN_S)
        checked_s = 0.0
        while not self.is_over.is_set():
            listener.listen()
            if time.monotonic() - checked_s >= 1.0:
                checked_s = time.monotonic()
                self._sensor_checks = listener.checks(with_subject=False)
            self._points = finger_points(*listener.trace, listener.hello.rate_hz)
        sensor.stop()

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
        checks += [*self._sensor_checks, *self._offset]
        snapshot = None if face is None else face.snapshot
        return {
            "camera": "" if info is None else info.name,
            "is_simulated": info is not None and info.simulated,
            "rows": check_rows(checks), "view": None if view is None else view_boxes(view),
            "finger": self._points, "face": None if snapshot is None else tell_face(snapshot),
        }


def look(request: dict[str, Any]) -> None:
    """Look at the devices that a request names, until this process is asked to end."""
    cv2.setNumThreads(1)
    shown = Look(fps=request["fps"], data=Path(request["data"]))
    signal.signal(signal.SIGTERM, lambda *_: shown.is_over.set())

    def end_with_studio() -> None:
        sys.stdin.buffer.read()
        shown.is_over.set()

    threading.Thread(target=end_with_studio, daemon=True).start()
    threading.Thread(target=shown.tell, name="tell", daemon=True).start()
    with ExitStack() as opened:
        rig: VirtualRig | None = None
        if request["is_virtual"]:
            rig = opened.enter_context(open_virtual_rig("S01", fps=request["fps"]))
        else:
            opened.enter_context(hold_preview())
        executor = opened.enter_context(ThreadPoolExecutor(1, thread_name_prefix="face"))
        try:
            port = rig.port if rig else request["port"]
            sensor = opened.enter_context(closing(open_sensor(port)))
            shown.start(lambda: shown.listen(sensor), "sensor")
        except AcqError as error:
            shown.fail("sensor", error)
        try:
            camera = rig.camera if rig else open_camera(request["camera"], request["fps"])
            opened.enter_context(closing(camera))
            pulse, _ = open_pulse(None, Path(request["data"]), executor=executor)
            face = opened.enter_context(LiveThread(pulse, camera.info))
            shown.start(shown.look_for_face, "face")
            shown.read_camera(camera, face)
        except AcqError as error:
            shown.fail("camera", error)
        shown.is_over.wait()


if __name__ == "__main__":
    try:
        look(json.loads(sys.argv[1]))
    except AcqError as error:
        write_state(sys.stdout.buffer, {"fault": advise(error, "check")})
