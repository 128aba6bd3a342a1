"""What lies beside an export for a tool: a note on its readers, and a configuration where it helps.

Neither names the place where the export was made: it may be handed over, and a path holds the name
of an account.

The note is Markdown: one reader takes every `.txt` for a signal, another every folder for a person.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from acquire.atomic import write_text
from dataset.common.files import canonical_json
from dataset.layouts.export_manifest import ExportManifest
from dataset.layouts.places import UBFC

from . import train_in_toolbox
from .targets import PYVHR, REMOTEBIOSENSING, RPPG_TOOLBOX
from .train_in_toolbox import CONFIG, PLACE

NOTE, TRAIN = "README.md", "train.py"
_CLIP = 180                     # frames, of the configurations that rPPG-Toolbox comes with
_DEPTH = 10                     # frames that TS-CAN looks at together; a clip has whole ones


def write_notes(manifest: ExportManifest, folder: Path) -> None:
    """Write the note into the folder of an export for a tool; for rPPG-Toolbox, how to train it."""
    if not manifest.tool:
        return
    write_text(folder / NOTE, _note(manifest))
    if manifest.tool == RPPG_TOOLBOX:
        # JSON is YAML, too; the tool reads it with a YAML parser
        write_text(folder / CONFIG, json.dumps(_toolbox_config(manifest), indent=2) + "\n")
        write_text(folder / TRAIN, Path(train_in_toolbox.__file__).read_text(encoding="utf-8"))


_HOW = {
    (RPPG_TOOLBOX, True): """\
Train TS-CAN on `train`, test it on `test`, from the folder of rPPG-Toolbox:

    python /path/to/this/folder/{train}

It writes `acq.yaml` there, which is `{config}` with this folder's path in place of `{place}`, and
calls `main.py` with it. The first run prepares the clips. Later runs may set DO_PREPROCESS in
`acq.yaml` to false, and call `main.py` alone. The loader keeps a whole video in memory, at least
three bytes a pixel and frame; the longest one has {frames} frames. A recording is cut into clips of
{clip} frames, and what is left at its end is dropped: {short} recordings are too short for one and
left out. Without a GPU, write `cpu` for `cuda:0` in `{config}` first.
""",
    (PYVHR, True): """\
`videodataDIR` and `BVPdataDIR` are both `train/`, or both `test/`, in the folder of this file, as
absolute paths; the dataset is `UBFC2`.
""",
    (PYVHR, False): """\
`videodataDIR` and `BVPdataDIR` are both `train/PURE`, or both `test/PURE`, in the folder of this
file, as absolute paths; the dataset is `PURE`. pyVHR writes an AVI into each folder at its first
run, with its own loss of colour; the UBFC layout has no such loss.
""",
    (REMOTEBIOSENSING, True): """\
`data_root_path` is `train/` or `test/` in the folder of this file, an absolute path with its last
slash; the dataset is `UBFC`. Nowhere in that path may stand `png`, `.mat`, `hdf5`, `json`, `csv` or
`label.txt`: the tool would take the files for that kind.
""",
    (REMOTEBIOSENSING, False): """\
