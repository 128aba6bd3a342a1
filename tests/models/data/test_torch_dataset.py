"""The curated dataset as a `torch.utils.data.Dataset`: shapes, sides, gaps; a network of others."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn
from torch.utils.data import DataLoader

from acquire.errors import TrainingError
from models.data.curated import load_curated
from models.data.torch_dataset import CuratedDataset
from tests.support.curated_folders import FPS, SECONDS, three_entries, write_curated_folders

PAIRS = FPS * SECONDS - 1


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_curated_folders(tmp_path_factory.mktemp("dataset"), three_entries())


def test_an_item_is_a_clip_of_one_subject(data):
    clips = CuratedDataset(data, clip=32)
    assert len(clips) == 2 * (PAIRS // 32)
    item = clips[0]
    assert set(item) == {"motion", "appearance", "ppg_change", "subject", "fs_hz"}
    assert item["motion"].shape == item["appearance"].shape == (32, 3, 36, 36)
    assert item["ppg_change"].shape == (32,)
    assert {item[name].dtype for name in ("motion", "appearance", "ppg_change", "fs_hz")} == {
        torch.float32
    }
    assert 0 <= item["appearance"].min() < item["appearance"].max() <= 1
    assert float(item["fs_hz"]) == pytest.approx(FPS, rel=1e-3)
    assert item["subject"] == "S01"


def test_a_clip_holds_what_its_video_has_there(data):
    video = load_curated(data).train[1]
    clip = CuratedDataset(data, clip=16, step=8)[len(CuratedDataset(data, clip=16, step=8)) - 1]
    first = (PAIRS - 16) // 8 * 8
    assert clip["subject"] == "S02"
    torch.testing.assert_close(clip["ppg_change"], video.ppg_change[first:first + 16])
    # (T, C, H, W) of the stored (T, H, W, C)
    assert float(clip["motion"][3, 2, 5, 7]) == float(video.motion[first + 3, 5, 7, 2])
    assert float(clip["appearance"][3, 2, 5, 7]) == pytest.approx(
        float(video.appearance[first + 3, 5, 7, 2]) / 255
    )


def test_no_subject_is_on_both_sides(data):
    sides = [
        {CuratedDataset(data, side, clip=16)[at]["subject"] for at in range(5)}
        for side in ("train", "test")
    ]
    assert sides[1] == {"S03"}
    assert not sides[0] & sides[1]


def test_the_folder_ubfc_itself_is_as_good(data):
    assert len(CuratedDataset(data / "ubfc", "test", clip=16)) == PAIRS // 16
    assert len(CuratedDataset(str(data), "test", clip=16)) == PAIRS // 16


def test_no_clip_spans_a_gap(data):
    video = load_curated(data).test[0]
    change = video.ppg_change.clone()
    change[40:43] = float("nan")
    clips = CuratedDataset.of_videos([replace(video, ppg_change=change)], clip=16, step=16)
    assert len(clips) == 40 // 16 + (PAIRS - 43) // 16
    assert all(torch.isfinite(clips[at]["ppg_change"]).all() for at in range(len(clips)))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        pytest.param({"side": "both"}, ValueError, "'both'", id="side"),
        pytest.param({"clip": 0}, ValueError, "at least 1", id="clip"),
        pytest.param({"step": 0}, ValueError, "at least 1", id="step"),
        pytest.param({"clip": 10_000}, TrainingError, "shorter clips", id="too long"),
    ],
)
def test_what_it_refuses(data, arguments, error, words):
    with pytest.raises(error, match=words):
        CuratedDataset(data, **arguments)


class SomebodysNet(nn.Module):
    """Two strided convolutions over a clip's frames, and a mean over what is left."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=3), nn.ReLU(), nn.Conv2d(8, 8, 5, stride=3), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1),
        )

    def forward(self, motion):
        """(N, T, 3, 36, 36) -> (N, T)."""
        return self.layers(motion.flatten(0, 1)).view(motion.shape[:2])


def test_a_network_that_is_not_ours_learns_from_it(data):
    torch.manual_seed(0)
    net = SomebodysNet()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    loader = DataLoader(
        CuratedDataset(data, clip=32), batch_size=4, shuffle=True,
        generator=torch.Generator().manual_seed(0),
    )
    epochs = []
    for _ in range(12):
        losses = []
        for batch in loader:
            loss = nn.functional.mse_loss(net(batch["motion"]), batch["ppg_change"])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        epochs.append(sum(losses) / len(losses))
    assert epochs[-1] < 0.8 * epochs[0]
