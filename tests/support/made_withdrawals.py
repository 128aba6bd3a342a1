"""A data folder with everything that may be there of a subject who withdraws."""

import re
import shutil

from acquire import data_folder
from dataset.card.description import AboutDataset
from dataset.card.write import write_card
from dataset.convert.settings import RequestedSettings
from dataset.convert.to_ubfc import PARTIAL, convert_sessions
from dataset.export.write import export_sessions
from dataset.face.frames import cache_key
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.subject import Subject, write_subject
from tests.support.kept_frames import keep_frames
from tests.support.made_grades import write_grade
from tests.support.made_runs import make_run
from tests.support.made_sessions import make_session

DAY = "2026-01-01T00:00:00+00:00"
GONE = "Quokka7"            # no chance bytes of a picture spell it
OTHERS = ("Adder1", "Bison2", "Quokka77", "Quokka7-b")


def make_withdrawable(data):
    """Make a folder of five subjects with all that acq writes, and what killed writers left."""
    names = (GONE, *OTHERS)  # of other lengths, so that no two videos are the same
    paths = {
        subject: make_session(data, subject, seconds=3.0 + n / 10)
        for n, subject in enumerate(names)
    }
    second = make_session(data, GONE, number=2, seconds=2.9)
    write_subject(data, GONE, Subject("25-34", consent="C-1"))
    shutil.copy(second, f"{second}.killed")
    write_exclusions(data, Exclusions((
        Exclusion(paths[GONE].stem, 0.5, 0.7, "cough", DAY),
        Exclusion(paths["Adder1"].stem, 0.5, 0.7, f"like {paths[GONE].stem}", DAY),
    )))
    write_split(
        split_by_subject(identify_sessions(data), holdout=["Bison2", GONE]),
        data_folder.split_file(data),
    )
    manifest = convert_sessions(data, reasons=True).manifest
    for subject, path in paths.items():
        write_grade(path, subject, about=f"like {paths[GONE].stem}" if subject == "Adder1" else "")
    data_folder.quality_dir(data).mkdir()
    (data_folder.quality_dir(data) / "index.html").write_text(f"<td>{paths[GONE].stem}</td>")
    (data_folder.quality_dir(data) / f"{paths[GONE].stem}.html").write_text("a waveform")
    (data_folder.quality_dir(data) / f"{paths['Bison2'].stem}.html").write_text("a waveform")
    cache = keep_frames(data, manifest.entries)
    orphan = cache_key("2" * 64)
    (cache / f"{orphan}.npy").write_bytes(b"of a video that no folder has any more")
    write_card(data, AboutDataset())
    assert not export_sessions(data, asked=RequestedSettings(fps="native")).failed
    # an interruption is tried before every file: few are enough, of each kind and side
    for folder in data_folder.pure_dir(data).glob("*/*/*-*/"):
        for picture in sorted(folder.iterdir())[1:]:
            picture.unlink()
    for folder in ("test/03-02", "train/04-01", "train/05-01"):
        shutil.rmtree(data_folder.pure_dir(data) / folder)
    (data / PARTIAL / "test-subject1").mkdir(parents=True)
    (data / PARTIAL / "test-subject1" / "vid.avi").write_bytes(b"half a video")
    (data / ".ubfc-replacing" / "old-test-subject1").mkdir(parents=True)
    (data / ".ubfc-replacing" / "old-test-subject1" / "vid.avi").write_bytes(b"an older one")
    (data / ".split.json-ab3_k9zz").write_text(f'{{"test": ["{GONE}"')
    make_run(data, "20260101T000000Z", train=("Adder1", GONE), test=("Bison2",), data_hash="a" * 64)
    make_run(data, "20260102T000000Z", train=("Adder1",), test=("Bison2",), data_hash="b" * 64)
    make_run(data, "20260103T000000Z", data_hash=manifest.data_hash, metrics=False)


def left_of(data, *, runs=False):
    """Every file whose name or bytes hold the pseudonym, as a word, or a session id of it."""
    word = re.compile(rb"(?<![A-Za-z0-9_-])Quokka7(?![A-Za-z0-9_])(?!-b)")
    names = []
    for path in data.rglob("*"):
        if path.is_relative_to(data / "runs") and not runs:
            continue
        name = path.relative_to(data).as_posix().encode()
        body = path.read_bytes() if path.is_file() else b""
        # the first is a hundred times faster
        if word.search(name) or (b"Quokka7" in body and word.search(body)):
            names.append(path.relative_to(data).as_posix())
    return names


def files_in(data):
    return {
        path.relative_to(data): path.read_bytes() for path in data.rglob("*") if path.is_file()
    }
