"""Session files that declare more than they hold, or hold what is none: refused in one line.

What is read is also measured: no file makes a reader take memory that the file itself does not.
"""

import resource
import struct

import h5py
import numpy as np
import pytest

from acquire import layout
from acquire.errors import SessionError
from dataset.catalogue.row import read_row
from dataset.session.columns import measure_chunks
from dataset.session.reader import Session
from dataset.session.summary import summarise_session
from tests.support.made_sessions import make_session

HUGE = 2**33


@pytest.fixture
def path(tmp_path):
    return make_session(tmp_path, seconds=1.0, raw_frames=(3,))


def damage(path, edit):
    with h5py.File(path, "r+") as file:
        edit(file)


def refuse(path, says):
    with pytest.raises(SessionError, match=says) as caught:
        summarise_session(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1500
    return caught.value


def declare(name, rows, **options):
    def edit(file):
        old = file[name]
        attrs, dtype = dict(old.attrs), old.dtype
        shape = (rows, *old.shape[1:])
        maxshape = (None, *old.shape[1:])
        del file[name]
        chunks = options.pop("chunks", (1024, *old.shape[1:]) if old.ndim == 1 else None)
        file.create_dataset(name, shape, dtype, chunks=chunks, maxshape=maxshape, **options)
        file[name].attrs.update(attrs)

    return edit


def bomb(name):
    """Return an edit that makes a table of 64 million rows of zeros in a few kilobytes."""

    def edit(file):
        dtype = file[name].dtype
        del file[name]
        made = file.create_dataset(
            name, (2**16,), dtype, chunks=(2**16,), maxshape=(None,), compression="gzip"
        )
        made[:] = np.zeros(2**16, dtype)
        made.resize(2**26, axis=0)

    return edit


def contiguous(name):
    def edit(file):
        dtype = file[name].dtype
        del file[name]
        file.create_dataset(name, (HUGE,), dtype)

    return edit


def overlapping(file):
    """Make a column of a million rows whose chunks are all the same bytes, as an index may say."""
    old = file[layout.PPG_VALUE]
    del file[layout.PPG_VALUE]
    made = file.create_dataset(layout.PPG_VALUE, (2**25,), "u2", chunks=(2**25,), maxshape=(None,))
    made.attrs.update(old.attrs)


TABLES = (layout.PPG_VALUE, layout.FRAME_TIME, layout.CLOCKS, layout.EVENTS, layout.EXCHANGES)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    ("edit", "says"),
    [
        pytest.param(lambda name: declare(name, HUGE), "8,589,934,592 rows of", id="shape"),
        pytest.param(contiguous, "expected 8,589,934,592 rows of", id="in one piece"),
        pytest.param(bomb, "expected no filter, found number 1", id="gzip"),
        pytest.param(
            lambda name: declare(name, 2**26, chunks=(2**26,)), "67,108,864 rows of",
            id="one large chunk",
        ),
    ],
)
def test_rows_that_are_declared_and_not_there_are_refused(path, name, edit, says):
    damage(path, edit(name))
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refuse(path, says)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1000
    assert grown_mb < 60


def test_a_sparse_file_is_not_read_as_if_it_were_there(path):
    def edit(file):
        rows = 3 * 10**7
        del file[layout.CLOCKS]
        made = file.create_dataset(layout.CLOCKS, (rows,), layout.CLOCK_DTYPE)
        made[-1] = (1, 1)                      # allocates 480 MB, of which one page is written

    damage(path, edit)
    assert path.stat().st_blocks * 512 < 10**7 < 10**8 < path.stat().st_size
    refuse(path, "expected rows of /sync/clocks that fit into the file, found 30,000,000 rows")


def test_a_session_that_is_being_recorded_is_read_to_where_all_is_stored(path):
    from tests.dataset.session.test_damaged_files import never_closed

    damage(path, lambda file: file[layout.PPG_VALUE].resize(5000, axis=0))
    never_closed(path)
    with Session(path) as session:
        assert len(session.ppg) == 26


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (layout.FRAME_TIME, 2**63 - 1), (layout.PPG_TIME, -(2**63)), (layout.PPG_SEQUENCE, 2**50),
        (layout.FRAME_SEQUENCE, 2**62), (layout.PPG_TICKS, 2**62), (layout.PPG_ARRIVAL, 2**62),
    ],
)
def test_numbers_whose_differences_are_none_are_refused(path, name, value):
    damage(path, lambda file: file[name].__setitem__(4, value))
    refuse(path, f"in /{name}, found {value}")


def test_an_exchange_beyond_all_time_is_refused(path):
    def edit(file):
        rows = file[layout.EXCHANGES][:]
        rows["recv_ns"][0] = -(2**63)
        file[layout.EXCHANGES][:] = rows

    damage(path, edit)
    refuse(path, "in /sync/exchanges, found -9223372036854775808")


