"""Exports for other tools, read by the rules of their readers: right rates, right pictures."""

import json
import re
import shutil
import subprocess
import sys
import warnings
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from acq.commands import convert
from acq.main import app
from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.convert.settings import RequestedSettings, Settings
from dataset.convert.tasks import SessionTask
from dataset.export.notes import CONFIG, NOTE, TRAIN, write_notes
from dataset.export.targets import find_target
from dataset.export.write import choose_export_settings, export_sessions, name_folders
from dataset.layouts.export_manifest import read_export_manifest
from dataset.selection.decide import exclude
from dataset.selection.identities import SessionIdentity
from dataset.selection.make_exclusion import make_exclusion
from dataset.session.reader import Session
from dataset.verify.verify import verify_data
from tests.support import public_readers as readers
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split

BPM, SECONDS = 74.7, 8
# a camera of 30 frames a second that loses one in five for six seconds, then none: 25.5 on average
LOST = set(range(4, 30 * 6, 5))
READERS = {
    ("rppg-toolbox", "ubfc"): lambda root: readers.toolbox_ubfc(root, 30),
    ("rppg-toolbox", "pure"): lambda root: readers.toolbox_pure(root, 30),
    ("pyvhr", "ubfc"): readers.pyvhr_ubfc,
    ("pyvhr", "pure"): readers.pyvhr_pure,
    ("remotebiosensing", "ubfc"): readers.remotebiosensing_ubfc,
    ("remotebiosensing", "pure"): readers.remotebiosensing_pure,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two people recorded with the camera that loses frames."""
    data = tmp_path_factory.mktemp("tools")
    for subject in ("S01", "S02"):
        make_session(data, subject, seconds=SECONDS, bpm=BPM, lost_frames=LOST)
    write_new_split(data, "S02")
    return data


def rate_bpm(ppg, fs_hz):
    """The highest peak of the spectrum, to 0.05 bpm."""
    count = int(fs_hz * 60 / 0.05)
    spectrum = np.abs(np.fft.rfft((ppg - ppg.mean()) * np.hanning(len(ppg)), count))
    return 60 * np.argmax(spectrum) * fs_hz / count


def test_native_times_mislead_readers_that_count_frames_and_convert_says_so(data):
    done = CliRunner().invoke(app, ["convert", "--data", str(data)])
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.output.splitlines() if "acq convert --for TOOL" in line]
    for tool in ("pyVHR", "rPPG-Toolbox", "remotebiosensing"):
        assert tool in line
    (read,) = readers.toolbox_ubfc(data_folder.ubfc_dir(data) / "train", 30)
    assert rate_bpm(read.ppg, 30) > 1.15 * BPM           # taken for 30 frames a second
    (read,) = readers.pyvhr_ubfc(data_folder.ubfc_dir(data) / "train")
    assert abs(rate_bpm(read.ppg, read.ppg_hz) - BPM) > 0.01 * BPM      # taken for constant


@pytest.mark.parametrize(("tool", "layout"), READERS, ids="-".join)
def test_each_reader_finds_rate_and_pictures_without_a_word(data, capfd, tool, layout):
    assert not export_sessions(data, target=find_target(layout, tool), force=True).failed
    root = data_folder.tool_dir(data, tool)
    capfd.readouterr()
    for side, subject in (("train", "S01"), ("test", "S02")):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (read,) = READERS[tool, layout](root / side)
        assert read.video_hz == 30
        assert rate_bpm(read.ppg, read.ppg_hz) == pytest.approx(BPM, abs=0.3)
        # waveform and pictures begin together and end together
        span_s = (len(read.pictures) - 1) / read.video_hz
        assert (len(read.ppg) - 1) / read.ppg_hz == pytest.approx(span_s, abs=1e-9)
        with Session(data / f"sessions/{subject}/{subject}-20260101T090001Z.h5") as session:
            at_ns = session.frame_light_ns
            first = int(np.searchsorted(at_ns, session.ppg_time_ns[0]))
            for k in range(0, len(read.pictures), 20):
                shown = read.pictures[k][..., ::-1]
                nearest = np.argsort(np.abs(at_ns - at_ns[first] - k * 1e9 / 30))[:2]
                assert any((session.frames[int(i)] == shown).all() for i in nearest)
    assert capfd.readouterr() == ("", "")
    assert all(                        # it is handed over: no path names the account it is from
        str(data.resolve()) not in path.read_text()
        for path in root.iterdir() if path.is_file()
    )
    assert {NOTE, "manifest.json"} <= {path.name for path in root.iterdir()}


def test_what_is_exported_is_verified_and_withdrawn_as_a_whole(data, tmp_path):
    import shutil

    from dataset.withdraw.withdraw import withdraw

    copy = shutil.copytree(data, tmp_path / "data")
    for tool, layout in (("rppg-toolbox", "pure"), ("remotebiosensing", "ubfc")):
        export_sessions(copy, target=find_target(layout, tool), force=True)
    assert verify_data(copy).ok
    label = copy / "for/rppg-toolbox/train/01-01/01-01.json"
    label.write_text(label.read_text().replace("1", "2", 1))
    (copy / "for/remotebiosensing/train/UBFC/subject9").mkdir()
    broken = [one for one in verify_data(copy).findings if one.kind == "broken"]
    assert any("01-01" in one.text and "labels" in one.text for one in broken)
    assert any("subject9" in one.text for one in broken)
    withdraw(copy, "S01")
    assert not list(data_folder.tools_dir(copy).rglob("*"))


@pytest.mark.parametrize(("layout", "name"), [("ubfc", "UBFC-rPPG"), ("pure", "PURE")])
def test_the_configuration_of_rppg_toolbox_keeps_the_sides_apart(data, layout, name):
    export_sessions(data, target=find_target(layout, "rppg-toolbox"), force=True)
    root = data_folder.tool_dir(data, "rppg-toolbox")
    config = yaml.safe_load((root / CONFIG).read_text())
    sides = {side: config[side]["DATA"] for side in ("TRAIN", "VALID", "TEST")}
    # a side without a data set is refused
    assert {one["DATASET"] for one in sides.values()} == {name}
    assert {one["FS"] for one in sides.values()} == {30}
    # one name of a data set with one range is one list of clips: the last one written
    assert sides["TRAIN"]["EXP_DATA_NAME"] != sides["TEST"]["EXP_DATA_NAME"]
    for side, folder in (("TRAIN", "train"), ("TEST", "test")):
        assert sides[side]["DATA_PATH"] == f"EXPORT/{folder}"
        assert (sides[side]["BEGIN"], sides[side]["END"]) == (0, 1)
    assert config["TEST"]["USE_LAST_EPOCH"] is True      # no third side is needed
    assert f"Without a GPU, write `cpu` for `{config['DEVICE']}`" in (root / NOTE).read_text()


@pytest.mark.parametrize(
    ("train", "test", "clip", "has_correlation", "left_out"),
    [
        pytest.param((240,), (240,), 180, False, 0, id="one recording"),
        pytest.param((240,), (240, 300), 180, False, 0, id="two"),
        pytest.param((240,), (240, 300, 180), 180, True, 0, id="three"),
        pytest.param((240,), (240, 300, 179), 180, False, 1, id="three, of which one is too short"),
        pytest.param((240, 155), (158,), 150, False, 0, id="short test"),
        pytest.param((156, 151), (900, 900, 140), 150, False, 1, id="short train"),
    ],
)
def test_rppg_toolbox_is_asked_for_what_its_clips_and_recordings_allow(
    data, tmp_path, train, test, clip, has_correlation, left_out
):
    export_sessions(data, target=find_target("ubfc", "rppg-toolbox"), force=True)
    manifest = read_export_manifest(data_folder.tool_dir(data, "rppg-toolbox"))
    entries = tuple(
        replace(manifest.entries[0], folder=f"{side}/subject{k}", side=side, frames=frames)
        for side, found in (("train", train), ("test", test)) for k, frames in enumerate(found)
    )
    write_notes(replace(manifest, entries=entries), tmp_path)
    config = yaml.safe_load((tmp_path / CONFIG).read_text())
    for side in ("TRAIN", "VALID", "TEST"):
        # a side without a whole clip stops it; TS-CAN takes its clips in tens of frames
        assert config[side]["DATA"]["PREPROCESS"]["CHUNK_LENGTH"] == clip
    assert clip % config["MODEL"]["TSCAN"]["FRAME_DEPTH"] == 0
    # the error of a correlation is divided by the recordings less two
    assert ("Pearson" in config["TEST"]["METRICS"]) is has_correlation
    words = " ".join((tmp_path / NOTE).read_text().split())
    assert f"clips of {clip} frames" in words
    assert f"{left_out} recordings are too short" in words


def test_one_command_trains_rppg_toolbox_on_an_export_wherever_it_lies(data, tmp_path):
    export_sessions(data, target=find_target("ubfc", "rppg-toolbox"), force=True)
    place = tmp_path / 'handed over, "A & B | é'
    shutil.copytree(data_folder.tool_dir(data, "rppg-toolbox"), place)
    (command,) = re.findall(r"^    (.*)$", (place / NOTE).read_text(), re.M)
    python, script = command.split()
    assert (python, Path(script).name) == ("python", TRAIN)

    def train(script, toolbox):
        return subprocess.run(
            [sys.executable, "-I", script], cwd=toolbox, capture_output=True, text=True, check=False
        )

    toolbox = tmp_path / "rPPG-Toolbox"
    toolbox.mkdir()
    elsewhere = train(place / TRAIN, toolbox)
    assert elsewhere.returncode == 1
    assert "expected main.py of rPPG-Toolbox" in elsewhere.stderr
    assert not list(toolbox.iterdir())
    # in place of the toolbox: what it was called with, and an exit code of its own
    (toolbox / "main.py").write_text("import sys; print(sys.argv[1:]); sys.exit(7)")
    done = train(place / TRAIN, toolbox)
    assert (done.returncode, done.stdout) == (7, "['--config_file', 'acq.yaml']\n")
    told = yaml.safe_load((toolbox / "acq.yaml").read_text())
    assert told["TRAIN"]["DATA"]["DATA_PATH"] == f"{place}/train"
    assert told["TEST"]["DATA"]["DATA_PATH"] == f"{place}/test"
    (toolbox / "acq.yaml").unlink()
    moved = place.rename(tmp_path / "subject7")
    misread = train(moved / TRAIN, toolbox)
    assert misread.returncode == 1
    assert "without subject<int>" in misread.stderr
    assert not (toolbox / "acq.yaml").exists()


def test_of_an_even_grid_pure_has_two_samples_a_frame_and_flat_has_no_second_folder(data):
    done = CliRunner().invoke(app, ["convert", "--data", str(data), "--to", "pure-flat"])
    assert done.exit_code == 0, done.output
    folder = data_folder.pure_dir(data) / "train/01-01"
    body = json.loads((folder / "01-01.json").read_text())
    frames = [one["Timestamp"] for one in body["/Image"]]
    samples = [one["Timestamp"] for one in body["/FullPackage"]]
    assert len(list(folder.glob("Image*.png"))) == len(frames)
    assert len(samples) == 2 * len(frames) - 1
    assert samples[::2] == frames
    assert np.ptp(np.diff(samples)) <= 2                 # ns
    wave = np.array([one["Value"]["waveform"] for one in body["/FullPackage"]])
    assert rate_bpm(wave, 60) == pytest.approx(BPM, abs=0.3)
    # halfway between the rows stands what the finger had there, not a mean of the neighbours
    truth = np.interp(np.arange(1, len(wave) - 1) / 2, np.arange(0, len(wave), 2) / 2, wave[::2])
    assert np.abs(wave[1:-1:2] - truth[::2]).max() > 1


@pytest.mark.parametrize(
    ("layout", "tool", "asked", "of"),
    [
        ("ubfc", "pyvhr", {"fps": "native"}, "fps"),
        ("ubfc", "rppg-toolbox", {"fps": "29.97"}, "fps"),
        ("ubfc", "remotebiosensing", {"fps": "25"}, "fps"),
        ("pure", "pyvhr", {"fps": "25"}, "fps"),
        ("ubfc", "rppg-toolbox", {"holes": "keep"}, "holes"),
    ],
)
def test_what_a_tool_would_misread_is_refused(layout, tool, asked, of):
    with pytest.raises(CurationError, match=f"for {tool}") as caught:
        choose_export_settings(find_target(layout, tool), RequestedSettings(**asked))
    assert (caught.value.fix, caught.value.of) == (Fix.CHOOSE_OPTION, of)


def test_a_rate_of_its_own_reaches_the_configuration():
    settings = choose_export_settings(
        find_target("ubfc", "rppg-toolbox"), RequestedSettings(fps="25")
    )
    assert settings.fps == "25"


@pytest.mark.parametrize(
    ("tool", "layout", "name"),
    [
        ("rppg-toolbox", "ubfc", "subject7"), ("rppg-toolbox", "ubfc", "set[1]"),
        ("rppg-toolbox", "pure", "set[1]"),
        # it tells the kind of a file from the first such word anywhere in the path
        ("remotebiosensing", "ubfc", "pngs"), ("remotebiosensing", "ubfc", "my.json"),
        ("remotebiosensing", "ubfc", "csv"), ("remotebiosensing", "pure", "from-hdf5"),
    ],
)
def test_a_path_that_a_tool_would_misread_is_refused(tmp_path, tool, layout, name):
    data = tmp_path / name
    make_session(data, "S01", seconds=6.0)
    with pytest.raises(CurationError, match=f"a path that {tool} reads"):
        export_sessions(data, target=find_target(layout, tool))


def test_more_recordings_than_a_tool_looks_for_are_refused():
    def tasks(subjects, recordings):
        return [
            SessionTask(
                SessionIdentity(f"S{n:02}-{k}", f"S{n:02}", "x.h5", "0", False, True), Path(),
                "train", Settings("png", "filtered", "30", "repeat"), (),
            )
            for n in range(subjects) for k in range(recordings)
        ]

    target = find_target("pure", "remotebiosensing")
    named = name_folders(tasks(10, 3), [2] * 30, target)
    assert named[-1] == ("train/PURE/10-05", "train/PURE/10-06")
    with pytest.raises(CurationError, match=r"at most 6 recordings of a subject .* found 7"):
        name_folders(tasks(2, 7), [1] * 14, target)
    with pytest.raises(CurationError, match=r"at most 10 subjects .* found 11"):
        name_folders(tasks(11, 1), [1] * 11, target)
    ubfc = name_folders(tasks(2, 1), [2, 1], find_target("ubfc", "remotebiosensing"))
    assert ubfc == [("train/UBFC/subject1", "train/UBFC/subject2"), ("train/UBFC/subject3",)]


@pytest.mark.parametrize("words", [(), ("--to", "pure"), ("--for", "pyvhr", "--to", "pure"),
                                   ("--to", "bids")], ids=" ".join)
def test_what_is_excluded_while_a_conversion_runs_is_told_at_its_end(tmp_path, monkeypatch, words):
    first, _ = (make_session(tmp_path, subject, seconds=6.5) for subject in ("S01", "S02"))
    write_new_split(tmp_path, "S02")

    def exclude_meanwhile(stage, done, total):
        if done and stage.startswith("writing"):
            part = make_exclusion(first, from_s=0.0, to_s=1.0, reason="coughs")
            exclude(tmp_path, [part])

    monkeypatch.setattr(convert, "show_progress", lambda quiet: nullcontext(exclude_meanwhile))
    done = CliRunner().invoke(app, ["convert", *words, "--data", str(tmp_path)])
    assert done.exit_code == 1, done.output
    assert done.stderr.count("was made when other parts of") == 1
    assert "run it again with --force" in done.stderr
    monkeypatch.undo()
    if "--for" in words:                # --to is as before where it is not given
        again = CliRunner().invoke(
            app, ["convert", *words[:2], "--force", "--data", str(tmp_path)]
        )
        assert again.exit_code == 0, again.output
        assert read_export_manifest(tmp_path / "for/pyvhr").layout == "pure-outside"
