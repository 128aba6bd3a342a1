"""Who may read what acq writes: what the umask says, and the notes on a subject nobody else."""

import os
import stat

import pytest

from acquire import data_folder
from acquire.simulation.sessions import SimulatedSession, simulate_session
from dataset.card.description import AboutDataset
from dataset.card.write import write_card
from dataset.convert.settings import RequestedSettings
from dataset.convert.to_ubfc import convert_sessions
from dataset.export.write import export_sessions
from dataset.face.thumbnails import make_thumbnails
from dataset.quality.curves import curves_to_draw
from dataset.quality.grade_sessions import grade_sessions
from dataset.quality_pages.write import write_pages
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.subject import Subject, write_subject
from tests.support.made_sessions import make_session

DAY = "2026-01-01T00:00:00+00:00"


def write_everything(data):
    """Walk the road from a recording to its card and its pages, one of them with a face."""
    for subject in ("S01", "S02"):
        path = make_session(data, subject, seconds=12.0)
        write_subject(data, subject, Subject("25-34", consent="C-1"))
    write_exclusions(data, Exclusions((Exclusion(path.stem, 1.0, 2.0, "moved", DAY),)))
    split = split_by_subject(identify_sessions(data), holdout=["S02"])
    write_split(split, data_folder.split_file(data))
    convert_sessions(data)
    export_sessions(data, asked=RequestedSettings(fps="native"))
    write_card(data, AboutDataset())
    graded = grade_sessions(data, [path.stem])
    files = {quality.session: path for path, quality in graded.all.items()}
    write_pages(
        list(graded.all.values()), data_folder.quality_dir(data), excluded=Exclusions(),
        curves=lambda quality: curves_to_draw(files[quality.session], quality.session_hash),
        thumbnails=lambda name: make_thumbnails(files[name]),
    )
    plan = SimulatedSession("V01", 0, seed=0, duration_s=0.2, fps=25.0)
    simulate_session(plan, data)


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o022])
def test_modes_follow_the_umask_but_those_of_the_notes_on_subjects(tmp_path, mask):
    before = os.umask(mask)
    try:
        if mask == 0o077:
            write_everything(tmp_path / "data")
        else:
            write_subject(tmp_path / "data", "S01", Subject(sex="F"))
            write_exclusions(tmp_path / "data", Exclusions())
    finally:
        os.umask(before)
    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*") if path.is_file()
    }
    assert {name: oct(mode) for name, mode in modes.items() if mode & mask} == {}
    notes = [mode for name, mode in modes.items() if name.endswith("subject.json")]
    assert set(notes) == {0o600}
    names = (
        ("split.json", "ubfc/manifest.json", "ubfc/card.md", "qc/index.html") if mask == 0o077
        else ("exclusions.json",)
    )
    for name in names:
        assert modes[f"data/{name}"] == 0o666 & ~mask


def test_notes_that_others_could_read_are_the_owner_s_alone_when_they_are_written_again(tmp_path):
    path = write_subject(tmp_path, "S01", Subject(sex="F"))
    path.chmod(0o644)
    write_subject(tmp_path, "S01", Subject(sex="M"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
