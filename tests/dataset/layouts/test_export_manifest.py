"""The manifest of a PURE export: written and read back; a hostile one names no path."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from acquire.errors import CurationError, Fix
from dataset.layouts.export_manifest import (
    ExportEntry,
    ExportManifest,
    check_export_folder,
    read_export_entries,
    write_export_manifest,
)
from dataset.layouts.manifest import MANIFEST, ExcludedPart, FrameSpan
from dataset.layouts.pure import read_pictures

ENTRY = ExportEntry(
    "train/01-02", "train", "S01", "S01-20260101T090001Z", "0", 2, simulated=False,
    imported_from="", frames=30, repeated=(FrameSpan(3, 1, "resampled"),),
    excluded=(ExcludedPart(1, None, "moved"),), pixels_hash="0", labels_sha256="0", trimmed=(),
)


MADE = ExportManifest("0.1.0", "0", 1, 1, {"kind": "none"}, "native", "repeat", ())


def write(root, *entries):
    write_export_manifest(replace(MADE, entries=entries), root)


def test_entries_come_back_as_written(tmp_path):
    write(tmp_path, ENTRY, replace(ENTRY, folder="test/02-01", side="test", subject="S02"))
    assert read_export_entries(tmp_path)[0] == ENTRY
    before = json.loads((tmp_path / MANIFEST).read_text())
    write(tmp_path, *read_export_entries(tmp_path))
    assert json.loads((tmp_path / MANIFEST).read_text()) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"folder": "../../etc"}, "'../../etc' of 'S01'", id="a path out"),
        pytest.param({"folder": "train/01-02/.."}, "'train/01-02/..' of", id="a path that turns"),
        pytest.param({"subject": "a/b"}, "of 'a/b'", id="a hostile subject"),
        pytest.param({"session": ["x"]}, "a list instead of text", id="a session as a list"),
        pytest.param({"pixels_hash": None}, "null instead of text", id="no hash"),
    ],
)
def test_what_cannot_be_an_export_is_refused(tmp_path, change, says):
    write(tmp_path, ENTRY)
    path = tmp_path / MANIFEST
    body = json.loads(path.read_text())
    body["entries"][0].update(change)
    path.write_text(json.dumps(body))
    with pytest.raises(CurationError) as caught:
        read_export_entries(tmp_path)
    assert says in str(caught.value)
    assert caught.value.fix is Fix.EXPORT_PURE_AGAIN


def test_labels_that_are_not_there_name_the_export_to_be_made_again(tmp_path):
    with pytest.raises(CurationError, match="expected a file, found nothing at") as caught:
        check_export_folder(tmp_path, ENTRY, MADE)
    assert caught.value.fix is Fix.EXPORT_PURE_AGAIN
    with pytest.raises(CurationError, match="expected a file, found nothing at") as caught:
        check_export_folder(tmp_path, ENTRY, replace(MADE, tool="pyvhr", layout="ubfc"))
    assert (caught.value.fix, caught.value.of) == (Fix.EXPORT_FOR_AGAIN, "pyvhr")


def test_the_video_that_pyvhr_makes_beside_pictures_is_none_of_them(tmp_path):
    folder = tmp_path / "02-01"
    folder.mkdir()
    picture = np.full((4, 6, 3), 7, np.uint8)
    cv2.imwrite(str(folder / "Image1.png"), picture)
    (folder / "video.avi").write_bytes(b"RIFF")
    assert np.array_equal(list(read_pictures(folder)), [picture])
    (folder / "Image2.png").write_bytes(b"no picture")
    with pytest.raises(CurationError, match="expected a picture, found something else"):
        list(read_pictures(folder))
