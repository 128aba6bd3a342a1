"""A subject withdraws: everything of it under a data folder is removed, and what must be remembered
names nobody.

What is to be removed is first written to `data/.withdrawal.json`; then it goes, in an order in
which the data of the others stay usable at every moment; then `data/withdrawals.json` gets its
line, and the first file is removed. Every step may be done twice, so an interrupted withdrawal is
completed by asking for it again.

The order: the manifest stops listing the folders (and names them as stale, so that they are known
to be acq's), then the folders go, and what was made of them; the split and the exclusions; the
recordings last, as they say that there is something to withdraw. A folder number is never given
again: the manifest keeps it under a name that is no session's.
"""

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError, SplitError
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import MANIFEST, Manifest
from dataset.layouts.manifest_file import read_manifest, write_manifest
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions, write_exclusions
from dataset.selection.split import Split, without_subject
from dataset.selection.split_file import read_split, write_split

from .find_files import UNDER_WAY, Traces, curated_roots, find_traces, pattern_of

SCHEMA = "acq-withdrawals"
SCHEMA_VERSION = 1
WITHDRAWN = "(withdrawn)"            # stands for the subject where a reason named it
_FOLDER = re.compile(r"(ubfc|pure)/(train|test)/[A-Za-z0-9][A-Za-z0-9-]*")
OnStep = Callable[[str], None]      # called before each step with what it does


