"""A UVC camera behind OpenCV, played by a scripted capture: stamps, locks, other systems, silence.
"""

import time

import cv2
import numpy as np
import pytest

from acquire.camera.exposure import lock_uvc, wait_until_steady
from acquire.camera.uvc import UvcCamera
from acquire.errors import DeviceError, StampError

pytestmark = pytest.mark.real_time

MS = 1_000_000
V4L2_MANUAL, V4L2_AUTO = 1.0, 3.0


class Capture:
    """What OpenCV returns for a camera of 50 fps that runs as soon as it is opened.

    The first pixel of frame n is n. `absent` are properties it does not have, `refuses` those that
    it does not change, `off_s` is how far its stamps are off the clock, `ends_after` the frame
    after which it is gone.
    """

    def __init__(self, *, absent=(), refuses=(), off_s=0.0, ends_after=None, exposure=150.0):
        self.absent, self.refuses, self.off_ns, self.ends_after = (
            set(absent), set(refuses), round(off_s * 1e9), ends_after,
        )
        self.values = {
            cv2.CAP_PROP_FPS: 50.0, cv2.CAP_PROP_AUTO_EXPOSURE: V4L2_AUTO,
            cv2.CAP_PROP_AUTO_WB: 1.0, cv2.CAP_PROP_AUTOFOCUS: 1.0, cv2.CAP_PROP_EXPOSURE: exposure,
            cv2.CAP_PROP_GAIN: 20.0, cv2.CAP_PROP_WB_TEMPERATURE: 4200.0, cv2.CAP_PROP_FOCUS: 30.0,
        }
        self.opened_with, self.released, self.asked = [], False, []
        self.opened_ns, self.n = time.monotonic_ns(), -1

    def __call__(self, place, backend):
        self.opened_with.append((place, backend))
        return self

    def isOpened(self):
        return True

    def getBackendName(self):
        return "fake"

    def set(self, prop, value):
        self.asked.append((prop, value))
        if prop in self.absent or prop in self.refuses:
            return False
        self.values[prop] = value
        return True

    def get(self, prop):
        if prop == cv2.CAP_PROP_POS_MSEC:
            return (self.opened_ns + self.n * 20 * MS + self.off_ns) / 1e6
        return -1.0 if prop in self.absent else self.values.get(prop, -1.0)

    def grab(self):
        if self.ends_after is not None and self.n >= self.ends_after:
            return False
        self.n += 1
        time.sleep(max(0.0, (self.opened_ns + self.n * 20 * MS - time.monotonic_ns()) / 1e9))
        return True

    def retrieve(self):
        image = np.full((48, 64, 3), 100, dtype=np.uint8)
        image[0, 0] = self.n % 256
        return True, image

    def read(self):
        ok = self.grab()
        return (ok, self.retrieve()[1]) if ok else (False, None)

    def release(self):
        self.released = True


def open_uvc(capture, device="0", *, earlier=(), **kwargs):
    """Open without waiting for a picture to settle, unless `earlier` is None."""
    earlier = {"asked": {}} if earlier == () else earlier
    return UvcCamera(
        device, fps=50.0, width=64, height=48, open_capture=capture, earlier=earlier,
        system="linux", **kwargs,
    )


def test_the_first_frame_after_the_start_is_the_first_one_read():
    camera = open_uvc(Capture())
    assert not camera.info.counts_frames
    assert camera.info.time_meaning == "end of frame"
    time.sleep(0.3)  # longer than what waits between the threads holds
    start_ns = time.monotonic_ns()
    camera.start(start_ns)
    frames = [camera.read(1.0) for _ in range(5)]
    camera.close()
    assert start_ns <= frames[0].time_ns < start_ns + 200 * MS
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]
    assert np.diff([int(frame.image[0, 0, 0]) for frame in frames]).tolist() == [1, 1, 1, 1]
    assert [frame.time_ns - frames[0].time_ns for frame in frames] == pytest.approx(
        [n * 20 * MS for n in range(5)], abs=10
    )


def test_after_the_start_a_late_reader_loses_nothing_on_the_way():
    """Frames without room wait in the driver; this capture delivers them one after the other."""
    camera = open_uvc(Capture())
    camera.start(time.monotonic_ns())
    time.sleep(0.4)
    values = [int(camera.read(1.0).image[0, 0, 0]) for _ in range(25)]
    camera.close()
    assert np.diff(values).tolist() == [1] * 24


@pytest.mark.parametrize("off_s", [-1.5, 1.5, 1.7e9])
def test_a_driver_that_stamps_on_another_clock_is_refused_with_the_reason(off_s):
    capture = Capture(off_s=off_s)
    with pytest.raises(StampError, match=r"CLOCK_MONOTONIC, found a stamp -?\d+\.\d s off it"):
        open_uvc(capture)
    assert capture.released


@pytest.mark.parametrize(
    ("system", "backend"), [("darwin", cv2.CAP_AVFOUNDATION), ("win32", cv2.CAP_MSMF)]
)
def test_elsewhere_the_stamp_is_the_arrival_and_says_so(system, backend):
    capture = Capture(off_s=-5e6)  # some zero of its own
    camera = UvcCamera(
        "1", fps=50.0, width=64, height=48, open_capture=capture, earlier={"asked": {}},
        system=system,
    )
    camera.start(time.monotonic_ns())
    frames = [camera.read(1.0) for _ in range(3)]
    camera.close()
    assert camera.info.time_meaning == "arrival"
    assert capture.opened_with == [(1, backend)]
    assert all(frame.time_ns == frame.arrival_ns for frame in frames)


