"""What a withdrawal refuses, asks and tells, before and after it."""

import json
import shutil
from functools import partial

import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from acquire.errors import CurationError, Fix, SubjectError
from dataset.withdraw.find_files import PLAN, find_subject_files
from dataset.withdraw.withdraw import withdraw
from tests.support.made_sessions import make_session
from tests.support.made_withdrawals import GONE, files_in, left_of

pytestmark = pytest.mark.xdist_group("one folder to withdraw from")


def test_a_recording_of_somebody_else_is_not_removed(data):
    path = data / "sessions" / GONE / "Adder1-20260301T000000Z.h5"
    shutil.copy(data / "sessions/Adder1/Adder1-20260101T090001Z.h5", path)
    with pytest.raises(SubjectError, match=r"one of Adder1 .*move it to"):
        withdraw(data, GONE)
    assert path.exists()
    assert not (data / PLAN).exists()


def test_a_link_is_refused_before_anything_is_removed(data, tmp_path):
    path = data / "sessions" / GONE / f"{GONE}-20260101T090001Z.h5"
    path.rename(tmp_path / "elsewhere.h5")
    path.symlink_to(tmp_path / "elsewhere.h5")
    with pytest.raises(CurationError, match="found a link at"):
        withdraw(data, GONE)
    assert (data / "ubfc/test").exists()
    assert data_folder.split_file(data).exists()


def test_what_cannot_be_looked_at_is_named(data):
    similar = next((data / "sessions/Adder1").glob("*.h5"))
    similar.with_suffix(".qc.json").write_text(f'{{"other": "{GONE}-20260101T090001Z"}}')
    (data / "sessions/Adder1/broken.h5").write_bytes(b"no HDF5")
    (data / "runs/odd").mkdir()
    (data / "runs/odd/metrics.json").write_text("{")
    (data / "copy.h5").hardlink_to(data / "sessions" / GONE / f"{GONE}-20260101T090001Z.h5")
    (data / "notes.md").write_text(f"{GONE} came late")
    (data / "export" / GONE).mkdir(parents=True)
    (data / "export" / GONE / "face.avi").write_bytes(b"a copy")
    files = find_subject_files(data, GONE)
    assert sorted(path.name for path in files.mentions) == ["face.avi", "notes.md"]
    assert any("broken.h5" in line for line in files.unchecked)
    assert any("odd" in line for line in files.unchecked)
    assert any("another name on this disk" in line for line in files.unchecked)
    assert any(f"{similar}: it was found similar" in line for line in files.unchecked)
    removed = {str(file.path) for file in files.removable}      # is looked at, for it names her
    assert not any(line.partition(": ")[0] in removed for line in files.unchecked)


def test_a_name_that_is_removed_too_is_not_told_of(data):
    home = data / "sessions" / GONE
    recording = home / f"{GONE}-20260101T090001Z.h5"
    (home / "copy.h5").hardlink_to(recording)
    files = find_subject_files(data, GONE)
    assert not any("another name on this disk" in line for line in files.unchecked)
    (data / "outside.h5").hardlink_to(recording)
    files = find_subject_files(data, GONE)
    assert sum("another name on this disk" in line for line in files.unchecked) == 2


def test_nobody_of_that_name(data):
    with pytest.raises(CurationError, match="there are Adder1, Bison2"):
        withdraw(data, "Stoat3")
    assert len(left_of(data)) > 10


@pytest.mark.parametrize("kept", ["all", "no recordings", "no recordings, no folders"])
def test_a_session_is_no_subject(data, template, kept):
    """Its file, its curated folder, or the form of its id alone says whose it is."""
    if kept != "all":
        shutil.rmtree(data_folder.sessions_dir(data) / GONE)
    if kept == "no recordings, no folders":
        shutil.rmtree(data_folder.ubfc_dir(data))
    before = files_in(data)
    with pytest.raises(CurationError, match=f"found a session of {GONE} in") as caught:
        withdraw(data, f"{GONE}-20260101T090001Z")
    assert (caught.value.fix, caught.value.of) == (Fix.WITHDRAW_SUBJECT, GONE)
    assert files_in(data) == before


def test_letters_of_a_picture_in_a_page_name_nobody(data):
    page = data_folder.quality_dir(data) / "Bison2-20260101T090001Z.html"
    page.write_text('<img src="data:image/png;base64,iVBOR/Stoat3+Cy/Bison02/x==">')
    for name, asks in (("Stoat3", "there are Adder1"), ("Bison02", "did you mean Bison2")):
        with pytest.raises(CurationError, match=f"found nothing in .*{asks}"):
            withdraw(data, name)
    page.write_text("<p>like bison2</p>")
    with pytest.raises(CurationError, match=f"text of {page}; did you mean Bison2"):
        withdraw(data, "bison2")
    assert page.exists()


def acq(data, *words, **more):
    return CliRunner().invoke(
        app, ["withdraw", GONE, *words, "--quiet", "--data", str(data)], **more
    )


def test_dry_run_lists_and_touches_nothing(data, template):
    done = acq(data, "--dry-run")
    assert done.exit_code == 0
    assert f"{data / 'sessions' / GONE}  (recordings)" in done.stdout
    assert "these runs saw the subject" in done.stdout
    assert "cannot be reached" in done.stdout
    for path in template.rglob("*"):
        if path.is_file():
            assert (data / path.relative_to(template)).read_bytes() == path.read_bytes()
    body = json.loads(acq(data, "--dry-run", "--json").stdout)
    assert body["done"] is False
    assert sum(file["bytes"] for file in body["removed"]) > 100_000


def test_without_a_terminal_it_wants_yes(data):
    refused = acq(data)
    assert str(refused.exception) == (
        "expected --yes where nobody can be asked; "
        f"--dry-run lists what of {GONE} would be removed"
    )
    assert len(left_of(data)) > 10
    done = acq(data, "--yes")
    assert done.exit_code == 0
    assert "2 recordings, 2 curated folders" in done.stdout
    assert "the export pure is removed as a whole" in done.stdout
    assert left_of(data) == []


def test_each_export_that_went_is_told_with_what_makes_it_anew(tmp_path):
    for subject in ("S01", "S02", "S03"):
        make_session(tmp_path, subject, seconds=3.0)
    run = partial(CliRunner().invoke, app)
    for words in ("split --holdout S01", "convert --to pure-flat --fps native"):
        done = run([*words.split(), "--quiet", "--data", str(tmp_path)])
        assert done.exit_code == 0, done.output
    shutil.copytree(tmp_path / "pure", tmp_path / "for/pyvhr")
    (tmp_path / "bids/sub-S02").mkdir(parents=True)
    said = run(["withdraw", "S02", "--yes", "--data", str(tmp_path)]).stdout
    for name, option in (
        ("pure", "--to pure-flat"), ("for pyvhr", "--for pyvhr"), ("bids", "--to bids"),
    ):
        command = f"acq convert {option} --data {tmp_path}"
        assert f"the export {name} is removed as a whole: {command} writes it anew" in said
