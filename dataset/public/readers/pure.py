"""PURE as it was published: pictures and one JSON of stamps.

The JSON is read leniently: a value that is no number becomes NaN and is named as a defect. Stamps
are nanoseconds; all of one recording in another unit are read as that, and two units are refused.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from acquire.stamps.plausible import (
    FARTHEST_NS,
    FRAME_HZ,
    PPG_HZ,
    UNIT_NS,
    UNIT_WORDS,
    describe_step,
    find_unit,
    is_lone,
    whole_ns,
)
from acquire.stamps.rising import rising_times
from dataset.common.files import sha256_of
from dataset.layouts.pure import PICTURE
from dataset.public.examine import examine
from dataset.public.folders import find_file, visible
from dataset.public.formats.pictures import common_size, decode_pictures
from dataset.public.public_set import PublicSet
from dataset.public.published import (
    GET_FOLDER,
    PublishedRecording,
    PublishedSamples,
    PublishedVideo,
    read_numbers,
)

from .pure_labels import PureLabels, name_device_flags, read_labels

FOLDER = re.compile(r"([0-9]{2})-([0-9]{2})")
SENSOR = "CMS50E pulse oximeter"
_ROUNDED_NS = 1000           # a stamp as a float of 64 bits is exact to 128 ns
_UNLISTED_SHARE = 0.2        # of the pictures; more are of another camera or recording


def _folders(folder: Path) -> list[Path]:
    """List where the files of one NN-MM folder may lie: unpacking may nest it in its own name."""
    nested = [folder, folder / folder.name, folder / folder.name / folder.name]
    return [path for path in nested if path.is_dir()]


def picture_files(folder: Path) -> list[Path]:
    """List the pictures of one NN-MM folder, sorted by name."""
    return sorted(
        path for path in visible(_folders(folder)[-1]) if path.suffix.lower() == ".png"
    )


def label_file(folder: Path) -> Path:
    """Return the JSON of one NN-MM folder; in some copies it lies beside the folder."""
    name = f"{folder.name}.json"
    places = [find_file(place, name) for place in [*_folders(folder), folder.parent]]
    return next((path for path in places if path.exists()), folder / name)


def read_pure(folder: Path) -> PublishedRecording:
    """Read one NN-MM folder.

    Raises
    ------
    CurationError : pictures or JSON are missing or are none, or their times are not certain
    """
    defects: list[str] = []
    path = label_file(folder)
    labels = read_labels(path, defects)
    ppg, hr_bpm, spo2 = (
        read_numbers(
            [value.get(key) if isinstance(value, dict) else None for value in labels.values], key,
            defects,
        )
        for key in ("waveform", "pulseRate", "o2saturation")
    )
    files = _files_by_stamp(folder, defects)
    unit = _find_unit(labels, files, path, defects)
    files = {
        min(stamp * UNIT_NS[unit], FARTHEST_NS + place): files[stamp]
        for place, stamp in enumerate(sorted(files))
    }
    sample_ns, image_ns = (
        whole_ns(stamps, unit, name, error=CurationError, where=path)
        for stamps, name in ((labels.sample_stamps, "sample"), (labels.image_stamps, "image"))
    )
    sample_times = rising_times(sample_ns, "sample", where=path)
    listed = _snap_to_names(image_ns.tolist(), sorted(files), defects)
    files, listed, left_out = _without_lone(files, listed, defects)
    stamps = _match_pictures(listed, files, folder, defects)
    frame_times = rising_times(np.array(stamps, np.int64), "frame", where=folder)
    height, width = common_size([files[stamp] for stamp in sorted(files)])
    start_ns = int(min(frame_times.time_ns[0], sample_times.time_ns[0]))
    defects += sample_times.defects + frame_times.defects
    no_finger_ns = name_device_flags(labels, sample_times.time_ns, start_ns, defects)
    pictures = decode_pictures([files.get(stamp) for stamp in stamps], (height, width), defects)
    return examine(PublishedRecording(
        folder, folder.name, SENSOR, start_ns, start_ns if frame_times.zero_ns[1] else 0,
        PublishedSamples(ppg, hr_bpm, spo2, sample_times),
        PublishedVideo(
            width, height, round(1e9 / frame_times.step_ns, 2), "published, of the frame",
            frame_times, len(stamps), pictures, left_out,
        ),
        defects, no_finger_ns=no_finger_ns,
    ))


def _find_unit(
    labels: PureLabels, files: dict[int, Path], path: Path, defects: list[str]
) -> str:
    """Return the unit of all stamps of a recording.

    Raises
    ------
    CurationError : they are of no unit, or not all of the same
    """
    streams = {
        "PPG": (labels.sample_stamps, PPG_HZ),
        "the names of the pictures": (np.array(sorted(files), np.int64), FRAME_HZ),
        "the pictures in the JSON": (np.sort(labels.image_stamps), FRAME_HZ),
    }
    units = {}
    for name, (stamps, rates_hz) in streams.items():
        if len(stamps) < 3:
            continue
        if (unit := find_unit(stamps, rates_hz)) is None:
            raise CurationError(
                expected=f"stamps in nanoseconds, {rates_hz[0]:g} to {rates_hz[1]:g} a second",
                found=f"{describe_step(stamps)} in {name}", where=path,
                fix="correct the stamps, or get the folder again",
            )
        units[name] = unit
    if len(set(units.values())) > 1:
        raise CurationError(
            expected="stamps of one unit, nanoseconds",
            found=" and ".join(f"{UNIT_WORDS[unit]} in {name}" for name, unit in units.items()),
            where=path, fix="correct the stamps, or get the folder again",
        )
    unit = next(iter(units.values()), "ns")
    if unit != "ns":
        defects.append(f"all stamps are {UNIT_WORDS[unit]}, not nanoseconds; read as such")
    return unit


def _snap_to_names(listed: list[int], names: list[int], defects: list[str]) -> list[int]:
    """Replace stamps of the JSON that are a rounded picture's name by that name."""
    if not listed or not names or set(listed) <= set(names):
        return listed
    known = np.array(names, np.int64)
    at = np.clip(np.searchsorted(known, listed), 1, len(known) - 1) if len(known) > 1 else 0
    before, after = known[np.maximum(at - 1, 0)], known[at]
    stamps = np.array(listed, np.int64)
    nearest = np.where(stamps - before < after - stamps, before, after)
    is_rounded = (nearest != stamps) & (np.abs(nearest - stamps) <= _ROUNDED_NS)
    if is_rounded.any():
        defects.append(
            f"{np.count_nonzero(is_rounded)} image stamps of the JSON are rounded; taken as their "
            "pictures' names"
        )
    return np.where(is_rounded, nearest, stamps).tolist()


