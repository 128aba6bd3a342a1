"""Heart rate, breath and the pulse's strength of one session in the varied world.

Rates are even from 38 to 180 bpm over sessions, and yet a person is one person: each has a resting
rate, even from 38 to 100 bpm, which a session at rest meets within some beats. A session after
exercise beats at 100 to 180 bpm, whoever it is. As many sessions are at rest as 38 to 100 is of 38
to 180, so both parts together are even.

Sources
-------
Rates: the daily resting rates of 92,457 people ran from 40 to 109 bpm; most people's were stable
over short times, one in five had a week with changes of 10 bpm or more (Quer et al., "Inter- and
intraindividual variability in daily resting heart rate", PLoS ONE 15(2), 2020). The spread of 3 bpm
between days, and 180 bpm as the most, are assumptions.
Breath: 12 to 20 a minute at rest; it moves the pulse's baseline and height and the rate (Karlen et
al., "Multiparameter respiratory rate estimation from the photoplethysmogram", IEEE TBME 60(7),
2013). Rates vary less when they are high: Task Force, Circulation 93, 1996. Pulse of green skin,
0.3 to 1.5 % of the mean: Wang et al., IEEE TBME 64(7), 2017; weaker ones are what cold skin and
poor perfusion leave, down to 0.1 % in the mean over a face. How far baseline and height move, and
30 breaths a minute after exercise, are assumptions.
"""

from dataclasses import dataclass

import numpy as np

SLOWEST_BPM, FASTEST_BPM = 38.0, 180.0
HIGHEST_RESTING_BPM = 100.0
_RESTING_SHARE = (HIGHEST_RESTING_BPM - SLOWEST_BPM) / (FASTEST_BPM - SLOWEST_BPM)
_GOLDEN = 0.6180339887498949        # steps that fill a circle evenly


@dataclass(frozen=True)
class Physiology:
    """Heart and breath of one session."""

    base_bpm: float            # heart rate of this session, before what varies it
    resting_bpm: float         # of this person, on most days
    breath_hz: float
    rsa_bpm: float             # by how much the rate rises and falls with the breath
    breath_height: float       # and the height of the pulse, relative
    breath_baseline: float     # and the blood in the face, in pulse heights
    face_drift: float          # slow changes of the blood in the face, RMS, in pulse heights


def draw_physiology(
    person: np.random.Generator, day: np.random.Generator, *, place: float, session: int
) -> Physiology:
    """Draw one session of one person.

    Parameters
    ----------
    person, day : random numbers of the person, the same in every session, and of the session
    place : 0 to 1, of the person; even over people makes rates even
    """
    # Twice around for the resting rate: who rests on a later day is spread over the rates, too.
    turns = place / _RESTING_SHARE
    among_resting = turns % 1.0 if turns < 2.0 else float(person.random())
    resting_bpm = _rate_at(among_resting * _RESTING_SHARE)
    now = (place + session * _GOLDEN) % 1.0
    is_at_rest = now < _RESTING_SHARE
    # of the first day the rate is known; other days at rest differ by some beats
    differs_bpm = day.normal(0.0, 3.0) if is_at_rest and session else 0.0
    base_bpm = resting_bpm + differs_bpm if is_at_rest else _rate_at(now)
    base_bpm = float(np.clip(base_bpm, SLOWEST_BPM, FASTEST_BPM))
    breaths = day.uniform(0.10, 0.33) if is_at_rest else day.uniform(0.25, 0.50)
    return Physiology(
        base_bpm=base_bpm, resting_bpm=resting_bpm, breath_hz=float(breaths),
        rsa_bpm=float(day.uniform(0.5, 5.0) * min(1.0, 72.0 / base_bpm) ** 2),
        breath_height=float(day.uniform(0.0, 0.2)),
        breath_baseline=float(day.uniform(0.0, 0.4)),
        face_drift=float(day.uniform(0.0, 0.3)),
    )


def _rate_at(place: float) -> float:
    return SLOWEST_BPM + place * (FASTEST_BPM - SLOWEST_BPM)
