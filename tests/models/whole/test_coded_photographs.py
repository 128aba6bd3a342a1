"""A photograph in a coded video: what its coding does to it comes at the rate of a heart."""

import av
import numpy as np
import pytest

from models.fusion import fuse
from models.fusion.fuse import STILL
from models.live.predict import predict
from models.live.pulse import open_live_pulse
from models.whole.read import read_whole
from tests.support.face_scenes import SLOW, first_picture

SECONDS = 11


def film_photograph(path, fps, options):
    """Code one picture of a virtual person over and over."""
    image = np.ascontiguousarray(first_picture(SLOW))
    picture = av.VideoFrame.from_ndarray(image, format="rgb24")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.height, stream.width, stream.pix_fmt = picture.height, picture.width, "yuv420p"
        stream.thread_count = 1
        for at in range(SECONDS * fps):
            frame = picture.reformat(format="yuv420p")
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("fps", "options", "bpm"),
    [
        pytest.param(30, {"tune": "zerolatency", "g": "30", "crf": "28"}, 60, id="every second"),
        pytest.param(30, {"tune": "zerolatency", "g": "15", "crf": "28"}, 120, id="twice a second"),
        pytest.param(20, {}, 150, id="a group of 8, no option given"),
    ],
)
def test_how_a_photograph_was_coded_is_no_pulse(tmp_path, monkeypatch, fps, options, bpm):
    path = film_photograph(tmp_path / "photo.mp4", fps, options)
    read = read_whole(open_live_pulse(), path)
    assert read.hr_bpm is None
    assert read.clip.bpm is None
    assert {row.rate.why_not for row in read.rows} == {read.clip.why_not} == {STILL}
    live = predict(open_live_pulse(), path)
    assert live.hr_bpm is None
    monkeypatch.setattr(fuse, "_is_still", lambda parts: False)
    monkeypatch.setattr(fuse, "_why_lit", lambda bpm, lines: "")
    # without that look it is read, as 30 frames/s with a whole picture each second are
    assert read_whole(open_live_pulse(), path).hr_bpm == pytest.approx(bpm, abs=2)
