"""The manifest of the curated folders: which `subject<int>` is whose recording, made how.

It is the only place where a curated folder meets its real subject, and so the only place where a
leak between train and test can be seen. Everyone who trains reads it through
`dataset.layouts.manifest_file.read_manifest`, which refuses a leak.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from operator import attrgetter
from textwrap import indent
from typing import Any

from dataset.common.files import canonical_json

MANIFEST = "manifest.json"
SIDES = ("train", "test")

# A whole number in the file stays one when it is read: hashes are over the numbers as written.
Number = float | int


@dataclass(frozen=True)
class FrameSpan:
    """Successive frames with one reason why they are listed."""

    first: int       # index of the first frame
    frames: int      # how many
    reason: str


@dataclass(frozen=True)
class ExcludedPart:
    """A part of a session that a curator took out; None is the session's own beginning or end."""

    from_s: Number | None
    to_s: Number | None
    reason: str


@dataclass(frozen=True)
class SourceSession:
    """The state of the session that a folder was made from."""

    content_hash: str           # Session.content_hash
    simulated: bool
    complete: bool              # False: the recording was cut short
    imported_from: str          # the public data set; "" where acq recorded it
    lost_frames: int            # frames that the camera counted and the session lacks
    lost_samples: int
    grade: str | None           # the quality grade of this very session; None: not graded
    # of a virtual subject: with its id it says who that is; None: a real one, or not known
    virtual_seed: int | None = None


@dataclass(frozen=True)
class VideoFile:
    """`vid.avi` of a folder."""

    width: int                  # [px]
    height: int                 # [px]
    fps: Number                 # mean rate [Hz]; the true times are in row 3 of the labels
    codec: str
    pixels_hash: str            # SHA-256 of the BGR pixels, frame after frame: equal for all codecs
    size_bytes: int
    file_sha256: str            # of the file's bytes


@dataclass(frozen=True)
class LabelFile:
    """`ground_truth.txt` of a folder."""

    sha256: str                 # of the file's bytes
    hr_bpm: Number              # mean of the heart-rate row where it has a rate; 0: it has none
    ppg_filter: dict[str, Any]  # how the PPG row was filtered


@dataclass(frozen=True)
class Timing:
    """Durations, rates and the uncertainty of times."""

    duration_s: Number                  # first to last exported frame
    ppg_rate_hz: Number                 # the sensor's rate by the session's clock
    # largest bound on the time of a sample used; None: imported, no bound is known
    sync_bound_ms: Number | None
    # subtracted from the frame times before PPG was assigned; None: the camera was not calibrated
    light_offset_ms: Number | None
    # largest distance of a picture from its row's time; None: native rate, there is none
    picture_shift_ms: Number | None
    # of a sensor without a clock: what is known of its times, in words; None: of any other
    sync_one_sided: str | None = None


@dataclass(frozen=True)
class RowSelection:
    """Which frames of the session became rows, and by which settings."""

    fps: str                            # "native", or the rate of the even grid, such as "30"
    holes: str                          # "keep", "repeat" or "cut"
    trimmed: tuple[FrameSpan, ...]      # frames of the session shown nowhere; all in its part 1
    repeated: tuple[FrameSpan, ...]     # frames of the video whose picture is of another moment
    unused: int                         # frames between points of the even grid; all in its part 1
    excluded: tuple[ExcludedPart, ...]
    # frames of the video at which the finger's pulse cannot be told: nobody trains on them, and no
    # figure is of them; None: an earlier version made the folder, and did not look
    untrusted: tuple[FrameSpan, ...] | None = None


