"""Times of a video's frames in any text: read, mended where the video bears it out, or refused."""

import numpy as np
import pytest

from acquire.camera.frame_times import read_frame_times
from acquire.errors import DeviceError

COUNT = 60
TIME_S = np.arange(COUNT) / 30


def lines(form, end="\n"):
    return "".join(form(i, t) + end for i, t in enumerate(TIME_S.tolist()))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param(lines(lambda i, t: f"{t:.6f}"), "utf-8", id="no header"),
        pytest.param("t\n" + lines(lambda i, t: f"{t:.6f}"), "utf-16", id="a header, UTF-16"),
        pytest.param(lines(lambda i, t: f"{t:.6f}", "\r\n") + "\r\n", "utf-8-sig", id="a mark"),
        pytest.param(lines(lambda i, t: f"{t:.6f}".replace(".", ",")), "utf-8", id="decimal comma"),
        pytest.param(
            "frame;time\n" + lines(lambda i, t: f"{i};{t:.6f}".replace(".", ",")), "utf-8",
            id="semicolons",
        ),
        pytest.param(lines(lambda i, t: f"{i}\t{t:.6f}"), "utf-8", id="frame and time"),
        pytest.param(lines(lambda i, t: f"{t:.6f}  {500 + i % 7}"), "utf-8", id="time and value"),
        pytest.param(lines(lambda i, t: f"frame,{t:.6f}"), "utf-8", id="ffprobe"),
        pytest.param(
            "Time [ms],x\n" + lines(lambda i, t: f"{1000 * t:.3f},0"), "utf-8", id="a named unit"
        ),
        pytest.param(
            lines(lambda i, t: f"2026-11-28T10:00:{t:09.6f}+01:00"), "utf-8", id="ISO 8601"
        ),
        pytest.param(
            lines(lambda i, t: f"23:59:{59 + t:09.6f}" if t < 1 else f"00:00:{t - 1:09.6f}"),
            "utf-8", id="past midnight",
        ),
    ],
)
def test_every_form_holds_the_same_times(tmp_path, text, encoding):
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    remarks = []
    found = read_frame_times(tmp_path / "t.csv", fps=30, remarks=remarks)
    assert found - found[0] == pytest.approx(TIME_S, abs=2e-6)
    assert remarks == []


@pytest.mark.parametrize(
    ("form", "fps", "words"),
    [
        (lambda i, t: f"{1000 * t:.3f}", 30, "t.csv: times are milliseconds, not seconds"),
        (lambda i, t: f"{1764324000e9 + 1e9 * t:.0f}", 30, "times are nanoseconds"),
        (lambda i, t: f"{t + 1.7e9:.4f}" if i < 59 else "170000001.9", 30, "line 60 of t.csv is -"),
        (lambda i, t: f"{t:.4f}" if i != 30 else "10000", 30, "line 31 of t.csv is +9999 s off"),
        (lambda i, t: f"{t:.4f}", 25, "30.03 frames/s, the video's header says 25.00"),
    ],
)
def test_what_is_mended_or_doubtful_is_remarked_on(tmp_path, form, fps, words):
    (tmp_path / "t.csv").write_text(lines(form))
    remarks = []
    found = read_frame_times(tmp_path / "t.csv", fps=fps, remarks=remarks)
    assert found - found[0] == pytest.approx(TIME_S, abs=1e-3)
    assert len(remarks) == 1
    assert words in remarks[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(lines(lambda i, t: f"{i}"), "count 0, 1, 2", id="frame numbers"),
        pytest.param(lines(lambda i, t: f"{1000 * t:.3f}"), "step of 33.333", id="no witness"),
        pytest.param(
            "time_ms\n" + lines(lambda i, t: f"{t:.4f}"), "expected times in milliseconds",
            id="another unit than its name's",
        ),
        pytest.param(
            lines(lambda i, t: "NaN" if i == 7 else f"{t:.4f}"), "'NaN' in line 8", id="NaN"
        ),
        pytest.param(
            "frame,time\n" + lines(lambda i, t: f"{i},{t:.4f}")[:-8], "found 1 in line 61",
            id="the last line cut",
        ),
        pytest.param(lines(lambda i, t: f"{t:.4f},{t + 9:.4f}"), "columns 1 and 2", id="which"),
        pytest.param(lines(lambda i, t: f"x{i},word"), "found no numbers", id="words"),
        pytest.param(
            "time,ppg\n" + lines(lambda i, t: f"1'000'{t:.4f},{i % 7}"),
            "expected times as numbers, .* \"1'000'0.0000\" in line 2; 60", id="a form of its own",
        ),
        pytest.param("", "found no numbers", id="empty"),
        pytest.param(
            lines(lambda i, t: f"{t + 3600 * (i < 20):.4f}"),
            "in line 21, not later .* whole hours", id="an hour back",
        ),
        pytest.param(
            lines(lambda i, t: f"{t + 3600 * (i > 20):.4f}"), "gap of 3600.03 s after the first 21",
            id="an hour ahead",
        ),
        pytest.param(
            lines(lambda i, t: f"2026-11-{28 - (i >= 20)}T10:00:{t:09.6f}"),
            "in line 21, not later", id="a day back",
        ),
    ],
)
def test_what_is_not_certain_is_refused_with_its_line(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DeviceError, match=f"({words}).* in .*t.csv") as caught:
        read_frame_times(tmp_path / "t.csv")
    assert caught.value.fix
