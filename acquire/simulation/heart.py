"""The virtual subject's heart: its beats, and the pulse they make in a finger and in a face.

The rate is a base rate plus what varies it: a drift over minutes, Mayer waves (0.1 Hz), respiratory
sinus arrhythmia, and a slow fall as the subject grows drowsy. Its integral is the beat count; a
beat is where that count crosses an integer, with some jitter. A waveform is the sum, over beats, of
a few Gaussians after each one. Everything is a function of continuous subject time, so that a
camera and a sensor that sample it at different instants see the same blood.

Sources
-------
Resting rate 52 to 110 bpm: wider than the 5th to 95th percentile of seated adults (about 55 to 95),
to leave no rate untrained. Respiratory sinus arrhythmia, Mayer waves and their bands: Task Force of
the ESC and NASPE, "Heart rate variability", Circulation 93, 1996; RMSSD of rest (20 to 60 ms) fixes
the amplitudes below. Pulse as a sum of Gaussians: Rubins, "Finger and ear photoplethysmogram
waveform analysis by fitting with Gaussians", Med. Biol. Eng. Comput. 46, 2008; a dicrotic wave
about 0.3 s after the systolic peak, later at slow rates with the square root of the interval. The
face's pulse comes before the finger's, as an ear's does: at the foot by 66 ms (133 against 199 ms),
at the peak by 39 ms (397 against 436 ms; 30 adults: Allen and Murray, "Variability of
photoplethysmography peripheral pulse measurements at the ears, thumbs and toes", IEE Proc. Sci.
Meas. Technol. 147(6), 403, 2000). An older measurement has 71 ms from ear to finger (ten adults:
Clin. Phys. Physiol. Meas. 9(4), 319, 1988). How much people differ in it is an assumption; the
pressure on the finger alone moves its foot by 22 and its peak by 40 ms (17 adults, PMC8856571).
Recoil of the head: waves I, J, K, L of a ballistocardiogram, 0.1 to 0.4 s after the beat (Pinheiro,
Postolache, Girao, "Theory and developments in an unobtrusive cardiovascular system representation:
ballistocardiography", Open Biomed. Eng. J. 4, 2010).
"""

import threading
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from .physiology import Physiology

_BLOCK_S = 600.0        # beats are made in blocks of this length
_GRID_S = 0.05          # step of the rate's integral
EARLIEST_S = -60.0      # the subject's first heartbeat; before it, nothing changes
# The delays of two sums of waves; the tangent at the steepest place of the face, whose waves are
# wider, leaves the foot 19 ms later. Foot and peak then lead the finger's by what was published.
FACE_LEAD_S, FACE_LEAD_SD_S = 0.087, 0.028
PUBLISHED_RISE = 0.81   # of the face, relative to the slowest: 27 ms more than the finger's
SLOWEST_RISE = 1.0


class SineBank:
    """Named smooth random processes, each a sum of sines: pure functions of time, without state."""

    def __init__(
        self, rng: np.random.Generator, bands: dict[str, tuple[float, float, float]], *,
        sines: int = 10,
    ) -> None:
        """Draw the sines.

        Parameters
        ----------
        bands : name -> (lowest Hz, highest Hz, RMS); within a band amplitude falls as 1/sqrt(f), a
            1/f power spectrum
        """
        self.index = {name: i for i, name in enumerate(bands)}
        shape = (len(bands), sines)
        low, high, rms = np.array(list(bands.values())).T[:, :, None]
        steps = (np.arange(sines) + rng.uniform(0.1, 0.9, shape)) / sines
        hz = low * (high / low) ** steps
        amplitude = rng.uniform(0.6, 1.4, shape)  # log-spaced lines of equal size: 1/f power
        self._amplitude = amplitude * rms * np.sqrt(2 / (amplitude**2).sum(axis=1, keepdims=True))
        self._omega = 2 * np.pi * hz
        self._phase = rng.uniform(0, 2 * np.pi, shape)

    def at(self, t_s: float) -> np.ndarray:
        """Return every process at one instant: (K,) in the order of `bands`."""
        return (self._amplitude * np.sin(self._omega * t_s + self._phase)).sum(axis=1)

    def series(self, name: str, t_s: np.ndarray) -> np.ndarray:
        """Return one process at many instants: (T,)."""
        k = self.index[name]
        angle = np.multiply.outer(np.asarray(t_s, dtype=float), self._omega[k]) + self._phase[k]
        return np.sin(angle) @ self._amplitude[k]


@dataclass(frozen=True)
class PulseShape:
    """Shape of one beat: Gaussians after it, stretched by sqrt(interval / 0.8 s)."""

    delay_s: float                                  # from the heart to here
    waves: tuple[tuple[float, float, float], ...]   # (height, centre [s], width [s])


