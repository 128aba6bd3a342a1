"""A plan before the work: bytes as they come out, the codec that fits, and nothing written."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.common import workers
from dataset.common.workers import Workers, reading_bytes
from dataset.convert import plan, tasks
from dataset.convert.plan import ConversionPlan, Way, plan_conversion
from dataset.convert.settings import RequestedSettings
from dataset.convert.to_ubfc import convert_sessions
from dataset.export.targets import Target
from dataset.export.write import plan_export
from dataset.layouts.avi import CODECS
from dataset.layouts.places import PURE
from dataset.session.reader import most_frames
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data = tmp_path_factory.mktemp("plan")
    for subject in ("S01", "S02"):
        make_session(data, subject, seconds=4.0)
    write_new_split(data, "S02")
    return data


def free(monkeypatch, free_bytes):
    usage = shutil._ntuple_diskusage(10**12, 0, free_bytes)
    monkeypatch.setattr(plan.shutil, "disk_usage", lambda path: usage)


def test_a_plan_says_what_comes_out_and_writes_nothing(data, tmp_path):
    before = sorted(data.rglob("*"))
    done = CliRunner().invoke(app, ["convert", "--plan", "--json", "--data", str(data)])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert sorted(data.rglob("*")) == before
    assert [way["codec"] for way in said["ways"]] == list(CODECS)
    assert (said["codec"], said["sessions"], said["kept"]) == ("rawvideo", 2, 0)
    copy = shutil.copytree(data, tmp_path / "data")
    for way in said["ways"][:2]:
        made = convert_sessions(copy, codec=way["codec"], force=True).manifest
        size = sum(entry.video.size_bytes for entry in made.entries)
        assert way["size_bytes"] == pytest.approx(size, rel=0.08), way["codec"]
        assert said["frames"] == sum(entry.frames for entry in made.entries)
        assert way["seconds"] > 0
    assert plan_conversion(copy).kept == 2


@pytest.mark.parametrize(("jobs", "minutes", "words"), [
    (1, "10.0", "tried on a few frames\n"),
    (4, "5.0", "tried on a few frames, 2 sessions at once\n"),
    (None, "10.0", "minutes of one process here, which the "),
])
def test_a_plan_says_whose_minutes_it_tells(data, monkeypatch, jobs, minutes, words):
    made = ConversionPlan(2, 0, 240, 10**9, "ffv1", (Way("ffv1", 1000, 600.0, True),), jobs, ())
    monkeypatch.setattr("acq.commands.convert._plan", lambda *_, **__: made)
    said = CliRunner().invoke(app, ["convert", "--plan", "--data", str(data)]).stdout
    assert words in said
    assert minutes in said


def test_a_plan_has_as_many_processes_as_would_write(data, monkeypatch):
    assert plan_conversion(data, workers=Workers(3)).jobs == 3
    monkeypatch.setattr(tasks, "reading_s", lambda _: 1000.0)
    monkeypatch.setattr(workers, "usable_cores", lambda: 8)
    longest = reading_bytes(most_frames(data_folder.session_files(data)))
    for processes in (1, 2):
        monkeypatch.setattr(workers, "_available_bytes", lambda count=processes: longest * count)
        assert plan_conversion(data, workers=Workers(None)).jobs == processes
        made = plan_export(
            data, target=Target(PURE), asked=RequestedSettings(fps="native"), workers=Workers(None)
        )
        assert made.jobs == processes


def test_the_disk_chooses_the_quickest_codec_that_fits(data, monkeypatch):
    made = (Way("rawvideo", 400, 1.0, False), Way("magicyuv", 140, 2.0, True),
            Way("ffv1", 120, 9.0, True))
    monkeypatch.setattr(plan, "weigh", lambda *_: made)
    assert plan_conversion(data, by_disk=True).codec == "magicyuv"
    assert plan_conversion(data).codec == "rawvideo"            # what is usual is not changed
    asked = RequestedSettings(codec="ffv1")
    assert plan_conversion(data, asked=asked).codec == "ffv1"
    monkeypatch.setattr(plan, "weigh", lambda *_: tuple(Way(one.codec, one.size_bytes, 1.0, False)
                                                       for one in made))
    with pytest.raises(CurationError, match="with the codec ffv1") as caught:
        plan_conversion(data, by_disk=True)
    assert caught.value.fix is Fix.MAKE_ROOM_OR_TRAIN_FROM_SESSIONS


def test_auto_converts_with_it_and_says_so(data, tmp_path, monkeypatch):
    copy = shutil.copytree(data, tmp_path / "data")
    planned = ConversionPlan(
        2, 0, 238, 2 * 10**11, "magicyuv",
        (Way("rawvideo", 435 * 10**9, 1.0, False), Way("magicyuv", 139 * 10**9, 2.0, True)), 1, (),
    )
    monkeypatch.setattr(plan, "plan_conversion", lambda *_, **__: planned)
    words = ["convert", "--codec", "auto", "--quiet", "--data", str(copy)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "codec magicyuv, about 139.0 GB; 200.0 GB are free; quicker ones take more: rawvideo " \
           "435.0 GB" in done.output
    manifest = json.loads((copy / "ubfc/manifest.json").read_text())
    assert {entry["codec"] for entry in manifest["entries"]} == {"magicyuv"}


def test_sizes_that_are_small_are_told_in_megabytes(data, monkeypatch):
    free(monkeypatch, 34_000_000)
    with pytest.raises(CurationError, match=r"MB of free space, found 34\.0 MB"):
        convert_sessions(data, codec="ffv1")
    with pytest.raises(CurationError, match=r"MB of free space, .* found 34\.0 MB"):
        plan_conversion(data, by_disk=True)


def test_auto_names_no_size_where_nothing_is_to_be_written(data, tmp_path):
    copy = shutil.copytree(data, tmp_path / "data")
    words = ["convert", "--codec", "auto", "--quiet", "--data", str(copy)]
    first, again = (CliRunner().invoke(app, words) for _ in range(2))
    assert first.exit_code == again.exit_code == 0, again.output
    assert " MB; " in first.output
    assert "about" not in again.output


def test_what_does_not_fit_is_refused_before_a_byte_is_written(data, monkeypatch):
    free(monkeypatch, plan.SPARE_BYTES)
    for codec in CODECS:
        with pytest.raises(CurationError, match="MB of free space") as caught:
            convert_sessions(data, codec=codec)
        assert caught.value.fix is Fix.CHOOSE_CODEC_BY_DISK
    assert sorted(path.name for path in data.iterdir()) == ["sessions", "split.json"]


def test_exports_have_a_plan_too(data):
    words = ["convert", "--plan", "--to", "pure", "--json", "--data", str(data), "--fps", "native"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (way,) = json.loads(done.stdout)["ways"]
    assert way["codec"] == "png"
    assert way["size_bytes"] > 0


def test_what_an_export_would_refuse_its_plan_refuses(data):
    native = RequestedSettings(fps="native")
    with pytest.raises(CurationError, match="expected at most 1 subjects in PURE"):
        plan_export(data, target=Target(PURE, most_subjects=1), asked=native)
