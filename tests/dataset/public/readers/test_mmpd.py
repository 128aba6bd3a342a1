"""MMPD: files of MATLAB with single-precision video, a PPG brought to the frames, eight labels."""

import numpy as np
import pytest

from dataset.public.sets import find_set
from dataset.public.write_recording import LABEL
from dataset.session.reader import Session
from tests.support.pulsing_sets import (
    check_pulse,
    faces,
    import_all,
    import_one,
    make_mmpd,
    pulse,
    refusal,
    times,
)

T_S = times(30)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_comes_over_with_its_pixels_its_pulse_and_its_labels(tmp_path, compressed):
    make_mmpd(tmp_path / "set", number=7, part=12, compressed=compressed)
    assert find_set(tmp_path / "set") == "mmpd"
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.session, found.subject, found.frames, found.samples) == (
        "MMPD-7-12", "MMPD-7", 180, 180
    )
    path = tmp_path / "data/sessions/MMPD-7/MMPD-7-12.h5"
    check_pulse(path)
    with Session(path) as session:
        shown = faces(T_S)
        assert all((session.frames[at] == shown[at]).all() for at in range(180))
        assert np.allclose(session.ppg_values, pulse(T_S), atol=1e-12)
        assert [event.text for event in session.events if event.kind == LABEL] == [
            "light LED-low", "motion Stationary (after exercise)", "exercise True", "skin_color 5",
            "gender female", "glasser False", "hair_cover True", "makeup False",
        ]
    assert found.defects == (
        "no times are published: frames and PPG at 30/s, to which the authors resampled them",
    )


def still(ppg):
    ppg = ppg.copy()
    ppg[60:90] = ppg[60]
    return ppg


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"GT_ppg": pulse(T_S)[:176]}, "176 PPG values for 180 frames, paired from the first"),
        ({"GT_ppg": still(pulse(T_S))}, "stands still 1 times, the longest 1.00 s at 2.00 s"),
        ({"GT_ppg": np.where(T_S == 1.0, np.nan, pulse(T_S))}, "1 value of PPG is not finite"),
        ({"motion": "Watching Videos"}, "an error of older copies of the set for 'Walking'"),
        ({"skin_color": np.array([[9]])}, "skin_color '9' is none of the set's, 3, 4, 5, 6; kept"),
        ({"light": "Neon"}, "light 'Neon' is none of the set's, LED-low, LED-high, Incandescent"),
        ({"gender": "", "makeup": "1"}, "makeup '1' is none of the set's, True, False; kept"),
        ({"light": None, "makeup": None}, "labels that are missing: light, makeup"),
        ({"video": faces(T_S) / 255.0 + 0.3 / 255}, "up to 0.30 of a step; rounded"),
        ({"video": faces(T_S)[np.minimum(np.arange(180), 140)] / 255.0},
         "39 frames repeat the one before to the last pixel, the first is 141"),
    ],
)
def test_what_is_doubtful_is_said(tmp_path, changed, words):
    make_mmpd(tmp_path / "set", **changed)
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert words in " ".join(found.defects)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"GT_ppg": pulse(times(200))}, "with a value for each of 180 frames, found 1200"),
        ({"GT_ppg": None}, "expected the variable GT_ppg, found exercise, gender, glasser"),
        ({"GT_ppg": "no numbers"}, "expected GT_ppg as one row of numbers, found text"),
        ({"GT_ppg": np.ones((2, 180))}, "as one row of numbers, found 2 x 180"),
        ({"video": faces(T_S).astype(np.float32)}, "values of 0 to 1, found "),
        ({"video": np.full((180, 16, 24, 3), np.nan)}, "found some that are not finite"),
        ({"video": faces(T_S)[..., 0]}, "height, width and 3 colours, found 180 x 16 x 24"),
        ({"video": faces(T_S) * (1 + 1j)}, "expected video as real numbers"),
        ({"skin_color": np.ones((3, 3))}, "expected skin_color as a text, found 3 x 3"),
    ],
)
def test_what_is_not_certain_is_refused_in_one_line(tmp_path, changed, words):
    path = make_mmpd(tmp_path / "set", **changed)
    text = refusal(tmp_path / "set", tmp_path / "data")
    assert words in text
    assert f"in {path}" in text


def test_files_of_another_subject_and_folders_without_any_are_named(tmp_path):
    path = make_mmpd(tmp_path / "set")
    path.rename(path.with_name("p2_0.mat"))
    (tmp_path / "set/subject3").mkdir()
    found = import_all(tmp_path / "set", tmp_path / "data", which="mmpd")
    assert {name: (one.cause.expected, one.cause.found) for name, one in found.items()} == {
        "subject1/p2_0.mat": ("p1_<int>.mat", "p2_0.mat"),
        "subject3": ("p<int>_<int>.mat of MMPD", "nothing"),
    }
