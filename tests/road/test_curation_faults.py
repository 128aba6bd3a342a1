"""What can be wrong with recordings and curated folders: named in one line, and nothing changes.

Faults are injected for real. docs/quality.md lists them; a test compares its table with the cases.
"""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.curation_faults import (
    attribute,
    bit_in_a_frame,
    change,
    column,
    copied_under_another_id,
    cut,
    edit_split,
    exclude_later,
    exclude_nan,
    external_link,
    external_storage,
    folder_of,
    hostile_manifest,
    jump_back,
    labels,
    leak,
    link_folder,
    never_closed,
    other_pixels,
    public_without_labels,
    rewrite_manifest,
    session_of,
)
from tests.support.made_sessions import make_session

SPLIT = "split --holdout S03 --force"
CONVERT = f"{SPLIT}; convert --force"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    name: str                              # as in docs/quality.md
    inject: Callable[[Path], object]       # into a copy of the curated data
    words: str                             # the command that must name it
    says: str                              # found in the one line (regular expression)
    code: int = 1
    begins: str = "acq: "                  # what the line begins with


FAULTS = [
    Fault("a recording cut short", lambda d: cut(session_of(d), 0.6), SPLIT, r"cut short.*S02-"),
    Fault(
        "no HDF5", lambda d: session_of(d).write_text("hello"), SPLIT,
        "which is HDF5, found 5 bytes",
    ),
    Fault("an empty file", lambda d: session_of(d).write_bytes(b""), SPLIT, "found an empty file"),
    Fault(
        "HDF5 of something else", attribute("schema", "other"), SPLIT, "expected schema acq-session"
    ),
    Fault(
        "another format version", attribute("schema_version", 99), SPLIT,
        "expected session format 1, found 99",
    ),
    Fault(
        "a missing dataset", lambda d: change(session_of(d), lambda f: f.__delitem__("ppg/flags")),
        SPLIT, "expected /ppg/flags, found none",
    ),
    Fault(
        "an HDF5 external link", external_link, SPLIT,
        "found a link that is not followed, /ppg/value",
    ),
    Fault("HDF5 external storage", external_storage, SPLIT, "found it stored in another"),
    Fault(
        "a hostile subject", attribute("subject", "../../etc"), SPLIT,
        "expected a subject id like S01",
    ),
    Fault(
        "a hostile session id", attribute("session_id", "../x"), SPLIT, "expected a session id like"
    ),
    Fault(
        "a recording in another subject's folder", attribute("subject", "S03"), SPLIT,
        "found one of S03",
    ),
    Fault(
        "two recordings of one session id", copied_under_another_id, SPLIT,
        "expected each session once",
    ),
    Fault("a recording that was never closed", never_closed, SPLIT, "still growing or killed"),
    Fault(
        "an unknown subject held out", lambda d: None, "split --holdout S09 --force",
        "recorded subjects",
    ),
    Fault(
        "a damaged frame", bit_in_a_frame, CONVERT,
        "expected frame 50 of 180, found bytes that do not decode",
    ),
    Fault(
        "frame times that go back", column("video/time_ns", jump_back), CONVERT,
        "expected frame times that rise",
    ),
    Fault(
        "sample times that go back", column("ppg/time_ns", jump_back), CONVERT,
        "expected sample times that rise",
    ),
    Fault(
        "a flat PPG", column("ppg/value", lambda v: v.fill(512)), CONVERT, "found PPG that is flat"
    ),
    Fault(
        "video and PPG at different times", column("video/time_ns", lambda v: v.__iadd__(10**12)),
        CONVERT, "expected frames and PPG at the same time",
    ),
    Fault(
        "a recording that changed after the split", column("ppg/value", lambda v: v.__iadd__(1)),
        "convert", "S02-.* changed",
    ),
    Fault(
        "a recording added after the split", lambda d: make_session(d, "S04", 1, seconds=6.0),
        "convert", "S04-.* new",
    ),
    Fault(
        "a recording removed after the split", lambda d: session_of(d).unlink(), "convert",
        "S02-.* gone",
    ),
    Fault(
        "a split edited by hand", edit_split(lambda b: b["folds"][0]["train"].remove("S02")),
        "convert", "S02",
    ),
    Fault(
        "a split that leaks", edit_split(lambda b: b["folds"][0]["test"].append("S01")), "convert",
        "found S01 on both",
    ),
    Fault(
        "a split that is no JSON", lambda d: (d / "split.json").write_text("{"), "convert",
        "expected a split, found JSON that is cut short",
    ),
    Fault(
        "a foreign folder among the curated", lambda d: (d / "ubfc/train/subject7").mkdir(),
        "convert", "found train/subject7",
    ),
    Fault(
        "a short label row", lambda d: labels(d, lambda r: r[0].pop()), "train-kd",
        "rows of equal length",
    ),
    Fault(
        "a missing label row", lambda d: labels(d, lambda r: r.pop()), "train-kd",
        "expected three rows",
    ),
    Fault(
        "labels one short", lambda d: labels(d, lambda r: [row.pop() for row in r]), "train-kd",
        "found 179",
    ),
    Fault(
        "NaN among the labels", lambda d: labels(d, lambda r: r[0].__setitem__(7, "nan")),
        "train-kd", "found nan at PPG 7",
    ),
    Fault(
        "a word among the labels", lambda d: labels(d, lambda r: r[2].__setitem__(7, "x")),
        "train-kd", "expected numbers",
    ),
    Fault(
        "a label that was changed", lambda d: labels(d, lambda r: r[0].__setitem__(7, "1")),
        "train-kd", "labels as written",
    ),
    Fault(
        "a truncated AVI", lambda d: cut(folder_of(d) / "vid.avi", 0.8), "train-kd",
        "expected a video of",
    ),
    Fault(
        "an AVI of equal length with other pixels", other_pixels, "verify", "subject2/vid.avi",
        begins="broken",
    ),
    Fault(
        "a recording that changed after it was converted",
        column("ppg/value", lambda v: v.__iadd__(1)), "verify",
        "expected the recording that the split was made from", begins="broken",
    ),
    Fault(
        "a session excluded after converting", exclude_later(), "train-kd",
        "which is excluded under ",
    ),
    Fault(
        "a part excluded after converting", exclude_later(from_s=1.0, to_s=2.0), "train-kd",
        "was made when other parts of",
    ),
    Fault(
        "exclusions that are no JSON", lambda d: (d / "exclusions.json").write_text("{"), "ls",
        "JSON that is cut short",
    ),
    Fault("an exclusion of a NaN", exclude_nan, "split --holdout S03", "exclusions"),
    Fault(
        "a part beyond the recording's end", lambda d: None,
        "exclude S02-20260101T090001Z --from 60 --reason x", "begins before its end",
    ),
    Fault("an unknown session excluded", lambda d: None, "exclude S77-1 --reason x", "S77-1"),
    Fault(
        "a file that acq ls cannot read", lambda d: cut(session_of(d), 0.6), "ls --quiet",
        "cut short",
    ),
    Fault(
        "a file that acq qc cannot read", lambda d: cut(session_of(d), 0.6), "qc --quiet",
        "cut short",
    ),
    Fault(
        "limits that are none", lambda d: (d / "x.yaml").write_text("lag: 3"),
        "qc --limits {data}/x.yaml", "x.yaml",
    ),
    Fault(
        "a PURE export that is there", lambda d: (d / "pure/x").mkdir(parents=True),
        "convert --to pure", "no export yet",
    ),
    Fault(
        "a public set without ground truth", public_without_labels, "import {data}/set",
        "ground_truth.txt, found nothing",
    ),
    Fault(
        "a folder that is no public set", lambda d: (d / "set").mkdir(), "import {data}/set",
        "expected folders of one set",
    ),
    Fault(
        "a missing video", lambda d: (folder_of(d) / "vid.avi").unlink(), "train-kd",
        "expected a video, found nothing",
    ),
    Fault(
        "a missing folder", lambda d: shutil.rmtree(folder_of(d)), "train-kd",
        "expected the folder of session S02-",
    ),
    Fault("a link in place of a folder", link_folder, "train-kd", "found a link"),
    Fault("a hostile path in the manifest", hostile_manifest, "train-kd", "subject<int>"),
    Fault(
        "a manifest edited by hand",
        lambda d: rewrite_manifest(d, lambda b: b["entries"][0].update(hr_bpm=1.0)), "train-kd",
        "changed by hand",
    ),
    Fault(
        "a manifest that leaks", lambda d: rewrite_manifest(d, leak, honest=True), "train-kd",
        "found S01 on both",
    ),
    Fault(
        "a manifest that is no JSON", lambda d: (d / "ubfc/manifest.json").write_text("["),
        "train-kd", "JSON that is cut short",
    ),
    Fault(
        "an interrupted conversion",
        lambda d: rewrite_manifest(d, lambda b: b.update(complete=False)), "train-kd",
        "an unfinished one",
    ),
]


