"""The virtual subject: known truth in, estimate out."""

from importlib.util import find_spec

import cv2
import numpy as np
import pytest

from acquire.simulation.heart import Heart, SineBank, draw_face_pulse, draw_finger_pulse
from acquire.simulation.motion import CALM, Scene
from acquire.simulation.rendering.face import HEIGHT, PULSE_RGB, TO_YUV, WIDTH
from acquire.simulation.subject import VirtualSubject, traits_of

STILL = Scene(*[0.0] * 14)


def spectral_rate(trace, fs_hz):
    """Heart rate by the peak of the spectrum between 0.7 and 4 Hz [bpm]; bins of 0.2 bpm."""
    hz = np.fft.rfftfreq(2**14, 1 / fs_hz)
    power = np.abs(np.fft.rfft((trace - trace.mean()) * np.hanning(len(trace)), 2**14))
    band = (hz > 0.7) & (hz < 4.0)
    return 60 * hz[band][power[band].argmax()]


def rgb_of(image, where):
    """Mean colour of an I420 image where the mask says so, without the rounding of a conversion."""
    luma = image[:HEIGHT].astype(float)
    u, v = (
        image[HEIGHT + k * HEIGHT // 4 :][: HEIGHT // 4].reshape(HEIGHT // 2, WIDTH // 2)
        for k in (0, 1)
    )
    half = where[::2, ::2]
    yuv = [luma[where].mean() - 16, u[half].mean() - 128, v[half].mean() - 128]
    return np.linalg.solve(TO_YUV.astype(float), yuv)


def skin_of(subject, least=0.9):
    """Mask of well-inside skin of the subject at rest, on even pixels, over the frame."""
    layers = subject.renderer.layers
    skin = cv2.erode(layers.skin[: layers.box.height], np.ones((7, 7), np.uint8)) > least
    where = np.zeros((HEIGHT, WIDTH), bool)
    where[layers.box.top :, layers.box.left : layers.box.left + layers.box.width] = skin
    return where.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).all(axis=(1, 3)).repeat(2, 0).repeat(2, 1)


def heart(base_bpm, seed=3):
    rng = np.random.default_rng(seed)
    return Heart(rng, base_bpm=base_bpm, finger=draw_finger_pulse(rng), face=draw_face_pulse(rng))


@pytest.mark.parametrize("base_bpm", [52, 75, 110])
def test_the_ppg_beats_at_the_true_rate(base_bpm):
    subject = heart(base_bpm)
    for start_s in range(0, 120, 20):
        t_s = np.arange(start_s, start_s + 20, 0.02)
        truth = subject.heart_rate(t_s).mean()
        assert spectral_rate(subject.ppg(t_s), 50) == pytest.approx(truth, abs=2.5)
        assert spectral_rate(subject.face_pulse(t_s), 50) == pytest.approx(truth, abs=2.5)
        beats = subject.beat_times(start_s, start_s + 20)
        assert 60 / np.diff(beats).mean() == pytest.approx(truth, abs=1.5)


def test_intervals_vary_as_in_rest_and_the_rate_moves_within_a_minute():
    subject = heart(72)
    beats = subject.beat_times(0, 300)
    rmssd_ms = 1e3 * np.sqrt(np.mean(np.diff(beats, 2) ** 2))
    assert 10 < rmssd_ms < 100
    smooth = subject.heart_rate(np.arange(0, 300, 0.25)).reshape(-1, 40).mean(axis=1)  # 10 s means
    assert 4 < np.ptp(smooth) < 30


def test_drowsiness_lowers_the_rate_and_raises_its_variability():
    subject = heart(80)
    early, late = np.arange(0, 300, 0.1), np.arange(3300, 3600, 0.1)
    assert subject.drowsiness(0.0) < 0.05 < 0.9 < subject.drowsiness(3600.0)
    assert subject.heart_rate(late).mean() < subject.heart_rate(early).mean() - 3
    fast = [np.diff(subject.heart_rate(t)).std() for t in (early, late)]
    assert fast[1] > 1.3 * fast[0]


