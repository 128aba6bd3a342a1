"""`manifest.json` is flat on the disk and nested in memory; what is read is what was written."""

import json
from dataclasses import replace

import pytest

from acquire.errors import CurationError, Fix
from dataset.common.files import canonical_json, check_content
from dataset.layouts.manifest import (
    ATTRIBUTE_OF_KEY,
    MANIFEST,
    ExcludedPart,
    FrameSpan,
    Manifest,
    flat_entry,
    nested_entry,
)
from dataset.layouts.manifest_file import read_manifest, write_manifest
from tests.support.curated_folders import make_entry
from tests.support.errors import refused

KEYS = [
    "folder", "side", "subject", "session", "session_hash", "simulated", "session_complete",
    "frames", "width", "height", "fps", "duration_s", "hr_bpm", "ppg_rate_hz", "sync_bound_ms",
    "light_offset_ms", "lost_frames", "lost_samples", "trimmed", "codec", "filter",
    "video_hash", "video_bytes", "video_sha256", "labels_hash", "part", "imported_from",
    "fps_asked", "holes", "repeated", "unused", "picture_shift_ms", "excluded", "grade",
    "untrusted", "virtual_seed", "sync_one_sided",
]


def manifest():
    first, second = make_entry(1, "train", "S01"), make_entry(2, "test", "S02")
    rows = replace(
        first.rows, trimmed=(FrameSpan(0, 3, "before the first usable sample"),),
        repeated=(FrameSpan(5, 2, "frames were lost"),), unused=4,
        excluded=(ExcludedPart(2, 3.5, "moved"), ExcludedPart(None, 1.0, "moved")),
        untrusted=(FrameSpan(0, 4, "no finger"),),
    )
    return Manifest(
        "0.1.0", "0" * 64, 1, 1, {"kind": "none"}, "rawvideo", "raw", "native", "keep",
        complete=True, numbers={"S01-1": 1, "S02-2": 2}, stale=(),
        entries=(
            replace(
                first, rows=rows, source=replace(first.source, virtual_seed=3),
                timing=replace(first.timing, sync_one_sided="the light was earlier"),
            ),
            second,
        ),
    )


def test_the_file_is_flat_with_the_keys_in_their_order(tmp_path):
    write_manifest(manifest(), tmp_path / MANIFEST)
    body = json.loads((tmp_path / MANIFEST).read_text())
    assert list(body) == [
        "schema", "schema_version", "acq_version", "split_hash", "fold", "folds", "filter",
        "codec", "ppg", "fps", "holes", "complete", "numbers", "stale", "data_hash",
        "content_hash", "entries",
    ]
    assert list(body["entries"][0]) == KEYS == list(ATTRIBUTE_OF_KEY)
    assert body["entries"][0]["repeated"] == [
        {"first": 5, "frames": 2, "reason": "frames were lost"}
    ]
    assert body["entries"][0]["excluded"][0] == {"from_s": 2, "to_s": 3.5, "reason": "moved"}


def test_what_is_read_is_what_was_written(tmp_path):
    path = tmp_path / MANIFEST
    write_manifest(manifest(), path)
    assert read_manifest(path) == manifest()
    before = path.read_bytes()
    write_manifest(read_manifest(path), path)
    assert path.read_bytes() == before         # a whole number stays one


@pytest.mark.parametrize("count", [0, 1, 2])
def test_entries_put_together_give_the_file_of_the_whole_object(tmp_path, count):
    written = replace(manifest(), entries=manifest().entries[:count])
    write_manifest(written, tmp_path / MANIFEST)
    text = (tmp_path / MANIFEST).read_text()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    check_content(tmp_path / MANIFEST)


def test_a_manifest_costs_no_second_look_at_the_entries_that_it_had(tmp_path, monkeypatch):
    flattened = []
    monkeypatch.setattr(
        "dataset.layouts.manifest.flat_entry",
        lambda entry: flattened.append(entry.session) or flat_entry(entry),
    )
    growing = replace(manifest(), entries=())
    for entry in manifest().entries:
        growing = growing.with_entries([*growing.entries, entry], complete=False)
        write_manifest(growing, tmp_path / MANIFEST)
    assert sorted(set(flattened)) == sorted(entry.session for entry in manifest().entries)
    assert len(flattened) == 2 * len(manifest().entries)        # once for each of the two texts


def test_an_entry_of_before_says_nothing_of_trust_and_keeps_its_hash():
    trusted_by_none = make_entry(1, "train", "S01")
    flat = flat_entry(trusted_by_none)
    assert "untrusted" not in flat
    assert trusted_by_none.untrusted_frames is None
    assert "untrusted" not in nested_entry(flat)["rows"]
    looked_at = replace(trusted_by_none, rows=replace(trusted_by_none.rows, untrusted=()))
    assert flat_entry(looked_at)["untrusted"] == ()
    assert looked_at.untrusted_frames == 0


def test_the_data_hash_is_over_the_entries_as_in_the_file(tmp_path):
    write_manifest(manifest(), tmp_path / MANIFEST)
    body = json.loads((tmp_path / MANIFEST).read_text())
    listed = canonical_json([flat_entry(listed) for listed in manifest().entries])
    assert canonical_json(body["entries"]) == listed
    assert body["data_hash"] == manifest().data_hash


def test_every_key_of_an_entry_has_one_attribute():
    flat = flat_entry(manifest().entries[0])
    nested = nested_entry(flat)
    groups = {name: value for name, value in nested.items() if isinstance(value, dict)}
    assert len(flat) == len(nested) - len(groups) + sum(len(group) for group in groups.values())
    with pytest.raises(ValueError, match="an entry without 'grade'"):
        nested_entry({key: value for key, value in flat.items() if key != "grade"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[", "expected a manifest, found JSON that is cut short", id="cut"),
        pytest.param("[]", "a list instead of an object", id="a list"),
        pytest.param("[" * 10_000, "expected a manifest", id="deep"),
    ],
)
def test_what_is_no_manifest_names_what_mends_it(tmp_path, text, says):
    path = tmp_path / MANIFEST
    path.write_text(text)
    refused(says, path, read_manifest, path)
    with pytest.raises(CurationError) as caught:
        read_manifest(path)
    assert caught.value.fix == Fix.MOVE_CURATED_AWAY
    path.unlink()
    with pytest.raises(CurationError, match="found nothing") as caught:
        read_manifest(path)
    assert caught.value.fix is Fix.CONVERT
