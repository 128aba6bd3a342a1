"""Rows without a trustworthy finger stay, and are marked; what has a finger is not."""

import numpy as np
import pytest

from dataset.convert.rows import plan_rows
from dataset.convert.settings import Settings
from dataset.session.reader import Session
from tests.support.made_sessions import make_session
from tests.support.pulse_shapes import make_noise, make_ppg

SECONDS = 75.0
KEEP = Settings("rawvideo", "filtered", "native", "keep")


def planned(tmp_path, ppg, **kwargs):
    """Return the one part of a session with this PPG, and the time of each row [s]."""
    counts = np.clip(np.round(30_000 + 3_000 * ppg), 0, 65_535)
    path = make_session(tmp_path, seconds=SECONDS, ppg=counts, **kwargs)
    with Session(path) as session:
        (part,) = plan_rows(session, KEEP).parts
    return part, (part.time_ns - part.time_ns[0]) / 1e9


def mask_of(part):
    is_untrusted = np.zeros(len(part.time_ns), bool)
    for span in part.untrusted:
        is_untrusted[span.first : span.first + span.frames] = True
    return is_untrusted


def make_finger(bpm=72):
    return make_ppg(bpm, 25, SECONDS + 0.04, np.random.default_rng(3))


def test_a_finger_throughout_is_trusted_throughout(tmp_path):
    part, _ = planned(tmp_path, make_finger(38))
    assert part.untrusted == ()
    assert part.hr_bpm == pytest.approx(38, abs=2.5)


@pytest.mark.parametrize("kind", ["flat", "brown"])
def test_half_a_minute_of_no_finger_is_marked_and_its_rows_stay(tmp_path, kind):
    ppg = make_finger()
    rng = np.random.default_rng(1)
    ppg[625:1375] = ppg[625] if kind == "flat" else 0.4 * make_noise(kind, 25, 30, rng)
    part, t_s = planned(tmp_path, ppg)
    assert len(t_s) == pytest.approx(30 * SECONDS, abs=3)       # nothing is left out
    is_untrusted = mask_of(part)
    edge_s = 0.1 if kind == "flat" else 3.5
    assert is_untrusted[(t_s > 25 + edge_s) & (t_s < 55 - edge_s)].all()
    assert not is_untrusted[(t_s < 21.5) | (t_s > 58.5)].any()
    assert (part.hr_bpm[is_untrusted] == 0).all()
    off_bpm = np.abs(part.hr_bpm[~is_untrusted] - 72)
    assert np.percentile(off_bpm, 95) < 5          # a window at an edge holds some of both
    assert off_bpm.max() < 25


def test_the_watch_on_the_finger_is_heard(tmp_path):
    off = [(20.0, "finger_off", "begins"), (26.0, "finger_off", "ends after 6.0 s")]
    part, t_s = planned(tmp_path, make_finger(), events=off)
    (span,) = part.untrusted
    assert span.reason == "no finger"
    assert t_s[span.first] == pytest.approx(20.0, abs=0.1)
    assert t_s[span.first + span.frames - 1] == pytest.approx(26.0, abs=0.1)


def test_noise_throughout_is_marked_throughout(tmp_path):
    part, t_s = planned(tmp_path, make_noise("white", 25, SECONDS + 0.04, np.random.default_rng(2)))
    assert sum(span.frames for span in part.untrusted) == len(t_s)
    assert (part.hr_bpm == 0).all()
