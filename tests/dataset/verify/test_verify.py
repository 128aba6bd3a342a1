"""What was changed behind acq's back is found, each in one line; what is merely old is no fault;
what is whole is silent.
"""

import json
import re
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder, layout
from acquire.errors import CurationError
from dataset.card.description import AboutDataset
from dataset.card.write import write_card
from dataset.convert.to_ubfc import convert_sessions
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.run_results import read_run_results
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.reader import Session
from dataset.verify.verify import verify_data
from dataset.withdraw.find_files import PLAN
from dataset.withdraw.withdraw import withdraw
from tests.support.kept_frames import keep_frames
from tests.support.made_grades import write_grade
from tests.support.made_runs import make_run
from tests.support.made_sessions import make_session

DAY = "2026-01-01T00:00:00+00:00"
RUN = "20260101T000000Z"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    data = tmp_path_factory.mktemp("verify") / "data"
    for n, subject in enumerate(("S01", "S02", "S03")):
        make_session(data, subject, seconds=3.0 + n / 10)  # no two videos are the same
    write_split(
        split_by_subject(identify_sessions(data), holdout=["S03"]), data_folder.split_file(data)
    )
    manifest = convert_sessions(data, codec="ffv1").manifest
    keep_frames(data, manifest.entries)
    for path in data_folder.session_files(data):
        with Session(path) as session:
            write_grade(path, session.subject, session_hash=session.content_hash())
    write_card(data, AboutDataset())
    make_run(data, RUN, train=("S01", "S02"), test=("S03",), data_hash=manifest.data_hash)
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


def first(data):
    return data_folder.session_files(data)[0]


def folder(data):
    return data / "ubfc" / read_manifest(data / "ubfc" / MANIFEST).entries[0].folder


def flip(path, at):
    body = bytearray(path.read_bytes())
    body[at] ^= 1
    path.write_bytes(body)


def kept(data, which=0):
    return sorted(data_folder.frames_cache(data).glob("*.npy"))[which]


def change_sample(data):
    with h5py.File(first(data), "r+") as file:
        file[layout.PPG_VALUE][5] += 1


def change_picture(data):
    with h5py.File(first(data), "r+") as file:
        file[layout.FRAMES][3] = file[layout.FRAMES][4]


def change_json(path, **new):
    path.write_text(json.dumps({**json.loads(path.read_text()), **new}))


def swap_frames(data):
    first_frames, second_frames = (kept(data, which).with_suffix(".json") for which in (0, 1))
    shutil.copy(first_frames, second_frames)


def lengthen(data):
    path = data / "runs" / RUN / "student.safetensors"
    path.write_bytes(path.read_bytes() + b"x")


def steal_checkpoint(data):
    other = make_run(data, "other", data_hash="f" * 64, metrics=False)
    shutil.move(other / "student.safetensors", data / "runs" / RUN / "student.safetensors")
    shutil.rmtree(other)


def interrupt(data):
    def stop(what):
        if what == "split":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        withdraw(data, "S02", on_step=stop)


def findings(data, kind):
    return [finding for finding in verify_data(data).findings if finding.kind == kind]


