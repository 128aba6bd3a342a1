"""`acq devices`: what is plugged in, and the same camera again after it was unplugged."""

import json

import cv2
import pytest

from acq.commands.devices import devices
from acquire import inventory
from acquire.camera import open as camera_module
from acquire.camera.v4l2_nodes import VideoNode, find_moved_node, list_nodes
from acquire.errors import DeviceError
from tests.support.fakes import FakeSensor


def plug(sysfs, number, name, socket, index=0):
    """Make what the kernel shows for one node."""
    place, where = sysfs / f"video{number}", sysfs.parent / "devices" / socket
    place.mkdir(parents=True)
    where.mkdir(parents=True, exist_ok=True)
    (place / "name").write_text(f"{name}\n")
    (place / "index").write_text(f"{index}\n")
    (place / "device").symlink_to(where)


@pytest.fixture
def sysfs(tmp_path):
    folder = tmp_path / "video4linux"
    folder.mkdir()
    return folder


def unplug(sysfs, number):
    (sysfs / f"video{number}").rename(sysfs.parent / f"gone{number}")


def test_nodes_are_listed_in_the_order_of_their_numbers(sysfs):
    plug(sysfs, 10, "Integrated Camera", "1-6:1.0")
    plug(sysfs, 2, "C930e", "1-2:1.0")
    plug(sysfs, 3, "C930e", "1-2:1.0", index=1)
    assert list_nodes(sysfs) == [
        VideoNode("/dev/video2", "C930e", "1-2:1.0", 0),
        VideoNode("/dev/video3", "C930e", "1-2:1.0", 1),
        VideoNode("/dev/video10", "Integrated Camera", "1-6:1.0", 0),
    ]
    assert list_nodes(sysfs / "nothing") == []


def test_a_camera_is_found_under_another_number_and_at_another_socket(sysfs):
    plug(sysfs, 0, "Integrated Camera", "1-6:1.0")
    plug(sysfs, 2, "C930e", "1-2:1.0")
    plug(sysfs, 3, "C930e", "1-2:1.0", index=1)
    node = list_nodes(sysfs)[1]
    unplug(sysfs, 2)
    unplug(sysfs, 3)
    with pytest.raises(
        DeviceError, match=r"expected camera C930e at 1-2:1\.0, found none of that name"
    ):
        find_moved_node(node, sysfs)
    plug(sysfs, 4, "C930e", "1-3:1.0")
    plug(sysfs, 5, "C930e", "1-3:1.0", index=1)
    assert find_moved_node(node, sysfs) == "/dev/video4"
    plug(sysfs, 6, "C930e", "1-2:1.0")                       # a second one, at the old socket
    assert find_moved_node(node, sysfs) == "/dev/video6"


def test_of_two_alike_at_other_sockets_none_is_taken(sysfs):
    plug(sysfs, 4, "C930e", "1-3:1.0")
    plug(sysfs, 5, "C930e", "1-4:1.0")
    with pytest.raises(DeviceError, match="found 2 of that name"):
        find_moved_node(VideoNode("/dev/video0", "C930e", "1-2:1.0", 0), sysfs)


def test_cameras_of_linux_are_those_that_give_pictures(sysfs):
    plug(sysfs, 0, "C930e", "1-2:1.0")
    plug(sysfs, 1, "C930e", "1-2:1.0", index=1)
    cameras, _ = inventory.find_cameras(sysfs, system="linux")
    assert [(found.spec, found.name, found.socket) for found in cameras if found.spec != "csi"] == [
        ("uvc:/dev/video0", "C930e", "1-2:1.0")
    ]


class Numbered:
    """Two cameras, as OpenCV opens them by number; `opened` and `released` are the numbers."""

    def __init__(self):
        self.opened, self.released = [], []

    def __call__(self, number, backend):
        self.opened.append((number, backend))
        outer = self

        class Capture:
            def isOpened(self):
                return number < 2

            def get(self, prop):
                return {
                    cv2.CAP_PROP_FRAME_WIDTH: 1280.0, cv2.CAP_PROP_FRAME_HEIGHT: 720.0,
                    cv2.CAP_PROP_FPS: 30.0,
                }[prop]

            def getBackendName(self):
                return "AVFOUNDATION"

            def release(self):
                outer.released.append(number)

        return Capture()


def test_elsewhere_cameras_are_opened_by_number_until_one_is_not_there(sysfs):
    captures = Numbered()
    cameras, _ = inventory.find_cameras(sysfs, system="darwin", open_capture=captures)
    assert [(found.spec, found.formats) for found in cameras if found.spec != "csi"] == [
        ("uvc:0", ["1280x720 at 30"]), ("uvc:1", ["1280x720 at 30"])
    ]
    assert captures.opened == [(number, cv2.CAP_AVFOUNDATION) for number in (0, 1, 2)]
    assert captures.released == [0, 1, 2]


def test_the_sensor_is_known_by_its_answer_and_a_silent_port_by_its_silence():
    with (
        FakeSensor() as sensor, FakeSensor(mute=True) as silent,
        FakeSensor(mute=False, noise=b"OK\r\n") as other,
    ):
        found = {
            port.port: port
            for port in inventory.find_ports([sensor.port, silent.port, other.port], timeout_s=0.8)
        }
    assert found[sensor.port].is_sensor
    assert found[sensor.port].answer.startswith(
        "PPG sensor: analog, firmware 0.1.0, protocol 1, boot id 0x004d"
    )
    assert (found[silent.port].is_sensor, found[silent.port].answer) == (False, "silence")


def test_a_port_that_is_not_there_says_so():
    (found,) = [
        port
        for port in inventory.find_ports(["/dev/tty_none"], timeout_s=0.1)
        if port.port == "/dev/tty_none"
    ]
    assert not found.is_sensor
    assert "No such file" in found.answer


def test_the_verb_lists_both_for_people_and_for_programs(monkeypatch, capsys):
    # this machine's own would be asked for 4 s
    monkeypatch.setattr(inventory.list_ports, "comports", lambda: [])
    with FakeSensor() as sensor:
        devices([sensor.port])
        shown = capsys.readouterr().out
        devices([sensor.port], as_json=True)
        listed = json.loads(capsys.readouterr().out)
    assert f"{sensor.port}  PPG sensor: analog" in shown
    assert set(listed) == {"cameras", "ports", "remarks"}
    (port,) = [port for port in listed["ports"] if port["port"] == sensor.port]
    assert port["is_sensor"]


def test_with_nothing_plugged_in_it_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(inventory, "list_nodes", lambda _: [])
    monkeypatch.setattr(inventory.list_ports, "comports", lambda: [])
    devices()
    shown = capsys.readouterr().out
    assert "none found: plug in the Arduino" in shown
    if "csi  " not in shown:
        assert "none found: plug one in" in shown


def test_auto_names_every_camera_that_it_tried(monkeypatch):
    nodes = [
        VideoNode("/dev/video_none", "C930e", "1-2:1.0", 0),
        VideoNode("/dev/video_none1", "C930e", "1-2:1.0", 1),
    ]
    monkeypatch.setattr(camera_module, "list_nodes", lambda: nodes)
    with pytest.raises(
        DeviceError,
        match=r"uvc:/dev/video_none: expected .* no such device at .*; plug one in, or",
    ):
        camera_module.open_camera("auto", 25.0)
