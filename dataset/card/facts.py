"""What a dataset card says, gathered from the files: the manifest, the recordings, their quality,
what is noted of the subjects.

Nothing here depends on when or where it is asked, so the same data gives the same card. What is
noted of a subject is used only where a consent is noted too, and only as counts: a value that fewer
than `SMALL` subjects share is not told.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError
from dataset.common.files import sha256_of
from dataset.layouts.manifest import MANIFEST, Entry, Manifest
from dataset.layouts.ubfc import load_manifest
from dataset.quality.result import read_grade
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split import Split
from dataset.selection.split_file import read_split
from dataset.session.reader import Session
from dataset.session.subject import Subject, read_subject

SMALL = 3                    # a group below this might point to a person
COUNTED = {
    "age_band": "age band [years]", "sex": "sex", "fitzpatrick": "skin type (Fitzpatrick)",
    "monk": "skin tone (Monk)",
}


@dataclass(frozen=True)
class Setup:
    """What a recording was made with; recordings with the same one are told together."""

    camera: str
    width: int               # [px]
    height: int              # [px]
    nominal_fps: str         # what the camera says of itself [Hz]
    pixel_format: str
    time_meaning: str        # what the camera's stamp marks
    exposure: str            # "locked" and so on, in one word or two
    sensor: str
    ppg_rate_hz: str         # nominal
    adc_bits: str
    firmware: str
    light: str               # the camera's offset against the light, in words
    imported_from: str       # "" where acq recorded it


@dataclass(frozen=True)
class Recorded:
    """What the recording behind a curated folder adds to its entry."""

    started: str             # date, UTC
    setup: Setup


@dataclass(frozen=True)
class Facts:
    """Everything that a card is made of."""

    manifest: Manifest
    manifest_sha256: str
    recorded: dict[str, Recorded]                 # by session; only those whose recording is there
    unread: dict[str, str]                        # session: why its recording could not be read
    grades: dict[str, str | None]  # by session; None: `acq qc` was not asked of it as it is now
    exclusions: Exclusions
    split: Split | None  # None: not there, or not the one that the folders were made by
    consents: int                                 # subjects with a consent noted
    counts: dict[str, list[tuple[str, int]]]      # field of COUNTED: value and number of subjects
    imported: tuple[str, ...]                     # public data sets that recordings came from

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The curated folders."""
        return self.manifest.entries

    @property
    def subjects(self) -> list[str]:
        """Pseudonyms, sorted."""
        return sorted({entry.subject for entry in self.entries})

    @property
    def simulated(self) -> str:
        """Say "all", "some" or "none"."""
        kinds = {entry.source.simulated for entry in self.entries}
        return "some" if len(kinds) > 1 else "all" if True in kinds else "none"

    @property
    def last_day(self) -> str | None:
        """Date of the newest recording, None where no recording is there."""
        return max((one.started for one in self.recorded.values()), default=None)


def gather(data: Path) -> Facts:
    """Read what a card of `data/ubfc` says.

    Raises
    ------
    CurationError : the curated folders are not what their manifest says, or there are none
    AcqError : the exclusions, a quality file or what is noted of a subject cannot be read
    """
    root = data_folder.ubfc_dir(data)
    manifest = load_manifest(root)
    files = {path.stem: path for path in data_folder.session_files(data)}
    recorded, unread, grades = {}, {}, {}
    for entry in manifest.entries:
        path = files.get(entry.session)
        if path is None:
            grades[entry.session], unread[entry.session] = None, "not here"
            continue
        grades[entry.session] = read_grade(path, entry.source.content_hash)
        try:
            recorded[entry.session] = _recorded(path)
        except AcqError as error:
            unread[entry.session] = str(error)
    noted = [
        read_subject(data, subject)
        for subject in sorted({entry.subject for entry in manifest.entries})
    ]
    agreed = [one for one in noted if one is not None and one.consent is not None]
    return Facts(
        manifest, sha256_of(root / MANIFEST), recorded, unread, grades, read_exclusions(data),
        _split(data, manifest), len(agreed), {field: _counted(agreed, field) for field in COUNTED},
        tuple(sorted({one.setup.imported_from for one in recorded.values()} - {""})),
    )


def _split(data: Path, manifest: Manifest) -> Split | None:
    path = data_folder.split_file(data)
    split = read_split(path) if path.exists() else None
    return split if split and split.hash == manifest.split_hash else None


def _recorded(path: Path) -> Recorded:
    with Session(path) as session:
        day = datetime.fromtimestamp(session.started_unix_ns / 1e9, timezone.utc).date().isoformat()
        camera, sensor = session.camera, session.sensor
        return Recorded(
            day,
            Setup(
                camera_kind(camera.name), session.frames.width, session.frames.height,
                str(camera.fps), session.frames.pixel_format,
                camera.time_meaning, str(camera.exposure.get("control", "not told")),
                sensor.name, str(sensor.rate_hz), str(sensor.adc_bits),
                sensor.firmware, _light(session), session.imported_from,
            ),
        )


def camera_kind(camera: str) -> str:
    """Give the kind of a camera: what follows it may be a path, a pipeline with a password, or a
    pseudonym; a socket may stay.
    """
    kind, _, rest = camera.partition(":")
    return camera if kind in ("uvc", "csi") and re.fullmatch(r"[A-Za-z0-9/_-]*", rest) else kind


def _light(session: Session) -> str:
    if (light := session.camera.light_offset) is None:
        return "not calibrated"
    return f"{light.offset_ns / 1e6:.2f} ± {light.bound_ns / 1e6:.2f} ms"


def _counted(noted: list[Subject], field: str) -> list[tuple[str, int]]:
    """Count values; those of fewer than `SMALL` subjects go together, untold, and so does the next
    where they are still few.
    """
    found = Counter(getattr(one, field) or "not told" for one in noted)
    told = sorted((value, count) for value, count in found.items() if count >= SMALL)
    few = sum(count for count in found.values() if count < SMALL)
    while told and 0 < few < SMALL:             # else a group of one could be told from the sum
        least = min(told, key=lambda one: (one[1], one[0]))
        told.remove(least)
        few += least[1]
    return told + ([("other values, of few subjects each", few)] if few else [])
