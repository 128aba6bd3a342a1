"""Faults of recordings and curated folders, each injected into a data folder."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py

from dataset.common.files import canonical_json
from dataset.selection.exclusions_file import read_exclusions, write_exclusions
from dataset.selection.make_exclusion import make_exclusion


def session_of(data, subject="S02") -> Path:
    return next((data / "sessions" / subject).glob("*.h5"))


def folder_of(data, subject="S02") -> Path:
    body = json.loads((data / "ubfc/manifest.json").read_text())
    return data / "ubfc" / next(e["folder"] for e in body["entries"] if e["subject"] == subject)


def cut(path: Path, keep: float) -> None:
    os.truncate(path, int(path.stat().st_size * keep))


def change(path: Path, edit: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "r+") as file:
        edit(file)


def move(file: h5py.File, name: str, target: object) -> None:
    del file[name]
    file[name] = target


def rewrite_manifest(data: Path, edit: Callable[[dict], None], *, honest: bool = False) -> None:
    """Change the manifest; `honest` also writes the hash of its new content."""
    path = data / "ubfc/manifest.json"
    body = json.loads(path.read_text())
    edit(body)
    if honest:
        import hashlib

        body["data_hash"] = hashlib.sha256(canonical_json(body["entries"]).encode()).hexdigest()
    path.write_text(json.dumps(body, indent=2))


def labels(data: Path, edit: Callable[[list[list[str]]], object]) -> None:
    path = folder_of(data) / "ground_truth.txt"
    rows = [line.split() for line in path.read_text().splitlines()]
    edit(rows)
    path.write_text("".join(" ".join(row) + "\n" for row in rows))


def external_link(data):
    def edit(file):
        del file["ppg/value"]
        file["ppg/value"] = h5py.ExternalLink("other.h5", "/x")

    change(session_of(data), edit)


def external_storage(data):
    (data / "raw.bin").write_bytes(bytes(10_000))

    def edit(file):
        old = file["ppg/value"]
        shape, dtype = old.shape, old.dtype
        del file["ppg/value"]
        file.create_dataset(
            "ppg/value", shape, dtype, external=[("raw.bin", 0, h5py.h5f.UNLIMITED)]
        )

    change(session_of(data), edit)


def column(name, edit):
    def inject(data):
        def work(file):
            values = file[name][:]
            edit(values)
            file[name][:] = values

        change(session_of(data), work)

    return inject


def attribute(name, value, at="/"):
    return lambda data: change(
        session_of(data), lambda file: file[at].attrs.__setitem__(name, value)
    )


def jump_back(values):
    values[60:] -= 500_000_000


def never_closed(data):
    """What a recorder leaves that was killed: the bytes of a file while it is being written."""
    from acquire.camera.source import CameraInfo, VideoFrame
    from acquire.session.writer import SessionWriter
    from tests.support.fakes import HELLO
    from tests.support.made_sessions import HEIGHT, START_NS, WIDTH, picture

    path = session_of(data)
    growing = data / "growing.h5"
    with SessionWriter(
        growing, session_id=path.stem, subject="S02",
        camera=CameraInfo("fake", WIDTH, HEIGHT, 30.0, "I420", "start of exposure"), hello=HELLO,
        port="/dev/fake", started_unix_ns=1, started_monotonic_ns=START_NS, simulated=False,
    ) as writer:
        for i in range(30):
            writer.add_frame(
                VideoFrame(picture(i, (HEIGHT * 3 // 2, WIDTH)), START_NS + i, START_NS + i, i)
            )
        writer.flush()
        path.write_bytes(growing.read_bytes())
        writer.close(complete=True)
    growing.unlink()


def copied_under_another_id(data):
    path = session_of(data)
    shutil.copy(path, path.with_name("S02-20260101T090009Z.h5"))


def leak(body):
    """Put one more entry of a training subject on the test side."""
    entry = next(e for e in body["entries"] if e["subject"] == "S03")
    entry["subject"] = "S01"


def hostile_manifest(data):
    rewrite_manifest(data, lambda body: body["entries"][0].update(folder="../../etc"), honest=True)


def link_folder(data):
    folder = folder_of(data)
    folder.rename(data / "elsewhere")
    folder.symlink_to(data / "elsewhere")


def other_pixels(data):
    path = folder_of(data) / "vid.avi"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"x" * 999)


def bit_in_a_frame(data):
    path = session_of(data)
    with h5py.File(path) as file:
        chunk = file["video/frames"].id.get_chunk_info(50)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(bytes(chunk.size))


def edit_split(edit):
    def inject(data):
        path = data / "split.json"
        body = json.loads(path.read_text())
        edit(body)
        path.write_text(json.dumps(body))

    return inject


def exclude_later(from_s=None, to_s=None):
    def inject(data):
        path = session_of(data)
        made = make_exclusion(path, from_s=from_s, to_s=to_s, reason="a finger slipped")
        write_exclusions(data, read_exclusions(data).adding(made))

    return inject


def exclude_nan(data):
    exclude_later()(data)
    path = data / "exclusions.json"
    path.write_text(path.read_text().replace('"from_s": null', '"from_s": NaN'))


def public_without_labels(data):
    folder = data / "set/subject1"
    folder.mkdir(parents=True)
    shutil.copy(folder_of(data) / "vid.avi", folder)
    with (folder / "vid.avi").open("ab") as video:
        video.write(bytes(4))        # else it is known for what was curated here
