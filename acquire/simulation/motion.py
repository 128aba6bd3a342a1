"""What the virtual subject and the room do while being filmed: pose, speech, blinks, light.
Functions of subject time.

Steady parts (sway, tremor, drifting light) are sums of sines. Happenings (a turn of the head, a
sentence, a blink, a nod, a change of the light) are drawn per minute, each minute from its own
seed, so that any instant can be asked for at any time.

Sources
-------
Sway and tremor: standing sway is about 4 mm RMS below 1 Hz (Winter, "Human balance and posture
control", Gait & Posture 3, 1995); the head of a seated person moves a third of that; a head 23 cm
high is about 200 px here, so 1 mm is 0.9 px. Blinks: 15 to 20 a minute, 0.15 to 0.3 s; drowsy ones
last beyond 0.5 s (Caffier, Erdmann, Ullsperger, "Experimental evaluation of eye-blink parameters as
a drowsiness measure", Eur. J. Appl. Physiol. 89, 2003). Speech: jaw at the syllable rate, 2 to 7 Hz
(Chandrasekaran et al., "The natural statistics of audiovisual speech", PLoS Comput. Biol. 5, 2009).
Light: lamps on the mains flicker at twice its frequency; a camera that exposes for a whole number
of periods keeps some tenths of a percent of it. Exposure control and daylight drift by about a
percent.
"""

from dataclasses import dataclass

import numpy as np

from .heart import Heart, SineBank

_MINUTE_S = 60.0


@dataclass(frozen=True)
class Temper:
    """How lively one session is."""

    motion: float = 1.0       # scales sway, turns and tremor
    speech: float = 0.2       # share of time spent talking
    turns_per_min: float = 4.0
    light: float = 1.0        # scales drifts and events of the light
    flicker: float = 0.002    # of the lamps, relative, after exposure
    mains_hz: float = 50.0


CALM = Temper(motion=0.25, speech=0.0, turns_per_min=0.0, light=0.3, flicker=0.001)


@dataclass(frozen=True)
class Scene:
    """Everything that moves, at one instant."""

    x_px: float               # head, to the right in the picture
    y_px: float               # downwards
    roll_rad: float
    scale: float              # relative to rest, minus 1
    yaw_rad: float
    pitch_rad: float
    breath: float             # -1 to 1
    jaw: float                # 0 closed to 1
    lips: float               # -1 rounded to 1 spread
    lids: float               # 0 open to 1 closed
    gain: float               # of the exposure, relative
    warmth: float             # of the white balance, relative
    slope_x: float            # of the light over the picture's width, relative
    slope_y: float


