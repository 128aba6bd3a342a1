"""The verbs `record` and `devices` with what other makers and programs bring, over a real pty."""

import threading

import pytest

from acquire.simulation.other_devices import ascii_sketch
from dataset.session.reader import Session
from tests.support.contact_sensors import pulse
from tests.support.lsl import CONFIG
from tests.support.made_videos import pictures, write_video

pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def _loopback(tmp_path, monkeypatch):
    """Let liblsl, which reads this once, look for streams on this machine alone."""
    (tmp_path / "lsl.cfg").write_text(CONFIG)
    monkeypatch.setenv("LSLAPICFG", str(tmp_path / "lsl.cfg"))


def test_a_sketch_a_played_video_and_streams_in_and_out_through_the_verb(acq, tmp_path):
    """A sender of marks here; a listener here, which hears both of our streams from the verb."""
    pylsl = pytest.importorskip("pylsl", reason="the extra lsl is not installed")
    from acquire.lsl.outlet import FRAMES, PPG

    write_video(tmp_path / "v.avi", pictures(90))
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo("marks", "Markers", 1, 0, "string", "two"))
    ended, heard = threading.Event(), {}

    def send():
        while not ended.wait(0.1):
            outlet.push_sample(["a mark"])

    def listen(name):
        while name not in heard and not ended.is_set():
            if found := pylsl.resolve_byprop("name", name, 1, 1.0):
                heard[name] = pylsl.StreamInlet(found[0]).pull_sample(timeout=5)[0]

    threads = [
        threading.Thread(target=send),
        *(threading.Thread(target=listen, args=(name,)) for name in (PPG, FRAMES)),
    ]
    for thread in threads:
        thread.start()
    try:
        with ascii_sketch(pulse, baud=115_200) as device:
            done = acq(
                "record", "--subject", "S01", "--duration", "3s", "--quiet", "--data", tmp_path,
                "--camera", f"replay:{tmp_path}/v.avi", "--port", device.port, "--sensor", "ascii",
                "--sensor-rate", "51", "--stream", "marks", "--send-lsl",
            )
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert done.returncode == 0, done.stderr
    with Session(next((tmp_path / "sessions/S01").glob("*.h5"))) as session:
        assert (session.sensor.name, session.sensor.rate_hz) == ("ascii", 51)    # not measured
        assert len(session.ppg) > 50
        assert set(session.streams["marks"].values) == {"a mark"}
    assert all(heard[name] for name in (PPG, FRAMES))


def test_devices_prints_what_a_port_sends(acq_here):
    with ascii_sketch(pulse, baud=115_200) as device:
        done = acq_here("devices", "--port", device.port)
    (line,) = [line for line in done.stdout.splitlines() if device.port in line]
    assert "a sketch that prints numbers (ascii), 115200 baud, about 50" in line
    assert "none of them is the PPG sensor" not in done.stdout
