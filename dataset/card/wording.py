"""The sentences that both dataset cards share: the name, what the data are, how to cite them, what
to beware of.
"""

from dataclasses import dataclass

from dataset.common.wording import counted
from dataset.layouts.manifest import Entry

from .facts import Facts

NO_LICENCE = "not chosen: nobody may copy or use these data before their owner says so"


@dataclass(frozen=True)
class About:
    """What no file says of a data set, but a person."""

    name: str = "Face video and finger PPG"
    licence: str | None = None              # an SPDX URL, or words
    creators: tuple[str, ...] = ()
    url: str | None = None
    cite: str | None = None
    published: str | None = None            # ISO date


def title(facts: Facts, about: About) -> str:
    """Give the data set's name; it says where subjects are virtual."""
    return (
        about.name
        + {"all": " (SIMULATED)", "some": " (PARTLY SIMULATED)", "none": ""}[facts.simulated]
    )


def citation(facts: Facts, about: About) -> str:
    """Say how to cite it: as told, or by name, version and hash."""
    if about.cite:
        return about.cite
    who = f"{', '.join(about.creators)}. " if about.creators else ""
    day = about.published or facts.last_day
    year = f" ({day[:4]})" if day else ""
    manifest = facts.manifest
    return f"{who}{title(facts, about)}{year}. Data hash {manifest.data_hash}, curated with acq {manifest.acq_version}."


def summary(facts: Facts) -> str:
    """Say in a sentence or two what the data are."""
    entries = facts.entries
    minutes = sum(entry.timing.duration_s for entry in entries) / 60
    who = {
        "all": "VIRTUAL subjects (SIMULATED)", "some": "subjects, some of them VIRTUAL (SIMULATED)",
        "none": "subjects",
    }
    return (
        f"{len(entries)} recordings of {len(facts.subjects)} {who[facts.simulated]}, {minutes:.1f} "
        "min: video of the face and, "
        "for each frame, the contact PPG of a finger, the heart rate and the frame's own time. "
        "Lossless; split by subject."
    )


def grade(facts: Facts, entry: Entry) -> str | None:
    """Give the recording's grade by `acq qc`, where it was asked of the very recording that was
    curated.
    """
    return facts.grades.get(entry.session) or entry.source.grade


def limits(facts: Facts) -> list[str]:
    """Name what a user of the data must know."""
    entries = facts.entries
    found = []
    if facts.simulated != "none":
        found.append(
            "Simulated recordings show virtual subjects: a network that does well on them may fail "
            "on people."
        )
    if facts.imported:
        found.append(
            f"Imported from {', '.join(facts.imported)}: their times carry no bound, and their own "
            "licences hold."
        )
    if any(one.setup.light == "not calibrated" for one in facts.recorded.values()):
        found.append(
            "Cameras were not calibrated: the delay from light to stamp is in the data, its size "
            "unknown."
        )
    if facts.unread:
        found.append(f"{counted(len(facts.unread), 'recording')} could not be looked at again.")
    if shifts := [
        entry.timing.picture_shift_ms for entry in entries
        if entry.timing.picture_shift_ms is not None
    ]:
        found.append(
            f"On an even grid of {facts.manifest.fps} fps: a picture is up to {max(shifts):.1f} ms "
            "from its row's time."
        )
    if repeated := sum(span.frames for entry in entries for span in entry.rows.repeated):
        found.append(
            f"{counted(repeated, 'frame')} of the videos show the picture of another moment; the "
            "manifest lists them."
        )
    if lost := sum(entry.source.lost_frames for entry in entries if entry.part == 1):
        found.append(
            f"The cameras lost {counted(lost, 'frame')}; the third row of the labels has the true "
            "times."
        )
    if lost := sum(entry.source.lost_samples for entry in entries if entry.part == 1):
        found.append(f"The sensors lost {counted(lost, 'sample')}.")
    if ungraded := sum(grade(facts, entry) is None for entry in entries):
        found.append(f"The quality of {counted(ungraded, 'recording')} was not asked.")
    if bad := sum(grade(facts, entry) == "bad" for entry in entries):
        found.append(f"{counted(bad, 'recording')} graded bad.")
    if facts.simulated != "all" and (silent := len(facts.subjects) - facts.consents):
        found.append(f"For {counted(silent, 'subject')} no consent is noted here.")
    if facts.simulated != "all":
        found.append(
            "Faces can be recognised: the videos are personal data, whatever the pseudonyms."
        )
    return found
