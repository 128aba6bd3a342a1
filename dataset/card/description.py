"""The sentences that both dataset cards share: name, summary, how to cite, known limits."""

from dataclasses import dataclass

from dataset.common.wording import counted
from dataset.layouts.manifest import Entry

from .facts import Facts

NO_LICENCE = "not chosen: nobody may copy or use these data before their owner says so"


@dataclass(frozen=True)
class AboutDataset:
    """What no file knows of a data set, but a person."""

    name: str = "Face video and finger PPG"
    licence: str | None = None              # an SPDX URL, or words
    creators: tuple[str, ...] = ()
    url: str | None = None
    cite: str | None = None
    published: str | None = None            # ISO date
    reasons: bool = False                   # whether the card tells why recordings were excluded


def title(facts: Facts, about: AboutDataset) -> str:
    """Return the data set's name, marked where subjects are virtual."""
    mark = {"all": " (SIMULATED)", "some": " (PARTLY SIMULATED)", "none": ""}
    return about.name + mark[facts.simulated]


def citation(facts: Facts, about: AboutDataset) -> str:
    """Return how to cite the data set: as a person said, or by name, version and hash."""
    if about.cite:
        return about.cite
    creators = f"{', '.join(about.creators)}. " if about.creators else ""
    day = about.published or facts.last_day
    year = f" ({day[:4]})" if day else ""
    manifest = facts.manifest
    return (
        f"{creators}{title(facts, about)}{year}. Data hash {manifest.data_hash}, curated with acq "
        f"{manifest.acq_version}."
    )


def describe_dataset(facts: Facts) -> str:
    """Return in a sentence or two what the data are."""
    minutes = sum(entry.timing.duration_s for entry in facts.entries) / 60
    who = {
        "all": "VIRTUAL subjects (SIMULATED)", "some": "subjects, some of them VIRTUAL (SIMULATED)",
        "none": "subjects",
    }
    return (
        f"{len(facts.entries)} recordings of {len(facts.subjects)} {who[facts.simulated]}, "
        f"{minutes:.1f} min: video of the face and, for each frame, the contact PPG of a finger, "
        "the heart rate and the frame's own time. Lossless; split by subject."
    )


def curated_grade(facts: Facts, entry: Entry) -> str | None:
    """Return the quality grade of the very recording that was curated; None: it was not graded."""
    return facts.grades.get(entry.session) or entry.source.grade


def known_limits(facts: Facts) -> list[str]:
    """List what a user of the data must know."""
    return [*_of_kind(facts), *_of_frames(facts), *_of_quality(facts), *_of_people(facts)]


def _of_kind(facts: Facts) -> list[str]:
    limits = []
    if facts.simulated != "none":
        limits.append(
            "Simulated recordings show virtual subjects: a network that does well on them may fail "
            "on people."
        )
    if facts.imported:
        limits.append(
            f"Imported from {', '.join(facts.imported)}: their times carry no bound, and their own "
            "licences hold."
        )
    if any(entry.timing.light_offset_ms is None for entry in facts.entries):
        limits.append(
            "Cameras were not calibrated: the delay from light to stamp is in the data, its size "
            "unknown."
        )
    if facts.unread:
        limits.append(f"{counted(len(facts.unread), 'recording')} could not be looked at again.")
    return limits


def _of_frames(facts: Facts) -> list[str]:
    limits, entries = [], facts.entries
    shifts_ms = [entry.timing.picture_shift_ms for entry in entries]
    if known_ms := [shift for shift in shifts_ms if shift is not None]:
        limits.append(
            f"On an even grid of {facts.manifest.fps} fps: a picture is up to {max(known_ms):.1f} "
            "ms from its row's time."
        )
    if repeated := sum(span.frames for entry in entries for span in entry.rows.repeated):
        limits.append(
            f"{counted(repeated, 'frame')} of the videos show the picture of another moment; the "
            "manifest lists them."
        )
    sources = [entry.source for entry in entries if entry.part == 1]
    if lost := sum(source.lost_frames for source in sources):
        limits.append(
            f"The cameras lost {counted(lost, 'frame')}; the third row of the labels has the true "
            "times."
        )
    if lost := sum(source.lost_samples for source in sources):
        limits.append(f"The sensors lost {counted(lost, 'sample')}.")
    return limits


def _of_quality(facts: Facts) -> list[str]:
    grades = [curated_grade(facts, entry) for entry in facts.entries]
    limits = []
    if ungraded := grades.count(None):
        limits.append(f"The quality of {counted(ungraded, 'recording')} was not graded.")
    if bad := grades.count("bad"):
        limits.append(f"{counted(bad, 'recording')} graded bad.")
    return limits


def _of_people(facts: Facts) -> list[str]:
    if facts.simulated == "all":
        return []
    limits = []
    if without := len(facts.subjects) - facts.consents:
        limits.append(f"For {counted(without, 'subject')} no consent is noted here.")
    return [
        *limits, "Faces can be recognised: the videos are personal data, whatever the pseudonyms."
    ]
