"""Cameras behind `FrameSource`, chosen by `--camera SPEC`.

```text
auto                      the CSI camera where GStreamer has an element for it, else the first UVC
camera csi                       nvarguscamerasrc (Jetson) or libcamerasrc (Raspberry Pi), through
GStreamer uvc:0, uvc:/dev/video0    a UVC camera, through OpenCV gst:PIPELINE              any
GStreamer pipeline that ends in raw video, without its sink replay:VIDEO[?times=CSV]  a file played
in real time, with its own frame times ```

What is live stands behind a `SteadyCamera`: measured before the start, opened again when it falls
silent.
"""

import sys
from pathlib import Path
from urllib.parse import parse_qs

from acquire.errors import DeviceError

from .source import FrameSource
from .v4l2_nodes import find_again, list_nodes

WIDTH, HEIGHT = 640, 360
SPECS = "auto, csi, uvc:0, uvc:/dev/video0, gst:PIPELINE, replay:VIDEO[?times=CSV]"


def check_spec(spec: str, where: str = "--camera") -> None:
    """Refuse what is none of the kinds above, before any device is looked for."""
    kind, _, rest = spec.partition(":")
    if spec not in ("auto", "csi") and not (kind in ("uvc", "gst", "replay") and rest):
        raise DeviceError(f"expected {where} to be one of {SPECS}; found {spec!r}")


def open_camera(spec: str, fps: float) -> FrameSource:
    """Open the camera that `spec` names, ready to start.

    Raises
    ------
    DeviceError : no such kind of camera, or it is missing, busy or refuses; says what was looked
        for
    """
    check_spec(spec)
    kind, _, rest = spec.partition(":")
    if spec == "auto":
        return _find_camera(fps)
    if spec == "csi":
        return _open_csi(fps)
    if kind == "gst":
        return _open_gst(rest, fps)
    if kind == "uvc":
        return _open_uvc(rest, fps)
    from .replay import ReplayCamera

    video, _, query = rest.partition("?")
    options = parse_qs(query, keep_blank_values=True)
    if unknown := set(options) - {"times"}:
        raise DeviceError(
            f"expected only times=CSV behind ?, found {', '.join(sorted(unknown))} in --camera "
            f"{spec}"
        )
    return ReplayCamera(
        Path(video), times=Path(options["times"][0]) if "times" in options else None
    )


def _open_csi(fps: float) -> FrameSource:
    from .gstreamer import open_csi
    from .reconnecting import SteadyCamera

    return SteadyCamera(lambda before: open_csi(fps, WIDTH, HEIGHT, before=before), asked_fps=fps)


def _open_gst(pipeline: str, fps: float) -> FrameSource:
    from .gstreamer import GstCamera
    from .reconnecting import SteadyCamera

    opened = [GstCamera(pipeline, name="gst", fps=fps)]
    if not opened[0].is_live:  # a file has no rate to achieve, and opened again it would begin anew
        return opened[0]
    return SteadyCamera(
        lambda _: opened.pop() if opened else GstCamera(pipeline, name="gst", fps=fps),
        asked_fps=fps,
    )


def _open_uvc(device: str, fps: float) -> FrameSource:
    from .reconnecting import SteadyCamera
    from .uvc import UvcCamera

    path = f"/dev/video{device}" if device.isdecimal() else str(Path(device).resolve())
    # None where there is no Linux
    node = next((node for node in list_nodes() if node.device == path), None)

    def opener(before: dict | None) -> UvcCamera:
        place = device if before is None or node is None else find_again(node)
        return UvcCamera(place, fps=fps, width=WIDTH, height=HEIGHT, before=before)

    return SteadyCamera(opener, asked_fps=fps)


def _find_camera(fps: float) -> FrameSource:
    """Open the first camera that is there; the error says what each place answered."""
    tried: list[str] = []
    try:
        return _open_csi(fps)
    except DeviceError as error:
        tried.append(f"csi: {error}")
    # Elsewhere the system's first camera; on Linux the nodes that give pictures.
    devices = (
        [node.device for node in list_nodes() if node.index == 0]
        if sys.platform == "linux"
        else ["0"]
    )
    for device in devices:
        try:
            return _open_uvc(device, fps)
        except DeviceError as error:
            tried.append(f"uvc:{device}: {error}")
    if not devices:
        tried.append("uvc: no /dev/video*")
    raise DeviceError(
        f"expected a camera, found none ({'; '.join(tried)}); plug one in, look with acq devices, "
        "or name it with --camera"
    )
