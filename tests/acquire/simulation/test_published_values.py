"""The page of virtual people says how they are spread, beside what was published: drawn again."""

import re

import numpy as np
import pytest

from acquire.simulation.rendering.face import Perfusion
from acquire.simulation.subject import PX_PER_MM, VirtualSubject
from acquire.simulation.world import draw_world
from tests.support.pulse_landmarks import face_behind_finger_ms

PEOPLE = 60
REST_BPM = (45.0, 100.0)        # of the varied world, for what was published of people at rest
AT_S = np.arange(10.0, 70.0, 0.5)


def values_of(subject, world):
    """Return the values of one person that the page has means and spreads of."""
    beats_ms = 1e3 * np.diff(subject.beat_times(0.0, 300.0))
    scenes = [subject.behaviour.at(t) for t in AT_S]
    mm = 1 / (PX_PER_MM * subject.traits.appearance.scale)
    foot_ms, peak_ms = face_behind_finger_ms(subject)
    red, green, blue = Perfusion().rgb if world is None else world.perfusion.rgb
    return {
        "heart rate at rest [bpm]": subject.heart.base_bpm,
        "RMSSD of 5 min [ms]": float(np.sqrt(np.mean(np.diff(beats_ms) ** 2))),
        "SDNN of 5 min [ms]": float(beats_ms.std()),
        "breaths a minute at rest": 60 * subject.heart.breath_hz,
        "green, peak to peak [%]": 100 * subject.traits.green_ac_dc,
        "red of the pulse": red, "green of the pulse": green, "blue of the pulse": blue,
        "foot, face behind finger [ms]": foot_ms, "peak, face behind finger [ms]": peak_ms,
        "head, to the side, RMS in a minute [mm]": mm * float(np.std([s.x_px for s in scenes])),
        "head, up and down, RMS in a minute [mm]": mm * float(np.std([s.y_px for s in scenes])),
    }


def draw_people(name):
    """Return the values of people of a world: (mean, SD) by quantity."""
    people = []
    for number in range(PEOPLE):
        subject_id = f"S{number:02d}"
        world = draw_world(subject_id, seed=4, session=0) if name == "varied" else None
        if world and world.heart and not REST_BPM[0] <= world.heart.base_bpm <= REST_BPM[1]:
            continue
        people.append(values_of(VirtualSubject(subject_id, seed=4, world=world), world))
    return {
        key: (np.mean([p[key] for p in people]), np.std([p[key] for p in people]))
        for key in people[0]
    }


def table_of(repo):
    """Return the part of the page with the table."""
    text = (repo / "docs" / "simulation.md").read_text()
    return text.split("## Beside what was published")[1].split("**The delay.**")[0]


@pytest.mark.parametrize("name", ["usual", "varied"])
def test_the_page_has_the_spread_of_people_as_they_are_drawn(repo, name):
    table = table_of(repo)
    rows = re.findall(r"^\| ([^|]+) \| (\S+) ± (\S+) \| (\S+) ± (\S+) \| ", table, flags=re.M)
    first = {"usual": 1, "varied": 3}[name]
    page = {row[0]: row[first : first + 2] for row in rows}
    drawn = draw_people(name)
    assert set(drawn) == set(page)
    for quantity, of_people in drawn.items():
        for cell, value in zip(page[quantity], of_people, strict=True):
            last_digit = 10.0 ** -len(cell.partition(".")[2])
            assert float(cell) == pytest.approx(value, abs=0.6 * last_digit), quantity


def test_each_published_value_of_the_page_names_a_source(repo):
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table_of(repo).splitlines()
            if "±" in line and line.startswith("|")]
    assert len(rows) >= 12
    for quantity, _, _, published, source in rows:
        assert (source == "assumption") == (published == ""), quantity
        assert source == "assumption" or source == "the same" or re.search(r"(19|20)\d\d", source)
