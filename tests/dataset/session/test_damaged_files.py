"""A damaged, foreign or hostile file is one clear line, and a file cut short does not hang."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from acquire import layout
from acquire.errors import Fix, SessionError
from dataset.session.reader import Session
from tests.support.made_sessions import WIDTH, make_session


@pytest.fixture
def path(tmp_path):
    return make_session(tmp_path, seconds=1.0)


def replace_dataset(file, name, **kwargs):
    attrs = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, **kwargs).attrs.update(attrs)


def delete(name):
    return lambda file: file.__delitem__(name)


def link_out(file):
    del file[layout.PPG_VALUE]
    file[layout.PPG_VALUE] = h5py.ExternalLink("/etc/passwd", "/x")


def link_group_out(file):
    """To a group that is there and would do."""
    with h5py.File(Path(file.filename).with_name("other.h5"), "w") as other:
        file.copy("ppg", other)
    del file["ppg"]
    file["ppg"] = h5py.ExternalLink("other.h5", "/ppg")


def odd_height(file):
    replace_dataset(
        file, layout.FRAMES, data=np.zeros((30, 34, WIDTH), "u1"), chunks=(1, 34, WIDTH)
    )
    file[layout.FRAMES].attrs.modify("height", 23)


def soft_link(file):
    del file[layout.PPG_VALUE]
    file[layout.PPG_VALUE] = h5py.SoftLink("/ppg/ticks")


def external_storage(file):
    replace_dataset(
        file, layout.PPG_VALUE, shape=(10,), dtype="u2", external=[("/etc/passwd", 0, 20)]
    )


def virtual(file):
    source = h5py.VirtualSource("other.h5", "x", shape=(10,), dtype="u2")
    target = h5py.VirtualLayout((10,), "u2")
    target[:] = source
    del file[layout.PPG_VALUE]
    file.create_virtual_dataset(layout.PPG_VALUE, target)


def unknown_filter(file):
    shape = (30, 36, 32)
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((1, 36, 32))
    made.set_filter(306, h5py.h5z.FLAG_OPTIONAL, ())
    attrs = dict(file[layout.FRAMES].attrs)
    del file[layout.FRAMES]
    h5py.h5d.create(
        file.id, layout.FRAMES.encode(), h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(shape),
        dcpl=made,
    )
    file[layout.FRAMES].attrs.update(attrs)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(
            lambda f: f.attrs.modify("schema", "other"),
            "expected schema acq-session, found 'other'", id="schema",
        ),
        pytest.param(
            lambda f: f.attrs.modify("schema_version", 9), "expected session format 1, found 9",
            id="version",
        ),
        pytest.param(lambda f: f.attrs.__delitem__("subject"), "found no subject", id="no subject"),
        pytest.param(
            lambda f: f.attrs.modify("subject", "../S01"), "expected a subject id",
            id="hostile subject",
        ),
        pytest.param(
            lambda f: f.attrs.modify("session_id", "[/v2]"), "expected a session id",
            id="hostile session id",
        ),
        pytest.param(
            lambda f: f.attrs.__setitem__("host", [1, 2]), "an attribute that is not one value",
            id="array attribute",
        ),
        pytest.param(
            lambda f: f["ppg"].attrs.__setitem__("port", [1]), "an attribute that is not one value",
            id="array of one",
        ),
        pytest.param(
            lambda f: f.attrs.__setitem__("started_unix_ns", 1e30),
            "started_unix_ns as nanoseconds", id="late",
        ),
        pytest.param(odd_height, "even for I420, found 32 and 23", id="odd I420"),
        pytest.param(delete(layout.FRAMES), "expected /video/frames, found none", id="no frames"),
        pytest.param(delete(layout.PPG_TIME), "expected /ppg/time_ns, found none", id="no times"),
        pytest.param(delete("ppg"), "expected /ppg, found none", id="no group"),
        pytest.param(delete("sync"), "expected /sync/exchanges, found none", id="no exchanges"),
        pytest.param(
            lambda f: f["ppg"].attrs.__delitem__("tick_hz"), "found no tick_hz", id="no tick rate"
        ),
        pytest.param(
            lambda f: f[layout.FRAMES].attrs.modify("pixel_format", "MJPG"),
            "expected frames as I420 or RGB", id="pixels",
        ),
        pytest.param(
            lambda f: f[layout.FRAMES].attrs.modify("width", 34),
            "expected I420 frames of shape (36, 34)", id="width",
        ),
        pytest.param(
            lambda f: replace_dataset(f, layout.FRAME_TIME, data=np.zeros(30)),
            "one column of int64, found float64", id="dtype",
        ),
        pytest.param(link_out, "a link that is not followed, /ppg/value", id="external link"),
        pytest.param(link_group_out, "a link that is not followed, /ppg, in", id="external group"),
        pytest.param(soft_link, "a link that is not followed", id="soft link"),
        pytest.param(external_storage, "found it stored in another", id="external storage"),
        pytest.param(virtual, "found it stored in another", id="virtual dataset"),
        pytest.param(
            unknown_filter, "expected one filter, HTJ2K, found number 306",
            id="missing filter",
        ),
    ],
)
def test_a_bad_file_is_one_line(path, damage, says):
    with h5py.File(path, "r+") as file:
        damage(file)
    assert_refused(path, says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "found nothing", id="missing"),
        pytest.param(b"", "found an empty file", id="empty"),
        pytest.param(b"RIFF....AVI ", "found 12 bytes that are not HDF5", id="not HDF5"),
    ],
)
def test_not_a_session(tmp_path, content, says):
    path = tmp_path / "a.h5"
    if content is not None:
        path.write_bytes(content)
    assert_refused(path, says)


def test_a_folder_is_not_a_session(tmp_path):
    assert_refused(tmp_path, "found a folder")


@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_a_file_cut_short(path, part):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    assert_refused(path, "cut short|restore")


@pytest.mark.real_time
@pytest.mark.parametrize("part", [0.02, 0.05, 0.3, 0.6, 0.95])
def test_a_killed_file_cut_short_does_not_hang(path, part):
    """Its flags say that a writer has it, so HDF5 would wait for that writer for ever."""
    never_closed(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(SessionError, match="cut short"):
        Session(path, wait_s=3.0)


def never_closed(path):
    """Set the flags that a killed writer leaves."""
    with h5py.File(path, "r+", libver="latest") as file:
        file.swmr_mode = True
        file.flush()
        whole = path.read_bytes()
    path.write_bytes(whole)


def test_a_file_that_was_never_closed_runs_nothing_of_the_folder_it_is_opened_in(
    path, tmp_path, monkeypatch
):
    (tmp_path / "dataset.py").write_text("open('ran', 'w')")
    never_closed(path)
    monkeypatch.chdir(tmp_path)
    Session(path).close()
    assert not (tmp_path / "ran").exists()


def test_a_file_that_was_never_closed_and_fails_in_the_trial_is_not_opened(path):
    with h5py.File(path, "r+") as file:
        file.attrs.modify("schema_version", 9)
    never_closed(path)
    with pytest.raises(
        SessionError, match=r"never closed and does not .*expected session format 1, found 9"
    ):
        Session(path)


def test_a_frame_that_does_not_decode(path):
    with h5py.File(path, "r+") as file:
        file[layout.FRAMES].id.write_direct_chunk((4, 0, 0), b"not a picture")
    with Session(path) as session:
        session.frames[3]
        with pytest.raises(
            SessionError, match=r"expected frame 4 of 30, found bytes that do not decode"
        ):
            session.frames[4]


def assert_refused(path, says):
    with pytest.raises(SessionError) as caught:
        Session(path)
    text = str(caught.value)
    assert re.search(says if "|" in says else re.escape(says), text), text
    assert "\n" not in text
    assert str(path) in text


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    path = make_session(tmp_path, seconds=1.0)
    monkeypatch.setattr("h5py.is_hdf5", refuse)
    with pytest.raises(
        SessionError, match=r"^expected a readable file, found no permission in "
    ) as caught:
        Session(path)
    assert caught.value.fix is Fix.GET_PERMISSION
