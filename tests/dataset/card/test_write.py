"""The dataset card says what is in the data, tells no more of a person than it may, and is what
Croissant's own reader takes.
"""

import hashlib
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.card.description import AboutDataset
from dataset.card.facts import camera_kind, gather_facts
from dataset.card.markdown import card_markdown
from dataset.card.write import write_card
from dataset.convert.to_ubfc import convert_sessions
from dataset.layouts.ubfc import LABELS, read_labels
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.subject import Subject, write_subject
from dataset.variability.measure import Variability
from tests.support.made_sessions import make_session

DAY = "2026-01-01T00:00:00+00:00"


def curate(
    data, *holdout, simulated=False, subjects=("S01", "S02", "S03", "S04"), excluded=(), seconds=4.0
):
    for subject in subjects:
        make_session(data, subject, seconds=seconds, simulated=simulated)
    write_exclusions(data, Exclusions(excluded))
    write_split(
        split_by_subject(identify_sessions(data), holdout=holdout), data_folder.split_file(data)
    )
    convert_sessions(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    data = tmp_path_factory.mktemp("card")
    coughed = Exclusion("S02-20260101T090001Z", 1.0, 2.0, "coughed | <b>loud</b>", DAY)
    curate(data, "S04", excluded=(coughed,), seconds=6.0)
    for subject, age, skin in (
        ("S01", "25-34", "II"), ("S02", "25-34", "II"), ("S03", "25-34", "VI"),
    ):
        write_subject(data, subject, Subject(age, "F", skin, None, "C-1"))
    write_subject(data, "S04", Subject("65+", "M", "V", "9", None))  # no consent
    return data


@pytest.fixture
def card(made):
    return write_card(
        made,
        AboutDataset(licence="https://creativecommons.org/licenses/by/4.0/", creators=("A Lab",)),
        force=True,
    )


def test_what_no_consent_covers_is_not_told_and_small_groups_are_not(card):
    text = card.markdown.read_text()
    assert "consent is noted for 3" in text
    assert "| 25-34 | 3 |" in text
    assert "| F | 3 |" in text
    for hidden in ("65+", "| M |", "| VI |", "| II |", "| V |", "C-1"):
        assert hidden not in text
    assert "| skin type (Fitzpatrick) | other values, of few subjects each | 3 |" in text
    assert "For 1 subject no consent" in text


def test_exclusions_are_told_and_bring_no_markup(card):
    text = card.markdown.read_text()
    assert "S02-20260101T090001Z, 0:01 to 0:02: excluded by a person" in text


def test_the_same_data_gives_the_same_card(made, card):
    before = card.markdown.read_bytes(), card.croissant.read_bytes()
    again = write_card(
        made,
        AboutDataset(licence="https://creativecommons.org/licenses/by/4.0/", creators=("A Lab",)),
    )
    assert not again.is_new
    assert (card.markdown.read_bytes(), card.croissant.read_bytes()) == before
    with pytest.raises(CurationError, match="expected no card, or the same one, found another in"):
        write_card(made, AboutDataset())


def test_croissant_is_valid_and_its_records_can_be_read(made, card, caplog):
    mlcroissant = pytest.importorskip("mlcroissant")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)     # rdflib's own
        dataset = mlcroissant.Dataset(jsonld=card.croissant)
        issues = dataset.metadata.ctx.issues
        assert (issues.errors, issues.warnings) == (set(), set())
        recordings = list(dataset.records("recordings"))
        labels = list(dataset.records("labels"))
    assert caplog.messages == []
    assert [one["recordings/folder"].decode() for one in recordings] == [
        e.folder for e in card.facts.entries
    ]
    assert [one["recordings/frames"] for one in recordings] == [
        e.frames for e in card.facts.entries
    ]
    assert len(labels) == 3 * len(recordings)
    for one in labels:
        folder = (data_folder.ubfc_dir(made) / one["labels/file"].decode()).parent
        np.testing.assert_array_equal(one["labels/values"], read_labels(folder)[one["labels/row"]])


def test_croissant_s_reader_refuses_a_changed_manifest(tmp_path):
    """The hashes in the card are looked at."""
    mlcroissant = pytest.importorskip("mlcroissant")
    curate(tmp_path, "S02", subjects=("S01", "S02"))
    card = write_card(tmp_path, AboutDataset())
    manifest = data_folder.ubfc_dir(tmp_path) / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        with pytest.raises(Exception, match=r"Download\(manifest"):
            list(mlcroissant.Dataset(jsonld=card.croissant).records("recordings"))


def test_every_file_has_its_hash(made, card):
    files = {
        f["contentUrl"]: f["sha256"]
        for f in json.loads(card.croissant.read_text())["distribution"]
        if "sha256" in f
    }
    root = data_folder.ubfc_dir(made)
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} - {
        "croissant.json"
    }
    assert set(files) == there
    for name, sha256 in files.items():
        assert hashlib.sha256((root / name).read_bytes()).hexdigest() == sha256


def test_no_reader_of_the_folders_trips_over_it(made, card):
    root = data_folder.ubfc_dir(made)
    assert {p.name for p in root.rglob("*.txt")} == {LABELS}
    assert sorted(p.name for p in root.iterdir()) == [
        "card.md", "croissant.json", "manifest.json", "test", "train",
    ]


@pytest.mark.parametrize("name", ["card.md", "croissant.json"])
def test_simulated_data_says_so_first(tmp_path, name):
    curate(tmp_path, "S02", simulated=True, subjects=("S01", "S02"))
    write_card(tmp_path, AboutDataset())
    text = (data_folder.ubfc_dir(tmp_path) / name).read_text()
    assert "SIMULATED" in text
    if name == "card.md":
        assert text.startswith("# THESE DATA ARE SIMULATED")
        assert "consent" not in text.replace("nobody to consent", "")
    else:
        assert json.loads(text)["name"].endswith("(SIMULATED)")


