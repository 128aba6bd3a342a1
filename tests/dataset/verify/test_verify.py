"""What was changed behind acq's back is found, each in one line; what is whole is silent."""

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
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.ubfc import LABELS, VIDEO
from dataset.verify.verify import verify_data
from dataset.withdraw.find_files import PLAN
from dataset.withdraw.withdraw import withdraw
from tests.support.made_runs import make_run
from tests.support.whole_folders import RUN, change_sample, findings, first, kept

pytestmark = pytest.mark.xdist_group("one folder to verify")


def folder(data):
    return data / "ubfc" / read_manifest(data / "ubfc" / MANIFEST).entries[0].folder


def flip(path, at):
    body = bytearray(path.read_bytes())
    body[at] ^= 1
    path.write_bytes(body)


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
        pytest.param(
            lambda d: data_folder.rig_file(d).write_text('{"version": 7}'),
            "expected the calibration of a rig, found no schema", id="rig",
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
