"""A video that is cut at its end is read as far as it goes, and says how much is missing."""

import av
import numpy as np
import pytest

from acquire.errors import DeviceError
from models.live.recorded import open_recorded

FRAMES, FPS = 40, 25


def write_stream(path, count=FRAMES, size=(64, 48)):
    """Write H.264 of noise, whose table of frames stands first."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"bf": "0", "g": "5"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for _ in range(count):
            picture = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


def read(path, **options):
    with open_recorded(path, **options) as recorded:
        times_s = [time_s for _, time_s in recorded.frames]
        return times_s, list(recorded.remarks), recorded.total


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_what_is_there_is_read_and_what_is_missing_is_said(tmp_path, name, kept):
    write_stream(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    assert read(tmp_path / name) == (pytest.approx(np.arange(FRAMES) / FPS, abs=1e-3), [], FRAMES)
    (tmp_path / f"cut_{name}").write_bytes(whole[: int(kept * len(whole))])
    times_s, remarks, total = read(tmp_path / f"cut_{name}")
    assert 2 <= len(times_s) <= total < FRAMES
    assert times_s == pytest.approx(np.arange(len(times_s)) / FPS, abs=1e-3)
    early = f"{total} of the {FRAMES} frames" if name == "v.mp4" else "its frames end after"
    assert remarks[0].startswith(f"cut_{name} ends early: {early}")
    lacks = [text for text in remarks if "do not decode: it is read up to" in text]
    assert len(lacks) == (len(times_s) < total)
    assert all(text.startswith(f"the last {total - len(times_s)} of {total} ") for text in lacks)


def test_an_avi_in_which_frames_were_skipped_does_not_end_early_until_it_is_cut(tmp_path):
    path = tmp_path / "v.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS, options={"strict": "-1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in (*range(20), *range(25, FRAMES)):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 5 * number, np.uint8))
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert read(path)[1:] == ([], FRAMES - 5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "v.avi ends early: its frames end after" in read(path)[1][0]


def test_frames_of_another_size_are_no_end(tmp_path):
    """What follows may be of another recording: nothing is read as if it were all."""
    for name, size in (("a.ts", (64, 48)), ("b.ts", (32, 24))):
        write_stream(tmp_path / name, 10, size)
    both = tmp_path / "both.ts"
    both.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    with pytest.raises(DeviceError, match="frames of one size"):
        read(both, fps=FPS)
