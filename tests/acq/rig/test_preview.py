"""The devices looked at in a process of its own, until somebody else needs them."""

import time

import pytest

from acq.open_devices import open_rig
from acq.rig.choices import Devices
from acq.rig.preview import Preview
from tests.support.made_videos import pictures, write_video
from tests.support.twin import Twin

pytestmark = [pytest.mark.real_time, pytest.mark.twin]
PATIENCE_S = 60.0


def until(holds):
    give_up_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_s
        time.sleep(0.05)


def test_a_replayed_face_and_the_twin_are_shown_until_they_are_asked_for(
    program, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    video = tmp_path / "faces.avi"
    write_video(video, pictures(40, 64, 48))
    with Twin(program) as twin:
        preview = Preview(Devices(f"replay:{video}?fps=10", twin.path, 10.0), tmp_path / "data")

        def words(name):
            rows = {row["name"]: row["words"] for row in preview.state.get("rows", ())}
            return rows.get(name, "")

        try:
            until(lambda: preview.picture is not None and preview.picture.number > 3)
            until(lambda: words("samples"))
            until(lambda: words("face"))
            assert preview.picture.jpeg.startswith(b"\xff\xd8")
            assert words("face") == "none found"
            assert twin.path in words("sensor")
            assert not preview.has_ended
            # as acq record does; a port that is held could not be opened
            with open_rig(
                f"replay:{video}?fps=10", twin.path, 10.0, simulate=False, seed=0
            ) as (camera, sensor):
                assert (camera.info.width, sensor.port) == (64, twin.path)
            until(lambda: preview.has_ended)
        finally:
            preview.stop()


def test_devices_that_are_missing_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    preview = Preview(Devices("replay:none.mkv", "/dev/none", 25.0), tmp_path)
    try:
        until(lambda: len(preview.state.get("rows", ())) > 1)
        rows = {row["name"]: row for row in preview.state["rows"]}
        assert (rows["camera"]["style"], rows["sensor"]["style"]) == ("bad", "bad")
        assert "none.mkv" in rows["camera"]["words"]
        assert "/dev/none" in rows["sensor"]["words"]
    finally:
        preview.stop()
