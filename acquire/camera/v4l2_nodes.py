"""The cameras that Linux lists under /sys/class/video4linux, and the same one again after it was
unplugged.

A camera that is plugged in again may get another number. Its name, its socket and its place among
the nodes of its device (a UVC camera has one for pictures and one for metadata) stay.
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
    name: str         # what the driver calls it, "Logitech Webcam C930e"
    socket: str  # where it is plugged in: the USB interface's or the platform's path, "1-2:1.0"
    index: int        # among the nodes of its device; 0 gives pictures


def list_nodes(sysfs: Path = SYSFS) -> list[VideoNode]:
    """List the nodes in the order of their numbers; none where there is no such folder."""
    def number(place: Path) -> int:
        return int(re.sub(r"\D", "", place.name) or 0)

    nodes = []
    for place in sorted(sysfs.glob("video*"), key=number):
        try:
            nodes.append(
                VideoNode(
                    f"/dev/{place.name}", (place / "name").read_text().strip(),
                    (place / "device").resolve().name, int((place / "index").read_text()),
                )
            )
        except (OSError, ValueError):      # unplugged while it was read
            continue
    return nodes


def find_again(node: VideoNode, sysfs: Path = SYSFS) -> str:
    """Give the device that `node` is now: the one of its name at its socket, else the only other
    one of its name.

    Raises
    ------
    DeviceError : it is not there, or cannot be told from others of its name
    """
    alike = [
        other for other in list_nodes(sysfs) if (other.name, other.index) == (node.name, node.index)
    ]
    here = [other for other in alike if other.socket == node.socket] or alike
    if len(here) != 1:
        raise DeviceError(
            f"expected camera {node.name} at {node.socket}, found {len(here) or 'none'} of that "
            "name"
        )
    return here[0].device
