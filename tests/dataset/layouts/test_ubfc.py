"""The UBFC layout as it is really published, and folders that are not what the manifest says."""

import json
import shutil

import numpy as np
import pytest

from dataset.common.files import sha256_of
from dataset.layouts.manifest import (
    MANIFEST,
    Entry,
    LabelFile,
    Manifest,
    RowSelection,
    SourceSession,
    Timing,
    VideoFile,
)
from dataset.layouts.manifest_file import write_manifest
from dataset.layouts.ubfc import (
    LABELS,
    VIDEO,
    check_video_bytes,
    load_manifest,
    read_labels,
    write_labels,
)
from tests.support.errors import refused
from tests.support.made_videos import pictures, write_video


def make_folder(folder, count=30, *, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(count) / 30
    labels_hash = write_labels(
        folder, np.sin(time_s) * 1e4, hr_bpm=np.full(count, 71.25), time_s=time_s
    )
    pixels = write_video(folder / VIDEO, pictures(first + count)[first:])
    return labels_hash, pixels


def test_labels_round_trip_and_numpy_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    ppg, hr_bpm, time_s = (
        rng.normal(0, 8000, 2000), rng.uniform(45, 180, 2000), np.sort(rng.uniform(0, 7200, 2000)),
    )
    write_labels(tmp_path, ppg, hr_bpm=hr_bpm, time_s=time_s)
    for found in (read_labels(tmp_path), np.loadtxt(tmp_path / LABELS)):
        assert np.abs(found[0] - ppg).max() < 1e-6 * 8000
        assert np.abs(found[1] - hr_bpm).max() <= 5e-4 + 1e-9
        assert np.abs(found[2] - time_s).max() < 1e-6
    text = (tmp_path / LABELS).read_text()
    assert "  " not in text
    assert " \n" not in text
    assert len(text.splitlines()) == 3


def test_public_labels_as_they_are(tmp_path):
    """Runs of spaces, a space at the end, time steps of 0 s and 1 s, exponents as in MATLAB."""
    (tmp_path / LABELS).write_text(
        "   1.3562000e+00  -4.0e-01   2.0e-01   0.0e+00 \n   1.08e+02   1.08e+02   1.09e+02   "
        "1.09e+02\n"
        "   0.0000000e+00   3.4e-02   3.4e-02   1.1e+00  \n\n"
    )
    ppg, hr_bpm, time_s = read_labels(tmp_path)
    assert ppg.tolist() == [1.3562, -0.4, 0.2, 0.0]
    assert hr_bpm.tolist() == [108, 108, 109, 109]
    assert time_s.tolist() == [0.0, 0.034, 0.034, 1.1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(None, "expected labels, found nothing", id="missing"),
        pytest.param("", "expected three rows (PPG, heart rate, seconds), found 0", id="empty"),
        pytest.param("1 2\n3 4\n", "found 2", id="two rows"),
        pytest.param(
            "1 2\n3 4\n5\n", "expected three rows of equal length, found [2, 2, 1]", id="short row"
        ),
        pytest.param("1 x\n3 4\n5 6\n", "expected numbers", id="not a number"),
        pytest.param("1 2\n3 nan\n5 6\n", "found nan at heart rate 1", id="NaN"),
        pytest.param(b"\xff\xfe", "expected labels as text", id="binary"),
    ],
)
def test_bad_labels_are_one_line(tmp_path, text, says):
    if text is not None:
        (tmp_path / LABELS).write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(says, tmp_path, read_labels, tmp_path)


@pytest.fixture
def root(tmp_path):
    """Two curated folders and their manifest."""
    entries = []
    for number, (side, subject) in enumerate((("train", "S01"), ("test", "S02")), start=1):
        folder = f"{side}/subject{number}"
        labels_hash, pixels = make_folder(tmp_path / folder, first=number)
        entries.append(
            Entry(
                folder=folder, side=side, subject=subject, session=f"{subject}-x", part=1,
                frames=30, source=SourceSession("0", False, True, "", 0, 0, grade=None),
                video=VideoFile(
                    34, 22, 30.0, "rawvideo", pixels.hexdigest,
                    size_bytes=(tmp_path / folder / VIDEO).stat().st_size,
                    file_sha256=sha256_of(tmp_path / folder / VIDEO),
                ),
                labels=LabelFile(labels_hash, 71.25, {}),
                timing=Timing(1.0, 25.0, 0.7, light_offset_ms=None, picture_shift_ms=None),
                rows=RowSelection("native", "keep", (), (), unused=0, excluded=()),
            )
        )
    numbers = {"S01-x": 1, "S02-x": 2, "S03-x": 3}      # S03's folder is gone
    head = ("0.1.0", "0", 1, 1, {}, "rawvideo", "filtered", "native", "keep", True)
    write_manifest(Manifest(*head, numbers, (), tuple(entries)), tmp_path / MANIFEST)
    return tmp_path


def put_folder(path):
    path.unlink()
    path.mkdir()


def put_file(path):
    shutil.rmtree(path)
    path.write_text("x")


def test_a_good_manifest(root):
    manifest = load_manifest(root)
    assert [(e.folder, e.subject) for e in manifest.entries] == [
        ("train/subject1", "S01"), ("test/subject2", "S02"),
    ]
    assert manifest.numbers == {"S01-x": 1, "S02-x": 2, "S03-x": 3}
    assert json.loads((root / MANIFEST).read_text())["data_hash"] == manifest.data_hash
    assert not manifest.simulated


def edited(change):
    def apply(root):
        body = json.loads((root / MANIFEST).read_text())
        change(body)
        (root / MANIFEST).write_text(json.dumps(body))

    return apply


def entry(**changes):
    return edited(lambda body: body["entries"][1].update(changes))