def test_what_is_whole_is_silent_but_for_what_cannot_be_checked(data):
    verification = verify_data(data)
    (finding,) = verification.findings
    assert (finding.kind, finding.place) == ("unchecked", str(data / "runs"))
    assert verification.ok
    assert (
        verification.checked["sessions"]
        == verification.checked["folders"]
        == verification.checked["kept_frames"]
        == verification.checked["qualities"]
        == 3
    )
    assert verification.checked["frames"] == 279
    assert [verification.checked[what] for what in ("runs", "checkpoints", "cards")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        pytest.param(change_sample, "found another at .*S01", id="a sample"),
        pytest.param(change_picture, "found another at .*S01", id="a picture"),
        pytest.param(
            lambda d: first(d).write_bytes(first(d).read_bytes()[:5000]), "S01.*h5",
            id="a recording cut short",
        ),
        pytest.param(lambda d: first(d).unlink(), "found nothing at .*S01", id="a recording gone"),
        pytest.param(
            lambda d: change_json(data_folder.split_file(d), hash="0" * 64), "changed by hand",
            id="split",
        ),
        pytest.param(
            lambda d: change_json(d / "ubfc" / MANIFEST, data_hash="0" * 64), "changed by hand",
            id="manifest",
        ),
        pytest.param(lambda d: flip(folder(d) / LABELS, 3), "labels as written", id="labels"),
        pytest.param(lambda d: flip(folder(d) / VIDEO, -5000), "video as written", id="video"),
        pytest.param(lambda d: shutil.rmtree(folder(d)), "found nothing at", id="a folder gone"),
        pytest.param(
            lambda d: (folder(d) / "a.txt").write_text("1"), "readers may take it",
            id="a file beside",
        ),
        pytest.param(
            lambda d: (d / "ubfc/test/subject9").mkdir(), "expected only folders of",
            id="a folder beside",
        ),
        pytest.param(
            lambda d: (d / "ubfc" / MANIFEST).unlink(), "folders without one", id="no manifest"
        ),
        pytest.param(
            lambda d: data_folder.quality_file(first(d)).write_text("{"),
            "quality file",
            id="quality",
        ),
        pytest.param(
            lambda d: kept(d).write_bytes(kept(d).read_bytes()[:300]), "expected face frames",
            id="kept frames cut",
        ),
        pytest.param(
            lambda d: np.save(kept(d), np.zeros((4, 36, 36, 3))), r"9\d frames, found 4",
            id="kept frames fewer",
        ),
        pytest.param(swap_frames, "those of another video", id="kept frames swapped"),
        pytest.param(
            lambda d: (d / "runs" / RUN / "metrics.json").write_text("{}"), "subjects and hashes",
            id="metrics",
        ),
        pytest.param(
            lambda d: flip(d / "runs" / RUN / "student.safetensors", 9), "whole checkpoint",
            id="checkpoint",
        ),
        pytest.param(lengthen, "whole checkpoint", id="checkpoint longer"),
        pytest.param(
            steal_checkpoint, "data hash .* of its run, found f{12}", id="another's checkpoint"
        ),
        pytest.param(
            lambda d: data_folder.card_file(d).write_text("better"), "found none or another",
            id="card",
        ),
        pytest.param(
            lambda d: data_folder.croissant_file(d).write_text("["),
            "card as Croissant",
            id="croissant",
        ),
        pytest.param(
            lambda d: (d / "sessions/S01/subject.json").write_text("{"),
            "subject.json",
            id="subject",
        ),
        pytest.param(
            lambda d: data_folder.exclusions_file(d).write_text("{"),
            "expected exclusions, found",
            id="exclusions",
        ),
        pytest.param(
            lambda d: data_folder.withdrawals_file(d).write_text("{}"), "record of withdrawals",
            id="withdrawals",
        ),
        pytest.param(interrupt, "withdrawal was interrupted", id="withdrawal"),
        pytest.param(
            lambda d: (d / PLAN).write_text("{"), "an interrupted withdrawal wrote down",
            id="withdrawal unreadable",
        ),
        pytest.param(
            lambda d: data_folder.quality_curves_file(first(d)).write_bytes(b"PK"),
            "curves of a session's quality", id="quality curves",
        ),
    ],
)
def test_what_is_broken_is_one_line(data, fault, text):
    fault(data)
    broken = findings(data, "broken")
    assert len(broken) == 1, broken
    assert re.search(text, broken[0].text), broken[0].text
    assert "\n" not in broken[0].text


def test_pixels_are_decoded(data):
    """A manifest that was made anew around a video with other pixels: only decoding tells."""
    from dataset.layouts.manifest_file import write_manifest

    path = data / "ubfc" / MANIFEST
    manifest = read_manifest(path)
    first = manifest.entries[0]
    other = replace(first, video=replace(first.video, pixels_hash="0" * 64))
    write_manifest(manifest.with_entries([other, *manifest.entries[1:]], complete=True), path)
    (broken,) = findings(data, "broken")
    assert "decode to others" in broken.text


def out(data):
    write_exclusions(data, Exclusions((Exclusion(first(data).stem, None, None, "asleep", DAY),)))


def split_anew(data):
    made = split_by_subject(identify_sessions(data), holdout=["S02"])
    write_split(made, data_folder.split_file(data), force=True)


def resync(data):
    change_sample(data)
    made = split_by_subject(identify_sessions(data), holdout=["S03"])
    write_split(made, data_folder.split_file(data), force=True)


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        pytest.param(
            out, ["is in the split, but excluded", "which is excluded; split and convert"],
            id="excluded",
        ),
        pytest.param(
            lambda d: make_session(d, "S04", seconds=1.0),
            ["is not in the split; split the sessions again"], id="a new recording",
        ),
        pytest.param(split_anew, ["made by another split"], id="another split"),
        pytest.param(
            resync,
            ["earlier state of the recording", "made by another split", "another state of S01"],
            id="resync",
        ),
        pytest.param(
            lambda d: make_run(d, "old", data_hash="e" * 64), ["trained on other data"],
            id="an older run",
        ),
        pytest.param(
            lambda d: (
                kept(d).rename(kept(d).with_name("0" * 32 + ".npy"))
                and kept(d, 0).with_suffix(".json").write_text('{"video_sha256": "9"}')
            ),
            ["nobody reads them"],
            id="frames",
        ),
    ],
)
def test_what_is_old_is_stale_and_nothing_breaks(data, change, texts):
    change(data)
    stale = [finding.text for finding in findings(data, "stale")]
    assert len(stale) == len(texts), stale
    for text, expected in zip(stale, texts, strict=True):
        assert expected in text
    assert [
        finding for finding in findings(data, "broken") if "face frames" not in finding.text
    ] == []