`data_root_path` is `train/` or `test/` in the folder of this file, an absolute path with its last
slash; the dataset is `PURE`. Nowhere in that path may stand `hdf5`: the tool would take the JSON
for that kind.
""",
}


def _note(manifest: ExportManifest) -> str:
    is_ubfc = manifest.layout == UBFC
    how = _HOW.get((manifest.tool, is_ubfc)) or _HOW[manifest.tool, True]
    frames = max((entry.frames for entry in manifest.entries), default=0)
    repeated = sum(span.frames for entry in manifest.entries for span in entry.repeated)
    total = sum(entry.frames for entry in manifest.entries)
    simulated = sum(entry.simulated for entry in manifest.entries)
    clip = _clip_length(manifest)
    short = sum(entry.frames < clip for entry in manifest.entries)
    lines = [
        f"# Face video and finger PPG for {manifest.tool}", "",
        how.format(
            place=PLACE, config=CONFIG, train=TRAIN, frames=frames, clip=clip, short=short
        ),
        f"Every video has exactly {manifest.fps} frames a second: frame k is the picture nearest "
        f"to k / {manifest.fps} s, and its PPG is that of this very time. {repeated} of {total} "
        "pictures are shown a second time, where the camera was slower or lost frames.", "",
        "Nobody is in `train` and in `test`. "
        + ("Folders are recordings, and two may be of one person: draw no other split from them."
           if is_ubfc else "NN in `NN-MM` counts the persons."), "",
        "What was left out, and whose each folder is, stands in `manifest.json`.",
    ]
    if simulated:
        lines += ["", f"**{simulated} of {len(manifest.entries)} recordings are simulated.**"]
    return "\n".join(lines) + "\n"


def _clip_length(manifest: ExportManifest) -> int:
    """Return the frames of a clip: as usual, or fewer where a side has no recording of so many.

    The tool drops a recording without a whole clip in silence, and stops at a side without any.
    """
    longest: dict[str, int] = {}
    for entry in manifest.entries:
        longest[entry.side] = max(longest.get(entry.side, 0), entry.frames)
    return max(_DEPTH, min([_CLIP, *longest.values()]) // _DEPTH * _DEPTH)


def _metrics(manifest: ExportManifest) -> list[str]:
    """Return what the tool prints of the test, each of one value a recording.

    It divides the error of a correlation by their count less two, so that of two or one it prints
    infinity or nothing, with numpy's warnings.
    """
    recordings = sum(
        entry.side == "test" and entry.frames >= _clip_length(manifest)
        for entry in manifest.entries
    )
    correlation = ["Pearson"] if recordings > 2 else []
    return ["MAE", "RMSE", "MAPE", *correlation, "SNR"]


def _toolbox_config(manifest: ExportManifest) -> dict[str, Any]:
    """Return a configuration of rPPG-Toolbox: TS-CAN as in its own, trained and tested here.

    Both sides are of one data set by name: without a name of its own each, the list of test clips
    would replace that of the clips to train on, and a second run would train on the test side.
    """
    body = [asdict(entry) for entry in manifest.entries]
    digest = hashlib.sha256(canonical_json(body).encode()).hexdigest()[:12]

    def data(side: str) -> dict[str, Any]:
        return {
            "FS": int(manifest.fps),
            "DATASET": "UBFC-rPPG" if manifest.layout == UBFC else "PURE",
            "DO_PREPROCESS": True, "DATA_FORMAT": "NDCHW", "DATA_PATH": f"{PLACE}/{side}",
            "CACHED_PATH": "PreprocessedData", "EXP_DATA_NAME": f"acq_{digest}_{side}",
            "BEGIN": 0.0, "END": 1.0,
            "PREPROCESS": {
                "DATA_TYPE": ["DiffNormalized", "Standardized"], "LABEL_TYPE": "DiffNormalized",
                "DO_CHUNK": True, "CHUNK_LENGTH": _clip_length(manifest),
                "CROP_FACE": {
                    "DO_CROP_FACE": True, "USE_LARGE_FACE_BOX": True, "LARGE_BOX_COEF": 1.5,
                    "DETECTION": {
                        "DO_DYNAMIC_DETECTION": False, "DYNAMIC_DETECTION_FREQUENCY": 30,
                        "USE_MEDIAN_FACE_BOX": False,
                    },
                },
                "RESIZE": {"H": 72, "W": 72},
            },
        }

    return {
        "BASE": [""], "TOOLBOX_MODE": "train_and_test",
        "TRAIN": {
            "BATCH_SIZE": 4, "EPOCHS": 30, "LR": 9e-3, "MODEL_FILE_NAME": f"acq_{digest}_tscan",
            "DATA": data("train"),
        },
        # named, but not read: the last epoch is tested
        "VALID": {"DATA": data("train")},
        "TEST": {
            "METRICS": _metrics(manifest), "USE_LAST_EPOCH": True,
            "DATA": data("test"),
        },
        "DEVICE": "cuda:0", "NUM_OF_GPU_TRAIN": 1, "LOG": {"PATH": "runs/exp"},
        "MODEL": {"DROP_RATE": 0.2, "NAME": "Tscan", "TSCAN": {"FRAME_DEPTH": _DEPTH}},
        "INFERENCE": {
            "BATCH_SIZE": 4, "EVALUATION_METHOD": "FFT",
            "EVALUATION_WINDOW": {"USE_SMALLER_WINDOW": False, "WINDOW_SIZE": 10},
            "MODEL_PATH": "",
        },
    }
