"""The cameras that Linux lists under /sys/class/video4linux.

A camera that is plugged in again may get another number. Its name, its socket and its index among
the nodes of its device (a UVC camera has one for pictures and one for metadata) stay the same.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from acquire.errors import DeviceError

SYSFS = Path("/sys/class/video4linux")


@dataclass(frozen=True)
class VideoNode:
    """One /dev/video*."""

    device: str       # "/dev/video0"
    name: str         # given by the driver, "Logitech Webcam C930e"
    socket: str       # where it is plugged in: path of the USB interface or platform, "1-2:1.0"
    index: int        # among the nodes of its device; 0 gives pictures


def list_nodes(sysfs: Path = SYSFS) -> list[VideoNode]:
    """Return the nodes in the order of their numbers; none where there is no such folder."""
    def number(folder: Path) -> int:
        return int(re.sub(r"\D", "", folder.name) or 0)

    nodes = []
    for folder in sorted(sysfs.glob("video*"), key=number):
        try:
            name, index = (folder / "name").read_text().strip(), (folder / "index").read_text()
            socket = (folder / "device").resolve().name
            nodes.append(VideoNode(f"/dev/{folder.name}", name, socket, int(index)))
        except (OSError, ValueError):      # unplugged while it was read
            continue
    return nodes


def find_moved_node(node: VideoNode, sysfs: Path = SYSFS) -> str:
    """Return the present device of a camera: of its name at its socket, else alone of its name.

    Raises
    ------
    DeviceError : it is not there, or cannot be distinguished from others of its name
    """
    alike = [
        other for other in list_nodes(sysfs) if (other.name, other.index) == (node.name, node.index)
    ]
    candidates = [other for other in alike if other.socket == node.socket] or alike
    if len(candidates) != 1:
        raise DeviceError(
            expected=f"camera {node.name} at {node.socket}",
            found=f"{len(candidates) or 'none'} of that name",
        )
    return candidates[0].device
