"""Controls of a GStreamer element: locked where it has them, named where not."""

from acquire.camera.exposure import GST_CONTROLS, lock_element


class Element:
    """What lock_element needs of a GStreamer element."""

    def __init__(self, **properties):
        self.properties = {name.replace("_", "-"): value for name, value in properties.items()}

    def find_property(self, name):
        return name if name in self.properties else None

    def set_property(self, name, value):
        self.properties[name] = value

    def get_property(self, name):
        return self.properties[name]


def test_argus_is_locked_and_tells_the_ranges_it_was_given():
    element = Element(
        aelock=False, awblock=False, exposuretimerange="34000 358733000", gainrange=None, wbmode=1
    )
    found = lock_element(element, *GST_CONTROLS["nvarguscamerasrc"])
    assert found["control"] == "locked"
    assert element.properties["aelock"]
    assert element.properties["awblock"]
    assert found["answered"]["exposuretimerange"] == "34000 358733000"


def test_libcamera_is_locked_and_opened_again_with_the_same_exposure():
    element = Element(ae_enable=True, awb_enable=True, exposure_time=12000, analogue_gain=2.5)
    found = lock_element(element, *GST_CONTROLS["libcamerasrc"])
    assert (
        found["control"], found["answered"]["exposure-time"], found["answered"]["analogue-gain"],
    ) == ("locked", 12000, 2.5)
    again = Element(ae_enable=True, awb_enable=True, exposure_time=0, analogue_gain=0.0)
    assert lock_element(again, *GST_CONTROLS["libcamerasrc"], earlier=found)["control"] == "locked"
    assert again.properties == {
        "ae-enable": False, "awb-enable": False, "exposure-time": 12000, "analogue-gain": 2.5,
    }


def test_an_element_too_old_to_have_the_locks_is_not_called_locked():
    found = lock_element(Element(exposure_time=12000), *GST_CONTROLS["libcamerasrc"])
    assert found["control"].startswith("not locked: ae-enable and awb-enable did not take")