def test_asking_later_first_changes_nothing():
    forwards, backwards = heart(66), heart(66)
    backwards.beat_times(2500, 2600)
    assert np.array_equal(forwards.beat_times(0, 60), backwards.beat_times(0, 60))
    assert np.array_equal(forwards.beat_times(2500, 2600), backwards.beat_times(2500, 2600))
    assert np.isfinite(forwards.ppg(np.array([-500.0, -30.0, 3599.9]))).all()


def test_a_sine_bank_has_the_rms_it_was_given():
    bank = SineBank(np.random.default_rng(0), {"a": (0.5, 5.0, 2.0), "b": (0.1, 1.0, 0.1)})
    t_s = np.arange(0, 2000, 0.1)
    assert bank.series("a", t_s).std() == pytest.approx(2.0, rel=0.1)
    assert bank.at(12.3) == pytest.approx([bank.series(k, np.array([12.3]))[0] for k in "ab"])


def test_subjects_spread_over_rates_and_skins():
    people = [traits_of(f"S{n:02d}") for n in range(1, 17)]
    rates = np.sort([p.base_bpm for p in people])
    tones = np.sort([p.appearance.skin_tone for p in people])
    assert 52 <= rates[0] < 62
    assert 95 < rates[-1] <= 110
    assert np.diff(rates).max() < 12
    assert np.diff(tones).max() < 0.2
    by_tone = sorted(people, key=lambda p: p.appearance.skin_tone)
    light, dark = by_tone[0], by_tone[-1]
    assert light.green_ac_dc > 1.3 * dark.green_ac_dc


