"""docs/upgrading.md has the versions and the places that the code has."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from acq.running.folder import running_folder
from acquire import data_folder, layout
from acquire.calibration import rig_file
from acquire.errors import AcqError, Fix
from acquire.sensor import protocol
from dataset.catalogue import known
from dataset.layouts import export_manifest, manifest_file
from dataset.quality import result
from dataset.selection import exclusions_file, split_file
from dataset.session import subject
from dataset.withdraw import record
from tests.support.made_sessions import make_session

VERSIONS = {
    "sessions/<subject>/<session>.h5": layout.SCHEMA_VERSION,
    "the wire, firmware and host": protocol.PROTOCOL_VERSION,
    "rig.json": rig_file.SCHEMA_VERSION,
    "sessions/<subject>/subject.json": subject.SCHEMA_VERSION,
    "sessions/<subject>/<session>.qc.json": result.SCHEMA_VERSION,
    "exclusions.json": exclusions_file.SCHEMA_VERSION,
    "split.json": split_file.SCHEMA_VERSION,
    "ubfc/manifest.json": manifest_file.SCHEMA_VERSION,
    "pure/manifest.json, for/<tool>/manifest.json": export_manifest.SCHEMA_VERSION,
    "withdrawals.json": record.SCHEMA_VERSION,
    "cache/sessions.json": known.SCHEMA_VERSION,
}


@pytest.fixture(scope="module")
def page(repo):
    return (repo / "docs" / "upgrading.md").read_text()


def test_every_version_is_the_code_s(page):
    rows = re.findall(r"^\| (.+?) \| (\d+) \|", page, flags=re.M)
    assert {name.replace("`", ""): int(version) for name, version in rows} == VERSIONS


@pytest.mark.parametrize(("read", "name", "schema", "fix"), [
    (split_file.read_split, "split.json", split_file.SCHEMA, Fix.SPLIT_AGAIN),
    (manifest_file.read_manifest, "manifest.json", manifest_file.SCHEMA, None),
])
def test_what_the_page_says_is_refused_is_refused(tmp_path, read, name, schema, fix):
    (tmp_path / name).write_text(json.dumps({"schema": schema, "schema_version": 1}))
    with pytest.raises(AcqError, match=r"version 2|_version 2|2, ?found") as refused:
        read(tmp_path / name)
    assert fix is None or refused.value.fix is fix


def test_what_the_page_says_of_a_refused_version_works(page, acq_here, tmp_path):
    """Each command of its rows, word for word, and what the error says is the same."""
    data = tmp_path / "data"
    for name in ("S01", "S02"):
        make_session(data, name, seconds=7.0)
    split, curated = data / "split.json", data / "ubfc"
    assert acq_here("split", "--holdout", "S01").returncode == 0
    advice = dict(re.findall(r"^\| `(\S+)` \| 2 \| refuses 1: (.+?)(?:;| \|)", page, flags=re.M))
    assert advice == {
        "split.json": "`acq split --force`, with `--holdout` or `--folds` as before",
        "ubfc/manifest.json": "move `ubfc/` away, then `acq convert`",
    }
    split.write_text(json.dumps({"schema": split_file.SCHEMA, "schema_version": 1}))
    assert "acq split --force --holdout SUBJECT" in acq_here("convert").stderr
    assert acq_here("split", "--force", "--holdout", "S01").returncode == 0
    curated.mkdir()
    old = {"schema": manifest_file.SCHEMA, "schema_version": 1}
    (curated / "manifest.json").write_text(json.dumps(old))
    for force in ((), ("--force",)):
        assert acq_here("convert", *force).stderr == (
            "acq: expected a manifest, found schema 'acq-ubfc-manifest' of version 1 instead of "
            "'acq-ubfc-manifest' of version 2 in data/ubfc/manifest.json; move the folder that "
            "holds it away, then run acq convert\n"
        )
    curated.rename(tmp_path / "before")
    assert acq_here("convert", "--quiet", "--jobs", "1").returncode == 0
    assert manifest_file.read_manifest(curated / "manifest.json").complete


def test_a_list_of_another_version_is_left_aside(tmp_path):
    (tmp_path / "cache").mkdir()
    data_folder.known_sessions_file(tmp_path).write_text('{"schema_version": 99}')
    known.KnownSessions(tmp_path)


def test_every_place_outside_the_data_folder_is_named(page, tmp_path, monkeypatch):
    """What the page removes, for a home and a runtime folder of any name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    removed = [
        Path(place.replace("${XDG_CACHE_HOME:-$HOME/.cache}", str(tmp_path / "cache"))
             .replace("${XDG_RUNTIME_DIR:-/nowhere}", str(tmp_path)))
        for place in re.findall(r'"([^"]+)"', "".join(re.findall(r"^rm -rf .*", page, flags=re.M)))
    ]
    for place in (data_folder.home_frames_cache(), running_folder()):
        assert any(place == one or place.is_relative_to(one) for one in removed), place


