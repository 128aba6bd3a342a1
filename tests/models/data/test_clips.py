"""Clips: drawn by seed and epoch alone, without gaps, from one video each."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.data.clips import Clips
from tests.support.curated_videos import made_video

CPU = torch.device("cpu")


def test_batches_depend_on_seed_and_epoch_alone():
    videos = [made_video(37, seed=1), made_video(50, seed=2)]

    def drawn(seed, epoch):
        clips = Clips(videos, clip=8, batch=3, seed=seed, device=CPU)
        return torch.cat([batch.ppg_change for batch in clips.epoch(epoch)])

    assert torch.equal(drawn(0, 1), drawn(0, 1))
    assert not torch.equal(drawn(0, 1), drawn(0, 2))
    assert not torch.equal(drawn(0, 1), drawn(1, 1))


def test_clips_stay_inside_one_video_and_leave_gaps_out():
    first, second = made_video(20, seed=1), made_video(33, seed=2)
    second.ppg_change[16] = float("nan")
    for shift, video in enumerate((first, second)):
        known = torch.isfinite(video.ppg_change)
        video.ppg_change[known] = (torch.arange(len(video.ppg_change)) + 100.0 * shift)[known]
        video.appearance[:] = torch.arange(len(video.ppg_change))[:, None, None, None]
    clips = Clips([first, second], clip=8, batch=2, seed=0, device=CPU)
    for epoch in range(6):
        batches = list(clips.epoch(epoch))
        assert len(batches) == len(clips)
        for batch in batches:
            clip = batch.ppg_change.reshape(-1, 8)
            assert torch.isfinite(clip).all()
            assert (clip.diff(dim=1) == 1).all()
            assert torch.equal((batch.appearance[:, 0, 0, 0] * 255).round(), clip[:, 0] % 100)


@pytest.mark.parametrize("shift", [0, 3])
def test_a_batch_shows_the_pairs_that_are_drawn_of_all_videos_in_a_row(shift):
    videos = [made_video(37, seed=1), made_video(50, seed=2), made_video(9, seed=3)]
    motion = torch.cat([video.motion for video in videos])
    appearance = torch.cat([video.appearance for video in videos])
    change = torch.cat([video.ppg_change for video in videos])
    answers = [torch.arange(len(video.ppg_change)) + 1000.0 * at for at, video in enumerate(videos)]
    clips = Clips(videos, clip=8, batch=5, seed=3, device=CPU, shift=shift, answers=answers)
    rng = np.random.default_rng((3, 2))
    drawn = rng.permutation(clips._draw_starts(rng))
    for number, batch in enumerate(clips.epoch(2)):
        first = drawn[5 * number : 5 * number + 5]
        rows, columns = clips._draw_shifts(rng, len(first))
        pairs = torch.from_numpy(first[:, None] + np.arange(8))
        expected = motion[pairs[:, :, None, None], rows, columns].flatten(0, 1)
        assert torch.equal(batch.motion, expected.permute(0, 3, 1, 2).float())
        expected = appearance[pairs[:, :1, None, None], rows, columns].flatten(0, 1)
        assert torch.equal(batch.appearance, expected.permute(0, 3, 1, 2).float() / 255)
        assert torch.equal(batch.ppg_change, change[pairs.ravel()])
        assert torch.equal(batch.answer, torch.cat(answers)[pairs.ravel()])


def test_videos_are_not_copied():
    videos = [made_video(20, seed=1), made_video(20, seed=2)]
    clips = Clips(videos, clip=8, batch=4, seed=0, device=CPU)
    for video in videos:
        video.motion.fill_(7)
        video.appearance.fill_(255)
    for batch in clips.epoch(0):
        assert (batch.motion == 7).all()
        assert (batch.appearance == 1).all()


def starts(clips, epochs=60):
    return {int(batch.ppg_change[0]) for epoch in range(epochs) for batch in clips.epoch(epoch)}


def numbered(pairs):
    video = made_video(pairs)
    video.ppg_change[:] = torch.arange(pairs)
    return video


@pytest.mark.parametrize("pairs", [16, 19, 24])
def test_every_epoch_cuts_at_another_offset(pairs):
    clips = Clips([numbered(pairs)], clip=8, batch=1, seed=0, device=CPU)
    assert {start % 8 for start in starts(clips)} == set(range(8))
    assert min(starts(clips)) == 0
    assert max(starts(clips)) == pairs - 8      # no pair is never seen


@pytest.mark.parametrize("gaps", [[0], [10], [9, 20], [1, 11, 21]])
def test_a_stretch_between_gaps_is_found_by_every_epoch(gaps):
    video = numbered(30)
    video.ppg_change[gaps] = float("nan")
    clips = Clips([video], clip=8, batch=1, seed=0, device=CPU)
    assert [len(list(clips.epoch(epoch))) for epoch in range(20)] == [len(clips)] * 20


def test_no_stretch_long_enough_is_refused():
    video = numbered(30)
    video.ppg_change[::8] = float("nan")
    with pytest.raises(TrainingError, match="8 adjacent"):
        Clips([video], clip=8, batch=1, seed=0, device=CPU)


def test_both_inputs_of_a_clip_are_moved_alike():
    video = made_video(16)
    video.motion[:] = video.appearance[:1].half() / 255     # every pair shows the same picture
    video.appearance[:] = video.appearance[:1].clone()
    still = video.appearance[0].permute(2, 0, 1).float() / 255
    clips = Clips([video], clip=8, batch=2, seed=0, device=CPU, shift=3)
    moved = 0
    for epoch in range(4):
        for batch in clips.epoch(epoch):
            motion = batch.motion.unflatten(0, (-1, 8))
            expected = batch.appearance[:, None].expand_as(motion)
            torch.testing.assert_close(motion, expected, atol=1e-3, rtol=0)
            moved += sum(not torch.equal(image, still) for image in batch.appearance)
    assert moved >= 4


def test_a_shift_moves_the_picture_by_as_many_pixels_at_most():
    video = made_video(16)
    video.appearance[:] = 0
    video.appearance[:, 18, 18] = 255
    clips = Clips([video], clip=8, batch=2, seed=0, device=CPU, shift=3)
    places = [
        (int(image[0].argmax()) // 36, int(image[0].argmax()) % 36)
        for epoch in range(40) for batch in clips.epoch(epoch) for image in batch.appearance
    ]
    rows = {row for row, _ in places}
    assert rows == set(range(15, 22))
    # mirrored, column 18 becomes 17
    assert {column for _, column in places} == set(range(14, 22))
