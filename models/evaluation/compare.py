"""Colour methods and checkpoints evaluated on the same videos of one curated dataset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from acquire.errors import TrainingError
from dataset.common.files import finite
from dataset.common.progress import OnProgress
from dataset.people import LearntFrom
from dataset.signals.colour_methods import METHODS
from models.board.find_net import ONNX, find_nets
from models.board.onnx_net import OnnxNet, open_net
from models.data.curated import load_curated
from models.data.videos import CuratedVideo, TrainingData
from models.nets.checkpoint import Checkpoint, check_origin, load_checkpoint

from .assess import assess
from .inference import predict_changes, predict_changes_onnx
from .mean_rate import guess_mean_rate
from .methods import COLOUR_TITLES, MEAN_RATE
from .verdict import judge
from .video_result import VideoResult, colour_pulse, evaluate_changes, evaluate_pulse

if TYPE_CHECKING:
    import pandas as pd

READING = "read the pulse"
Side = Literal["test", "train", "all"]
_ReadVideo = Callable[[CuratedVideo], VideoResult]


@dataclass(frozen=True)
class Comparison:
    """The results of several methods on the same videos."""

    side: Side
    data: TrainingData
    videos: dict[str, list[VideoResult]]    # by method; the guess of the mean rate is the last
    warnings: list[str]
    verdict: dict | None = None             # of `judge`; None where no network was compared

    def summary(self) -> dict:
        """Return all figures as numbers for JSON."""
        subjects = sorted({v.subject for videos in self.videos.values() for v in videos})
        return finite({
            "side": self.side, "subjects": subjects, "people": self.data.people,
            "split_hash": self.data.split_hash, "data_hash": self.data.data_hash,
            "warnings": self.warnings, "verdict": self.verdict,
            "methods": {name: assess(videos) for name, videos in self.videos.items()},
        })


def compare_methods(
    data: Path, names: Sequence[str], *, side: Side = "test", other_data: bool = False,
    allow_mixed: bool = False, on_progress: OnProgress | None = None,
) -> Comparison:
    """Let methods and checkpoints read the videos of one side.

    Parameters
    ----------
    data : the folder that holds `ubfc/`
    names : of `dataset.signals.colour_methods.METHODS`, checkpoint files, ONNX files, or runs by
        their folder or id (all checkpoints in one), RUN/NET for one of them; empty: all methods
    other_data : whether a checkpoint may come from another dataset or split; without it that is
        refused

    Raises
    ------
    TrainingError : no such method or file; a checkpoint of other data
    AcqError : the data cannot be read; see `load_curated`
    """
    net_files = _resolve_names(list(names) or list(METHODS), data)
    loaded = load_curated(data, allow_mixed=allow_mixed, on_progress=on_progress)
    chosen = {
        "test": loaded.test, "train": loaded.train, "all": [*loaded.train, *loaded.test],
    }[side]
    hashes = (
        {} if other_data else {"split_hash": loaded.split_hash, "data_hash": loaded.data_hash}
    )
    results: dict[str, list[VideoResult]] = {}
    warnings = []
    for name, path in net_files.items():
        if path is None:
            read = _reader_by_method(name)
        elif path.suffix == ONNX:
            net = open_net(path)
            check_origin(net.constants, path, **hashes)
            of_data = str(net.constants.get("data_hash"))      # its subjects are not in the file
            warnings += _warnings_about(name, of_data, (), loaded, side)
            read = _reader_by_onnx(net)
        else:
            checkpoint = load_checkpoint(path, **hashes)
            learnt_from = checkpoint.learnt_from or LearntFrom()
            known = learnt_from.who_of(video.person for video in chosen)
            warnings += _warnings_about(name, checkpoint.data_hash, known, loaded, side)
            read = _reader_by_net(checkpoint)
        results[name] = _read_all(name, read, chosen, on_progress)
    (guess,) = guess_mean_rate([replace(loaded, test=chosen)])
    networks = {name: results[name] for name, path in net_files.items() if path is not None}
    verdict = None
    if networks:
        formulas = {
            name: results.get(name)
            or _read_all(name, _reader_by_method(name), chosen, on_progress)
            for name in METHODS
        }
        verdict = judge(networks, formulas, guess, COLOUR_TITLES)
    return Comparison(side, loaded, {**results, MEAN_RATE: guess}, warnings, verdict)


def _read_all(
    name: str, read: _ReadVideo, videos: Sequence[CuratedVideo], on_progress: OnProgress | None
) -> list[VideoResult]:
    """Let one method read every video."""
    results = []
    for done, video in enumerate(videos):
        if on_progress is not None:
            on_progress(f"{READING}: {name}", done, len(videos))
        results.append(read(video))
    if on_progress is not None:
        on_progress(f"{READING}: {name}", len(videos), len(videos))
    return results


def _warnings_about(
    name: str, data_hash: str, known: Sequence[str], data: TrainingData, side: Side
) -> list[str]:
    """Warn of figures that are too good: videos or subjects that the network was trained on.

    Parameters
    ----------
    known : subjects of this side who may be among those that it has learnt from
    """
    shared = ", ".join(known)
    if data_hash != data.data_hash:
        namesakes = (
            f", with subjects of the same names: {shared}; are they the same people?"
            if shared else ""
        )
        return [f"{name} was trained on other data ({data_hash[:12]}){namesakes}"]
    if side != "test":
        return [
            f"{name} was trained on {shared or 'subjects of this side'}: its figures here show how "
            "well it remembers, not how well it reads"
        ]
    return []


def _reader_by_method(name: str) -> _ReadVideo:
    return lambda video: evaluate_pulse(colour_pulse(name, video), video)


def _reader_by_net(checkpoint: Checkpoint) -> _ReadVideo:
    net, shared = checkpoint.net, checkpoint.pairs_per_mask
    return lambda video: evaluate_changes(predict_changes(net, video, clip=shared), video)


def _reader_by_onnx(net: OnnxNet) -> _ReadVideo:
    return lambda video: evaluate_changes(predict_changes_onnx(net, video), video)


def _resolve_names(names: list[str], data: Path) -> dict[str, Path | None]:
    """Find the network of each name; None for a colour method."""
    files: dict[str, Path | None] = {}
    for name in names:
        if name in METHODS:
            files[name] = None
            continue
        try:
            found = find_nets(Path(name), data)
        except TrainingError as error:
            if error.found != "nothing":
                raise
            raise TrainingError(
                expected=f"one of {', '.join(METHODS)}; a run, a checkpoint or an ONNX file",
                found=repr(name), fix=error.fix,
            ) from error
        for called, path in found.items():
            files[called if called not in files else str(path)] = path
    return files


def window_table(comparison: Comparison) -> "pd.DataFrame":
    """Return a row for each method and window.

    Columns: method, subject, folder, start [s], heart rates [bpm], SNR [dB], MACC.
    """
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame({
                "method": name, "subject": video.subject, "folder": video.folder,
                "start_s": video.start_s.round(3), "predicted_bpm": video.predicted_bpm,
                "reference_bpm": video.reference_bpm, "snr_db": video.snr_db, "macc": video.macc,
                "toolbox_predicted_bpm": video.toolbox_predicted_bpm,
                "toolbox_reference_bpm": video.toolbox_reference_bpm,
            })
            for name, videos in comparison.videos.items() for video in videos
        ],
        ignore_index=True,
    )
