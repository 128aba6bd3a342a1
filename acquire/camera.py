"""Cameras behind `FrameSource`, chosen by `--camera SPEC`.

```text
auto                      the CSI camera where GStreamer has an element for it, else the first /dev/video*
csi                       nvarguscamerasrc (Jetson) or libcamerasrc (Raspberry Pi), through GStreamer
v4l2:/dev/video0          a UVC camera, through OpenCV
gst:PIPELINE              any GStreamer pipeline that ends in raw video, without its sink
replay:VIDEO[?times=CSV]  a file played in real time, with its own frame times
```
"""

import glob
from pathlib import Path
from urllib.parse import parse_qs

from .devices import FrameSource
from .errors import DeviceError

WIDTH, HEIGHT = 640, 360
SPECS = "auto, csi, v4l2:/dev/video0, gst:PIPELINE, replay:VIDEO[?times=CSV]"


def check_spec(spec: str) -> None:
    """Refuse what is none of the kinds above, before any device is looked for."""
    kind, _, rest = spec.partition(":")
    if spec not in ("auto", "csi") and not (kind in ("v4l2", "gst", "replay") and rest):
        raise DeviceError(f"expected --camera to be one of {SPECS}; found {spec!r}")


def open_camera(spec: str, fps: float) -> FrameSource:
    """Open the camera that `spec` names, ready to start.

    Raises
    ------
    DeviceError : no such kind of camera, or it is missing, busy or refuses; says what was looked for
    """
    check_spec(spec)
    kind, _, rest = spec.partition(":")
    if spec == "auto":
        return _find_camera(fps)
    if spec == "csi":
        from .gstreamer import open_csi

        return open_csi(fps, WIDTH, HEIGHT)
    if kind == "gst":
        from .gstreamer import GstCamera

        return GstCamera(rest, name="gst", fps=fps)
    if kind == "v4l2":
        from .v4l2 import V4l2Camera

        return V4l2Camera(rest, fps=fps, width=WIDTH, height=HEIGHT)
    from .replay import ReplayCamera

    video, _, query = rest.partition("?")
    options = parse_qs(query, keep_blank_values=True)
    if unknown := set(options) - {"times"}:
        raise DeviceError(f"expected only times=CSV behind ?, found {', '.join(sorted(unknown))} in --camera {spec}")
    return ReplayCamera(Path(video), times=Path(options["times"][0]) if "times" in options else None)


def _find_camera(fps: float) -> FrameSource:
    """Open the first camera that is there; the error says what each place answered."""
    from .gstreamer import open_csi
    from .v4l2 import V4l2Camera

    tried: list[str] = []
    try:
        return open_csi(fps, WIDTH, HEIGHT)
    except DeviceError as error:
        tried.append(f"csi: {error}")
    devices = sorted(glob.glob("/dev/video*"))
    for device in devices:
        try:
            return V4l2Camera(device, fps=fps, width=WIDTH, height=HEIGHT)
        except DeviceError as error:
            tried.append(f"{device}: {error}")
    if not devices:
        tried.append("v4l2: no /dev/video*")
    raise DeviceError(
        f"expected a camera, found none ({'; '.join(tried)}); plug one in or name it with --camera"
    )