@dataclass(frozen=True)
class Withdrawal:
    """The line that stays: no pseudonym, nor anything made from one."""

    id: str                # random; says that an interrupted withdrawal was already noted
    date: str              # ISO 8601, of the day, UTC
    recordings: int
    folders: int           # curated
    models: int            # runs that were trained or tested on it
    models_removed: int
    acq_version: str


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal did, or would do."""

    traces: Traces
    noted: Withdrawal
    split_removed: bool                # nobody was left on one side
    runs_left: tuple[Path, ...]        # to be deleted or trained again


@dataclass(frozen=True)
class _Plan:
    """What `data/.withdrawal.json` holds while a withdrawal is under way."""

    subject: str
    noted: Withdrawal
    sessions: list[str]
    folders: list[str]                 # under data
    data_hashes: list[str]
    models: bool
    split_removed: bool


def plan_withdrawal(
    data: Path, subject: str, *, models: bool = False, on_progress: OnProgress | None = None
) -> Withdrawn:
    """Say what `withdraw` would do, and do nothing.

    Raises
    ------
    CurationError : there is nothing of the subject, another withdrawal was interrupted, or a list
        cannot be read
    SubjectError : a recording among its own is somebody else's, or is being written
    """
    return _look(data, subject, models, on_progress)[0]


def withdraw(
    data: Path, subject: str, *, models: bool = False, on_progress: OnProgress | None = None,
    on_step: OnStep | None = None,
) -> Withdrawn:
    """Remove a subject from a data folder, or complete that.

    Parameters
    ----------
    models : remove the runs that were trained or tested on it, too

    Raises
    ------
    CurationError, SubjectError : see `plan_withdrawal`; nothing was removed
    CurationError : something of the subject came back meanwhile
    """
    done, plan = _look(data, subject, models, on_progress)
    step = on_step or (lambda _: None)
    step("plan")
    write_text(data / UNDER_WAY, json.dumps(asdict(plan), indent=2) + "\n")
    split = _split_without(data, subject)
    for root in curated_roots(data):
        step(f"list {root / MANIFEST}")
        _unlist(root, data, done.traces, plan, split)
    for trace in done.traces.folders:
        _remove(trace.path, step)
    for root in curated_roots(data):
        step(f"tidy {root / MANIFEST}")
        _tidy(root, data, plan)
    for trace in done.traces.others:
        _remove(trace.path, step)
    step("split")
    _write_split(data, split)
    step("exclusions")
    _write_exclusions(data, done.traces)
    for trace in done.traces.own:
        _remove(trace.path, step)
    if plan.models:
        for run in done.traces.runs:
            _remove(run.folder, step)
    step("look again")
    again = find_traces(data, subject, sessions=plan.sessions)
    if again.removable or again.lists:
        back = [trace.path for trace in again.removable] + list(again.lists)
        raise CurationError(
            f"expected nothing of {subject} any more, found {back[0]} again; end what writes it, "
            "then withdraw again"
        )
    step("record")
    _note(data, plan.noted)
    step("end")
    (data / UNDER_WAY).unlink()
    return done


def _look(
    data: Path, subject: str, models: bool, on_progress: OnProgress | None
) -> tuple[Withdrawn, _Plan]:
    before = _read_plan(data)
    if before and before.subject != subject:
        raise CurationError(
            f"expected no other withdrawal under way, found that of {before.subject} interrupted, "
            f"in {data / UNDER_WAY}; "
            f"acq withdraw {before.subject} completes it"
        )
    traces = find_traces(
        data, subject, sessions=before.sessions if before else (),
        folders=before.folders if before else (), data_hashes=before.data_hashes if before else (),
        on_progress=on_progress,
    )
    models = models or bool(before and before.models)
    if not before and not traces.removable and not traces.lists and not (models and traces.runs):
        runs = ", ".join(run.folder.name for run in traces.runs)
        there = ", ".join(
            sorted(path.name for path in data_folder.sessions_dir(data).glob("*") if path.is_dir())
        )
        but = (
            f" but the runs {runs}; --models removes them"
            if runs
            else f"; there are {there or 'no subjects'}"
        )
        raise CurationError(f"expected something of {subject} in {data}, found nothing{but}")
    count = len(traces.runs)
    noted = (
        before.noted
        if before
        else Withdrawal(
            str(uuid.uuid4()), datetime.now(timezone.utc).date().isoformat(), traces.recordings,
            len(traces.folders), count, 0, version("acq"),
        )
    )
    noted = replace(noted, models_removed=noted.models if models else 0)
    removed = (
        before.split_removed
        if before
        else data_folder.split_file(data).exists() and _split_without(data, subject) is None
    )
    folders = {trace.path.relative_to(data).as_posix() for trace in traces.folders} | set(
        before.folders if before else ()
    )
    plan = _Plan(
        subject, noted, sorted(traces.sessions), sorted(folders), sorted(traces.data_hashes),
        models, removed,
    )
    return Withdrawn(
        traces, noted, removed, () if models else tuple(run.folder for run in traces.runs)
    ), plan


def _read_plan(data: Path) -> _Plan | None:
    path = data / UNDER_WAY
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        plan = _Plan(**{**body, "noted": Withdrawal(**body["noted"])})
        if not data_folder.is_subject_id(plan.subject) or not all(
            _FOLDER.fullmatch(name) for name in plan.folders
        ):
            raise ValueError("a name that is none")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CurationError(
            f"expected what an interrupted withdrawal noted, got: {error}, in {path}; remove that "
            "file and withdraw again"
        ) from error
    return plan


def _remove(path: Path, step: OnStep) -> None:
    """Remove a file, or a folder file by file; what is gone already is not missed."""
    if path.is_dir() and not path.is_symlink():
        # it says whose the rest is
        for inside in sorted(path.iterdir(), key=lambda one: (one.name == MANIFEST, one)):
            _remove(inside, step)
        step(f"remove {path}")
        path.rmdir()
    else:
        step(f"remove {path}")
        path.unlink(missing_ok=True)


def _unlist(root: Path, data: Path, traces: Traces, plan: _Plan, split: Split | None) -> None:
    """Take the subject's folders out of a manifest; their numbers stay, under no session's name."""
    old = read_manifest(root / MANIFEST)
    here = f"{root.relative_to(data).as_posix()}/"
    named = pattern_of(traces.subject, traces.sessions)
    entries = [
        replace(
            entry,
            rows=replace(
                entry.rows,
                excluded=tuple(
                    replace(part, reason=named.sub(WITHDRAWN, part.reason))
                    for part in entry.rows.excluded
                ),
            ),
        )
        for entry in old.entries
        if entry.subject != plan.subject
    ]
    going = {name.removeprefix(here) for name in plan.folders if name.startswith(here)}
    numbers = {
        f"(withdrawn {number})" if traces.names(key) else key: number
        for key, number in old.numbers.items()
    }
    now = replace(old, numbers=numbers, stale=tuple(sorted({*old.stale, *going}))).with_entries(
        entries, complete=old.complete
    )
    path = data_folder.split_file(data)
    if split is not None and path.exists() and old.split_hash == read_split(path).hash:
        now = replace(now, split_hash=split.hash)
    _write_if_new(now, old, root)


def _tidy(root: Path, data: Path, plan: _Plan) -> None:
    """Forget folders that are gone."""
    old = read_manifest(root / MANIFEST)
    here = f"{root.relative_to(data).as_posix()}/"
    gone = {name.removeprefix(here) for name in plan.folders if name.startswith(here)}
    _write_if_new(
        replace(old, stale=tuple(name for name in old.stale if name not in gone)), old, root
    )


def _write_if_new(now: Manifest, old: Manifest, root: Path) -> None:
    if now != old:
        write_manifest(now, root / MANIFEST)


def _split_without(data: Path, subject: str) -> Split | None:
    """Give the split without a subject; None where there is none, or none that would hold."""
    path = data_folder.split_file(data)
    if not path.exists():
        return None
    try:
        old = read_split(path)
    except SplitError:
        return None
    return without_subject(old, subject)


def _write_split(data: Path, split: Split | None) -> None:
    path = data_folder.split_file(data)
    if split is None:
        path.unlink(missing_ok=True)
    else:
        write_split(split, path, force=True)


def _write_exclusions(data: Path, traces: Traces) -> None:
    old = read_exclusions(data)
    named = pattern_of(traces.subject, traces.sessions)
    now = Exclusions(
        tuple(
            replace(one, reason=named.sub(WITHDRAWN, one.reason))
            for one in old.listed
            if not traces.names(one.session)
        )
    )
    if now != old:
        write_exclusions(data, now)


def read_withdrawals(data: Path) -> list[Withdrawal]:
    """Read the record of withdrawals, oldest first.

    Raises
    ------
    CurationError : the file cannot be read, or is none
    """
    path = data_folder.withdrawals_file(data)
    try:
        body: Any = json.loads(path.read_text(encoding="utf-8"))
        if body["schema"] != SCHEMA or body["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema {body['schema']} of version {body['schema_version']}")
        return [Withdrawal(**one) for one in body["withdrawals"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CurationError(
            f"expected a record of withdrawals, got: {error}, in {path}; restore it from a copy"
        ) from error


def _note(data: Path, noted: Withdrawal) -> None:
    before = read_withdrawals(data)
    if noted.id not in {one.id for one in before}:
        body = {
            "schema": SCHEMA, "schema_version": SCHEMA_VERSION,
            "withdrawals": [asdict(one) for one in (*before, noted)],
        }
        write_text(data_folder.withdrawals_file(data), json.dumps(body, indent=2) + "\n")
