"""The manifest of the curated folders: which `subject<int>` is whose recording, made how, from
what.

It is the only place where a curated folder meets its real subject, and so the only place where a
leak between train and test can be seen; everyone who trains reads it through `read_manifest`, which
refuses one.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError
from dataset.common.files import canonical_json

MANIFEST = "manifest.json"
SCHEMA = "acq-ubfc-manifest"
SCHEMA_VERSION = 2
SIDES = ("train", "test")

_FOLDER = re.compile(r"subject([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Entry:
    """One curated folder."""

    folder: str                    # "train/subject1", under the root
    side: str                      # "train" or "test"
    subject: str
    session: str
    session_hash: str              # Session.content_hash
    simulated: bool
    session_complete: bool         # False: the recording was cut short
    frames: int
    width: int                     # [px]
    height: int                    # [px]
    fps: float  # mean rate of the exported frames [Hz]; the true times are in row 3
    duration_s: float              # first to last exported frame
    hr_bpm: float                  # mean of the heart-rate row
    ppg_rate_hz: float             # the sensor's rate by the session's clock
    # largest bound on the time of a sample used; None: imported, nobody vouches for any
    sync_bound_ms: float | None
    # taken off the frames' times before they met the PPG; None: the camera was not calibrated
    light_offset_ms: float | None
    lost_frames: int               # frames that the camera counted and the session lacks
    lost_samples: int
    # {"first", "frames", "reason"}: frames of the session shown nowhere; all of them in its part 1
    trimmed: list[dict[str, Any]]
    codec: str
    filter: dict[str, Any]
    video_hash: str  # SHA-256 of the BGR pixels, frame after frame: the same for every codec
    video_bytes: int
    video_sha256: str              # of vid.avi as a file
    labels_hash: str               # SHA-256 of ground_truth.txt
    part: int                      # 1, unless the session is cut into several
    imported_from: str             # the public data set; "" where acq recorded it
    fps_asked: str                 # "native", or the rate of the even grid, such as "30"
    holes: str                     # "keep", "repeat" or "cut"
    # {"first", "frames", "reason"}: frames of the video whose picture belongs to another moment
    repeated: list[dict[str, Any]]
    unused: int  # frames of the session that the even grid passes by; all of them in its part 1
    # largest distance of a picture from its row's time; None: native, there is none
    picture_shift_ms: float | None
    # {"from_s", "to_s", "reason"}: what a curator took out of the session
    excluded: list[dict[str, Any]]
    grade: str | None              # of acq qc, where it was asked of this very session

    @property
    def key(self) -> str:
        """The name under which the folder's number is remembered."""
        return part_key(self.session, self.part)

    @property
    def number(self) -> int:
        """The integer in `subject<int>`."""
        return int(self.folder.rpartition("subject")[2])


@dataclass(frozen=True)
class Manifest:
    """Everything a reader of the curated folders needs to know about them."""

    acq_version: str
    split_hash: str
    fold: int                      # which fold of the split, from 1
    folds: int
    filter: dict[str, Any]
    codec: str
    ppg: str                       # "filtered" or "raw"
    fps: str                       # "native", or the rate of the even grid, such as "30"
    holes: str                     # what becomes of holes: "keep", "repeat" or "cut"
    complete: bool  # False while a conversion is under way, was interrupted, or failed in part
    # session, or session#2 for part 2, to folder number, of every one that ever had one
    numbers: dict[str, int]
    # folders of an earlier conversion that are being removed; none once complete
    stale: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def data_hash(self) -> str:
        """SHA-256 over the entries: two curated data sets with the same one train the same."""
        return hashlib.sha256(
            canonical_json([asdict(e) for e in self.entries]).encode()
        ).hexdigest()

    @property
    def simulated(self) -> bool:
        """True where any recording is."""
        return any(e.simulated for e in self.entries)

    def with_entries(self, entries: Sequence[Entry], *, complete: bool) -> "Manifest":
        """Give the same manifest with other entries, sorted by number."""
        return replace(
            self, entries=tuple(sorted(entries, key=lambda e: e.number)), complete=complete
        )


def part_key(session: str, part: int) -> str:
    """Name a part of a session: the session itself, then `session#2` and so on."""
    return session if part == 1 else f"{session}#{part}"


def is_subject_folder(name: str) -> bool:
    """Say whether `name` is `subject<int>`, without leading zeros."""
    return _FOLDER.fullmatch(name) is not None


