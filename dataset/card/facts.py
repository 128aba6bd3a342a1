"""The facts of a dataset card, gathered from manifest, recordings, quality and subjects' notes.

Nothing here depends on the time or the machine, so the same data gives the same card. What is noted
of a subject is used only where a consent is noted too, and only as counts: a value that fewer than
`SMALLEST_GROUP` subjects share is not listed.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError
from dataset.common.files import check_content, sha256_of
from dataset.consistency.of_today import check_of_today
from dataset.layouts.manifest import MANIFEST, Entry, Manifest
from dataset.layouts.ubfc import load_manifest
from dataset.quality.result import read_grade
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split import Split
from dataset.selection.split_file import read_split
from dataset.session.find import files_by_id
from dataset.session.reader import Session
from dataset.session.subject import Subject, read_subject
from dataset.variability.group import describe_group
from dataset.variability.measure import Variability, read_variability

SMALLEST_GROUP = 3           # subjects; a smaller group might point to a person
NOT_STATED, NOT_CALIBRATED = "not stated", "not calibrated"
COUNTED = {
    "age_band": "age band [years]", "sex": "sex", "fitzpatrick": "skin type (Fitzpatrick)",
    "monk": "skin tone (Monk)",
}


@dataclass(frozen=True)
class Setup:
    """What a recording was made with; recordings with the same setup are one line of the card."""

    camera: str
    width: int               # [px]
    height: int              # [px]
    nominal_fps: str         # the camera's own figure [Hz]
    pixel_format: str
    time_meaning: str        # what the camera's stamp marks
    exposure: str            # "locked" and so on, in one word or two
    sensor: str
    ppg_rate_hz: str         # nominal; of a published set "about" and by its times
    adc_bits: str            # "" where it is not known
    firmware: str            # "" where it runs none of ours
    light: str               # the camera's offset against the light, in words
    imported_from: str       # "" where acq recorded it


@dataclass(frozen=True)
class Recorded:
    """What the recording behind a curated folder adds to its entry."""

    day: str | None          # ISO date, UTC; None: not known, as of some imported sets
    setup: Setup


@dataclass(frozen=True)
class Facts:
    """Everything that a card is made of."""

    manifest: Manifest
    manifest_sha256: str
    recorded: dict[str, Recorded]                 # by session; only those whose recording is there
    unread: dict[str, str]                        # session: why its recording could not be read
    grades: dict[str, str | None]                 # by session; None: not graded as it is now
    exclusions: Exclusions
    split: Split | None  # None: there is none, or the folders were made by another
    consents: int                                 # subjects with a consent noted
    counts: dict[str, list[tuple[str, int]]]      # field of COUNTED: value and number of subjects
    imported: tuple[str, ...]                     # public data sets that recordings came from
    variability: tuple[str, ...] = ()             # of the group, a line a figure; (): not asked for

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
        """Which recordings are simulated: "all", "some" or "none"."""
        kinds = {entry.source.simulated for entry in self.entries}
        return "some" if len(kinds) > 1 else "all" if True in kinds else "none"

    @property
    def last_day(self) -> str | None:
        """Date of the newest recording, None where no recording is there or none has a date."""
        return max((one.day for one in self.recorded.values() if one.day), default=None)


def gather_facts(data: Path, *, variability: bool = False) -> Facts:
    """Gather the facts of a card of `data/ubfc`.

    Parameters
    ----------
    variability : also the heart rate variability of the group; a second a recording

    Raises
    ------
    CurationError : the curated folders are not what their manifest says, or not of today; or there
        are none
    AcqError : the exclusions, a quality file or what is noted of a subject cannot be read
    """
    root = data_folder.ubfc_dir(data)
    manifest = load_manifest(root)
    check_content(root / MANIFEST)
    check_of_today(data, manifest)
    files = {
        session: paths[0] for session, paths in files_by_id(data_folder.session_files(data)).items()
    }
    recorded, unread, grades = {}, {}, {}
    for entry in manifest.entries:
        path = files.get(entry.session)
        if path is None:
            grades[entry.session], unread[entry.session] = None, "not here"
            continue
        grades[entry.session] = read_grade(path, entry.source.content_hash)
        try:
            recorded[entry.session] = _recorded(path, entry)
        except AcqError as error:
            unread[entry.session] = str(error)
    subjects = [read_subject(data, name) for name in sorted({e.subject for e in manifest.entries})]
    agreed = [subject for subject in subjects if subject and subject.consent is not None]
    sources = {entry.source.imported_from for entry in manifest.entries}
    return Facts(
        manifest, sha256_of(root / MANIFEST), recorded, unread, grades, read_exclusions(data),
        _split(data, manifest), len(agreed),
        counts={field: _count_values(agreed, field) for field in COUNTED},
        imported=tuple(sorted(sources - {""})),
        variability=_group(manifest, files, recorded) if variability else (),
    )


def _group(
    manifest: Manifest, files: dict[str, Path], recorded: Collection[str]
) -> tuple[str, ...]:
    """Return the variability of the subjects whose recordings are there, as a group."""
    subjects = {entry.session: entry.subject for entry in manifest.entries}
    found: dict[str, list[Variability]] = {}
    for session in sorted(recorded):
        found.setdefault(subjects[session], []).append(read_variability(files[session]))
    return tuple(describe_group(found))


def _split(data: Path, manifest: Manifest) -> Split | None:
    path = data_folder.split_file(data)
    split = read_split(path) if data_folder.is_there(path) else None
    return split if split and split.hash == manifest.split_hash else None


def _recorded(path: Path, entry: Entry) -> Recorded:
    with Session(path) as session:
        day = session.started and session.started.date().isoformat()
        camera, sensor = session.camera, session.sensor
        by_times = f"about {entry.timing.ppg_rate_hz:.0f}"
        return Recorded(
            day,
            Setup(
                camera_kind(camera.name), session.frames.width, session.frames.height,
                str(camera.fps), session.frames.pixel_format,
                camera.time_meaning, str(camera.exposure.get("control", NOT_STATED)),
                sensor.name, by_times if session.imported_from else str(sensor.rate_hz),
                str(sensor.adc_bits or ""), sensor.firmware, _light(session), session.imported_from,
            ),
        )


def camera_kind(camera: str) -> str:
    """Return the kind of a camera, with its socket where it has one.

    What else follows may be a path, a pipeline with a password, or a pseudonym.
    """
    kind, _, rest = camera.partition(":")
    return camera if kind in ("uvc", "csi") and re.fullmatch(r"[A-Za-z0-9/_-]*", rest) else kind


def _light(session: Session) -> str:
    if (light := session.camera.light_offset) is None:
        return NOT_CALIBRATED
    return f"{light.offset_ns / 1e6:.2f} ± {light.bound_ns / 1e6:.2f} ms"


def _count_values(subjects: list[Subject], field: str) -> list[tuple[str, int]]:
    """Count the values of a field; those of fewer than `SMALLEST_GROUP` subjects go together.

    Where they are still few together, the least frequent of the others joins them: a group of one
    could otherwise be computed from the sum.
    """
    counts = Counter(getattr(subject, field) or NOT_STATED for subject in subjects)
    listed = sorted((value, count) for value, count in counts.items() if count >= SMALLEST_GROUP)
    few = sum(count for count in counts.values() if count < SMALLEST_GROUP)
    while listed and 0 < few < SMALLEST_GROUP:
        least = min(listed, key=lambda item: (item[1], item[0]))
        listed.remove(least)
        few += least[1]
    return listed + ([("other values, of few subjects each", few)] if few else [])
