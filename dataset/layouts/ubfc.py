"""The UBFC-rPPG folder layout: `subject<int>/vid.avi` and `subject<int>/ground_truth.txt`.

`ground_truth.txt` has three rows: PPG, heart rate [bpm], seconds; one number per frame. Reading
takes what is really published: runs of spaces, a space at the end of a line, zero-length time
steps. Writing gives single spaces and equal lengths. Anything that reads curated recordings comes
through here.

Source: Bobbia et al., "Unsupervised skin tissue segmentation for remote photoplethysmography",
Pattern Recognition Letters 124, 2019 (the data set); the layout is that of its DATASET_2.
"""

import hashlib
from pathlib import Path

import numpy as np

from acquire.errors import CurationError

from .manifest import MANIFEST, SIDES, Entry, Manifest, read_manifest

VIDEO = "vid.avi"
LABELS = "ground_truth.txt"

__all__ = [
    "LABELS", "MANIFEST", "SIDES", "VIDEO", "Entry", "Manifest", "check_folder",
    "check_video_bytes", "load_manifest", "read_labels", "write_labels",
]


def read_labels(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read `ground_truth.txt` of one folder: PPG, heart rate [bpm], seconds, each (N,) float64.

    Raises
    ------
    CurationError : it is missing, is not three rows of equal length, or holds something that is not
        a finite number
    """
    path = folder / LABELS
    try:
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    except FileNotFoundError as error:
        raise CurationError(
            f"expected labels, found nothing at {path}; run acq convert --force"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CurationError(
            f"expected labels as text, got: {error}, at {path}; run acq convert --force"
        ) from error
    if len(rows) != 3:
        raise CurationError(
            f"expected three rows (PPG, heart rate, seconds), found {len(rows)} in {path}; run acq "
            "convert --force"
        )
    lengths = [len(row) for row in rows]
    if len(set(lengths)) != 1:
        raise CurationError(
            f"expected three rows of equal length, found {lengths} in {path}; run acq convert "
            "--force"
        )
    try:
        ppg, hr_bpm, time_s = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise CurationError(
            f"expected numbers, got: {error}, in {path}; run acq convert --force"
        ) from error
    for name, row in (("PPG", ppg), ("heart rate", hr_bpm), ("seconds", time_s)):
        if not np.isfinite(row).all():
            at = int(np.flatnonzero(~np.isfinite(row))[0])
            raise CurationError(
                f"expected finite numbers, found {row[at]} at {name} {at} in {path}; run acq "
                "convert --force"
            )
    return ppg, hr_bpm, time_s


def write_labels(folder: Path, ppg: np.ndarray, *, hr_bpm: np.ndarray, time_s: np.ndarray) -> str:
    """Write `ground_truth.txt` and give its SHA-256: PPG to 12 digits, heart rate to 0.001 bpm,
    time to 0.1 us.
    """
    rows = ([f"{x:.12g}" for x in ppg], [f"{x:.3f}" for x in hr_bpm], [f"{x:.7f}" for x in time_s])
    text = "".join(" ".join(row) + "\n" for row in rows)
    (folder / LABELS).write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


def load_manifest(root: Path) -> Manifest:
    """Read `manifest.json` under `root` and hold the folders against it.

    Labels are read and hashed, videos are only weighed: whoever reads one through holds it against
    `check_video_bytes`.

    Raises
    ------
    CurationError : the manifest is missing, not one, unfinished, leads outside `root` or puts a
        subject on both sides; a folder, a video or a label file is missing, of the wrong length, or
        not the one that was written
    """
    manifest = read_manifest(root / MANIFEST)
    if not manifest.complete:
        raise CurationError(
            f"expected a finished conversion, found an unfinished one in {root}; acq convert goes "
            "on with it"
        )
    for entry in manifest.entries:
        check_folder(root, entry)
    return manifest


def check_folder(root: Path, entry: Entry) -> None:
    """Refuse a folder that is not what its manifest entry says; see `load_manifest`."""
    folder, video = root / entry.folder, root / entry.folder / VIDEO
    if not folder.is_dir():
        raise CurationError(
            f"expected the folder of session {entry.session}, found nothing at {folder}; run acq "
            "convert --force"
        )
    for path in (folder, folder / LABELS, video):
        if path.resolve() != root.resolve() / path.relative_to(root):
            raise CurationError(
                f"expected a folder and files of their own, found a link at {path}; put a copy in "
                "its place"
            )
    frames = len(read_labels(folder)[0])
    if frames != entry.frames:
        raise CurationError(
            f"expected {entry.frames} labels, found {frames} in {folder / LABELS}; run acq convert "
            "--force"
        )
    if hashlib.sha256((folder / LABELS).read_bytes()).hexdigest() != entry.labels_hash:
        raise CurationError(
            f"expected the labels as written, found others in {folder / LABELS}; run acq convert "
            "--force"
        )
    if not video.is_file():
        raise CurationError(f"expected a video, found nothing at {video}; run acq convert --force")
    if video.stat().st_size != entry.video_bytes:
        raise CurationError(
            f"expected a video of {entry.video_bytes} bytes, found {video.stat().st_size} in "
            f"{video}; run acq convert --force"
        )


def check_video_bytes(root: Path, entry: Entry, sha256: str) -> None:
    """Refuse a video whose SHA-256 is not the one of its manifest entry: of equal length, yet of
    somebody else, or zeroed.
    """
    if sha256 != entry.video_sha256:
        raise CurationError(
            f"expected the video as written, found another in {root / entry.folder / VIDEO}; run "
            "acq convert --force"
        )