@dataclass(frozen=True)
class Entry:
    """One curated folder; `manifest_file` says under which keys it stands in the file."""

    folder: str                         # "train/subject1", under the root
    side: str                           # "train" or "test"
    subject: str
    session: str
    part: int                           # 1, unless the session is cut into several
    frames: int                         # of the video, and numbers in a row of the labels
    source: SourceSession
    video: VideoFile
    labels: LabelFile
    timing: Timing
    rows: RowSelection

    @property
    def key(self) -> str:
        """Return the name under which the folder's number is remembered."""
        return part_key(self.session, self.part)

    @property
    def untrusted_frames(self) -> int | None:
        """Return at how many frames the finger's pulse cannot be told; None: nobody looked."""
        spans = self.rows.untrusted
        return None if spans is None else sum(span.frames for span in spans)

    @property
    def number(self) -> int:
        """Return the integer in `subject<int>`."""
        return int(self.folder.rpartition("subject")[2])

    # Kept, for the whole manifest is written again with each session of a conversion.
    @cached_property
    def canonical(self) -> str:
        """The entry as JSON in the form that is hashed."""
        return canonical_json(flat_entry(self))

    @cached_property
    def indented(self) -> str:
        """The entry as JSON to be looked at, as deep as it stands in the file."""
        return indent(json.dumps(flat_entry(self), indent=2, allow_nan=False), " " * 4)


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
    holes: str                     # what happens to holes: "keep", "repeat" or "cut"
    complete: bool                 # False while a conversion runs, was interrupted, or failed
    # folder number of each session ever converted; part 2 of a session is `session#2`
    numbers: dict[str, int]
    # folders of an earlier conversion that are being removed; none once complete
    stale: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def data_hash(self) -> str:
        """SHA-256 over the entries: curated data with the same hash train the same."""
        return hash_of_entries(self.entries)

    @property
    def simulated(self) -> bool:
        """True where any recording is simulated."""
        return any(entry.source.simulated for entry in self.entries)

    def with_entries(self, entries: Sequence[Entry], *, complete: bool) -> "Manifest":
        """Return the same manifest with other entries, sorted by number."""
        by_number = sorted(entries, key=lambda entry: entry.number)
        return replace(self, entries=tuple(by_number), complete=complete)

    def body(self) -> dict[str, Any]:
        """Return the manifest as the object in its file, without schema and hash."""
        return {**self.head(), "entries": [flat_entry(entry) for entry in self.entries]}

    def head(self) -> dict[str, Any]:
        """Return what stands in the file before the entries, without schema and hash."""
        head = asdict(replace(self, entries=()))
        del head["entries"]
        return head


def canonical_entries(entries: Sequence[Entry]) -> str:
    """Return a list of entries as JSON in the form that is hashed."""
    return f"[{','.join(entry.canonical for entry in entries)}]"


def hash_of_entries(entries: Sequence[Entry]) -> str:
    """Return the SHA-256 over entries, in their order."""
    return hashlib.sha256(canonical_entries(entries).encode()).hexdigest()


def part_key(session: str, part: int) -> str:
    """Return the key of a part of a session: the session's id, then `session#2` and so on."""
    return session if part == 1 else f"{session}#{part}"


# The keys of an entry in the file, in their order, and the attribute that each of them holds.
ATTRIBUTE_OF_KEY = {
    "folder": "folder", "side": "side", "subject": "subject", "session": "session",
    "session_hash": "source.content_hash", "simulated": "source.simulated",
    "session_complete": "source.complete", "frames": "frames", "width": "video.width",
    "height": "video.height", "fps": "video.fps", "duration_s": "timing.duration_s",
    "hr_bpm": "labels.hr_bpm", "ppg_rate_hz": "timing.ppg_rate_hz",
    "sync_bound_ms": "timing.sync_bound_ms", "light_offset_ms": "timing.light_offset_ms",
    "lost_frames": "source.lost_frames", "lost_samples": "source.lost_samples",
    "trimmed": "rows.trimmed", "codec": "video.codec", "filter": "labels.ppg_filter",
    "video_hash": "video.pixels_hash", "video_bytes": "video.size_bytes",
    "video_sha256": "video.file_sha256", "labels_hash": "labels.sha256", "part": "part",
    "imported_from": "source.imported_from", "fps_asked": "rows.fps", "holes": "rows.holes",
    "repeated": "rows.repeated", "unused": "rows.unused",
    "picture_shift_ms": "timing.picture_shift_ms", "excluded": "rows.excluded",
    "grade": "source.grade", "untrusted": "rows.untrusted",
    "virtual_seed": "source.virtual_seed", "sync_one_sided": "timing.sync_one_sided",
}
# that entries of earlier versions lack, and keep lacking
_NEW_KEYS = frozenset({"untrusted", "virtual_seed", "sync_one_sided"})


def flat_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry as the flat object that stands in the file."""
    flat = {}
    for key, attribute in ATTRIBUTE_OF_KEY.items():
        value = attrgetter(attribute)(entry)
        if isinstance(value, tuple):
            value = tuple(asdict(span) for span in value)
        if value is not None or key not in _NEW_KEYS:
            flat[key] = value
    return flat


def nested_entry(flat: dict[str, Any]) -> dict[str, Any]:
    """Return the flat object of the file nested as `Entry` is; nothing is checked but the keys.

    Raises
    ------
    ValueError : a key lacks
    """
    nested: dict[str, Any] = {}
    for key, attribute in ATTRIBUTE_OF_KEY.items():
        if key not in flat:
            if key in _NEW_KEYS:
                continue
            raise ValueError(f"an entry without {key!r}")
        group, _, name = attribute.rpartition(".")
        (nested.setdefault(group, {}) if group else nested)[name] = flat[key]
    return nested
