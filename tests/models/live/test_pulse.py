"""The pulse while frames come: heart rates, states without one, and the offline result."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from itertools import islice
from threading import Event

import cv2
import numpy as np
import pytest

from acquire.camera.frame_times import read_frame_times
from acquire.simulation.subject import VirtualSubject
from dataset.face.box import FaceBox, enlarge
from dataset.face.frames import average_face, motion
from dataset.layouts.avi import read_bgr
from dataset.signals.filters import WINDOW_S, bandpass, heart_rate
from dataset.signals.windows import even_grid, to_even_grid, window_length
from models.live.held_face import ALONE_S
from models.live.pulse import LivePulse
from models.live.states import (
    DARK,
    FACE_LOST,
    FROZEN,
    GAP,
    LOOKING,
    NO_PULSE,
    READING,
    SETTLING,
    STATES,
    TOO_SLOW,
    TWO_FACES,
)
from tests.support.live_scenes import FACE, RedOverGreen, Scene, frame_times, play, states

FIRST_S = 12.0       # within which a heart rate is given, after the face appears


@pytest.fixture
def scene():
    return Scene()


@pytest.fixture
def live(scene):
    return LivePulse(RedOverGreen(), scene.find)


@pytest.fixture(scope="module")
def twelve_seconds():
    """A scene that has been read for twelve seconds, and what reads it: to be copied."""
    scene = Scene()
    live = LivePulse(RedOverGreen(), scene.find)
    assert play(live, scene, frame_times(12.0))[-1].state == READING
    return scene, live


@pytest.fixture
def read_so_far(twelve_seconds):
    return deepcopy(twelve_seconds)


def rates(readings):
    return np.array([r.hr_bpm for r in readings if r.hr_bpm is not None])


def assert_reads_again(live, scene, begin_s, *, bpm=72.0):
    """The window begins anew: no heart rate in ten seconds, then a right one."""
    readings = play(live, scene, frame_times(FIRST_S, begin_s=begin_s))
    assert not len(rates([r for r in readings if r.time_s < begin_s + WINDOW_S - 0.1]))
    assert states(readings)[-1] == READING
    assert rates(readings) == pytest.approx(bpm, abs=1.0)
    return readings


@pytest.mark.parametrize(("bpm", "fps"), [(48.0, 25.0), (72.0, 30.0), (150.0, 15.0), (72.0, 60.0)])
def test_a_tone_is_read_within_twelve_seconds_of_the_face_and_steadily(bpm, fps):
    scene = Scene(bpm=bpm)
    live = LivePulse(RedOverGreen(), scene.find)
    scene.faces = []
    assert states(play(live, scene, frame_times(1.0, fps=fps))) == [LOOKING]
    scene.faces = [FACE]
    readings = play(live, scene, frame_times(18.0, fps=fps, begin_s=1.0))
    assert states(readings) in ([LOOKING, SETTLING, READING], [SETTLING, READING])
    first = next(r for r in readings if r.hr_bpm is not None)
    assert WINDOW_S < first.time_s - 1.0 <= FIRST_S
    assert rates(readings) == pytest.approx(bpm, abs=0.5)
    assert readings[-1].quality == "good"
    settling = [r for r in readings if r.state == SETTLING]
    assert settling[1].words == "face found; heart rate in 11 s"
    assert settling[-1].words == "face found; heart rate in 1 s"
    assert {r.state for r in readings} <= set(STATES)
    changes = np.flatnonzero(np.diff(rates(readings)))
    assert len(changes) <= 8                       # once a second


def test_a_photograph_has_no_heart_rate(scene, live):
    scene.bpm = 0.0
    readings = play(live, scene, frame_times(20.0))
    assert states(readings) == [SETTLING, NO_PULSE]
    assert not len(rates(readings))


def test_a_face_that_is_lost_and_comes_back(read_so_far):
    scene, live = read_so_far
    scene.faces = []
    readings = play(live, scene, frame_times(6.0, begin_s=12.0))
    assert states(readings) == [READING, FACE_LOST]
    lost_s = next(r.time_s for r in readings if r.state == FACE_LOST)
    assert lost_s < 12.0 + 3.6 + 0.1
    assert readings[-1].words in {
        f"the face was last seen {seconds} s ago; looking for it" for seconds in (6, 7, 8, 9)
    }
    scene.faces = [FACE]
    assert states(assert_reads_again(live, scene, 18.0))[-2:] == [SETTLING, READING]


def test_a_search_that_misses_the_face_once_ends_nothing(read_so_far):
    scene, live = read_so_far
    searches, scene.faces, readings = scene.searches, [], []
    for t in frame_times(6.0, begin_s=12.0):
        readings += play(live, scene, [t])
        if scene.searches > searches:
            scene.faces = [FACE]
    assert scene.searches >= searches + 2
    assert states(readings) == [READING]


def test_a_picture_that_jumps_is_searched_at_once(read_so_far):
    scene, live = read_so_far
    scene.faces, scene.level = [], 60.0
    readings = play(live, scene, frame_times(1.5, begin_s=12.0))
    assert states(readings) == [READING, FACE_LOST]


@pytest.mark.parametrize("face", [
    pytest.param(FaceBox(2, 4, 22, 28), id="elsewhere"),
    pytest.param(FaceBox(28, 18, 37, 29), id="farther away"),
    pytest.param(FaceBox(12, 2, 52, 47), id="nearer"),
])
def test_the_box_moves_when_the_face_has_left_it(read_so_far, face):
    scene, live = read_so_far
    scene.faces = [face]
    readings = play(live, scene, frame_times(5.0, begin_s=12.0))
    assert states(readings)[-1] == SETTLING
    assert readings[-1].words.startswith(
        "the face has left its box, which follows it; heart rate in"
    )
    begun_s = next(r.time_s for r in readings if r.state == SETTLING)
    readings += play(live, scene, frame_times(12.0, begin_s=17.0))
    assert states(readings)[-2:] == [SETTLING, READING]
    assert (
        next(r.time_s for r in readings if r.time_s > begun_s and r.hr_bpm is not None) - begun_s
        > WINDOW_S
    )
    assert rates(readings) == pytest.approx(72.0, abs=2.0)


def test_the_box_is_held_while_the_face_sways_in_it(scene, live):
    readings, scene.drawn = [], [FACE]
    for at in range(8):
        scene.faces = [
            FaceBox(
                FACE.left + at % 4, FACE.top - at % 3, FACE.right + at % 4, FACE.bottom - at % 3
            )
        ]
        readings += play(live, scene, frame_times(2.0, begin_s=2.0 * at))
    assert states(readings) == [SETTLING, READING]
    assert 6 <= scene.searches <= 10 # one every two seconds, when nothing is in doubt


OTHER = FaceBox(44, 12, 60, 34)


def test_the_held_face_is_read_on_beside_another_one(read_so_far):
    scene, live = read_so_far
    scene.people[OTHER] = 1
    scene.faces = [FACE, OTHER]
    readings = play(live, scene, frame_times(5.0, begin_s=12.0))
    assert states(readings) == [READING]
    assert readings[-1].words.endswith(" pulse; another face in view, not read")
    assert live.face_box == enlarge(FACE)
    scene.faces = [FACE]
    readings = play(live, scene, frame_times(4.0, begin_s=17.0))
    assert states(readings) == [READING]
    assert readings[-1].words.endswith(" pulse")


def test_two_faces_from_the_start_and_then_the_other_one(scene, live):
    scene.people[OTHER] = 1
    scene.faces = [FACE, OTHER]
    readings = play(live, scene, frame_times(3.0))
    assert states(readings) == [TWO_FACES]
    assert readings[-1].words == "more than one face: only one alone is read"
    scene.faces = [OTHER]
    readings = play(live, scene, frame_times(FIRST_S + ALONE_S, begin_s=3.0))
    assert states(readings) == [TWO_FACES, SETTLING, READING]      # nobody was read before
    assert rates(readings) == pytest.approx(72.0, abs=1.0)


def test_darkness_is_a_state_and_light_begins_anew(read_so_far):
    scene, live = read_so_far
    scene.level = 8.0
    readings = play(live, scene, frame_times(3.0, begin_s=12.0))
    assert states(readings) == [DARK]
    assert readings[0].words == "too dark: 7 of 255; more light from the front"
    scene.level = 120.0
    assert_reads_again(live, scene, 15.0)
    assert states(play(LivePulse(RedOverGreen(), scene.find), Scene(), frame_times(0.5))) == [
        SETTLING
    ]
    scene.level, scene.faces = 8.0, []
    # not: no face
    assert states(play(LivePulse(RedOverGreen(), scene.find), scene, frame_times(2.0))) == [DARK]


def test_a_frozen_picture_is_a_state_and_begins_anew(read_so_far):
    scene, live = read_so_far
    scene.still = True
    readings = play(live, scene, frame_times(4.0, begin_s=12.0))
    assert states(readings) == [READING, FROZEN]
    assert 0.9 < next(r.time_s for r in readings if r.state == FROZEN) - 12.0 < 1.1
    scene.still = False
    assert_reads_again(live, scene, 16.0)


def test_a_picture_that_is_repeated_now_and_then_is_not_frozen(scene, live):
    readings = []
    for at, t in enumerate(frame_times(14.0)):
        scene.still = at % 10 > 7
        readings.append(live.add_frame(scene.picture(t), float(t)))
    assert states(readings) == [SETTLING, READING]
    assert rates(readings) == pytest.approx(72, abs=1)


def test_a_gap_in_time_is_a_state_and_begins_anew(read_so_far):
    scene, live = read_so_far
    assert live.note_silence(12.2).state == READING
    assert live.note_silence(13.5).state == GAP
    assert live.note_silence(13.5).words == "no frame for 1.5 s"
    readings = assert_reads_again(live, scene, 14.0)
    assert states(readings) == [GAP, SETTLING, READING]
    assert readings[0].words == "no frame for 2.0 s"
    assert readings[1].words == "frames are back after 2.0 s; heart rate in 10 s"


def test_a_camera_too_slow_for_a_pulse(scene, live):
    readings = play(live, scene, np.arange(84) / 6.0)
    assert states(readings) == [SETTLING, TOO_SLOW]
    assert readings[-1].words == "6.0 frames/s: a heart rate needs more than 7.6"


def test_a_camera_of_eight_frames_a_second_is_read_and_told_what_it_cannot_show(scene, live):
    reading = play(live, scene, np.arange(100) / 8.0)[-1]
    assert reading.hr_bpm == pytest.approx(72.0, abs=1.0)
    assert reading.words == "good pulse; 8.0 frames/s do not show rates above 228 bpm"


def test_frames_that_are_not_later_are_left_out_and_counted(scene, live):
    before = play(live, scene, frame_times(13.0))[-1]
    for t in (12.0, before.time_s):
        assert live.add_frame(scene.picture(t), t) is before
    assert live.late_frames == 2
    assert live.add_frame(scene.picture(13.1), 13.1).state == READING


def test_searches_in_an_executor_delay_no_frame(scene):
    may_end = Event()

    def slow(image):
        assert may_end.wait(10)
        return scene.find(image)

    with ThreadPoolExecutor(1) as executor:
        live = LivePulse(RedOverGreen(), slow, executor=executor)
        # the first search takes two seconds
        assert states(play(live, scene, frame_times(2.0))) == [LOOKING]
        may_end.set()
        readings = play(live, scene, [2.0])
        while readings[-1].state == LOOKING:
            readings += play(live, scene, [readings[-1].time_s + 0.001])
        assert states(readings)[-1] == SETTLING
        assert_reads_again(live, scene, readings[-1].time_s + 0.04)


def test_a_search_that_fails_raises(scene):
    def broken(image):
        raise MemoryError("no room")

    with ThreadPoolExecutor(1) as executor:
        live = LivePulse(RedOverGreen(), broken, executor=executor)
        with pytest.raises(MemoryError):
            play(live, scene, np.arange(10_000) / 1000)


def test_a_network_of_plain_differences_gets_grey_levels(scene):
    class Kept(RedOverGreen):
        def predict(self, motion, appearance=None):
            kept.append(motion)
            return super().predict(motion)

    kept = []
    net = Kept("difference")
    read = play(LivePulse(net, scene.find), scene, frame_times(12.0))
    assert read[-1].state == READING
    assert read[-1].rate.bpm == pytest.approx(scene.bpm, abs=2)
    levels = 256 * np.array(kept)
    assert (np.rint(levels) == levels).all()        # steps of 1/256 of a grey level, not scaled
    assert levels.any()


def test_a_teacher_gets_the_first_frame_of_the_pair(scene):
    class WithAppearance(RedOverGreen):
        needs_appearance = True
        appearance = None

        def predict(self, motion, appearance=None):
            self.appearance = appearance
            return super().predict(motion)

    net = WithAppearance()
    play(LivePulse(net, scene.find), scene, frame_times(2.0))
    assert net.appearance.shape == (1, 3, 36, 36)
    assert net.appearance.dtype == np.float32
    assert net.appearance.mean() == pytest.approx(120 / 255, abs=0.02)


def offline_rates(images, times, box, at_s):
    """Read the windows that end at some times offline.

    The whole video's standard deviation is used, and the whole pulse is filtered.
    """
    change = RedOverGreen().predict(
        motion(np.stack([average_face(image, box) for image in images])).transpose(0, 3, 1, 2)
    )
    grid_s, fs_hz = even_grid(times)
    pulse = bandpass(to_even_grid(np.append(0, np.cumsum(change)), times), fs_hz)
    length, _ = window_length(fs_hz)
    ends = [round((t - grid_s[0]) * fs_hz) + 1 for t in at_s]
    return np.array([heart_rate(pulse[max(end - length, 0):end], fs_hz) for end in ends])


def live_and_offline_rates(images, times):
    """Read frames as they come and as a whole; the shipped MTCNN finds the face.

    Compared is what the network alone says; the last reading, of all methods, is returned too.
    """
    pytest.importorskip("onnxruntime")
    from dataset.face.mtcnn import Mtcnn

    live = LivePulse(RedOverGreen(), Mtcnn().find)
    read, of_network, at_s = [], [], []
    for image, t in zip(images, times.tolist(), strict=True):
        reading = live.add_frame(image, t)
        if reading.rate is not None and (not read or reading.rate is not read[-1].rate):
            grid_s, pulse = live.trace()
            of_network.append(heart_rate(pulse, 1 / (grid_s[1] - grid_s[0])))
            read.append(reading)
            at_s.append(t)
    assert read[0].time_s - times[0] < FIRST_S
    return np.array(of_network), offline_rates(images, times, live.face_box, at_s), read[-1]


def test_live_is_within_two_bpm_of_offline_on_a_virtual_face():
    subject = VirtualSubject("S08")
    times = frame_times(13.0)
    images = [
        cv2.cvtColor(subject.frame(t, at), cv2.COLOR_YUV2RGB_I420) for at, t in enumerate(times)
    ]
    live_bpm, offline_bpm, last = live_and_offline_rates(images, times)
    assert np.abs(live_bpm - offline_bpm).max() < 2.0
    assert np.median(list(last.rate.methods.values())) == pytest.approx(
        subject.heart_rate(np.linspace(2, 12, 50)).mean(), abs=4.0
    )


@pytest.mark.shared
def test_live_is_within_two_bpm_of_offline_on_a_real_face(real_face):
    times = read_frame_times(real_face / "frames_timestamp.csv")
    times = times[:350] - times[0]
    images = [
        np.ascontiguousarray(bgr[:, :, ::-1])
        for bgr in islice(read_bgr(real_face / "video.mkv"), len(times))
    ]
    live_bpm, offline_bpm, _ = live_and_offline_rates(images, times)
    assert np.abs(live_bpm - offline_bpm).max() < 2.0