def link_folder_out(root):
    (root / "test/subject2").rename(root.parent / "elsewhere")
    (root / "test/subject2").symlink_to(root.parent / "elsewhere")


def link(name):
    def apply(root):
        (root / "test/subject2" / name).unlink()
        (root / "test/subject2" / name).symlink_to(root / "train/subject1" / name)

    return apply


def shorten_labels(root):
    path = root / "test/subject2" / LABELS
    path.write_text(
        "".join(" ".join(row.split()[:-1]) + "\n" for row in path.read_text().splitlines())
    )


def change_labels(root):
    path = root / "test/subject2" / LABELS
    path.write_text(path.read_text().replace("71.250", "72.250"))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(
            lambda r: (r / MANIFEST).unlink(), "expected a manifest, found nothing",
            id="no manifest",
        ),
        pytest.param(
            lambda r: (r / MANIFEST).write_text("{"), "expected a manifest", id="not JSON"
        ),
        pytest.param(
            edited(lambda b: b.update(schema="x")), "instead of 'acq-ubfc-manifest' of version 2",
            id="schema",
        ),
        pytest.param(
            edited(lambda b: b.update(schema_version=7)),
            "of version 7 instead of 'acq-ubfc-manifest' of version 2",
            id="version",
        ),
        pytest.param(
            edited(lambda b: b["entries"][0].pop("side")), "expected a manifest",
            id="entry without a side",
        ),
        pytest.param(entry(part=0), "from 1, found 0 and 30", id="part 0"),
        pytest.param(
            entry(part=2), "expected one folder number for each", id="part without a number"
        ),
        pytest.param(
            entry(repeated=[{"first": 29, "frames": 2, "reason": ""}]),
            "found 2 from frame 29 on as repeated",
            id="repeated too far",
        ),
        pytest.param(
            edited(lambda b: b.update(complete=False)), "found an unfinished one", id="interrupted"
        ),
        pytest.param(entry(folder="../../etc"), "found '../../etc'", id="path out of the root"),
        pytest.param(entry(folder="/tmp/subject2"), "found '/tmp/subject2'", id="absolute path"),
        pytest.param(
            entry(folder="test/subject2/../subject1"), "found 'test/subject2/../subject1'",
            id="path that turns",
        ),
        pytest.param(
            entry(folder="train/subject2"), "found 'train/subject2'", id="folder on the other side"
        ),
        pytest.param(
            entry(folder="test/subject1"), "expected each folder number once", id="number twice"
        ),
        pytest.param(entry(session="S01-x"), "expected each session once", id="session twice"),
        pytest.param(entry(subject="S01"), "found S01 on both", id="leak"),
        pytest.param(entry(subject="a/b"), "expected a subject id", id="hostile subject"),
        pytest.param(entry(fps=25.0), "changed by hand", id="edited by hand"),
        pytest.param(
            lambda r: (r / "test/subject2").rename(r / "gone"),
            "expected the folder of session S02-x", id="no folder",
        ),
        pytest.param(
            entry(session=["S02-x"]), "a list instead of text", id="session that is a list"
        ),
        pytest.param(
            entry(hr_bpm=float("nan")), "expected a manifest, found malformed JSON",
            id="NaN",
        ),
        pytest.param(
            edited(lambda b: b["numbers"].pop("S02-x")), "expected one folder number for each",
            id="no number",
        ),
        pytest.param(
            edited(lambda b: b["numbers"].update({"S03-x": 2})),
            "expected one folder number for each", id="twice",
        ),
        pytest.param(
            edited(lambda b: b.update(numbers=[1, 2])), "a list instead of an object at $.numbers",
            id="numbers as a list",
        ),
        pytest.param(
            edited(lambda b: b.update(stale=["train/.."])), "found 'train/..'",
            id="stale folder that is none",
        ),
        pytest.param(link_folder_out, "found a link at", id="link out"),
        pytest.param(link(VIDEO), "found a link at", id="linked video"),
        pytest.param(link(LABELS), "found a link at", id="linked labels"),
        pytest.param(
            lambda r: (r / "test/subject2" / LABELS).unlink(), "expected labels, found nothing",
            id="no labels",
        ),
        pytest.param(shorten_labels, "expected 30 labels, found 29", id="short labels"),
        pytest.param(change_labels, "expected the labels as written", id="changed labels"),
        pytest.param(
            lambda r: (r / "test/subject2" / VIDEO).unlink(), "expected a video, found nothing",
            id="no video",
        ),
        pytest.param(
            lambda r: put_folder(r / "test/subject2" / VIDEO), "expected a video, found a folder",
            id="a folder for the video",
        ),
        pytest.param(
            lambda r: put_file(r / "test/subject2"), "session S02-x, found a file at",
            id="a file for the folder",
        ),
        pytest.param(
            lambda r: (r / "test/subject2" / VIDEO).write_bytes(b"x"), "bytes, found 1 in",
            id="video cut short",
        ),
    ],
)
def test_a_folder_that_is_not_what_its_manifest_says(root, damage, says):
    damage(root)
    refused(says, root, load_manifest, root)


@pytest.mark.parametrize(
    "change", [lambda own, other: other, lambda own, other: bytes(len(own))],
    ids=["another's", "zeroed"],
)
def test_a_video_of_equal_length_that_is_another(root, change):
    videos = [root / folder / VIDEO for folder in ("train/subject1", "test/subject2")]
    videos[0].write_bytes(change(*(video.read_bytes() for video in videos)))
    one, other = load_manifest(root).entries
    check_video_bytes(root, other, sha256_of(videos[1]))
    refused(
        "expected the video as written, found another", videos[0], check_video_bytes, root, one,
        sha256_of(videos[0]),
    )