class Behaviour:
    """Pose and light of one session."""

    def __init__(self, rng: np.random.Generator, heart: Heart, temper: Temper) -> None:
        self.temper = temper
        self._heart = heart
        self._seed = int(rng.integers(2**63))
        self._minutes: dict[int, dict[str, np.ndarray]] = {}
        move, light = temper.motion, temper.light
        self._bank = SineBank(rng, {
            "x": (0.02, 0.5, 1.4 * move), "y": (0.02, 0.5, 0.9 * move),              # sway [px]
            "x_tremor": (0.5, 3.0, 0.10 * move), "y_tremor": (0.5, 3.0, 0.10 * move),
            "roll": (0.02, 0.6, 0.010 * move), "scale": (0.01, 0.3, 0.004 * move),    # [rad], [1]
            "yaw": (0.02, 0.6, 0.035 * move), "pitch": (0.02, 0.6, 0.025 * move),      # [rad]
            "yaw_tremor": (0.5, 3.0, 0.0020 * move), "pitch_tremor": (0.5, 3.0, 0.0020 * move),
            "talk_x": (0.8, 3.5, 0.9), "talk_y": (0.8, 3.5, 1.1),  # emphasis [px], [rad]
            "talk_yaw": (0.5, 2.5, 0.025), "talk_pitch": (0.5, 3.0, 0.020),
            "syllable": (2.0, 7.0, 0.7), "vowel": (0.5, 3.0, 0.6),
            "daylight": (0.005, 0.08, 0.010 * light), "exposure": (0.05, 0.5, 0.004 * light),
            "shadow": (0.5, 4.0, 0.0008 * light),  # people passing, a screen
            "warmth": (0.005, 0.1, 0.004 * light),
            "slope_x": (0.01, 0.3, 0.010 * light), "slope_y": (0.01, 0.3, 0.008 * light),
        }, sines=8)
        # the grid holds +-0.03 %
        self._flicker_hz = 2 * temper.mains_hz * (1 + rng.normal(0, 0.0003))
        self._flicker_phase = rng.uniform(0, 2 * np.pi)

    # -- happenings

    def _minute(self, minute: int) -> dict[str, np.ndarray]:
        """Draw what happens in one minute; rows are happenings."""
        found = self._minutes.get(minute)
        if found is not None:
            return found
        rng = np.random.default_rng([self._seed, minute % 2**32])
        t0, move, light = minute * _MINUTE_S, self.temper.motion, self.temper.light
        drowsy = float(self._heart.drowsiness(t0 + _MINUTE_S / 2))

        def times(per_minute: float) -> np.ndarray:
            return t0 + np.sort(rng.uniform(0, _MINUTE_S, rng.poisson(per_minute)))

        turn = times(self.temper.turns_per_min * (1 - 0.5 * drowsy))
        n = len(turn)
        # start, rise [s], hold [s], yaw [rad], pitch [rad], x [px], y [px]
        turns = np.column_stack(
            [
                turn, rng.uniform(0.4, 0.9, n), rng.uniform(0.5, 3.0, n),
                rng.normal(0, 0.13, n) * move**0.5, rng.normal(0, 0.07, n) * move**0.5,
                rng.normal(0, 4.0, n) * move**0.5, rng.normal(0, 2.5, n) * move**0.5,
            ]
        )
        nod = times(3.0 * drowsy**2 * min(move, 1.0))
        n = len(nod)
        nods = np.column_stack([
            nod, rng.uniform(1.2, 2.5, n), rng.uniform(0.2, 1.0, n), rng.normal(0, 0.02, n),
            rng.uniform(0.10, 0.25, n), rng.normal(0, 1.0, n), rng.uniform(2.0, 6.0, n),
        ])
        blink = times(17.0 + 8.0 * drowsy)
        n = len(blink)
        # start, duration [s]
        blinks = np.column_stack([blink, rng.uniform(0.15, 0.30, n) * (1 + 1.5 * drowsy)])
        sentence = times(self.temper.speech * _MINUTE_S / 4.0)
        n = len(sentence)
        sentences = np.column_stack([sentence, rng.uniform(2.0, 6.0, n)])  # start, duration [s]
        change = times(5.0 * min(light, 2.0))           # a screen, a cloud, a door
        n = len(change)
        changes = np.column_stack(
            [  # start, hold [s], gain, slope
                change,
                rng.uniform(1.0, 6.0, n),
                rng.normal(0, 0.008 * light, n),
                rng.normal(0, 0.012 * light, n),
            ]
        )
        found = {
            "turns": np.concatenate([turns, nods]), "blinks": blinks, "sentences": sentences,
            "changes": changes,
        }
        if len(self._minutes) > 200:
            self._minutes.clear()
        self._minutes[minute] = found
        return found

    def _happenings(self, t_s: float) -> dict[str, np.ndarray]:
        """Give the rows that may be going on: this minute's, and the one before's in the first
        seconds.
        """
        minute = int(t_s // _MINUTE_S)
        now = self._minute(minute)
        if t_s - minute * _MINUTE_S > 12.0:         # nothing lasts longer
            return now
        before = self._minute(minute - 1)
        return {name: np.concatenate([before[name], rows]) for name, rows in now.items()}

    # -- the instant

    def at(self, t_s: float) -> Scene:
        """Give pose and light at an instant."""
        going = self._happenings(t_s)
        steady = dict(zip(self._bank.index, self._bank.at(t_s).tolist(), strict=True))
        turns = going["turns"]
        turn = (
            _held(t_s, turns[:, 0], turns[:, 1], turns[:, 2]) @ turns[:, 3:]
            if len(turns)
            else np.zeros(4)
        )
        yaw, pitch, x, y = turn.tolist()
        changes = going["changes"]
        change = (
            _held(t_s, changes[:, 0], 0.3, changes[:, 1]) @ changes[:, 2:]
            if len(changes)
            else np.zeros(2)
        )
        sentences = going["sentences"]
        talk = (
            float(min(1.0, _held(t_s, sentences[:, 0], 0.3, sentences[:, 1]).sum()))
            if len(sentences)
            else 0.0
        )
        blinks = going["blinks"]
        lids = float(_blink((t_s - blinks[:, 0]) / blinks[:, 1]).max(initial=0.0))
        breath = float(self._heart.breath(t_s))
        return Scene(
            x_px=steady["x"] + steady["x_tremor"] + x + talk * steady["talk_x"],
            y_px=steady["y"] + steady["y_tremor"] + y + talk * steady["talk_y"] - 0.4 * breath,
            roll_rad=steady["roll"] + 0.15 * yaw,
            scale=steady["scale"] + 0.0005 * breath,
            yaw_rad=steady["yaw"] + steady["yaw_tremor"] + yaw + talk * steady["talk_yaw"],
            pitch_rad=steady["pitch"]
            + steady["pitch_tremor"]
            + pitch
            + talk * steady["talk_pitch"],
            breath=breath,
            jaw=talk * min(1.0, max(0.0, 0.35 + steady["syllable"] * 0.5)),
            lips=talk * steady["vowel"],
            # lids droop at last
            lids=max(lids, min(1.0, max(0.0, 1.6 * float(self._heart.drowsiness(t_s)) - 1.0))),
            gain=steady["daylight"] + steady["exposure"] + steady["shadow"] + float(change[0]),
            warmth=steady["warmth"],
            slope_x=steady["slope_x"] + float(change[1]),
            slope_y=steady["slope_y"],
        )

    def flicker(self, t_s: np.ndarray) -> np.ndarray:
        """Give the lamps' flicker, relative, at the instants at which rows are exposed."""
        return self.temper.flicker * np.sin(
            2 * np.pi * self._flicker_hz * t_s + self._flicker_phase
        )


def _ease(u: np.ndarray) -> np.ndarray:
    """Go from 0 to 1 with least jerk (Flash and Hogan, J. Neurosci. 5, 1985)."""
    u = np.minimum(np.maximum(u, 0.0), 1.0)  # np.clip costs more than all the rest on a few numbers
    return u * u * u * (10 + u * (6 * u - 15))


def _held(t_s: float, start: np.ndarray, rise: np.ndarray | float, hold: np.ndarray) -> np.ndarray:
    """Give how far each happening is under way: rises, holds, falls back."""
    since = t_s - start
    return _ease(since / rise) - _ease((since - rise - hold) / rise)


def _blink(u: np.ndarray) -> np.ndarray:
    """Give the lids over one blink, u from 0 to 1: closing takes a third, opening the rest."""
    return np.where(
        (u > 0) & (u < 1),
        np.minimum(1.15 * _ease(u / 0.35), 1.15 * _ease((1 - u) / 0.55)).clip(max=1.0), 0.0,
    )
