"""The port of a device that was unplugged, under the name that it has now."""

import pytest
from serial.tools.list_ports_common import ListPortInfo

from acquire.sensor import usb


@pytest.mark.parametrize(
    ("there", "found"),
    [
        pytest.param(["ttyUSB0"], ["ttyUSB0"], id="same name"),
        pytest.param(["ttyUSB3"], ["ttyUSB3"], id="another name"),
        pytest.param(["ttyUSB3", "ttyUSB0"], ["ttyUSB0"], id="another like it"),
        pytest.param(["ttyUSB3", "ttyUSB4"], [], id="two like it, neither with its name"),
        pytest.param([], [], id="away"),
    ],
)
def test_a_device_is_found_under_the_name_that_it_has_now(monkeypatch, there, found):
    def port(device, vid):
        info = ListPortInfo(device)
        info.vid, info.pid, info.serial_number = vid, 0x7523, None
        return info

    def plugged(names):
        monkeypatch.setattr(
            usb.list_ports, "comports",
            lambda: [port("ttyS0", None), port("ttyUSB9", 1), *names],
        )

    plugged([port("ttyUSB0", 0x1A86)])
    identity = usb.usb_identity("ttyUSB0")
    assert usb.usb_identity("ttyS0") is None
    plugged([port(name, 0x1A86) for name in there])
    assert usb.ports_of(identity, "ttyUSB0") == found
    assert usb.ports_of(None, "ttyS0") == ["ttyS0"]
