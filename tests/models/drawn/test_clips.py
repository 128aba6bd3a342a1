"""Drawn people: the pulse that was drawn is in the frames, in its colours, and nothing else is."""

import numpy as np
import pytest
import torch

from dataset.face.frames import motion
from models.drawn import clips
from models.drawn.batches import DrawnClips, to_batch
from models.drawn.clips import PULSE_RGB, draw
from models.drawn.faces import draw_faces
from models.drawn.plain_clips import draw_plain
from models.drawn.time_courses import Pulses

N, FRAMES = 8, 65


def drawn(seed, **options):
    return draw(N, FRAMES, torch.Generator().manual_seed(seed), **options)


def with_pulse_and_without(seed):
    """The same clip with a pulse in the skin and without; the head is pushed in both."""
    head_motion = clips._head_motion

    def pushed(*arguments, has_pulse):
        return head_motion(*arguments, has_pulse=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clips, "_head_motion", pushed)
        return drawn(seed), drawn(seed, has_pulse=False)


def test_skin_darkens_as_blood_fills_it_and_nothing_else_differs():
    alive, still = with_pulse_and_without(1)
    change = (alive.frames - still.frames).mean(dim=(3, 4))             # (N, T, 3)
    for clip in range(N):
        for colour in range(3):
            r = np.corrcoef(change[clip, :, colour], alive.pulse[clip])[0, 1]
            assert r < -0.8, (clip, colour, r)      # the late part, and what a coder holds back
    assert not still.amplitude.any()


def test_the_pulse_has_its_height_and_on_average_the_colours_of_blood():
    ratios, heights = [], []
    for seed in range(3):
        alive, still = with_pulse_and_without(seed)
        relative = (alive.frames / still.frames).mean(dim=(3, 4)) - 1
        height = relative.std(dim=1)                                     # (N, 3)
        ratios.append(height / height.norm(dim=1, keepdim=True))
        heights.append(height[:, 1] / alive.amplitude)
    assert torch.cat(ratios).mean(dim=0).numpy() == pytest.approx(PULSE_RGB, abs=0.08)
    # of the box, about a third is skin; perfusion is about 1 there
    assert 0.1 < float(torch.cat(heights).median()) < 0.5


def test_without_a_heart_the_head_is_not_pushed_either():
    alive, still = drawn(1), drawn(1, has_pulse=False)
    with_push = with_pulse_and_without(1)[1]
    assert not torch.equal(still.frames, with_push.frames)
    assert not torch.equal(alive.frames, with_push.frames)


def test_rates_and_skins_are_even():
    generator = torch.Generator().manual_seed(2)
    bpm = Pulses(400, torch.linspace(0, 2, 9).expand(400, -1), generator).bpm.numpy()
    ita_deg = draw_faces(200, generator).ita_deg.numpy()
    for values, low, high in ((bpm, 38, 180), (ita_deg, -50, 60)):
        assert low <= values.min() < low + 0.05 * (high - low)
        counts, _ = np.histogram(values, 4, (low, high))
        assert counts.min() > 0.7 * len(values) / 4, counts


def test_the_rate_is_that_of_the_pulse():
    clip = draw(8, 600, torch.Generator().manual_seed(3))
    for number in range(8):
        time_s = clip.time_s[number].numpy()
        grid = np.arange(time_s[0], time_s[-1], 1 / 60)
        wave = np.interp(grid, time_s, clip.pulse[number].numpy()) * np.hanning(len(grid))
        power = np.abs(np.fft.rfft(wave, 2**16))
        found_bpm = 60 * 60 * np.argmax(power) / 2**16
        # the rate wanders by 4 %; a window as short as 10 s adds 1 bpm
        assert min(abs(found_bpm / clip.bpm[number] - k) / k for k in (1, 2)) < 0.08


def test_a_batch_is_what_a_network_reads_of_the_frames():
    generator = torch.Generator().manual_seed(5)
    clip = draw(4, 17, generator)
    batch = to_batch(clip, generator)
    assert batch.motion.shape == (64, 3, 36, 36)
    assert batch.appearance.shape == (8, 3, 36, 36)
    assert batch.ppg_change.view(4, 16).std(dim=1).numpy() == pytest.approx(np.ones(4), rel=1e-5)
    made = batch.motion.view(4, 16, 3, 36, 36).permute(0, 1, 3, 4, 2).numpy()
    for number in range(4):
        usual = motion(clip.frames[number].permute(0, 2, 3, 1).numpy())
        scale = made[number].std() / usual.std()
        assert 0.5 < scale < 2.0
        assert np.allclose(made[number], scale * usual, atol=0.02)
    assert torch.equal(batch.appearance[3], clip.frames[1, 8] / 255)


def test_batches_depend_on_seed_epoch_and_number_alone():
    def batches(seed):
        return DrawnClips(clips=4, pairs=8, per_epoch=2, seed=seed, device=torch.device("cpu"))

    first, again = list(batches(0).epoch(3)), list(batches(0).epoch(3))
    assert len(first) == len(batches(0)) == 2
    assert first[0].answer is again[0].answer is None            # no teacher is asked
    for name in ("motion", "appearance", "ppg_change"):
        assert torch.equal(getattr(first[0], name), getattr(again[0], name))
    for other in (first[1], next(batches(0).epoch(4)), next(batches(1).epoch(3))):
        assert not torch.equal(first[0].ppg_change, other.ppg_change)
    with pytest.raises(ValueError, match="expected a multiple of 8 pairs and of 4 clips"):
        DrawnClips(clips=4, pairs=9, per_epoch=2, seed=0, device=torch.device("cpu"))


@pytest.mark.parametrize("how", [draw, draw_plain])
def test_a_fixed_rate_of_frames_changes_nothing_else_of_the_people(how):
    of_any, fixed = (
        how(4, 65, torch.Generator().manual_seed(3), fixed_fps=fps) for fps in (None, 30.0)
    )
    assert fixed.fps.tolist() == [30.0] * 4
    assert fixed.time_s.diff(dim=1).median(dim=1).values == pytest.approx(1 / 30, abs=0.005)
    assert of_any.fps.unique().numel() == 4
    assert of_any.bpm.equal(fixed.bpm)
