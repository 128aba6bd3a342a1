"""Every kind of file that acq reads: a whole one, and all that reads it."""

import functools
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from acquire.errors import AcqError
from tests.support.hostile_files import REPO, Target, change_bytes, change_json

BEFORE = REPO / "tests/data/before_wings"
ID = "S01-20260101T090001Z"


def all_of(*readers: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return a reader that sets every one of these upon a file, whatever another says of it."""

    def read(path: Path) -> None:
        refused = None
        for reader in readers:
            try:
                reader(path)
            except AcqError as error:
                refused = refused or error
        if refused:
            raise refused

    return read


@functools.cache
def make_recording() -> bytes:
    from tests.support.made_sessions import make_session

    with tempfile.TemporaryDirectory() as folder:
        path = make_session(
            Path(folder), seconds=6.0, raw_frames=range(5), lost_samples=(50, 51), lost_frames=(9,),
            events=[(1.0, "mark", "mark"), (2.0, "flat_line", "begins")],
        )
        return path.read_bytes()


def read_frames(path: Path) -> None:
    from dataset.session.log import read_log
    from dataset.session.reader import Session

    with Session(path, wait_s=5.0) as session:
        session.content_hash()
        read_log(session.events, session.started_monotonic_ns)
        for at in range(0, len(session.frames), 7):
            with suppress(AcqError):
                session.frames[at]


def read_numbers(path: Path) -> None:
    from dataset.convert.rows import plan_rows
    from dataset.convert.settings import Settings
    from dataset.session.heart_rate import mean_heart_rate
    from dataset.session.reader import Session

    with Session(path, wait_s=5.0) as session:
        mean_heart_rate(session)
        fps = "native" if path.stat().st_size % 2 else "25"
        plan_rows(session, Settings("ffv1", "filtered", fps, "cut"))


def summarise(path: Path) -> None:
    from dataset.duplicates.find import find_duplicates, read_compared_streams
    from dataset.session.summary import summarise_session

    summarise_session(path)
    find_duplicates([read_compared_streams(path)] * 2)


def place_again(path: Path) -> None:
    from dataset.recovery.resync import resync

    resync(path, dry_run=True)


def grade(path: Path) -> None:
    from dataset.quality.limits import read_limits
    from dataset.quality.measure import measure_session

    if path.stat().st_size % 4 == 0:              # it takes a second
        measure_session(path, read_limits())


def recover_copy(path: Path) -> None:
    from dataset.recovery.recover import recover

    copy = path.with_name("copy.h5")
    shutil.copy2(path, copy)                      # with its time: no recorder is at work on it
    try:
        recover(copy)
    finally:
        for left in path.parent.glob("copy.h5*"):
            left.unlink()


def change_recording(rng: random.Random, whole: bytes, path: Path) -> bytes:
    """Change a session by HDF5 itself: what is declared, what is stored, what is said."""
    import h5py

    from acquire import layout

    with h5py.File(path, "r+") as file:
        for _ in range(rng.choice((1, 1, 2, 4))):
            kind = rng.randrange(6)
            name = rng.choice([*layout.COLUMNS, layout.EXCHANGES, layout.CLOCKS, layout.EVENTS])
            if name not in file:
                continue
            if kind == 0:
                _change_attribute(rng, file)
            elif kind == 1:
                _resize(file[name], rng.choice((0, 1, 7, 10**5, 2**31, 2**40)))
            elif kind == 2:
                _change_values(rng, file[name])
            elif kind == 3:
                chunk = (rng.randrange(100), 0, 0)
                with suppress(OSError, RuntimeError, ValueError):       # cut off before
                    frames = file[layout.FRAMES].id
                    changed = change_bytes(rng, frames.read_direct_chunk(chunk)[1]) or b"x"
                    frames.write_direct_chunk(chunk, changed, rng.choice((0, 0, 1, 7)))
            elif kind == 4:
                del file[name]
                if rng.random() < 0.7:
                    shape = rng.choice(((), (0,), (10,), (2**33,), (5, 5), (180,)))
                    file.create_dataset(name, shape, rng.choice(("f8", "i8", "u2", "S9", "u1")))
            else:
                _resize(file[layout.FRAMES], rng.choice((0, 1, 10**6, 2**33)))
    return path.read_bytes()


def _resize(dataset, rows: int) -> None:
    """Declare another number of rows; but HDF5 walks over all that it cuts off."""
    if dataset.maxshape[:1] == (None,) and len(dataset) < 10**6:
        dataset.resize(rows, axis=0)


def _change_attribute(rng: random.Random, file) -> None:
    import h5py

    from acquire import layout

    place = rng.choice(("/", "ppg", layout.FRAMES))
    names = {"/": layout.ATTRS, "ppg": layout.PPG_ATTRS}.get(place, layout.VIDEO_ATTRS)
    file[place].attrs[rng.choice(names)] = rng.choice((
        "", "x" * 60_000, "[" * 9000, '{"control": [[1]]}', -1, 0, 1, 2**63 - 1, 1e308, -0.0,
        float("nan"), float("inf"), np.arange(5), h5py.Empty("i4"), True, np.bytes_(b"\xff\x1b"),
        10**9, 4096, 64, 3,
    ))


def _change_values(rng: random.Random, dataset) -> None:
    if dataset.ndim != 1 or not 0 < len(dataset) < 10**5:
        return
    rows = dataset[:]
    fields = [rows[field] for field in rows.dtype.names] if rows.dtype.names else [rows]
    values = rng.choice(fields)
    if values.dtype.kind not in "iu":
        return
    first, last = sorted((rng.randrange(len(rows)), rng.randrange(len(rows) + 1)))
    info, some = np.iinfo(values.dtype), values[first:last]
    kind = rng.randrange(5)
    if kind == 0:
        some[:] = rng.choice((info.min, info.max, 0, 1, info.max // 2))
    elif kind == 1:
        some += np.array(rng.choice((10**3, 10**9, 10**15, 2**61)) % info.max, values.dtype)
    elif kind == 2:
        some[:] = some[::-1].copy()
    elif kind == 3:
        bits = np.random.default_rng(rng.getrandbits(32))
        some[:] = bits.integers(info.min, info.max, len(some), values.dtype)
    else:
        some *= np.array(rng.choice((0, 2, 1000)), values.dtype)
    dataset[:] = rows


# Documents


def before(name: str) -> Callable[[], bytes]:
    return lambda: next(BEFORE.glob(name)).read_bytes()


def of_parent(module: str, function: str) -> Callable[[Path], object]:
    """Return a reader that takes the folder which the file lies in."""
    return lambda path: _load(module, function)(path.parent)


def of_path(module: str, function: str) -> Callable[[Path], object]:
    return lambda path, load=_load: load(module, function)(path)


def _load(module: str, function: str) -> Callable:
    return getattr(__import__(module, fromlist=[function]), function)


def read_grade(path: Path) -> None:
    from dataset.quality.result import read_quality

    read_quality(path.with_name(f"{ID}.h5"))


def read_notes(path: Path) -> None:
    from dataset.session.subject import read_subject

    read_subject(path.parents[2], "S01")


def read_runs(path: Path) -> None:
    from dataset.runs import read_training_runs

    read_training_runs(path.parents[2])


def read_card(path: Path) -> None:
    from acquire.documents import read_document
    from dataset.verify.card import _KIND

    read_document(_KIND, path)


# Labels, tables, pictures


def make_pure_labels() -> bytes:
    return json.dumps({
        "/FullPackage": [
            {"Timestamp": 10**18 + at * 16_666_667,
             "Value": {"waveform": 50 + at % 40, "pulseRate": 72, "o2saturation": 98}}
            for at in range(120)
        ],
        "/Image": [{"Timestamp": 10**18 + at * 33_333_333} for at in range(10)],
    }).encode()


def read_pure_folder(path: Path) -> None:
    import cv2

    from dataset.public.read_pure import read_pure

    inner = path.parent / path.parent.name
    inner.mkdir(exist_ok=True)
    for at in range(10):
        picture = inner / f"Image{10**18 + at * 33_333_333}.png"
        if not picture.exists():
            cv2.imwrite(str(picture), np.full((24, 32, 3), at, np.uint8))
    for _ in read_pure(path.parent).video.pictures:
        pass


@functools.cache
def make_picture() -> bytes:
    import cv2

    return cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (24, 32, 3)))[1].tobytes()


def read_picture(path: Path) -> None:
    labels = path.parents[1] / f"{path.parents[1].name}.json"
    if not labels.exists():
        labels.write_bytes(make_pure_labels())
    read_pure_folder(labels)


def make_ubfc_labels() -> bytes:
    t_s = np.arange(90) / 30
    rows = (np.sin(7 * t_s), np.full(90, 72.0), t_s)
    return "".join("   ".join(f"{x:.7e}" for x in row) + "\n" for row in rows).encode()


@functools.cache
def make_video() -> bytes:
    from tests.support.public_sets import write_avi

    with tempfile.TemporaryDirectory() as folder:
        write_avi(Path(folder) / "vid.avi", 12)
        return (Path(folder) / "vid.avi").read_bytes()


def read_ubfc_labels(path: Path) -> None:
    from dataset.layouts.ubfc import read_labels
    from dataset.public.read_ubfc import read_dataset_2

    if not (video := path.with_name("vid.avi")).exists():
        video.write_bytes(make_video())
    all_of(read_labels, read_dataset_2)(path.parent)


def read_dump(path: Path) -> None:
    from dataset.public.read_ubfc import read_dataset_1

    if not (video := path.with_name("vid.avi")).exists():
        video.write_bytes(make_video())
    read_dataset_1(path.parent)


def play(path: Path) -> None:
    """Read a video in every way that acq does."""
    from acquire.camera.replay import ReplayCamera
    from acquire.camera.source import EndOfStream
    from dataset.layouts.avi import read_bgr
    from dataset.public.read_video import open_video, read_header

    for _ in read_bgr(path):
        pass
    for _ in open_video(read_header(path, []), None, []).pictures:
        pass
    with closing(ReplayCamera(path, fps=30.0)) as camera:
        camera.start(-10**18)
        with suppress(EndOfStream):
            while camera.read(1.0):
                pass


def read_times(path: Path) -> None:
    from acquire.camera.frame_times import read_frame_times

    read_frame_times(path, fps=30.0, remarks=[])


# Arrays and networks


@functools.cache
def make_curves() -> bytes:
    from dataset.quality.curves import Curve, write_curves

    with tempfile.TemporaryDirectory() as folder:
        curve = Curve(np.arange(50.0), np.arange(50.0), "1")
        return write_curves(
            Path(folder) / f"{ID}.h5", "hash", {"a": curve, "b": curve}
        ).read_bytes()


def read_kept_curves(path: Path) -> None:
    from dataset.quality.curves import curves_to_draw, read_curves

    session = path.with_name(f"{ID}.h5")
    curves_to_draw(session, "hash")
    read_curves(session, "hash")


def read_checkpoint(path: Path) -> None:
    from models.nets.checkpoint import load_checkpoint

    load_checkpoint(path)


def read_onnx(path: Path) -> None:
    """Read an ONNX file up to its trial, which takes a process."""
    from dataset.face.onnx_file import METADATA
    from dataset.face.onnx_graph import find_foreign_node, find_metadata

    blob = path.read_bytes()
    find_foreign_node(blob)
    if (text := find_metadata(blob, METADATA)) is not None:
        from dataset.face.onnx_constants import check_constants

        check_constants(text, path)


def open_onnx(path: Path) -> None:
    from models.board.onnx_net import open_net

    open_net(path)


SESSION_READERS = all_of(
    read_frames, summarise, read_numbers, place_again, recover_copy, grade
)
TARGETS = {target.name: target for target in (
    Target("session", "a.h5", make_recording, SESSION_READERS, change_recording),
    Target("session bytes", "a.h5", make_recording, SESSION_READERS),
    Target("grade", f"{ID}.qc.json", before(f"sessions/S01/{ID}.qc.json"), read_grade, change_json),
    Target("curves", f"{ID}.qc.npz", make_curves, read_kept_curves),
    Target("notes", "sessions/S01/subject.json", before("sessions/S01/subject.json"), read_notes,
           change_json),
    Target("rig", "rig.json", before("rig.json"),
           of_parent("acquire.calibration.rig_file", "read_rig"), change_json),
    Target("exclusions", "exclusions.json", before("exclusions.json"),
           of_parent("dataset.selection.exclusions_file", "read_exclusions"), change_json),
    Target("split", "split.json", before("split.json"),
           of_path("dataset.selection.split_file", "read_split"), change_json),
    Target("manifest", "manifest.json", before("ubfc/manifest.json"),
           of_path("dataset.layouts.manifest_file", "read_manifest"), change_json),
    Target("pure manifest", "manifest.json", before("pure_manifest.json"),
           of_parent("dataset.layouts.pure_manifest", "read_pure_manifest"), change_json),
    Target("withdrawals", "withdrawals.json", before("withdrawals.json"),
           of_parent("dataset.withdraw.record", "read_withdrawals"), change_json),
    Target("withdrawal plan", ".withdrawal.json", before("withdrawal_plan.json"),
           of_parent("dataset.withdraw.plan", "read_plan"), change_json),
    Target("card", "croissant.json", before("ubfc/croissant.json"), read_card, change_json),
    Target("metrics", "runs/20261128T185019Z/metrics.json", before("runs/*/metrics.json"),
           read_runs, change_json),
    Target("checkpoint header", "runs/20261128T185019Z/a.safetensors",
           before("runs/*/student_kd.safetensors"), read_runs),
    Target("checkpoint", "a.safetensors", before("runs/*/student_kd.safetensors"),
           read_checkpoint),
    Target("network", "a.onnx", (REPO / "models/board/weights/student.onnx").read_bytes, read_onnx),
    Target("network tried", "a.onnx", (REPO / "models/board/weights/student.onnx").read_bytes,
           open_onnx),
    Target("cues", "cues.yaml", (REPO / "docs/protocols/drowsiness.yaml").read_bytes,
           of_path("acquire.recorder.cues", "load_cues")),
    Target("limits", "limits.yaml", lambda: b"frame_gap: {value: 200, severity: note}\n",
           of_path("dataset.quality.limits", "read_limits")),
    Target("PURE labels", "01-01/01-01.json", make_pure_labels, read_pure_folder, change_json),
    Target("PURE label bytes", "01-01/01-01.json", make_pure_labels, read_pure_folder),
    Target("PURE picture", "01-01/01-01/Image1000000000000000000.png", make_picture, read_picture),
    Target("UBFC labels", "subject1/ground_truth.txt", make_ubfc_labels, read_ubfc_labels),
    Target("UBFC dump", "5-gt/gtdump.xmp",
           lambda: "".join(f"{at * 16},72,98,{at % 90}\n" for at in range(60)).encode(), read_dump),
    Target("video", "vid.avi", make_video, play),
    Target("frame times", "times.csv",
           ("time_s\n" + "".join(f"{at / 30:.6f}\n" for at in range(60))).encode, read_times),
)}