def test_an_excluded_copy_of_another_state_makes_nothing_stale(data):
    copy = first(data).with_name("S01-z-copy.h5")
    shutil.copy(first(data), copy)
    with h5py.File(copy, "r+") as file:
        file[layout.PPG_VALUE][5] += 1
    write_exclusions(data, Exclusions((Exclusion(copy.stem, None, None, "a copy", DAY),)))
    assert [finding.text for finding in findings(data, "stale")] == []


def test_a_card_of_another_state_is_stale(data):
    make_session(data, "S04", seconds=3.0)
    write_split(
        split_by_subject(identify_sessions(data), holdout=["S03"]), data_folder.split_file(data),
        force=True,
    )
    convert_sessions(data)
    stale = [finding.text for finding in findings(data, "stale")]
    assert sum("describes another state" in text for text in stale) == 1
    assert findings(data, "broken") == []


def edit(path, **changed):
    """Change a JSON document by its keys, and leave the hash of its own content as it was."""
    body = json.loads(path.read_text()) | changed
    body = {key: value for key, value in body.items() if value is not None}
    path.write_text(json.dumps(body, indent=2) + "\n")


def edit_manifest(data, **changed):
    edit(data / "ubfc" / MANIFEST, ppg="raw", **changed)


def edit_card(data, **changed):
    edit(data_folder.croissant_file(data), **changed)


@pytest.mark.parametrize(("fault", "place"), [
    (lambda d: edit_card(d, description="Ours."), "croissant.json"),
    (lambda d: flip(data_folder.croissant_file(d), 200), "croissant.json"),
    (edit_manifest, MANIFEST),
    # of an earlier version, in which neither has a hash of its own content
    (lambda d: (edit_card(d, identifier=None), edit_manifest(d, content_hash=None)), MANIFEST),
], ids=["description", "a byte of the card", "manifest", "manifest of before"])
def test_a_change_in_a_copy_without_recordings_is_broken(data, tmp_path, fault, place):
    copy = tmp_path / "copy"
    shutil.copytree(data / "ubfc", copy / "ubfc")
    assert verify_data(copy).ok
    fault(copy)
    (broken,) = findings(copy, "broken")
    assert broken.place == str(copy / "ubfc" / place)
    before = data_folder.croissant_file(copy).read_bytes()
    with pytest.raises(CurationError):
        write_card(copy, AboutDataset(), force=True)       # it would vouch for the change
    assert data_folder.croissant_file(copy).read_bytes() == before


def test_a_card_of_before_without_a_hash_of_its_own_is_read(data):
    edit_card(data, identifier=None)
    assert findings(data, "broken") == []


def test_a_changed_manifest_is_broken_beside_its_recordings_too(data):
    edit_manifest(data)
    (broken,) = findings(data, "broken")
    assert "the content whose hash it holds as 'content_hash'" in broken.text
    assert findings(data, "stale") == []


def test_a_folder_without_its_recording_is_unchecked(data):
    shutil.rmtree(data / "sessions")
    data_folder.split_file(data).unlink()
    unchecked = [finding.text for finding in findings(data, "unchecked")]
    assert sum("cannot be compared with its recording" in text for text in unchecked) == 3
    assert any("nothing says what the recordings should be" in text for text in unchecked)


@pytest.mark.parametrize(("read_from", "words"), [
    ("sessions", "trained on the sessions themselves"), ("published", "a published data set"),
])
def test_a_run_that_read_no_curated_folders_is_not_out_of_date(data, read_from, words):
    make_run(data, "20260102T000000Z", data_hash="e" * 64, read_from=read_from)
    assert findings(data, "stale") == []
    assert any(words in finding.text for finding in findings(data, "unchecked"))
    assert [run.is_current for run in read_run_results(data)][-1] is None


def test_after_a_withdrawal_nothing_is_broken(data):
    withdraw(data, "S02")
    assert findings(data, "broken") == []
    (finding,) = findings(data, "stale")
    assert "trained on other data" in finding.text


def test_the_verb(data, tmp_path):
    def acq(*words):
        return CliRunner().invoke(app, ["verify", "--quiet", "--data", str(data), *words])

    done = acq()
    assert done.exit_code == 0
    assert "checked 3 sessions, 3 curated folders (279 frames), 1 run" in done.stdout
    flip(folder(data) / LABELS, 3)
    done = acq("--json")
    assert done.exit_code == 1
    body = json.loads(done.stdout)
    assert not body["ok"]
    assert [finding["kind"] for finding in body["findings"]].count("broken") == 1
    (line,) = (line for line in acq().stdout.splitlines() if line.startswith("broken "))
    assert line.startswith("broken    expected the labels as written, found others in")
    assert line.endswith("; run acq convert --force")
    with pytest.raises(CurationError, match="found neither"):
        verify_data(tmp_path / "nothing")
