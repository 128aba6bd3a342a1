"""What other networks read of a video: the right frames, the PPG beside, whole clips only."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.data.net_clips import NetClips, VideoInputs
from models.published_nets.spec import Reads
from tests.support.curated_videos import made_video
from tests.support.easy_people import easy_person

FRAMES = Reads("frames", "pulse", 16, 20)
PAIRS = Reads("pairs", "change", 16, 36)
RAW_PAIRS = Reads("frames", "change", 16, 20)
CHROM = Reads("chrom", "pulse", 16)


@pytest.fixture(scope="module")
def person():
    return easy_person(3, seconds=10.0)


def test_frames_are_those_of_the_clip_in_the_networks_size(person):
    (frames,) = VideoInputs(person, FRAMES).cut(5)
    assert frames.shape == (16, 3, 20, 20)
    stored = person.frames_at(20)[5:21].transpose(0, 3, 1, 2) / (255 * 256)
    np.testing.assert_allclose(frames.numpy(), stored, atol=1e-6)
    (mirrored,) = VideoInputs(person, FRAMES).cut(5, mirrored=True)
    assert torch.equal(mirrored.flip(3), frames)


def test_a_change_is_beside_the_pair_that_it_is_of(person):
    inputs = VideoInputs(person, PAIRS)
    motion, appearance = inputs.cut(7)
    assert motion.shape == appearance.shape == (16, 3, 36, 36)
    assert torch.equal(motion[2], person.motion[9].float().permute(2, 0, 1))
    assert torch.equal(inputs.target(7), person.ppg_change[7:23])
    (frames,) = VideoInputs(person, RAW_PAIRS).cut(7)
    assert frames.shape == (17, 3, 20, 20)       # a frame more than pairs


def test_motion_is_normalised_whatever_the_recipe_reads(person):
    other = replace(person, motion=torch.zeros_like(person.motion), motion_kind="difference")
    motion, _ = VideoInputs(other, PAIRS).cut(0)
    assert torch.equal(motion, VideoInputs(person, PAIRS).cut(0)[0])


def test_the_pulse_of_a_clip_has_mean_0_and_variance_1(person):
    inputs = VideoInputs(person, FRAMES)
    target = inputs.target(40)
    assert target.mean().item() == pytest.approx(0, abs=1e-6)
    assert target.std(unbiased=False).item() == pytest.approx(1, abs=1e-6)
    assert np.corrcoef(target, person.ppg[40:56])[0, 1] == pytest.approx(1)
    assert inputs.fs_hz(40) == pytest.approx(30)


def test_the_rate_of_a_clip_is_the_fingers_about_its_middle(person):
    inputs = VideoInputs(person, Reads("frames", "rate", 60, 5))
    reference = person.reference
    assert reference.is_used.all()
    for second, bpm in enumerate(reference.bpm):
        found = 60 * 30 * inputs.target(30 * second + 120).item()       # 4 to 6 s of 10
        assert found == pytest.approx(bpm, abs=0.2)


def test_chrom_reads_the_pulse(person):
    reads = replace(CHROM, clip=200)
    (trace,) = VideoInputs(person, reads).cut(50)
    assert np.corrcoef(trace, person.ppg[50:250])[0, 1] > 0.8


def test_past_the_end_the_last_frame_is_repeated(person):
    (frames,) = VideoInputs(person, FRAMES).cut(len(person.time_s) - 4)
    assert torch.equal(frames[3:], frames[3:4].expand(13, -1, -1, -1))


def test_a_video_without_its_frames_says_so():
    with pytest.raises(TrainingError, match="frames of 20x20, found none of that size"):
        VideoInputs(made_video(), FRAMES)


def make_clips(person, reads, **changed):
    return NetClips(
        [person], reads,
        **{"batch": 3, "seed": 0, "epochs": 4, "device": torch.device("cpu"), **changed},
    )


def test_clips_never_reach_over_a_gap(person):
    change = person.ppg_change.clone()
    change[100:110] = torch.nan
    clips = make_clips(replace(person, ppg_change=change), RAW_PAIRS)
    drawn = [batch for epoch in range(4) for batch in clips.epoch(epoch)]
    assert all(torch.isfinite(batch.target).all() for batch in drawn)
    assert {batch.progress for batch in drawn} == {0, 0.25, 0.5, 0.75}
    assert len(drawn) == 4 * len(clips)


def test_the_same_seed_draws_the_same_clips(person):
    one, same, other = (
        next(make_clips(person, CHROM, seed=seed).epoch(1)).target for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_rate_is_learnt_where_the_finger_has_one(person):
    reads = Reads("frames", "rate", 60, 5)
    assert len(make_clips(person, reads)) > 0
    with pytest.raises(TrainingError, match="60 adjacent frames with a PPG"):
        make_clips(replace(person, marked_trusted=np.zeros(len(person.time_s), bool)), reads)


def test_no_clip_of_the_length_is_refused(person):
    with pytest.raises(TrainingError, match="400 adjacent frames with a PPG"):
        make_clips(person, replace(CHROM, clip=400))
