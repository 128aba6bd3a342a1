"""A data folder in which nothing is broken, and what of it tests look at and change."""

import h5py

from acquire import data_folder, layout
from dataset.card.description import AboutDataset
from dataset.card.write import write_card
from dataset.convert.to_ubfc import convert_sessions
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.reader import Session
from dataset.verify.verify import verify_data
from tests.support.kept_frames import keep_frames
from tests.support.made_grades import write_grade
from tests.support.made_runs import make_run
from tests.support.made_sessions import make_session

RUN = "20260101T000000Z"


def make_whole(data):
    """Make a folder of three subjects with all that `acq verify` checks."""
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


def first(data):
    return data_folder.session_files(data)[0]


def kept(data, which=0):
    return sorted(data_folder.frames_cache(data).glob("*.npy"))[which]


def change_sample(data):
    with h5py.File(first(data), "r+") as file:
        file[layout.PPG_VALUE][5] += 1


def findings(data, kind):
    return [finding for finding in verify_data(data).findings if finding.kind == kind]
