"""Methods and checkpoints beside each other on one curated dataset: what `acq evaluate` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from acquire.errors import TrainingError
from dataset.common.files import finite
from dataset.common.progress import OnProgress
from dataset.signals.colour_methods import METHODS
from models.data.curated import load_curated
from models.data.videos import CuratedVideo, TrainingData
from models.nets.checkpoint import load_checkpoint

from .evaluate import VideoResult, assess, colour_pulse, measure, measure_pulse, predict

if TYPE_CHECKING:
    import pandas as pd

READING = "read the pulse"
Side = Literal["test", "train", "all"]


@dataclass(frozen=True)
class Comparison:
    """What several methods said of the same recordings."""

    side: Side
    curated: TrainingData
    videos: dict[str, list[VideoResult]]    # by method
    warnings: list[str]

    def summary(self) -> dict:
        """Say it in JSON's words."""
        subjects = sorted({v.subject for videos in self.videos.values() for v in videos})
        return finite(
            {
                "side": self.side, "subjects": subjects, "people": self.curated.people,
                "split_hash": self.curated.split_hash, "data_hash": self.curated.data_hash,
                "warnings": self.warnings,
                "methods": {name: assess(videos) for name, videos in self.videos.items()},
            }
        )


def compare_methods(
    data: Path, names: Sequence[str], *, side: Side = "test", other_data: bool = False,
    allow_mixed: bool = False, on_progress: OnProgress | None = None,
) -> Comparison:
    """Let methods and checkpoints read the recordings of one side.

    Parameters
    ----------
    names : of `dataset.signals.colour_methods.METHODS`, checkpoint files, or run folders (all
        checkpoints in one); empty: all methods
    other_data : whether a checkpoint may come from another dataset or split; without it that is
        refused

    Raises
    ------
    TrainingError : no such method or file; a checkpoint of other data
    AcqError : the data cannot be read; see `load_curated`
    """
    chosen = _resolve(list(names) or list(METHODS))
    curated = load_curated(data, allow_mixed=allow_mixed, on_progress=on_progress)
    recordings = {
        "test": curated.test, "train": curated.train, "all": [*curated.train, *curated.test],
    }[side]
    videos: dict[str, list[VideoResult]] = {}
    warnings = []
    for name, path in chosen.items():
        if path is None:
            read = _by_method(name)
        else:
            hashes = (
                {}
                if other_data
                else {"split_hash": curated.split_hash, "data_hash": curated.data_hash}
            )
            checkpoint = load_checkpoint(path, **hashes)
            seen = sorted(
                set(checkpoint.about.get("subjects", {}).get("train", ()))
                & {r.subject for r in recordings}
            )
            if checkpoint.data_hash == curated.data_hash and side != "test":
                warnings.append(
                    f"{name} was trained on {', '.join(seen) or 'subjects of this side'}: its "
                    "figures here say how "
                    "well it remembers, not how well it reads"
                )
            elif checkpoint.data_hash != curated.data_hash:
                namesakes = (
                    f", with subjects of the same names: {', '.join(seen)}; are they the same "
                    "people?"
                    if seen
                    else ""
                )
                warnings.append(
                    f"{name} was trained on other data ({checkpoint.data_hash[:12]}){namesakes}"
                )
            read = _by_net(checkpoint.net)
        videos[name] = []
        for done, recording in enumerate(recordings):
            if on_progress is not None:
                on_progress(f"{READING}: {name}", done, len(recordings))
            videos[name].append(read(recording))
        if on_progress is not None:
            on_progress(f"{READING}: {name}", len(recordings), len(recordings))
    return Comparison(side, curated, videos, warnings)


def _by_method(name: str):
    return lambda recording: measure_pulse(colour_pulse(name, recording), recording)


def _by_net(net):
    def read(recording: CuratedVideo) -> VideoResult:
        return measure(predict(net, recording), recording)

    return read


def _resolve(names: list[str]) -> dict[str, Path | None]:
    """Give each name its checkpoint; None for a method."""
    found: dict[str, Path | None] = {}
    for name in names:
        path = Path(name)
        if name in METHODS:
            found[name] = None
        elif path.is_dir():
            files = sorted(path.glob("*.safetensors"))
            if not files:
                raise TrainingError(
                    f"expected checkpoints (*.safetensors) in {path}, found none; name a run's "
                    "folder"
                )
            found.update({f"{path.name}/{file.stem}": file for file in files})
        elif path.suffix == ".safetensors" and path.is_file():
            found[path.stem if path.stem not in found else str(path)] = path
        else:
            raise TrainingError(
                f"expected one of {', '.join(METHODS)}, a .safetensors file or a run's folder, got "
                f"{name!r}"
            )
    return found


def window_table(comparison: Comparison) -> "pd.DataFrame":
    """Give a row per method and window: subject, folder, start [s], heart rates [bpm], SNR [dB],
    MACC.
    """
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame(
                {
                    "method": name, "subject": v.subject, "folder": v.folder,
                    "start_s": v.start_s.round(3), "predicted_bpm": v.predicted_bpm,
                    "reference_bpm": v.reference_bpm, "snr_db": v.snr_db, "macc": v.macc,
                    "toolbox_predicted_bpm": v.toolbox_predicted_bpm,
                    "toolbox_reference_bpm": v.toolbox_reference_bpm,
                }
            )
            for name, videos in comparison.videos.items()
            for v in videos
        ],
        ignore_index=True,
    )