def _without_lone(
    files: dict[int, Path], listed: list[int], defects: list[str]
) -> tuple[dict[int, Path], list[int], int]:
    """Leave out pictures whose stamp lies far from all others; return how many are lost by that."""
    stamps = np.array(sorted(files.keys() | set(listed)), np.int64)
    lone = set(stamps[is_lone(stamps)].tolist())
    if not lone:
        return files, listed, 0
    out = sorted(lone & files.keys())
    kept = {stamp: path for stamp, path in files.items() if stamp not in lone}
    kept_list = [stamp for stamp in listed if stamp not in lone]
    middle = int(np.median(stamps))
    if out:
        defects.append(
            f"{len(out)} pictures are stamped far from all others, the first is "
            f"{files[out[0]].name}, {(out[0] - middle) / 1e9:+.0f} s; left out"
        )
    if unfound := sorted(lone - files.keys()):
        defects.append(
            f"{len(unfound)} image stamps of the JSON lie far from all others, the first is "
            f"{unfound[0]}; left out"
        )
    missing = len(set(kept_list) - kept.keys()) if listed else 0
    return kept, kept_list, max(0, len(out) - missing)


def _match_pictures(
    image_ns: Sequence[int], files: dict[int, Path], folder: Path, defects: list[str]
) -> list[int]:
    """Return the stamps of pictures and JSON together, sorted; name where the two differ.

    Raises
    ------
    CurationError : there are too few, or many pictures are not of this recording
    """
    listed = Counter(image_ns)
    if repeated := sum(count - 1 for count in listed.values()):
        defects.append(f"{repeated} image stamps stand twice in the JSON")
    if list(image_ns) != sorted(image_ns):
        defects.append("image stamps of the JSON are out of order; sorted")
    if missing := sorted(listed.keys() - files.keys()):
        defects.append(
            f"{len(missing)} pictures of the JSON are not there, the first is Image{missing[0]}.png"
        )
    extra = sorted(files.keys() - listed.keys())
    if listed and len(files) > 1 and len(extra) > _UNLISTED_SHARE * len(files):
        raise CurationError(
            expected="pictures that the JSON lists",
            found=f"{len(extra)} of {len(files)} that it does not, the first is "
                  f"{files[extra[0]].name}", where=folder,
            fix="keep the pictures of one camera and recording, or get the folder again",
        )
    if extra:
        defects.append(
            f"{len(extra)} pictures are not in the JSON, the first is {files[extra[0]].name}; "
            "imported"
        )
    stamps = sorted(listed.keys() | files.keys())
    if not files or len(stamps) < 2:
        raise CurationError(
            expected="pictures Image<ns>.png", found=_what_is_there(folder), where=folder,
            fix=GET_FOLDER,
        )
    return stamps


def _what_is_there(folder: Path) -> str:
    """Return how many pictures a folder holds, and what else it holds."""
    pictures = len(picture_files(folder))
    others = Counter(
        path.suffix.lower() or "without a suffix" for path in visible(_folders(folder)[-1])
        if path.is_file() and path.suffix.lower() not in (".png", ".json")
    )
    listed = "".join(f", {count} files {suffix}" for suffix, count in others.most_common(3))
    return f"{pictures}{listed}"


def _files_by_stamp(folder: Path, defects: list[str]) -> dict[int, Path]:
    """Return the pictures by the stamp in their names."""
    files, misnamed = {}, []
    for path in picture_files(folder):
        match = PICTURE.fullmatch(path.name)
        if match is None or int(match[1]) >= 2**62 or int(match[1]) in files:
            misnamed.append(path.name)
        else:
            files[int(match[1])] = path
    if misnamed:
        defects.append(
            f"{len(misnamed)} pictures are not named by a stamp of their own, the first is "
            f"{misnamed[0]}; left out"
        )
    return files


def _hash_files(folder: Path) -> list[tuple[str, str]]:
    labels, pictures = label_file(folder), picture_files(folder)
    listed = "".join(f"{sha256_of(path)} {path.name}\n" for path in pictures)
    of_pictures = f"{len(pictures)} pictures", hashlib.sha256(listed.encode()).hexdigest()
    of_labels = [(labels.name, sha256_of(labels))] if labels.is_file() else []
    return [*of_labels, of_pictures]


PURE = PublicSet("PURE", FOLDER, "NN-NN", "PURE-", read_pure, _hash_files)