@pytest.fixture
def run(monkeypatch, capfd):
    """Run a verb in this process as `acq` does; return exit code, stdout and lines of stderr."""

    def run(*words):
        from acq.main import main

        monkeypatch.setattr(sys, "argv", ["acq", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capfd.readouterr()
        return code, out, err.splitlines()

    return run


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    """Three subjects, split and converted: what each fault is injected into a copy of."""
    from typer.testing import CliRunner

    from acq.main import app

    data = tmp_path_factory.mktemp("faults") / "data"
    for number, subject in enumerate(("S01", "S02", "S03")):
        make_session(data, subject, 1, seconds=6.0, bpm=60 + 10 * number)
    for words in (("split", "--holdout", "S03"), ("convert",)):
        done = CliRunner().invoke(app, [*words, "--data", str(data)])
        assert done.exit_code == 0, done.output
    return data


def tree(root):
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not p.is_symlink()
    }



@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_is_named_in_one_line_and_nothing_changes(curated, tmp_path, run, fault):
    data = tmp_path / "data"
    shutil.copytree(curated, data)
    fault.inject(data)
    *before, last = (words.format(data=data).split() for words in fault.words.split(";"))
    for words in before:
        code, _, errors = run(*words, "--data", data)
        assert code == 0, errors
    files_before = tree(data)
    code, out, errors = run(*last, "--data", data)
    lines = [line for line in (*out.splitlines(), *errors) if line.startswith(fault.begins)]
    assert len(lines) == 1, errors
    assert re.search(fault.says, lines[0]), lines[0]
    assert code == fault.code
    assert "Traceback" not in out + "".join(errors)
    files_after = tree(data)
    # the manifest may say that the conversion is unfinished
    changed = {name for name in files_before if files_after.get(name) != files_before[name]}
    assert changed <= {"ubfc/manifest.json"}
    assert not {
        name
        for name in set(files_after) - set(files_before) - {"cache/sessions.json"}
        if not name.startswith("qc/") and not name.endswith((".qc.json", ".qc.npz"))
    }


def test_the_document_lists_them(repo):
    text = (repo / "docs/quality.md").read_text().partition("## What is named")[2]
    listed = re.findall(r"^\| (.+) \| `acq (\S+)` \|$", text, flags=re.MULTILINE)
    assert listed == [(fault.name, fault.words.split(";")[-1].split()[0]) for fault in FAULTS]
    assert len(listed) >= 25
