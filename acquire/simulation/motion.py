"""Pose, speech, blinks and light while the virtual subject is filmed, as functions of subject time.

Steady parts (sway, tremor, drifting light) are sums of sines. Actions (a turn of the head, a
sentence, a blink, a nod, a change of the light) are drawn per minute, each minute from its own
seed, so that any instant can be asked for in any order.

Sources
-------
Sway and tremor: standing sway is about 4 mm RMS below 1 Hz (Winter, "Human balance and posture
control", Gait & Posture 3, 1995); that the head of a seated person moves a third to a half of that
is an assumption; a head 23 cm high is about 200 px here, so 1 mm is 0.9 px. Blinks: 15 to 20 a
minute, 0.15 to 0.3 s; drowsy ones last beyond 0.5 s (Caffier, Erdmann, Ullsperger, "Experimental
evaluation of eye-blink parameters as a drowsiness measure", Eur. J. Appl. Physiol. 89, 2003).
Speech: jaw at the syllable rate, 2 to 7 Hz
(Chandrasekaran et al., "The natural statistics of audiovisual speech", PLoS Comput. Biol. 5, 2009).
Light: lamps on the mains flicker at twice its frequency; a camera that exposes for a whole number
of periods keeps some tenths of a percent of it. Exposure control and daylight drift by about a
percent. Recoil: the head moves mostly up and down with each beat (Balakrishnan, Durand, Guttag,
"Detecting pulse from head motions in video", CVPR 2013). How far (some tenths of a millimetre), how
often people glance, lean and shift, and steps of the exposure control are assumptions; what is
beyond the fields of `Activity` without them is asked for by the varied world only.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from .heart import Heart, SineBank

_MINUTE_S = 60.0
_SACCADE_S, _EXPOSURE_STEP_S = 0.06, 0.08
_LONGEST_ACTION_S = 12.0
# Beyond these the face at rest cannot be bent: yaw, pitch [rad], x, y [px]; x, y, scale, roll [rad]
_FARTHEST = np.array([0.42, 0.28, 14.0, 9.0])
_LONGEST_SHIFT = np.array([30.0, 10.0, 0.14, 0.11])


@dataclass(frozen=True)
class Activity:
    """How much moves and changes in one session."""

    motion: float = 1.0       # scales sway, turns and tremor
    speech: float = 0.2       # share of time spent talking
    turns_per_min: float = 4.0
    light: float = 1.0        # scales drifts and changes of the light
    flicker: float = 0.002    # of the lamps, relative, after exposure
    mains_hz: float = 50.0
    recoil_mm: float = 0.0    # of the head with each beat, peak to peak
    turn_size: float = 1.0    # relative
    shifts_per_min: float = 0.0     # leaning, another posture
    glances_per_min: float = 0.0
    exposure_steps_per_min: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Pose and light at one instant."""

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
    gaze_x: float = 0.0       # -1 to 1, as far as the eyes turn in the head
    gaze_y: float = 0.0