def test_an_even_grid_and_repeated_frames_are_told(tmp_path):
    for subject in ("S01", "S02"):
        make_session(tmp_path, subject, seconds=6.0, lost_frames=range(40, 44))
    write_split(
        split_by_subject(identify_sessions(tmp_path), holdout=["S02"]),
        data_folder.split_file(tmp_path),
    )
    assert convert_sessions(tmp_path, fps="30", holes="repeat").failed == ()
    text = write_card(tmp_path, AboutDataset()).markdown.read_text()
    assert "On an even grid of 30 fps: a picture is up to" in text
    assert "show the picture of another moment" in text
    assert "- frame rate: 30" in text
    assert "- holes in the video: repeat" in text
    assert "The cameras lost 8 frames" in text


def test_the_verb_needs_no_mlcroissant(made):
    code = (
        "import sys; sys.modules['mlcroissant'] = None; from acq.main import app; "
        "app(['card', '--force', '--json', '--data', sys.argv[1]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(made)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["simulated"] == "none"


def test_the_verb_says_what_is_missing(made, tmp_path):
    run = CliRunner()
    said = run.invoke(app, ["card", "--force", "--licence", "", "--data", str(made)])
    assert said.exit_code == 0
    assert "no licence is chosen" in said.stdout
    assert "not chosen" in data_folder.card_file(made).read_text()
    assert run.invoke(app, ["card", "--data", str(tmp_path)]).exception.fix is Fix.CONVERT
    wrong = run.invoke(
        app, ["card", "--force", "--published", "yesterday", "--data", str(made)]
    ).exception
    assert isinstance(wrong, CurationError)
    assert "date of publication" in str(wrong)


def test_a_card_written_again_keeps_what_no_option_changes(made):
    def write(*words):
        done = CliRunner().invoke(app, ["card", "--force", *words, "--data", str(made)])
        assert done.exit_code == 0, done.output
        about = json.loads(data_folder.croissant_file(made).read_text())
        names = ("name", "license", "creator", "url", "citeAs", "datePublished")
        return {name: about.get(name) for name in names}

    write("--name", "", "--creator", "", "--licence", "")
    usual = write()
    given = {
        "name": "Ours", "license": "MIT", "url": "https://a.org", "citeAs": "Ada, 2026",
        "datePublished": "2026-11-25",
        "creator": [{"@type": "Person", "name": name} for name in ("Ada", "Bo")],
    }
    assert write(
        "--name", "Ours", "--licence", "MIT", "--creator", "Ada", "--creator", "Bo",
        "--url", "https://a.org", "--cite", "Ada, 2026", "--published", "2026-11-25",
    ) == given
    assert write() == given
    assert write("--licence", "CC0") == {**given, "license": "CC0"}
    empty = ("--name", "--licence", "--creator", "--url", "--cite", "--published")
    assert write(*(word for option in empty for word in (option, ""))) == usual


@pytest.mark.parametrize(
    ("camera", "told"),
    [
        ("uvc:/dev/video0", "uvc:/dev/video0"), ("csi", "csi"),
        ("replay:/home/ada/face.mkv?times=t.csv", "replay"),
        ("gst:rtspsrc location=rtsp://ada:secret@cam", "gst"), ("virtual:S01", "virtual"),
        ("a name", "a name"),
    ],
)
def test_no_path_and_no_pipeline_is_told(camera, told):
    assert camera_kind(camera) == told


def test_a_recording_that_is_gone_is_told(tmp_path):
    curate(tmp_path, "S02", subjects=("S01", "S02"))
    (path,) = (tmp_path / "sessions/S01").glob("*.h5")
    path.unlink()
    card = write_card(tmp_path, AboutDataset())
    assert "1 recording the session file is not here" in card.markdown.read_text()


def test_a_reason_is_in_nothing_that_goes_with_the_data_unless_that_is_asked_for(made, card):
    for path in (card.markdown, card.croissant, made / "ubfc" / "manifest.json"):
        assert "coughed" not in path.read_text()
    told = write_card(made, AboutDataset(reasons=True), force=True)
    assert ": coughed | &lt;b>loud&lt;/b>" in told.markdown.read_text()


def test_variability_is_the_group_s_alone(made, monkeypatch):
    """Each subject has a figure of their own: none of these stands in the card."""
    own_ms = {f"S{n:02d}": 20.25 + 3 * n for n in range(1, 5)}

    def of(path):
        return Variability(90, 80.0, 900.0, 50.0, own_ms[path.stem[:3]], 9.0, "", 15, "", {}, 0)

    monkeypatch.setattr("dataset.card.facts.read_variability", of)
    text = card_markdown(gather_facts(made, variability=True), AboutDataset())
    assert "- RMSSD: not told; known of 4 subjects, and told from 10 on" in text
    done = CliRunner().invoke(app, ["card", "--hrv", "--force", "--data", str(made)])
    assert "of the group: RMSSD: not told; known of 4 subjects, and told from 10" in done.stdout
    monkeypatch.setattr("dataset.variability.group.SMALLEST_GROUP", 4)
    text = card_markdown(gather_facts(made, variability=True), AboutDataset())
    assert "- RMSSD: 28 ± 4 ms, 4 subjects" in text
    assert not [value for value in own_ms.values() if f"{value:g}" in text]
    assert "RMSSD" not in card_markdown(gather_facts(made), AboutDataset())
