"""Every kind of file that acq reads: a whole one, and all that reads it."""

import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from acquire.errors import AcqError
from tests.support.hostile_files import REPO, Target, change_json
from tests.support.hostile_sessions import change_recording
from tests.support.hostile_sets import SETS

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
    from dataset.session.heart_rate import measure_ppg_rates
    from dataset.session.reader import Session

    with Session(path, wait_s=5.0) as session:
        measure_ppg_rates(session)
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


# Documents


def before(name: str) -> Callable[[], bytes]:
    return lambda: next(BEFORE.glob(name)).read_bytes()


def of_parent(module: str, function: str) -> Callable[[Path], object]:
    """Return a reader that takes the folder which the file lies in."""
    return lambda path: _load(module, function)(path.parent)


def of_path(module: str, function: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        return _load(module, function)(path)           # imported late

    return read


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
    from dataset.card.listed import listed_hashes

    listed_hashes(path)


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

    from dataset.public.readers.pure import read_pure

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
    from dataset.public.readers.ubfc_rppg import read_dataset_2

    if not (video := path.with_name("vid.avi")).exists():
        video.write_bytes(make_video())
    all_of(read_labels, read_dataset_2)(path.parent)


def read_dump(path: Path) -> None:
    from dataset.public.readers.ubfc_rppg import read_dataset_1

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


def document(name: str, kept: str, read: Callable, *, file: str | None = None) -> Target:
    """Return the target of a JSON document; `kept` in `BEFORE` is a whole one."""
    return Target(name, file or kept, before(kept), read, change_json)


SESSION_READERS = all_of(
    read_frames, summarise, read_numbers, place_again, recover_copy, grade
)
TARGETS = {target.name: target for target in (
    Target("session", "a.h5", make_recording, SESSION_READERS, change_recording),
    Target("session bytes", "a.h5", make_recording, SESSION_READERS),
    document("grade", f"sessions/S01/{ID}.qc.json", read_grade),
    Target("curves", f"{ID}.qc.npz", make_curves, read_kept_curves),
    document("notes", "sessions/S01/subject.json", read_notes),
    document("rig", "rig.json", of_parent("acquire.calibration.rig_file", "read_rig")),
    document("exclusions", "exclusions.json",
             of_parent("dataset.selection.exclusions_file", "read_exclusions")),
    document("split", "split.json", of_path("dataset.selection.split_file", "read_split")),
    document("manifest", "ubfc/manifest.json",
             of_path("dataset.layouts.manifest_file", "read_manifest")),
    document("pure manifest", "pure_manifest.json",
             of_parent("dataset.layouts.export_manifest", "read_export_manifest"),
             file="manifest.json"),
    document("withdrawals", "withdrawals.json",
             of_parent("dataset.withdraw.record", "read_withdrawals")),
    document("withdrawal plan", "withdrawal_plan.json",
             of_parent("dataset.withdraw.plan", "read_plan"), file=".withdrawal.json"),
    document("card", "ubfc/croissant.json", read_card),
    document("metrics", "runs/*/metrics.json", read_runs,
             file="runs/20261128T185019Z/metrics.json"),
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
    *SETS,
)}