def test_windows_falls_back_to_directshow():
    class Closed(Capture):
        def isOpened(self):
            return len(self.opened_with) > 1

    capture = Closed()
    UvcCamera(
        "0", fps=50.0, width=64, height=48, open_capture=capture, earlier={"asked": {}},
        system="win32",
    ).close()
    assert [backend for _, backend in capture.opened_with] == [cv2.CAP_MSMF, cv2.CAP_DSHOW]


def test_a_camera_that_is_gone_says_so_and_is_released():
    capture = Capture(ends_after=10)
    camera = open_uvc(capture)
    with pytest.raises(DeviceError, match="still plugged in"):
        list(iter(lambda: camera.read(0.5), None))
    camera.close()
    assert capture.released


def test_a_silent_camera_does_not_hold_its_reader():
    class Silent(Capture):
        def grab(self):
            if self.n == 3:
                time.sleep(0.5)
            return super().grab()

    camera = open_uvc(Silent())
    while camera.read(0.1) is not None:
        pass
    asked = time.monotonic()
    assert camera.read(0.05) is None
    assert time.monotonic() - asked < 0.4
    camera.close()


@pytest.mark.parametrize(
    ("device", "message"),
    [("/dev/video_none", "no such device"), ("front", "uvc:0 or uvc:/dev/video0")],
)
def test_a_camera_that_cannot_be_there_is_one_line(device, message):
    with pytest.raises(DeviceError, match=message):
        open_uvc(Capture(), device)


def test_a_number_without_a_device_is_no_device_in_use():
    capture = Capture()
    capture.isOpened = lambda: False
    capture.release = lambda: None
    with pytest.raises(DeviceError, match="no such device at /dev/video999"):
        open_uvc(capture, "999")


def test_what_the_automatics_found_is_locked_and_stored():
    capture = Capture()
    camera = open_uvc(capture, earlier=None)
    camera.close()
    exposure = camera.info.exposure
    assert exposure["control"] == "locked"
    assert exposure["settled"].startswith("steady after 1.")
    assert exposure["asked"] == {
        "auto_exposure": V4L2_MANUAL, "auto_white_balance": 0.0, "autofocus": 0.0,
        "exposure": 150.0, "gain": 20.0, "white_balance_temperature": 4200.0, "focus": 30.0,
    }
    assert exposure["answered"] == exposure["asked"]
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == V4L2_MANUAL
    assert camera.info.complaints == []


def test_a_camera_that_was_left_locked_settles_anew():
    """UVC cameras keep their controls while they have power."""
    capture = Capture()
    capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] = V4L2_MANUAL
    open_uvc(capture, earlier=None).close()
    asked = [value for prop, value in capture.asked if prop == cv2.CAP_PROP_AUTO_EXPOSURE]
    assert asked == [V4L2_AUTO, V4L2_MANUAL]


def test_a_driver_that_refuses_is_named_with_what_it_answered():
    capture = Capture(
        refuses={cv2.CAP_PROP_AUTO_WB}, absent={cv2.CAP_PROP_AUTOFOCUS, cv2.CAP_PROP_FOCUS}
    )
    found = lock_uvc(capture, fps=25.0, v4l2=True)
    assert found["refused"] == ["auto_white_balance", "autofocus"]
    assert found["answered"]["auto_white_balance"] == 1.0
    # no autofocus is no complaint
    assert found["control"].startswith("not locked: auto_white_balance did not take")
    assert "focus" not in found["asked"]


def test_a_driver_that_takes_a_value_and_keeps_another_has_refused_it():
    class Clamps(Capture):
        def set(self, prop, value):
            return super().set(prop, min(value, 100.0) if prop == cv2.CAP_PROP_EXPOSURE else value)

    found = lock_uvc(Clamps(), fps=25.0, v4l2=True)
    assert found["refused"] == ["exposure"]
    assert (found["asked"]["exposure"], found["answered"]["exposure"]) == (150.0, 100.0)


def test_an_exposure_that_would_halve_the_rate_is_asked_shorter():
    """In dim light auto-exposure found 80 ms; a frame of 25 fps has 40."""
    found = lock_uvc(Capture(exposure=800.0), fps=25.0, v4l2=True)
    assert found["asked"]["exposure"] == 360.0
    # log2 s on Windows: as it is
    assert lock_uvc(Capture(exposure=-5.0), fps=25.0, v4l2=False)["asked"]["exposure"] == -5.0


def test_a_camera_opened_again_is_asked_for_the_same_exposure():
    first = lock_uvc(Capture(exposure=150.0), fps=25.0, v4l2=True)
    capture = Capture(exposure=333.0)
    assert lock_uvc(capture, fps=25.0, v4l2=True, earlier=first)["asked"] == first["asked"]
    assert capture.values[cv2.CAP_PROP_EXPOSURE] == 150.0


def test_settling_ends_when_ten_frames_are_alike_and_not_within_the_first_second():
    clock = iter(np.arange(0, 100, 0.04))
    pictures = iter(
        [10.0] * 5 + list(np.linspace(20, 100, 40)) + [100.0 + n % 2 for n in range(500)]
    )
    result = wait_until_steady(lambda: next(pictures), now=lambda: float(next(clock)))
    assert result == "steady after 2.2 s"


def test_a_picture_that_flickers_does_not_settle_and_it_is_said():
    clock = iter(np.arange(0, 100, 0.04))
    pictures = iter([100.0, 120.0] * 500)
    result = wait_until_steady(lambda: next(pictures), now=lambda: float(next(clock)))
    assert result == "not steady within 5 s"


def test_a_camera_that_is_not_there_is_one_line(acq_here):
    done = acq_here(
        "record", "--subject", "S01", "--camera", "uvc:63", "--port", "/dev/none", "--quiet"
    )
    assert done.returncode == 1
    assert [line[:5] for line in done.stderr.splitlines()] == ["acq: ", "acq: "]