def draw_finger_pulse(rng: np.random.Generator) -> PulseShape:
    """Draw a finger's pulse: systolic peak, reflected wave, dicrotic wave."""
    return PulseShape(
        delay_s=rng.uniform(0.17, 0.23),        # heart to finger, seated adults
        waves=(
            (1.0, 0.16, rng.uniform(0.060, 0.075)),
            (rng.uniform(0.35, 0.55), rng.uniform(0.29, 0.33), 0.075),
            (rng.uniform(0.20, 0.36), rng.uniform(0.49, 0.54), 0.080),
        ),
    )


def draw_face_pulse(
    rng: np.random.Generator, finger: PulseShape, *, rise: float = PUBLISHED_RISE
) -> PulseShape:
    """Draw a face's pulse: arrives before the finger's, rises more slowly, and shows no notch.

    Parameters
    ----------
    finger : pulse of the same person's finger
    rise : width of the systolic wave and time to it, relative to the slowest that is drawn
    """
    return PulseShape(
        delay_s=finger.delay_s - bounded_normal(rng, FACE_LEAD_S, FACE_LEAD_SD_S),
        waves=(
            (1.0, rise * rng.uniform(0.24, 0.28), rise * rng.uniform(0.095, 0.115)),
            (rng.uniform(0.30, 0.50), rng.uniform(0.47, 0.52), 0.140),
        ),
    )


def bounded_normal(rng: np.random.Generator, mean: float, sd: float) -> float:
    """Draw a normal number of at most three standard deviations from one uniform number."""
    within = NormalDist()
    least = within.cdf(-3.0)
    return mean + sd * within.inv_cdf(least + (1 - 2 * least) * rng.random())


# Of the head, upwards.
_RECOIL = PulseShape(
    delay_s=0.0,
    waves=((-0.35, 0.10, 0.030), (1.0, 0.18, 0.035), (-0.8, 0.27, 0.045), (0.35, 0.38, 0.060)),
)


def draw_pulses(
    rng: np.random.Generator, *, rise: float = PUBLISHED_RISE
) -> tuple[PulseShape, PulseShape]:
    """Draw one person's pulses, in the finger and in the face."""
    finger = draw_finger_pulse(rng)
    return finger, draw_face_pulse(rng, finger, rise=rise)