def test_same_seed_same_bits_other_subject_other_face():
    frame = VirtualSubject("S01").frame(3.2, 80)
    again = VirtualSubject("S01")
    again.frame(40.0, 1000)                        # asking for another first changes nothing
    assert np.array_equal(again.frame(3.2, 80), frame)
    assert frame.shape == (HEIGHT * 3 // 2, WIDTH)
    assert frame.dtype == np.uint8
    for other in (
        VirtualSubject("S02"), VirtualSubject("S01", seed=1), VirtualSubject("S01", session=1),
    ):
        assert np.abs(other.frame(3.2, 80).astype(int) - frame).mean() > 2
    assert VirtualSubject("S01", session=1).traits == again.traits


def test_only_the_noise_differs_between_frames_of_one_instant():
    subject = VirtualSubject("S02")
    difference = subject.frame(1.0, 1).astype(float) - subject.frame(1.0, 2)
    rms = difference[:HEIGHT].std() / np.sqrt(2)
    assert 0.5 < rms < 2.5
    assert abs(difference.mean()) < 0.02


@pytest.mark.parametrize("name", ["S01", "S06"], ids=["light skin", "dark skin"])
def test_blood_colours_the_skin_in_the_right_ratio(name):
    subject = VirtualSubject(name, activity=CALM)
    renderer, where = subject.renderer, skin_of(subject)
    dark_lamps = np.zeros(len(renderer.light.row_delays_s))

    def mean_rgb(pulse):
        frames = [renderer.render(STILL, (pulse, pulse), dark_lamps, n) for n in range(4)]
        return np.mean([rgb_of(frame, where) for frame in frames], axis=0)

    empty, full = mean_rgb(-3), mean_rgb(3)
    ac_dc = (empty - full) / 6 / ((empty + full) / 2)     # per pulse of height 1; blood darkens
    assert (ac_dc > 0).all()
    assert ac_dc / np.linalg.norm(ac_dc) == pytest.approx(
        PULSE_RGB / np.linalg.norm(PULSE_RGB), abs=0.04
    )
    perfusion = renderer.layers.perfusion[renderer.layers.skin > 0.95].mean()
    assert ac_dc[1] == pytest.approx(subject.traits.green_ac_dc * perfusion, rel=0.12)
    assert 0.003 < ac_dc[1] < 0.012


def test_the_pulse_is_strong_on_cheeks_and_absent_from_hair_eyes_and_room():
    layers = VirtualSubject("S03").renderer.layers
    size = np.abs(layers.pulse_yuv).sum(axis=2)
    cheeks = (
        (layers.head_y > 0.25)
        & (layers.head_y < 0.45)
        & (np.abs(layers.head_x) > 0.25)
        & (np.abs(layers.head_x) < 0.45)
        & (layers.skin > 0.9)
    )
    hair = (layers.head_y < -0.3) & (np.hypot(layers.head_x, layers.head_y) < 0.9)
    iris = (layers.eye_openings > 0.9) & (layers.lid_position > 0.3) & (layers.lid_position < 0.7)
    assert size[cheeks].mean() > 20 * size[hair].mean()
    assert size[cheeks].mean() > 2 * size[iris].mean()
    assert size[layers.person[..., 3] < 0.01].max() < 0.05


@pytest.mark.parametrize("name", ["S01", "S04"])
def test_the_green_of_calm_skin_gives_the_rate(name):
    subject, fs_hz = VirtualSubject(name, activity=CALM), 20
    where = skin_of(subject)
    t_s = np.arange(0, 12, 1 / fs_hz)
    rgb = np.array([rgb_of(subject.frame(t, i), where) for i, t in enumerate(t_s)])
    # Light drifts far below the pulse: take out what is slower than 2 s.
    slow = np.convolve(
        np.pad(rgb[:, 1], fs_hz, mode="edge"), np.ones(2 * fs_hz + 1) / (2 * fs_hz + 1),
        mode="valid",
    )
    assert spectral_rate(rgb[:, 1] / slow, fs_hz) == pytest.approx(
        subject.heart_rate(t_s).mean(), abs=2
    )


def test_lids_close_and_the_head_moves():
    subject = VirtualSubject("S03")
    renderer = subject.renderer
    lamps = np.zeros(len(renderer.light.row_delays_s))
    rest = renderer.render(STILL, (0, 0), lamps, 1)[:HEIGHT].astype(float)

    def change(**moved):
        return np.abs(
            renderer.render(Scene(**{**vars(STILL), **moved}), (0, 0), lamps, 1)[:HEIGHT] - rest
        )

    box = renderer.layers.box
    eyes = np.zeros((HEIGHT, WIDTH), bool)
    openings = renderer.layers.eye_openings[: box.height]
    eyes[box.top :, box.left : box.left + box.width] = openings > 0.8
    closed = change(lids=1.0)
    assert closed[eyes].mean() > 15
    assert closed[~cv2.dilate(eyes.astype(np.uint8), np.ones((25, 25))).astype(bool)].max() <= 1
    for movement in (
        {"x_px": 6.0}, {"yaw_rad": 0.15}, {"pitch_rad": 0.15}, {"roll_rad": 0.05}, {"scale": 0.02},
        {"jaw": 1.0},
    ):
        assert (
            change(**movement)[HEIGHT // 4 : 3 * HEIGHT // 4, WIDTH // 4 : 3 * WIDTH // 4].max()
            > 15
        ), movement
    assert change(gain=0.1).mean() == pytest.approx(0.1 * (rest.mean() - 16), rel=0.15)


def test_behaviour_can_be_asked_for_at_any_time():
    behaviour = VirtualSubject("S01").behaviour
    forwards = [behaviour.at(t) for t in (59.9, 60.1, 3000.0)]
    again = VirtualSubject("S01").behaviour
    assert [again.at(t) for t in (3000.0, 60.1, 59.9)] == forwards[::-1]
    t_s = np.arange(50, 70, 0.02)                  # nothing jumps, not even from minute to minute
    x = np.array([[s.x_px, 100 * s.yaw_rad, 100 * s.gain] for s in map(behaviour.at, t_s)])
    assert np.abs(np.diff(x, axis=0)).max() < 2.0
    lids = np.array([behaviour.at(t).lids for t in np.arange(0, 60, 0.04)])
    assert 5 <= np.count_nonzero(np.diff((lids > 0.5).astype(int)) == 1) <= 40


def test_mtcnn_finds_the_subjects():
    if find_spec("facenet_pytorch") is None:
        pytest.skip("needs the extra `train`: pip install 'acq[train]'")
    from dataset.face.find import detect_face

    for n in (1, 2, 4, 6):              # light, brown, dark, darkest
        image = cv2.cvtColor(VirtualSubject(f"S{n:02d}").frame(0.0, 0), cv2.COLOR_YUV2RGB_I420)
        box = detect_face(image)
        assert box is not None, f"S{n:02d}"
        assert box.probability > 0.95, f"S{n:02d}"
