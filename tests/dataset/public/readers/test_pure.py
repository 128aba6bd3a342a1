"""PURE in forms that copies and tools gave it: read as what it is, or refused with the reason."""

import json
import shutil

import cv2
import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.public.readers.pure import read_pure
from dataset.public.readers.pure_labels import read_labels
from tests.support.public_sets import PURE_START_NS, make_pure, picture

FRAMES, SAMPLES = 40, 260
S = 10**9


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain") / "01-01"
    make_pure(folder, frames=FRAMES, samples=SAMPLES)
    return folder


@pytest.fixture
def made(plain, tmp_path):
    """A folder with what is published of PURE: stamps twice and out of order, named as defects."""
    return shutil.copytree(plain, tmp_path / "01-01")


def edit(folder, change):
    path = folder / "01-01.json"
    body = json.loads(path.read_text())
    change(body)
    path.write_text(json.dumps(body))


def stamps(change, *lists):
    def apply(body):
        for name in lists or ("/FullPackage", "/Image"):
            for item in body[name]:
                item["Timestamp"] = change(item["Timestamp"])

    return apply


def later(items, seconds):
    for item in items:
        item["Timestamp"] += seconds * S


def pictures(folder):
    return sorted((folder / "01-01").iterdir())


def rename(folder, change):
    for path in pictures(folder):
        path.rename(path.with_name(f"Image{change(int(path.stem[5:]))}.png"))


def decoded(recording):
    return [one.rgb for one in recording.video.pictures]


def check_truth(recording, *, exact_ns=1000):
    """Hold times and pictures against what the folder was made of."""
    found = recording.video.times.time_ns - PURE_START_NS
    assert found == pytest.approx(np.arange(FRAMES) / 30 * S, abs=exact_ns)
    found = recording.samples.times.time_ns - PURE_START_NS
    assert found == pytest.approx(np.arange(SAMPLES) / 60 * S, abs=max(exact_ns, S / 40))
    shown = decoded(recording)
    assert len(shown) == FRAMES
    assert all((rgb == picture(i)).all() for i, rgb in enumerate(shown))