def test_what_the_page_removes_leaves_nothing(page, tmp_path, repo):
    """Its own commands, in a scratch home, but for pip's."""
    home, cache, runtime = (tmp_path / name for name in ("home", "cache", "runtime"))
    for folder in (home, cache / "acq" / "frames", runtime / "acq"):
        folder.mkdir(parents=True)
    (home / ".bashrc").write_text("export MINE=1\n")
    there = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(cache),
             "XDG_RUNTIME_DIR": str(runtime)}

    def run(command, cwd):
        subprocess.run(["bash", "-c", command], env=there, cwd=cwd, check=True)

    run(f"'{sys.executable}' -m acq.start --install-completion; true", repo)    # a shell's child
    assert (home / ".bash_completions" / "acq.sh").exists()
    block = re.search(r"## Uninstalling\n\n```sh\n(.*?)```", page, flags=re.S)
    commands = [line for line in block[1].splitlines() if not line.startswith("pip ")]
    named = re.findall(r"[^\s\"']*/[^\s\"']*", re.sub(r"#.*", "", "\n".join(commands)))
    assert all(place.startswith(("$", "/tmp/acq-", "/bash_completions")) for place in named), named
    # not in the repository: what they remove there would be the developer's
    run("\n".join(["set -e", *commands]).replace("/tmp/acq-", f"{tmp_path}/acq-"), home)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [home / ".bashrc"]
    assert (home / ".bashrc").read_text().split() == ["export", "MINE=1"]
    assert not (cache / "acq").exists()
    assert not (runtime / "acq").exists()


def test_what_may_be_deleted_is_not_needed(page, acq_here, tmp_path):
    data = tmp_path / "data"
    for name in ("S01", "S02"):
        path = make_session(data, name, seconds=1.0)
        # what was written a moment ago is not kept in a list
        os.utime(path, (path.stat().st_mtime - 60,) * 2)
    assert acq_here("ls", "--quiet").returncode == 0
    places = re.findall(r"`DATA/([^`]+)`", page.split("## What may be deleted")[1].split("\n\n")[1])
    assert {"cache/", "ubfc/", "bids/", "runs/<run>/", "**/.*.part"} <= set(places)
    assert (data / "cache").exists()
    names = {"**": "sessions/S01", "*": "x", "<run>": "20260101T000000Z", "<subject>": "S01",
             "<session>": "S01-20260101T090009Z"}
    for place in places:
        made = data / re.sub(r"\*+|<\w+>", lambda name: names[name[0]], place).rstrip("/")
        made.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(made)
    assert "2 sessions" in acq_here("ls", "--quiet").stdout
    checked = acq_here("verify", "--quiet")
    assert checked.returncode == 0
    assert "0 broken, 0 stale" in checked.stdout


_KILLED = """
import os, signal, sys
from pathlib import Path
from acquire import atomic
with getattr(atomic, sys.argv[1])(Path(sys.argv[2])) as part:
    (part / "half" if part.is_dir() else part).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_verb_leaves_is_not_read_and_goes_with_the_page_s_commands(
    page, acq_here, tmp_path
):
    """A document's, a folder's, a recorder's; an interrupted run stays."""
    data = tmp_path / "data"
    names = [make_session(data, name, seconds=1.0).stem for name in ("S01", "S02")]
    assert acq_here("qc", "--quiet", "--jobs", "1").returncode == 0
    whole = set(data.rglob("*"))
    for how, place in (("file", f"sessions/S01/{names[0]}.qc.json"), ("folder", "bids")):
        command = [sys.executable, "-c", _KILLED, f"atomic_{how}", data / place]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (data / "sessions/S02/S02-20260101T090009Z.part").write_bytes(b"half")
    (data / ".ubfc-partial").mkdir()
    left = set(data.rglob("*")) - whole
    assert sum(path.suffix == ".part" for path in left) == 3
    assert "2 sessions" in acq_here("ls", "--quiet").stdout
    assert "0 broken, 0 stale" in acq_here("verify", "--quiet").stdout
    run = data / "runs/.20260101T000000Z.part/states"
    run.mkdir(parents=True)
    (commands,) = re.findall(r"```sh\n(# what was left.*?)```", page, flags=re.S)
    subprocess.run(["bash", "-ec", commands], cwd=tmp_path, check=True)
    assert not [path for path in left if path.exists()]
    assert run.exists()
    assert all(path.exists() for path in whole)


def test_no_module_writes_to_another_place_of_the_user(repo):
    """Who asks for the home or for the folder of temporary files is one that the page knows."""
    asked = re.compile(r"Path\.home\(|expanduser|gettempdir|XDG_")
    found = {
        path.relative_to(repo).as_posix()
        for room in ("acq", "acquire", "dataset", "models")
        for path in (repo / room).rglob("*.py") if asked.search(path.read_text())
    }
    # the last one reads there what liblsl is configured to do, and writes nothing
    assert found == {
        "acq/running/folder.py", "acquire/data_folder.py", "acquire/lsl/library.py",
    }