def _is_folder(path: object) -> bool:
    """Say whether `path` is `train/subject<int>` or `test/subject<int>`."""
    side, _, name = str(path).partition("/")
    return side in SIDES and is_subject_folder(name)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest under a temporary name, then rename."""
    body = {
        "schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(manifest),
        "data_hash": manifest.data_hash,
    }
    body["entries"] = body.pop("entries")     # last: the header is what a person looks for
    write_text(path, json.dumps(body, indent=2, allow_nan=False) + "\n")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check it, without looking at the folders.

    Raises
    ------
    CurationError : it is missing or not one, was edited, names a path that is no
        `train|test/subject<int>`, or leaks
    """
    again = f"in {path}; move {path.parent} away, and acq convert makes it new"
    try:
        body = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise CurationError(
            f"expected a manifest, found nothing at {path}; acq convert writes it"
        ) from error
    except (OSError, ValueError) as error:
        raise CurationError(f"expected a manifest as JSON, got: {error}, {again}") from error
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise CurationError(f"expected schema {SCHEMA}, found something else {again}")
    if body.get("schema_version") != SCHEMA_VERSION:
        raise CurationError(
            f"expected manifest format {SCHEMA_VERSION}, found {body.get('schema_version')} {again}"
        )
    try:
        head = {
            k: v
            for k, v in body.items()
            if k not in ("schema", "schema_version", "data_hash", "stale", "entries")
        }
        entries = tuple(Entry(**entry) for entry in body["entries"])
        manifest = Manifest(**head, stale=tuple(body["stale"]), entries=entries)
        texts = [text for e in entries for text in (e.folder, e.side, e.subject, e.session)]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a name that is no text")
        if not all(type(n) is int and n > 0 for e in entries for n in (e.part, e.frames)):
            raise TypeError("a count that is none")
        _check_stretches(entries)
        data_hash = manifest.data_hash
    except (KeyError, TypeError, ValueError) as error:
        raise CurationError(f"expected a whole manifest, got: {error}, {again}") from error
    _check_entries(manifest.entries, again)
    _check_numbers(manifest, again)
    if data_hash != body.get("data_hash"):
        raise CurationError(
            f"expected the manifest as acq wrote it, found one changed by hand {again}"
        )
    return manifest


def _check_stretches(entries: Sequence[Entry]) -> None:
    for entry in entries:
        for one in entry.repeated:
            first, count = one["first"], one["frames"]
            if (
                type(first) is not int
                or type(count) is not int
                or first < 0
                or count < 1
                or first + count > entry.frames
            ):
                raise ValueError(f"frames {first} and {count} more of {entry.frames}")
        for one in entry.excluded:
            if not all(
                one[end] is None or isinstance(one[end], int | float) for end in ("from_s", "to_s")
            ):
                raise TypeError("an excluded part that is none")


def _check_entries(entries: Sequence[Entry], again: str) -> None:
    for entry in entries:
        if not _is_folder(entry.folder) or entry.folder.partition("/")[0] != entry.side:
            raise CurationError(
                f"expected {entry.side}/subject<int> for one of {SIDES}, found {entry.folder!r} "
                f"{again}"
            )
        if not data_folder.is_subject_id(entry.subject):
            raise CurationError(f"expected a subject id, found {entry.subject!r} {again}")
    for what, values in (
        ("folder number", [str(e.number) for e in entries]), ("session", [e.key for e in entries]),
    ):
        if twice := sorted({v for v in values if values.count(v) > 1}):
            raise CurationError(
                f"expected each {what} once, found {', '.join(twice)} twice {again}"
            )
    train, test = ({e.subject for e in entries if e.side == side} for side in SIDES)
    if shared := sorted(train & test):
        raise CurationError(
            f"expected each subject on one side, found {', '.join(shared)} on both {again}"
        )


def _check_numbers(manifest: Manifest, again: str) -> None:
    numbers = manifest.numbers
    if (
        not isinstance(numbers, dict)
        or not all(type(n) is int and n > 0 for n in numbers.values())
        or len(set(numbers.values())) < len(numbers)
        or any(numbers.get(e.key) != e.number for e in manifest.entries)
    ):
        raise CurationError(f"expected one folder number for each session, found {numbers} {again}")
    if odd := [path for path in manifest.stale if not _is_folder(path)]:
        raise CurationError(
            f"expected train/subject<int> or test/subject<int> as stale, found {odd[0]!r} {again}"
        )