@pytest.mark.parametrize(
    ("scale", "word", "exact_ns"),
    [(10**6, "milliseconds", 10**6), (10**3, "microseconds", 10**3)],
)
def test_all_stamps_of_another_unit_are_read_as_that(made, scale, word, exact_ns):
    edit(made, stamps(lambda stamp: stamp // scale))
    rename(made, lambda stamp: stamp // scale)
    found = read_pure(made)
    assert f"all stamps are {word}, not nanoseconds; read as such" in found.defects
    check_truth(found, exact_ns=exact_ns)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"/FullPackage": [{"Timestamp": 5', "one that is cut short"),
        ('{"/FullPackage": [{"Timesta', "one that is cut short"),
        ('{"/FullPackage": [{"a": tr', "one that is cut short"),
        ('{\n"/FullPackage": [;, {"Timestamp": 5}, {"Timestamp": 6}]}', "what is none in line 2"),
        (" ", "an empty file"), (b"\xff{}", "bytes that are no text"),
    ],
)
def test_what_is_no_json_is_told_in_words(tmp_path, text, words):
    path = tmp_path / "01-01.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CurationError, match=f"expected labels as JSON, found {words} in "):
        read_labels(path, [])


def test_labels_in_utf_16_are_read(made):
    path = made / f"{made.name}.json"
    path.write_bytes(path.read_text().encode("utf-16"))
    check_truth(read_pure(made))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(stamps(str), "260 sample stamps are text; read as numbers", id="text"),
        pytest.param(stamps(float), "41 image stamps of the JSON are rounded", id="floats"),
        pytest.param(
            lambda b: b["/FullPackage"][70].update(Timestamp=None),
            "1 sample stamps are no numbers", id="one is null",
        ),
        pytest.param(
            lambda b: b["/FullPackage"][70].update(Timestamp=PURE_START_NS // 10),
            "1 sample stamps lie far from all others, the first in place 71", id="one lost a digit",
        ),
        pytest.param(
            lambda b: b["/Image"][20].update(Timestamp=PURE_START_NS // 10),
            "1 image stamps of the JSON lie far from all others", id="one of an image, too",
        ),
        pytest.param(
            lambda b: [
                x["Value"].update(probeError=29 < i < 60, beep=True, searching=0)
                for i, x in enumerate(b["/FullPackage"])
            ],
            "the device itself marks 30 of 260 samples with 'probeError', from 0.50 s to 0.98 s",
            id="the device's own flags",
        ),
        pytest.param(
            lambda b: [x["Value"].update(pulseRate=140) for x in b["/FullPackage"]],
            "device's heart rate is 140.0 bpm, and that of its PPG by these times 7",
            id="heart rate",
        ),
    ],
)
def test_what_is_certain_is_mended_and_what_is_doubtful_is_said(made, change, words):
    edit(made, change)
    found = read_pure(made)
    assert words in "\n".join(found.defects)
    assert sum("device" in text for text in found.defects) <= 1
    check_truth(found, exact_ns=20_000_000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            stamps(lambda t: t // 10**6, "/FullPackage"), "milliseconds in PPG and nanoseconds in",
            id="PPG in ms",
        ),
        pytest.param(
            stamps(lambda t: t // 10**6, "/Image"), "milliseconds in the pictures in the JSON",
            id="the list of pictures in ms",
        ),
        pytest.param(
            stamps(lambda t: t / 1e9), "seconds in PPG and nanoseconds in", id="seconds as floats"
        ),
        pytest.param(stamps(lambda t: f"x{t}"), "Timestamp in ns, found 'x139", id="words"),
        pytest.param(
            stamps(lambda t: PURE_START_NS + (t - PURE_START_NS) * 30, "/FullPackage"),
            r"5 to 1000 a second, found a median step of 5e\+08 in PPG", id="2 Hz",
        ),
        pytest.param(
            lambda b: later(b["/FullPackage"][70:], 3600),
            "gap of 3600.02 s after the first 70 of 260, whole hours", id="an hour ahead",
        ),
        pytest.param(
            lambda b: later(b["/FullPackage"][:70], 3600),
            "70 of 260 more than a second out of order", id="an hour back",
        ),
        pytest.param(
            lambda b: b["/FullPackage"].reverse(), "fall from first to last", id="reversed"
        ),
        pytest.param(
            lambda b: later(b["/FullPackage"], 3 * 86_400), "found 3.0 days between", id="days"
        ),
        pytest.param(
            lambda b: b.update({"/FullPackage": b["/FullPackage"][:1]}),
            "sample stamps that rise, found 1 of 1 that do", id="one sample",
        ),
    ],
)
def test_what_is_not_certain_is_refused_with_its_place(made, change, words):
    edit(made, change)
    with pytest.raises(CurationError, match=f"(?s){words}.* in .*01-01"):
        read_pure(made)


def test_hours_between_ppg_and_pictures_are_said(made):
    edit(made, stamps(lambda t: t - 7200 * S, "/FullPackage"))
    found = read_pure(made)
    assert "the PPG begins 7200.00 s before the pictures, whole hours" in found.defects[-1]


def reencode(folder, change):
    for path in pictures(folder):
        bgr = cv2.imread(str(path))
        cv2.imwrite(str(path), change(bgr))


def with_alpha(bgr, alpha):
    return np.dstack([bgr, np.full(bgr.shape[:2], alpha, np.uint8)])


@pytest.mark.parametrize(
    ("change", "form"),
    [
        (lambda bgr: with_alpha(bgr, 255), "8-bit RGB with alpha"),
        (lambda bgr: bgr.astype(np.uint16) * 257, "16-bit RGB"),
    ],
)
def test_pictures_that_hold_8_bit_colour_are_read_as_that(made, change, form):
    reencode(made, change)
    found = read_pure(made)
    check_truth(found)
    assert f"40 pictures are {form} that holds no more than 8-bit RGB; read as such" in (
        found.defects
    )


@pytest.mark.parametrize(
    ("change", "form"),
    [
        (lambda bgr: with_alpha(bgr, 7), "8-bit RGB with alpha that is not opaque"),
        (lambda bgr: bgr.astype(np.uint16) * 201 + 3, "16-bit RGB"),
        (lambda bgr: bgr[..., 0], "8-bit grey"),
    ],
)
def test_pictures_that_hold_more_or_less_are_named(made, change, form):
    reencode(made, change)
    with pytest.raises(CurationError, match=f"found pictures of {form} at .*Image139"):
        read_pure(made)


def test_files_of_other_names_are_found_or_counted(made, tmp_path):
    for path in pictures(made):
        path.rename(path.with_suffix(".PNG"))
        (path.parent / f"._{path.name}").write_bytes(b"of macOS")
    (made / "01-01.json").rename(made / "01-01.JSON")
    check_truth(read_pure(made))
    nested = tmp_path / "again" / "01-01"
    nested.parent.mkdir()
    made.rename(nested)
    outer = tmp_path / "out" / "01-01"
    outer.parent.mkdir()
    nested.parent.rename(outer)              # 01-01/01-01/01-01/Image<ns>.PNG
    check_truth(read_pure(outer))
    for path in sorted((outer / "01-01" / "01-01").glob("Image*")):
        path.rename(path.with_suffix(".jpg"))
    with pytest.raises(CurationError, match=r"found 0, 40 files \.jpg"):
        read_pure(outer)


def test_a_picture_that_lost_a_digit_of_its_name_is_left_out_and_counted(made):
    path = pictures(made)[20]
    path.rename(path.with_name(path.name.replace("Image1", "Image")))
    found = read_pure(made)
    assert f"the first is {path.name.replace('Image1', 'Image')}, -1000000000 s; left out" in (
        found.defects[0]
    )
    assert len(found.video.times.time_ns) == FRAMES
    assert len(decoded(found)) + found.video.left_out == FRAMES - 1


def test_pictures_of_two_cameras_are_refused(made):
    for path in pictures(made):
        shutil.copy(path, path.with_name(f"Image{int(path.stem[5:]) + 7_000_000}.png"))
    with pytest.raises(CurationError, match="found 40 of 80 that it does not"):
        read_pure(made)


def test_pictures_of_two_sizes_are_refused(made):
    for path in pictures(made)[::2]:
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (16, 12)))
    with pytest.raises(CurationError, match=r"of one camera, found 20 of .* and 20 of "):
        read_pure(made)


def test_numbered_pictures_are_no_stamps(made):
    for number, path in enumerate(pictures(made)):
        path.rename(path.with_name(f"Image{number:04d}.png"))
    with pytest.raises(CurationError, match="count 0, 1, 2 in the names of the pictures"):
        read_pure(made)
