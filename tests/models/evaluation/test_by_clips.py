"""A network that sees the pulse reads it in every kind of clip; one that sees none has no rate."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn

from models.evaluation.by_clips import answers_of, ms_per_frame_of_clips, read_by_clips
from models.published_nets.losses import LEAST_BPM, power_by_rate
from models.published_nets.spec import Reads
from tests.support.easy_people import easy_person


class GreenMinusRed(nn.Module):
    """Predict the fall of green against red, of which the lamp changes nothing."""

    def __init__(self, reads, *, scale=1.0):
        super().__init__()
        self.reads, self.scale = reads, scale

    def forward(self, frames):
        red, green = (frames[:, :, colour].mean(dim=(2, 3)).log() for colour in (0, 1))
        pulse = red - green
        clip = pulse.diff(dim=1) if self.reads.predicts == "change" else pulse
        return self.scale * clip


@pytest.fixture(scope="module")
def person():
    return easy_person(5, seconds=13.0)


@pytest.mark.parametrize(
    "reads",
    [
        pytest.param(Reads("frames", "pulse", 64, 36), id="pulse, clips half over each other"),
        pytest.param(Reads("frames", "change", 20, 36, has_scale=True), id="change with a scale"),
        pytest.param(Reads("frames", "change", 90, 36), id="change without a scale"),
        pytest.param(Reads("frames", "pulse", 600, 36), id="a clip longer than the video"),
    ],
)
def test_a_network_that_sees_the_pulse_reads_it(person, reads):
    result = read_by_clips(GreenMinusRed(reads), person)
    assert np.abs(result.predicted_bpm - result.reference_bpm).max() < 0.5
    assert result.lag_s == 0
    assert result.correlation > 0.97


def test_a_network_that_sees_nothing_has_no_rate(person):
    for predicts in ("pulse", "change"):
        net = GreenMinusRed(Reads("frames", predicts, 60, 36, has_scale=True), scale=0.0)
        assert np.isnan(read_by_clips(net, person).predicted_bpm).all()


class RateOfGreenMinusRed(GreenMinusRed):
    """Predict the rate at which that fall is strongest."""

    def forward(self, frames):
        shares = power_by_rate(super().forward(frames), torch.full((len(frames),), 30.0))
        return (LEAST_BPM + shares.argmax(dim=1)) / (60 * 30)


@pytest.mark.parametrize("clip", [150, 300, 390])
def test_a_network_that_predicts_a_rate_is_read_window_by_window(person, clip):
    result = read_by_clips(RateOfGreenMinusRed(Reads("frames", "rate", clip, 36)), person)
    assert np.abs(result.predicted_bpm - result.reference_bpm).max() < 3
    assert np.isnan(result.snr_db).all()
    assert result.toolbox.fft_bpm == pytest.approx(result.reference_bpm.mean(), abs=3)


def test_answers_are_the_change_of_what_is_predicted(person):
    reads = Reads("frames", "pulse", 64, 36)
    answers = answers_of(GreenMinusRed(reads), person)
    assert answers.shape == person.ppg_change.shape
    assert answers.std(unbiased=False).item() == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(answers, person.ppg_change)[0, 1] > 0.9


def test_the_time_of_a_clip_is_shared_by_its_frames():
    assert 0 < ms_per_frame_of_clips(GreenMinusRed(Reads("frames", "pulse", 16, 36))) < 100