class Behaviour:
    """Pose and light of one session."""

    def __init__(
        self, rng: np.random.Generator, heart: Heart, activity: Activity, *,
        px_per_mm: float = 0.9,
    ) -> None:
        """Draw them; `px_per_mm` is the scale of the head in the picture."""
        self.activity = activity
        self._recoil_px = activity.recoil_mm * px_per_mm
        self._heart = heart
        self._seed = int(rng.integers(2**63))
        self._actions_of: dict[int, _Actions] = {}    # minute -> what happens in it
        move, light = activity.motion, activity.light
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
        self._flicker_hz = 2 * activity.mains_hz * (1 + rng.normal(0, 0.0003))
        self._flicker_phase = rng.uniform(0, 2 * np.pi)

    # -- actions

    def _minute(self, minute: int) -> "_Actions":
        """Return what happens in one minute; drawn at the first call."""
        if (actions := self._actions_of.get(minute)) is not None:
            return actions
        actions = self._draw_minute(minute)
        if len(self._actions_of) > 200:
            self._actions_of.clear()
        self._actions_of[minute] = actions
        return actions

    def _draw_minute(self, minute: int) -> "_Actions":
        rng = np.random.default_rng([self._seed, minute % 2**32])
        start_s, move, light = minute * _MINUTE_S, self.activity.motion, self.activity.light
        drowsy = float(self._heart.drowsiness(start_s + _MINUTE_S / 2))

        def times_s(per_minute: float) -> np.ndarray:
            return start_s + np.sort(rng.uniform(0, _MINUTE_S, rng.poisson(per_minute)))

        turn_s = times_s(self.activity.turns_per_min * (1 - 0.5 * drowsy))
        n = len(turn_s)
        turns = np.column_stack([
            turn_s, rng.uniform(0.4, 0.9, n), rng.uniform(0.5, 3.0, n),
            rng.normal(0, 0.13, n) * move**0.5, rng.normal(0, 0.07, n) * move**0.5,
            rng.normal(0, 4.0, n) * move**0.5, rng.normal(0, 2.5, n) * move**0.5,
        ])
        if self.activity.turn_size != 1.0:
            turns[:, 3:] = np.clip(
                turns[:, 3:] * self.activity.turn_size, -_FARTHEST, _FARTHEST
            )
        nod_s = times_s(3.0 * drowsy**2 * min(move, 1.0))
        n = len(nod_s)
        nods = np.column_stack([
            nod_s, rng.uniform(1.2, 2.5, n), rng.uniform(0.2, 1.0, n), rng.normal(0, 0.02, n),
            rng.uniform(0.10, 0.25, n), rng.normal(0, 1.0, n), rng.uniform(2.0, 6.0, n),
        ])
        blink_s = times_s(17.0 + 8.0 * drowsy)
        n = len(blink_s)
        blinks = np.column_stack([blink_s, rng.uniform(0.15, 0.30, n) * (1 + 1.5 * drowsy)])
        sentence_s = times_s(self.activity.speech * _MINUTE_S / 4.0)
        n = len(sentence_s)
        sentences = np.column_stack([sentence_s, rng.uniform(2.0, 6.0, n)])
        change_s = times_s(5.0 * min(light, 2.0))           # a screen, a cloud, a door
        n = len(change_s)
        light_changes = np.column_stack([
            change_s, rng.uniform(1.0, 6.0, n), rng.normal(0, 0.008 * light, n),
            rng.normal(0, 0.012 * light, n),
        ])
        return _Actions(
            np.concatenate([turns, nods]), blinks, sentences, light_changes,
            *self._draw_further(rng, times_s),
        )

    def _draw_further(
        self, rng: np.random.Generator, times_s: Callable[[float], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw what only varied worlds have: shifts, glances, steps of the exposure."""
        shift_s = times_s(self.activity.shifts_per_min)
        n = len(shift_s)
        shifts = np.column_stack([
            shift_s, rng.uniform(0.6, 2.0, n), rng.uniform(2.0, 7.0, n), rng.normal(0, 14.0, n),
            rng.normal(0, 5.0, n), rng.normal(0, 0.06, n), rng.normal(0, 0.05, n),
        ])
        shifts[:, 3:] = np.clip(shifts[:, 3:], -_LONGEST_SHIFT, _LONGEST_SHIFT)
        glance_s = times_s(self.activity.glances_per_min)
        n = len(glance_s)
        glances = np.column_stack([
            glance_s, rng.uniform(0.3, 3.0, n), rng.uniform(-1, 1, n), rng.uniform(-0.6, 0.6, n),
        ])
        step_s = times_s(self.activity.exposure_steps_per_min)
        n = len(step_s)
        exposure_steps = np.column_stack([
            step_s, rng.uniform(1.0, 10.0, n), rng.normal(0, 0.05, n), rng.normal(0, 0.006, n),
        ])
        return shifts, glances, exposure_steps

    def _actions_around(self, t_s: float) -> "_Actions":
        """Return what may be under way: this minute, and in its first seconds the one before."""
        minute = int(t_s // _MINUTE_S)
        actions = self._minute(minute)
        if t_s - minute * _MINUTE_S > _LONGEST_ACTION_S:
            return actions
        return self._minute(minute - 1).followed_by(actions)

    # -- the instant

    def at(self, t_s: float) -> Scene:
        """Return pose and light at an instant."""
        actions = self._actions_around(t_s)
        steady = dict(zip(self._bank.index, self._bank.at(t_s).tolist(), strict=True))
        yaw, pitch, x, y = actions.turn(t_s).tolist()
        change_gain, change_slope = actions.light_change(t_s).tolist()
        talk = actions.talk(t_s)
        shift_x, shift_y, lean, tilt = actions.shift(t_s).tolist()
        gaze_x, gaze_y = actions.gaze(t_s).tolist()
        step_gain, step_warmth = actions.exposure_step(t_s).tolist()
        recoil_px = self._recoil_px * self._heart.recoil(t_s) if self._recoil_px else 0.0
        breath = float(self._heart.breath(t_s))
        # very drowsy subjects can hardly keep the lids open
        drooping = min(1.0, max(0.0, 1.6 * float(self._heart.drowsiness(t_s)) - 1.0))
        yaw_rad = steady["yaw"] + steady["yaw_tremor"] + yaw + talk * steady["talk_yaw"]
        pitch_rad = steady["pitch"] + steady["pitch_tremor"] + pitch + talk * steady["talk_pitch"]
        return Scene(
            x_px=steady["x"] + steady["x_tremor"] + x + talk * steady["talk_x"] + shift_x,
            y_px=(
                steady["y"] + steady["y_tremor"] + y + talk * steady["talk_y"] - 0.4 * breath
                + shift_y - recoil_px
            ),
            roll_rad=steady["roll"] + 0.15 * yaw + tilt,
            scale=steady["scale"] + 0.0005 * breath + lean,
            yaw_rad=yaw_rad,
            pitch_rad=pitch_rad,
            breath=breath,
            jaw=talk * min(1.0, max(0.0, 0.35 + steady["syllable"] * 0.5)),
            lips=talk * steady["vowel"],
            lids=max(actions.lids(t_s), drooping),
            gain=(
                steady["daylight"] + steady["exposure"] + steady["shadow"] + change_gain + step_gain
            ),
            warmth=steady["warmth"] + step_warmth,
            slope_x=steady["slope_x"] + change_slope,
            slope_y=steady["slope_y"],
            gaze_x=gaze_x, gaze_y=gaze_y,
        )

    def flicker(self, t_s: np.ndarray) -> np.ndarray:
        """Return the flicker of the lamps, relative, at the times at which rows are exposed."""
        return self.activity.flicker * np.sin(
            2 * np.pi * self._flicker_hz * t_s + self._flicker_phase
        )


@dataclass(frozen=True)
class _Actions:
    """What happens in a minute; one row an action, which begins at the time in column 0 [s]."""

    turns: np.ndarray          # and nods: rise, hold [s], yaw, pitch [rad], x, y [px]
    blinks: np.ndarray         # duration [s]
    sentences: np.ndarray      # duration [s]
    light_changes: np.ndarray  # hold [s], gain, slope over the picture's width
    shifts: np.ndarray         # rise, hold [s], x, y [px], scale, roll [rad]
    glances: np.ndarray        # hold [s], to the side, down
    exposure_steps: np.ndarray  # hold [s], gain, warmth

    def followed_by(self, later: "_Actions") -> "_Actions":
        """Return the actions of this minute and of a later one."""
        return _Actions(*(
            np.concatenate([getattr(self, part.name), getattr(later, part.name)])
            for part in fields(self)
        ))

    def turn(self, t_s: float) -> np.ndarray:
        """Return yaw [rad], pitch [rad], x [px] and y [px] at an instant."""
        if not len(self.turns):
            return np.zeros(4)
        return _held(t_s, self.turns[:, 0], self.turns[:, 1], self.turns[:, 2]) @ self.turns[:, 3:]

    def light_change(self, t_s: float) -> np.ndarray:
        """Return the changes of gain and slope at an instant."""
        if not len(self.light_changes):
            return np.zeros(2)
        held = _held(t_s, self.light_changes[:, 0], 0.3, self.light_changes[:, 1])
        return held @ self.light_changes[:, 2:]

    def shift(self, t_s: float) -> np.ndarray:
        """Return x, y [px], scale and roll [rad] of the posture at an instant."""
        if not len(self.shifts):
            return np.zeros(4)
        held = _held(t_s, self.shifts[:, 0], self.shifts[:, 1], self.shifts[:, 2])
        return np.clip(held @ self.shifts[:, 3:], -_LONGEST_SHIFT, _LONGEST_SHIFT)

    def gaze(self, t_s: float) -> np.ndarray:
        """Return how far the eyes look to the side and down at an instant, -1 to 1."""
        if not len(self.glances):
            return np.zeros(2)
        held = _held(t_s, self.glances[:, 0], _SACCADE_S, self.glances[:, 1])
        return np.clip(held @ self.glances[:, 2:], -1.0, 1.0)

    def exposure_step(self, t_s: float) -> np.ndarray:
        """Return gain and warmth that the exposure control has added at an instant."""
        steps = self.exposure_steps
        if not len(steps):
            return np.zeros(2)
        return _held(t_s, steps[:, 0], _EXPOSURE_STEP_S, steps[:, 1]) @ steps[:, 2:]

    def talk(self, t_s: float) -> float:
        """Return how much the subject talks at an instant, 0 to 1."""
        if not len(self.sentences):
            return 0.0
        return float(min(1.0, _held(t_s, self.sentences[:, 0], 0.3, self.sentences[:, 1]).sum()))

    def lids(self, t_s: float) -> float:
        """Return how far blinks close the lids at an instant, 0 to 1."""
        phase = (t_s - self.blinks[:, 0]) / self.blinks[:, 1]
        return float(_blink(phase).max(initial=0.0))


def _ease(u: np.ndarray) -> np.ndarray:
    """Rise from 0 to 1 with the least jerk (Flash and Hogan, J. Neurosci. 5, 1985)."""
    u = np.minimum(np.maximum(u, 0.0), 1.0)  # np.clip costs more than all the rest on a few numbers
    return u * u * u * (10 + u * (6 * u - 15))


def _held(t_s: float, start: np.ndarray, rise: np.ndarray | float, hold: np.ndarray) -> np.ndarray:
    """Return how far each action is under way, 0 to 1: it rises, holds and falls back."""
    since = t_s - start
    return _ease(since / rise) - _ease((since - rise - hold) / rise)


def _blink(u: np.ndarray) -> np.ndarray:
    """Return the lids over one blink, u from 0 to 1: closing takes a third, opening the rest."""
    return np.where(
        (u > 0) & (u < 1),
        np.minimum(1.15 * _ease(u / 0.35), 1.15 * _ease((1 - u) / 0.55)).clip(max=1.0), 0.0,
    )
