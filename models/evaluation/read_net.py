"""A network in a file, opened to read videos as it was tested when it was trained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from acquire.errors import TrainingError
from dataset.face.frames import Motion
from dataset.people import LearntFrom
from dataset.runs import check_net_of_name, run_folder_of
from models.board.find_net import ONNX
from models.board.onnx_net import OnnxNet, open_net
from models.data.videos import CuratedVideo, TrainingData
from models.nets.can import describe_net
from models.nets.checkpoint import Checkpoint, check_origin, load_checkpoint
from models.published_nets.spec import PublishedNet

from .by_clips import read_by_clips
from .inference import predict_changes, predict_changes_onnx
from .video_result import VideoResult, colour_pulse, evaluate_changes, evaluate_pulse

Side = Literal["test", "train", "all"]
ReadVideo = Callable[[CuratedVideo], VideoResult]


@dataclass(frozen=True)
class ReadNet:
    """A network, how it reads a video, and whom it has learnt from."""

    path: Path
    read: ReadVideo
    motion: Motion
    header: Mapping[str, Any]           # `split_hash`, `data_hash`
    learnt_from: LearntFrom             # of an ONNX file nobody: it does not say
    tested: tuple[str, ...]             # subjects; () where it does not say
    seed: int | None                    # of its training; None where it does not say

    def check_origin(self, data: TrainingData) -> None:
        """Refuse it where it was trained on another split or other data.

        Raises
        ------
        TrainingError : it was
        """
        check_origin(
            self.header, self.path, split_hash=data.split_hash, data_hash=data.data_hash
        )

    def warn_of(self, name: str, data: TrainingData, side: Side) -> list[str]:
        """Warn of figures that are too good: videos or subjects that it was trained on."""
        shared = ", ".join(self.learnt_from.who_of(video.person for video in data.test))
        data_hash = str(self.header.get("data_hash"))
        if data_hash != data.data_hash:
            namesakes = (
                f", with subjects of the same names: {shared}; are they the same people?"
                if shared else ""
            )
            return [f"{name} was trained on other data ({data_hash[:12]}){namesakes}"]
        if shared or side != "test":       # of a fold, the side to test may be trained on
            return [
                f"{name} was trained on {shared or 'subjects of this side'}: its figures here show "
                "how well it remembers, not how well it reads"
            ]
        return []


def open_to_read(path: Path) -> ReadNet:
    """Open a checkpoint or an ONNX file.

    Raises
    ------
    TrainingError : it is neither, cannot be read, or is another network of a run than its name says
    """
    if path.suffix == ONNX:
        net = open_net(path)
        return ReadNet(
            path, _reader_by_onnx(net), net.motion, net.constants, LearntFrom(), (), None
        )
    checkpoint = load_checkpoint(path)
    if run_folder_of(path):
        check_net_of_name(path, describe_net(checkpoint.net)["net"])
    return ReadNet(
        path, _reader_by_net(checkpoint), checkpoint.motion,
        {"split_hash": checkpoint.split_hash, "data_hash": checkpoint.data_hash},
        checkpoint.learnt_from or LearntFrom(),
        tuple(checkpoint.about.get("subjects", {}).get("test", ())),
        checkpoint.about.get("recipe", {}).get("seed"),
    )


def tests_of_folds(
    methods: Mapping[str, Sequence[ReadNet]], side: Side
) -> list[tuple[str, ...]]:
    """Return the subjects of each fold that the networks were tested on; none without folds.

    Raises
    ------
    TrainingError : they were tested on different ones, or another side is asked for
    """
    networks = {name: nets for name, nets in methods.items() if nets}
    folded = {name: nets for name, nets in networks.items() if len(nets) > 1}
    if not folded:
        return []
    if side != "test":
        raise TrainingError(
            expected="the side test, for a run in folds", found=side,
            fix="leave the side out: each fold has its own",
        )
    first, *others = networks
    for name in others:
        tested = [[net.tested for net in networks[one]] for one in (first, name)]
        if tested[0] != tested[1]:
            raise TrainingError(
                expected=f"networks tested on the same subjects, as {first}",
                found=f"{name} tested on others", fix="read them one after the other",
            )
    return [net.tested for net in next(iter(folded.values()))]


def read_by_method(name: str) -> ReadVideo:
    """Return how a method without training reads a video."""
    return lambda video: evaluate_pulse(colour_pulse(name, video), video)


def _reader_by_net(checkpoint: Checkpoint) -> ReadVideo:
    net, shared = checkpoint.net, checkpoint.pairs_per_mask
    if isinstance(net, PublishedNet):
        return lambda video: read_by_clips(net, video)
    return lambda video: evaluate_changes(predict_changes(net, video, clip=shared), video)


def _reader_by_onnx(net: OnnxNet) -> ReadVideo:
    return lambda video: evaluate_changes(predict_changes_onnx(net, video), video)
