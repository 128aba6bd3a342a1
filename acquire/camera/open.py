"""Open the camera that a text names, behind `FrameSource`.

```text
auto                           the CSI camera if GStreamer has an element for it, else the first UVC
csi                            nvarguscamerasrc (Jetson) or libcamerasrc (Raspberry Pi) by GStreamer
uvc:0, uvc:/dev/video0         a UVC camera, through OpenCV
gst:PIPELINE                   any GStreamer pipeline that ends in raw video, without its sink
replay:VIDEO[?times=CSV]       a file played in real time, with its own frame times; or
replay:VIDEO[?fps=30]          frames that are evenly spaced at that rate
```

A live camera is wrapped in a `ReconnectingCamera`: its rate is measured before the start, and it is
opened again when it falls silent.
"""

import sys
from pathlib import Path
from urllib.parse import parse_qs

from acquire.errors import DeviceError, Fix

from .source import FrameSource
from .v4l2_nodes import find_moved_node, list_nodes

WIDTH, HEIGHT = 640, 360
SPECS = "auto, csi, uvc:0, uvc:/dev/video0, gst:PIPELINE, replay:VIDEO[?times=CSV or ?fps=30]"


def check_spec(spec: str) -> None:
    """Refuse a text that is none of the kinds above, before any device is looked for."""
    kind, _, rest = spec.partition(":")
    if spec not in ("auto", "csi") and not (kind in ("uvc", "gst", "replay") and rest):
        raise DeviceError(
            expected=f"a camera as one of {SPECS}", found=repr(spec), fix=Fix.LIST_DEVICES
        )
    if kind == "replay":
        _parse_replay(rest)
    if kind == "uvc" and not (rest.isdecimal() or "/" in rest):
        raise DeviceError(
            expected="a camera as uvc:0 or uvc:/dev/video0", found=spec, fix=Fix.LIST_DEVICES
        )


def open_camera(spec: str, fps: float) -> FrameSource:
    """Open the camera that `spec` names, ready to start.

    Raises
    ------
    DeviceError : no such kind of camera, or it is missing, busy or refuses; lists what was tried
    """
    check_spec(spec)
    kind, _, rest = spec.partition(":")
    if spec == "auto":
        return _open_first(fps)
    if spec == "csi":
        return _open_csi(fps)
    if kind == "gst":
        return _open_gst(rest, fps)
    if kind == "uvc":
        return _open_uvc(rest, fps)
    return _open_replay(rest)


def _parse_replay(spec: str) -> tuple[Path, Path | None, float | None]:
    """Return the video, the file of its times, and the frame rate that a text names."""
    video, _, query = spec.partition("?")
    options = parse_qs(query, keep_blank_values=True)
    if len(options) > 1 or not set(options) <= {"times", "fps"}:
        raise DeviceError(
            expected="times=CSV or fps=NUMBER behind the ? of a replay",
            found=" and ".join(sorted(options)), where=f"in replay:{spec}",
        )
    times = Path(options["times"][0]) if "times" in options else None
    fps = _parse_fps(options["fps"][0], spec) if "fps" in options else None
    return Path(video), times, fps


def _open_replay(spec: str) -> FrameSource:
    from .replay import ReplayCamera

    video, times, fps = _parse_replay(spec)
    return ReplayCamera(video, times=times, fps=fps)


def _parse_fps(text: str, spec: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise DeviceError(
            expected="a number of frames a second", found=repr(text), where=f"in replay:{spec}"
        ) from error


def _open_csi(fps: float) -> FrameSource:
    from .gstreamer import open_csi
    from .reconnecting import ReconnectingCamera

    return ReconnectingCamera(
        lambda earlier: open_csi(fps, WIDTH, HEIGHT, earlier=earlier), asked_fps=fps
    )


def _open_gst(pipeline: str, fps: float) -> FrameSource:
    from .gstreamer import GstCamera
    from .reconnecting import ReconnectingCamera

    opened = [GstCamera(pipeline, name="gst", fps=fps)]
    if not opened[0].is_live:  # a file has no rate to measure, and opened again it would begin anew
        return opened[0]
    return ReconnectingCamera(
        lambda _: opened.pop() if opened else GstCamera(pipeline, name="gst", fps=fps),
        asked_fps=fps,
    )


def _open_uvc(device: str, fps: float) -> FrameSource:
    from .reconnecting import ReconnectingCamera
    from .uvc import UvcCamera

    path = f"/dev/video{device}" if device.isdecimal() else str(Path(device).resolve())
    node = next((node for node in list_nodes() if node.device == path), None)    # None: no Linux

    def opener(earlier: dict | None) -> UvcCamera:
        present = device if earlier is None or node is None else find_moved_node(node)
        return UvcCamera(present, fps=fps, width=WIDTH, height=HEIGHT, earlier=earlier)

    return ReconnectingCamera(opener, asked_fps=fps)


def _open_first(fps: float) -> FrameSource:
    """Open the first camera that is there; the error lists why each candidate failed."""
    failures: list[str] = []
    try:
        return _open_csi(fps)
    except DeviceError as error:
        failures.append(f"csi: {error}")
    # On Linux the nodes that give pictures, elsewhere the system's first camera.
    devices = (
        [node.device for node in list_nodes() if node.index == 0]
        if sys.platform == "linux"
        else ["0"]
    )
    for device in devices:
        try:
            return _open_uvc(device, fps)
        except DeviceError as error:
            failures.append(f"uvc:{device}: {error.facts}")
    if not devices:
        failures.append("uvc: no /dev/video*")
    raise DeviceError(
        expected="a camera", found=f"none ({'; '.join(failures)})", fix=Fix.FIND_CAMERA
    )