class Heart:
    """Beats and pulses of one session of one subject; may be used from several threads."""

    def __init__(
        self, rng: np.random.Generator, *, base_bpm: float, finger: PulseShape, face: PulseShape,
        alertness: float = 1.0, physiology: Physiology | None = None,
    ) -> None:
        """Draw the session's rate.

        Parameters
        ----------
        base_bpm : rate of this session, awake [bpm]
        alertness : 1 awake, 0 asleep, where the session starts
        physiology : breath and what it moves; drawn from a seated adult's when not given
        """
        self.base_bpm = base_bpm
        self.finger = finger
        self.face = face
        self._alertness = alertness
        variation = np.sqrt(72.0 / base_bpm)      # faster hearts vary less
        self.breath_hz = rng.uniform(0.20, 0.30)    # 12 to 18 breaths a minute
        self._rsa_bpm = rng.uniform(1.5, 4.0) * variation**2
        self._breath_height, self._breath_baseline, self._face_drift = 0.06, 0.0, 0.0
        self._range_bpm, self._asleep_bpm = (42.0, 150.0), 8.0
        self._jitter_s = rng.uniform(0.004, 0.010) * variation
        self._bank = SineBank(rng, {
            "rate_drift": (1 / 160, 1 / 45, 3.0),                       # effort, thought [bpm]
            "mayer": (0.08, 0.12, rng.uniform(0.8, 1.8) * variation),   # [bpm]
            "breath_phase": (0.005, 0.04, 1.0),                         # irregular breathing [rad]
            "baseline_drift": (0.01, 0.12, 0.15),   # finger pressure, vasomotion [pulse heights]
            "finger_height": (0.01, 0.08, 0.10),    # vasomotion changes the height [relative]
            "face_height": (0.01, 0.08, 0.10),
        })
        self._jitter_rng = np.random.default_rng(rng.integers(2**63))
        if physiology is not None:
            self._follow(physiology)
        self._lock = threading.Lock()
        self._beats = np.empty(0)
        self._until_s = EARLIEST_S - 2.0
        self._count = 0.0  # integral of the rate up to _until_s
        self._heights = {
            name: self._natural_height(pulse)
            for name, pulse in (("finger", finger), ("face", face))
        }

    def _follow(self, physiology: Physiology) -> None:
        """Take breath, and what it moves, from a physiology; rates may be any."""
        self.breath_hz, self._rsa_bpm = physiology.breath_hz, physiology.rsa_bpm
        self._breath_height = physiology.breath_height
        self._breath_baseline = physiology.breath_baseline
        self._face_drift = physiology.face_drift / 0.15     # RMS of the baseline's drift
        self._range_bpm, self._asleep_bpm = (30.0, 220.0), 0.1 * physiology.base_bpm

    def drowsiness(self, t_s: np.ndarray | float) -> np.ndarray | float:
        """Return the drowsiness, 0 awake to 1; alertness halves every 15 minutes."""
        return 1.0 - self._alertness * 0.5 ** (np.maximum(t_s, 0.0) / 900.0)

    def _breath_angle(self, t_s: np.ndarray) -> np.ndarray:
        return 2 * np.pi * self.breath_hz * t_s + self._bank.series("breath_phase", t_s)

    def breath(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return the breath, -1 out to 1 in."""
        return np.sin(self._breath_angle(np.asarray(t_s, dtype=float)))

    def heart_rate(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return the true rate [bpm] at each instant, before the beats' own jitter."""
        t_s = np.asarray(t_s, dtype=float)
        drowsy = self.drowsiness(t_s)
        variability = 1.0 + 0.8 * drowsy            # vagal tone rises towards sleep
        rate = (
            self.base_bpm - self._asleep_bpm * drowsy
            + self._bank.series("rate_drift", t_s)
            + variability * (self._bank.series("mayer", t_s) + self._rsa_bpm * self.breath(t_s))
        )
        return np.clip(rate, *self._range_bpm)

    def _extend(self, until_s: float) -> None:
        """Make beats up to `until_s`, in blocks that are the same in any order of calls."""
        while self._until_s < until_s:
            grid = self._until_s + np.arange(round(_BLOCK_S / _GRID_S) + 1) * _GRID_S
            hz = self.heart_rate(grid) / 60.0
            count = self._count + np.concatenate(
                [[0.0], np.cumsum((hz[1:] + hz[:-1]) / 2 * _GRID_S)]
            )
            beat_counts = np.arange(np.floor(count[0]) + 1, np.floor(count[-1]) + 1)
            beats = np.interp(beat_counts, count, grid)
            beats += self._jitter_rng.normal(0.0, self._jitter_s, len(beats)).clip(-0.03, 0.03)
            self._beats = np.concatenate([self._beats, beats])
            self._count, self._until_s = count[-1], grid[-1]

    def beat_times(self, start_s: float, stop_s: float) -> np.ndarray:
        """Return the times of the heart's beats in [start_s, stop_s) [s]."""
        with self._lock:
            self._extend(stop_s + 3.0)
            beats = self._beats
        return beats[np.searchsorted(beats, start_s) : np.searchsorted(beats, stop_s)]

    def _waveform(self, pulse: PulseShape, t_s: np.ndarray) -> np.ndarray:
        """Sum the pulse over the beats around each instant."""
        since = np.maximum(t_s, EARLIEST_S) - pulse.delay_s
        with self._lock:
            self._extend(float(since.max()) + 3.0)
            beats = self._beats
        # Four beats reach an instant: the next one's foot, and the tails of the last three. (T, 4)
        k = np.maximum(np.searchsorted(beats, since)[:, None] + np.arange(-3, 1), 0)
        start = beats[k]
        after = (since[:, None] - start) / np.sqrt((beats[k + 1] - start) / 0.8)
        height, centre, width = np.array(pulse.waves).T
        return (np.exp(-0.5 * ((after[..., None] - centre) / width) ** 2) @ height).sum(axis=1)

    def _natural_height(self, pulse: PulseShape) -> tuple[float, float]:
        """Return mean and median peak-to-peak height of a pulse over the first seconds."""
        wave = self._waveform(pulse, np.arange(0.0, 24.0, 0.02)).reshape(12, 100)
        return float(wave.mean()), float(np.median(wave.max(axis=1) - wave.min(axis=1)))

    def _scaled(self, name: str, pulse: PulseShape, t_s: np.ndarray) -> np.ndarray:
        mean, height = self._heights[name]
        height_factor = (
            1.0 + self._bank.series(f"{name}_height", t_s)
            + self._breath_height * self.breath(t_s)
        )
        return height_factor * (self._waveform(pulse, t_s) - mean) / height

    def ppg(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return the finger's PPG: pulses about 1 high on a baseline that drifts and breathes."""
        t_s = np.atleast_1d(np.asarray(t_s, dtype=float))
        baseline = self._bank.series("baseline_drift", t_s) + 0.12 * self.breath(t_s)
        return self._scaled("finger", self.finger, t_s) + baseline

    def face_pulse(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return the blood volume of facial skin: pulses about 1 high, zero mean."""
        t_s = np.atleast_1d(np.asarray(t_s, dtype=float))
        pulse = self._scaled("face", self.face, t_s)
        if self._face_drift or self._breath_baseline:
            # unlike the finger's, whose vessels are others
            drift = self._bank.series("baseline_drift", t_s + 300.0)
            pulse = pulse + self._face_drift * drift + self._breath_baseline * self.breath(t_s)
        return pulse

    def recoil(self, t_s: float) -> float:
        """Return how far a beat throws the head up at an instant; about 1 from peak to peak."""
        if "recoil" not in self._heights:
            self._heights["recoil"] = self._natural_height(_RECOIL)
        mean, height = self._heights["recoil"]
        return float((self._waveform(_RECOIL, np.array([t_s]))[0] - mean) / height)
