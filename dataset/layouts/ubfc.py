"""The UBFC-rPPG folder layout: `subject<int>/vid.avi` and `subject<int>/ground_truth.txt`.

`ground_truth.txt` has three rows: PPG, heart rate [bpm], seconds; one number per frame. Reading
accepts what is really published: runs of spaces, a space at the end of a line, zero-length time
steps. Writing makes single spaces and equal lengths. Everything that reads curated folders goes
through here.

Source: Bobbia et al., "Unsupervised skin tissue segmentation for remote photoplethysmography",
Pattern Recognition Letters 124, 2019 (the data set); the layout is that of its DATASET_2.
"""

import hashlib
from pathlib import Path

import numpy as np

from acquire.data_folder import name_kind
from acquire.documents import check_word_count, read_bytes
from acquire.errors import CurationError, Fix

from .manifest import MANIFEST, Entry, Manifest
from .manifest_file import read_manifest

VIDEO = "vid.avi"
LABELS = "ground_truth.txt"


def _broken(expected: str, found: object, where: Path | str) -> CurationError:
    return CurationError(expected=expected, found=found, where=where, fix=Fix.CONVERT_AGAIN)


def read_labels(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read `ground_truth.txt` of one folder: PPG, heart rate [bpm], seconds, each (N,) float64.

    Raises
    ------
    CurationError : it is missing, is not three rows of equal length, or holds something that is not
        a finite number
    """
    path = folder / LABELS
    try:
        text = read_bytes(path)
    except FileNotFoundError as error:
        raise _broken("labels", "nothing", f"at {path}") from error
    except OSError as error:
        raise _broken("labels as text", error, path) from error
    return parse_labels(text, path)


def parse_labels(text: bytes, path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the text of `ground_truth.txt`, as `read_labels` does; `path` is named in errors.

    Raises
    ------
    CurationError : as there
    """
    try:
        check_word_count(text)
        rows = [line.split() for line in text.decode().splitlines() if line.strip()]
    except ValueError as error:
        raise _broken("labels as text", error, path) from error
    if len(rows) != 3:
        raise _broken("three rows (PPG, heart rate, seconds)", len(rows), path)
    lengths = [len(row) for row in rows]
    if len(set(lengths)) != 1:
        raise _broken("three rows of equal length", lengths, path)
    try:
        ppg, hr_bpm, time_s = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise _broken("numbers", error, path) from error
    for name, row in (("PPG", ppg), ("heart rate", hr_bpm), ("seconds", time_s)):
        if not np.isfinite(row).all():
            index = int(np.flatnonzero(~np.isfinite(row))[0])
            raise _broken("finite numbers", f"{row[index]} at {name} {index}", path)
    return ppg, hr_bpm, time_s


def write_labels(folder: Path, ppg: np.ndarray, *, hr_bpm: np.ndarray, time_s: np.ndarray) -> str:
    """Write `ground_truth.txt` and return its SHA-256.

    PPG has 12 digits, heart rate is to 0.001 bpm, time to 0.1 us.
    """
    text = labels_text(ppg, hr_bpm=hr_bpm, time_s=time_s)
    (folder / LABELS).write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


def labels_text(ppg: np.ndarray, *, hr_bpm: np.ndarray, time_s: np.ndarray) -> str:
    """Return what `write_labels` writes."""
    rows = (ppg, ".12g"), (hr_bpm, ".3f"), (time_s, ".7f")
    return "".join(" ".join([format(x, spec) for x in row]) + "\n" for row, spec in rows)


def load_manifest(root: Path) -> Manifest:
    """Read `manifest.json` under `root` and check that the folders are as it lists them.

    Labels are read and hashed; of videos only the size is compared: whoever reads one through
    calls `check_video_bytes`.

    Raises
    ------
    CurationError : the manifest is missing, not one, unfinished, leads outside `root` or puts a
        subject on both sides; a folder, a video or a label file is missing, of the wrong length, or
        not the one that was written
    """
    manifest = read_manifest(root / MANIFEST)
    if not manifest.complete:
        raise CurationError(
            expected="a finished conversion", found="an unfinished one", where=root,
            fix=Fix.FINISH_CONVERTING,
        )
    for entry in manifest.entries:
        check_folder(root, entry)
    return manifest


def check_folder(root: Path, entry: Entry) -> None:
    """Check one folder against its manifest entry, as `load_manifest` does.

    Raises
    ------
    CurationError : as there
    """
    folder, video = root / entry.folder, root / entry.folder / VIDEO
    if not folder.is_dir():
        raise _broken(f"the folder of session {entry.session}", name_kind(folder), f"at {folder}")
    for path in (folder, folder / LABELS, video):
        if path.resolve() != root.resolve() / path.relative_to(root):
            raise CurationError(
                expected="a folder and files of their own", found="a link", where=f"at {path}",
                fix="put a copy in its place",
            )
    labels = folder / LABELS
    count = len(read_labels(folder)[0])
    if count != entry.frames:
        raise _broken(f"{entry.frames} labels", count, labels)
    if hashlib.sha256(read_bytes(labels)).hexdigest() != entry.labels.sha256:
        raise _broken("the labels as written", "others", labels)
    if not video.is_file():
        raise _broken("a video", name_kind(video), f"at {video}")
    if (size_bytes := video.stat().st_size) != entry.video.size_bytes:
        raise _broken(f"a video of {entry.video.size_bytes} bytes", size_bytes, video)


def check_video_bytes(root: Path, entry: Entry, sha256: str) -> None:
    """Check the SHA-256 of a video against its manifest entry: its size alone does not prove it.

    Raises
    ------
    CurationError : it is another video, or its bytes were changed
    """
    if sha256 != entry.video.file_sha256:
        raise _broken("the video as written", "another", root / entry.folder / VIDEO)
