"""Videos as phones and camera programs write them: turned, or raw and without times."""

import re

import pytest

from tests.support.field import run_case

pytestmark = pytest.mark.shared

# of this clip, read upright and with its own times: the mean of all its windows. Which of them are
# shown depends on the calibration, and they lie from 68 to 71; another time base gives 58.
RATE_BPM, SPREAD_BPM = 69.4, 1.6


def rates(text):
    return [float(rate) for rate in re.findall(r"^heart rate ([\d.]+) bpm", text, re.MULTILINE)]


def test_a_phone_s_video_is_read_upright():
    done = run_case("predict-phone-portrait")
    assert done.returncode == 0, done.stderr
    assert rates(done.stdout) == pytest.approx([RATE_BPM] * 2, abs=SPREAD_BPM)
    assert "turned clockwise by 270 degrees" in done.stdout


def test_raw_video_is_refused_without_times_and_read_with_them():
    done = run_case("predict-raw-mjpeg")
    assert rates(done.stdout) == pytest.approx([RATE_BPM] * 2, abs=SPREAD_BPM)
    refused = [line for line in done.stderr.splitlines() if line.startswith("acq:")]
    assert len(refused) == 2
    for line, kind in zip(refused, ("mjpeg", "h264"), strict=True):
        assert f"found none (raw {kind})" in line
        assert "--fps" in line
        assert "--times" in line