# Frames


def put(at, stored, mask=0):
    return lambda file: file[layout.FRAMES].id.write_direct_chunk((at, 0, 0), stored, mask)


def stored_frame(path, at=5):
    with h5py.File(path) as file:
        return file[layout.FRAMES].id.read_direct_chunk((at, 0, 0))[1]


def frame_of(shape):
    """Return the codestream of a frame of another shape."""
    import hdf5plugin

    with h5py.File("other", "w", driver="core", backing_store=False) as file:
        frames = file.create_dataset("f", (1, *shape), "u1", chunks=(1, *shape),
                                     **hdf5plugin.Htj2k())
        frames[0] = np.random.default_rng(0).integers(0, 256, shape)
        return frames.id.read_direct_chunk((0,) * frames.ndim)[1]


def patched(stored, at, form, *values):
    return stored[:at] + struct.pack(form, *values) + stored[at + struct.calcsize(form):]


def rename(stored, marker, by):
    at = stored.index(marker)
    return stored[:at] + by + stored[at + len(by):]


COD = b"\xff\x52\x00\x0c"
FRAMES = {
    "half of it": (lambda s: s[: len(s) // 2], "a codestream that is cut short"),
    "without its end": (lambda s: s[:-2], "a codestream that is cut short"),
    "without its beginning": (lambda s: s[2:], "no codestream"),
    "more behind it": (lambda s: s + b"\0\0", "a codestream without its end"),
    "only its header": (lambda s: s[:60], "a codestream that is cut short"),
    "a smaller picture": (lambda _: frame_of((36, 30)), "a codestream of 30x36 pixels, 1 comp"),
    "a lower picture": (lambda _: frame_of((30, 32)), "a codestream of 32x30 pixels, 1 comp"),
    "a larger picture": (lambda _: frame_of((48, 64)), "a codestream of 64x48 pixels, 1 comp"),
    "in colour": (lambda _: frame_of((36, 32, 3)), "a codestream of 32x36 pixels, 3 comp"),
    "a width of 2^31": (lambda s: patched(s, 8, ">I", 2**31), "a codestream of 2147483648x36"),
    "shifted": (lambda s: patched(s, 16, ">I", 8), "a codestream of 32x36 pixels"),
    "tiles of a pixel": (lambda s: patched(s, 24, ">II", 1, 1), "of several tiles"),
    "words, not bytes": (lambda s: patched(s, 42, ">B", 15), "of other numbers than bytes"),
    "subsampled": (lambda s: patched(s, 43, ">B", 2), "of other numbers than bytes"),
    "precincts": (lambda s: rename(s, COD, COD + b"\1"), "coded otherwise than acq's"),
    "60000 layers": (lambda s: rename(s, COD, COD + b"\0\2\xea\x60"), "coded otherwise than acq's"),
    "blocks of 4x4": (
        lambda s: rename(s, COD, COD + b"\0\2\0\1\0\5\0\0"), "coded otherwise than acq's"
    ),
    "another marker": (lambda s: rename(s, COD, b"\xff\x53"), "with the marker ff53"),
    "another tile": (
        lambda s: rename(s, b"\xff\x90\0\x0a", b"\xff\x90\0\x0a\0\1"), "of several tiles"
    ),
}


@pytest.mark.parametrize(("change", "says"), FRAMES.values(), ids=FRAMES)
def test_a_frame_of_other_bytes_is_refused_before_it_is_decoded(path, change, says, capfd):
    changed = change(stored_frame(path))
    damage(path, put(5, changed))
    with Session(path) as session:
        session.frames[4]
        for read in (session.frames.raw, lambda at: session.frames[at]):
            with pytest.raises(SessionError, match=f"frame 5 of 30, found .*{says}"):
                read(5)
    assert capfd.readouterr() == ("", "")          # the decoder prints what it does not like


@pytest.mark.parametrize("size", [1, 1151, 1153, 100_000])
def test_a_raw_frame_of_another_size_is_refused(path, size):
    damage(path, put(7, bytes(size), mask=1))
    refuse(path, "expected 1152 bytes of frame 7, found")
    with Session(path) as session, pytest.raises(SessionError, match="frame 7 of 30, found bytes"):
        session.frames.raw(7)


def test_a_compressed_frame_that_is_larger_than_any_is_refused(path):
    damage(path, put(7, bytes(10**5)))
    refuse(path, "expected at most 5824 bytes of frame 7, found 100000 stored")
    with Session(path) as session, pytest.raises(SessionError, match="100000 bytes stored"):
        session.frames.raw(7)


def test_a_frame_that_is_not_stored_is_refused_by_all_that_counts_or_reads_it(path):
    def edit(file):
        frames = file[layout.FRAMES]
        frames.resize(len(frames) - 1, axis=0)
        frames.resize(len(frames) + 1, axis=0)          # the last is now declared and not stored

    damage(path, edit)
    lacks = "expected 30 stored frames, found 29"
    refuse(path, lacks)
    with Session(path) as session:
        for count in (session.check_frames, session.content_hash, session.stored_frame_bytes):
            with pytest.raises(SessionError, match=lacks):
                count()
        session.frames.raw(28)
        with pytest.raises(SessionError, match="frame 29 of 30, found bytes that do not decode"):
            session.frames.raw(29)
    row, problems = read_row(path)
    assert (row.state, len(problems)) == ("unreadable", 1)


@pytest.mark.parametrize(("content", "says"), [
    (None, "expected /ppg/value, found none in"),
    (h5py.Empty("u2"), "expected /ppg/value as one column of uint16, found uint16 None in"),
])
def test_a_column_that_lacks_or_is_empty_is_named(path, content, says):
    def edit(file):
        del file["ppg/value"]
        if content is not None:
            file["ppg/value"] = content

    damage(path, edit)
    refuse(path, says)


def test_a_closed_session_opens_without_a_look_at_each_frame_and_a_cut_one_not_at_all(
    path, monkeypatch
):
    looked_at = []
    monkeypatch.setattr(
        "dataset.session.reader.measure_chunks",
        lambda video, count, path: looked_at.append(count) or measure_chunks(video, count, path),
    )
    with Session(path) as session:
        assert not looked_at
        assert session.raw_frames == 1
        assert session.stored_frame_bytes()[3] == 1152      # the raw one
    assert looked_at == [30]
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    with pytest.raises(SessionError, match="a whole HDF5 file, found one that is cut short"):
        Session(path)


def test_all_that_reads_frames_names_a_short_one(path, tmp_path):
    """`info` reads no frame; qc, verify by decoding, recover and convert do."""
    from dataset.quality.limits import read_limits
    from dataset.quality.measure import measure_session
    from dataset.recovery.recover import recover

    damage(path, put(5, frame_of((36, 30))))
    with pytest.raises(SessionError, match="frame 5 of 30, found bytes that do not decode"):
        measure_session(path, read_limits())
    recovered = recover(path)
    assert (recovered.frames, recovered.dropped_frames) == (29, 1)
    with Session(path) as session:
        assert 5 not in session.frame_sequence
        [session.frames.raw(at) for at in range(29)]


# Attributes

WRONG = {
    "text": "x", "NaN": float("nan"), "negative": -5, "large": 2**64 - 1, "many": np.zeros(2000),
    "empty": h5py.Empty("f"), "nested": "[" * 5000, "not UTF-8": np.bytes_(b"\xff\x1b]0;x\x07"),
}
PLACES = {"/": (*layout.ATTRS, *layout.LOSS_ATTRS, layout.IMPORTED_ATTR, layout.RECOVERED_ATTR),
          layout.FRAMES: (*layout.VIDEO_ATTRS, *layout.LIGHT_ATTRS), "ppg": layout.PPG_ATTRS}


def opened(path):
    """Return what is told of a file: its texts, or why it is refused."""
    try:
        with Session(path) as session:
            camera, sensor = session.camera, session.sensor
            return (f"read {session.session_id} {session.host} {session.acq_version} {camera.name}"
                    f"{camera.pipeline} {camera.exposure} {sensor}")
    except SessionError as error:
        return str(error)


def test_every_attribute_of_a_wrong_type_is_refused_or_read(tmp_path):
    """Each attribute with each wrong value, one after the other in one file."""
    from acquire.camera.source import LightOffset

    path = make_session(tmp_path, seconds=0.2, light_offset=LightOffset(1, 1, "today"))
    refused = read = 0
    for place, names in PLACES.items():
        for name in names:
            for value in WRONG.values():
                with h5py.File(path, "r+") as file:
                    attrs = file[place].attrs
                    before = attrs.get(name)
                    attrs[name] = value
                text = opened(path)
                text.encode()                              # it can be printed
                assert len(text) < 1500
                assert "\n" not in text
                is_refused = text.startswith("expected")
                refused, read = refused + is_refused, read + (not is_refused)
                with h5py.File(path, "r+") as file:
                    if before is None:
                        del file[place].attrs[name]
                    else:
                        file[place].attrs[name] = before
    assert refused > read                      # texts may be any text


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "3", "null", '{"a": NaN}', "{" * 9000, '{"a":' * 900, '{"a": 1']
)
def test_an_exposure_that_is_no_object_is_refused(path, text):
    damage(path, lambda file: file[layout.FRAMES].attrs.modify("exposure", text))
    refuse(path, "expected the attribute exposure as a JSON object, found")
