"""The verbs `acq exclude` and `acq include`: sessions and parts excluded, and included again."""

import shlex
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import data_option, split_again
from acq.options import ExistingData, FromTime, Json, SessionFiles, ToTime, parse_time
from acq.terminal.printing import echo, print_json, warn
from acquire.errors import AcqError, Fix

if TYPE_CHECKING:
    from dataset.selection.decide import Decided
    from dataset.selection.exclusions import Exclusion

# what makes anew what was made before a decision
_ANEW = {
    Fix.SPLIT_AGAIN: "acq split --force --holdout SUBJECT",
    Fix.CONVERT_AGAIN: "acq convert --force",
    Fix.EXPORT_BIDS_AGAIN: "acq convert --to bids --force",
    Fix.EXPORT_PURE_AGAIN: "acq convert --to {of} --force",
    Fix.EXPORT_FOR_AGAIN: "acq convert --for {of} --force",
}


def exclude(
    session: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SESSION...", help="Session ids or files; none: list what is excluded.",
            autocompletion=complete.sessions,
        ),
    ] = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the decision."),
    ] = None,
    data: ExistingData = Path("data"),
    as_json: Json = False,
) -> None:
    """Exclude sessions, or a part of each, from all that follows; or list what is excluded.

    No recording is touched.
    """
    from_s, to_s = parse_time(from_time, "--from"), parse_time(to_time, "--to")
    if not session:
        if reason is not None or from_s is not None or to_s is not None:
            raise typer.BadParameter("say which session", param_hint="SESSION")
        _list(data, as_json=as_json)
        return
    if reason is None:
        raise typer.BadParameter("say why", param_hint="--reason")
    from dataset.selection import decide
    from dataset.selection.make_exclusion import make_exclusion
    from dataset.session.find import find_session

    made = [
        make_exclusion(find_session(data, text), from_s=from_s, to_s=to_s, reason=reason)
        for text in session
    ]
    _report("excluded", decide.exclude(data, made), data, as_json=as_json)


def _list(data: Path, *, as_json: bool) -> None:
    from dataset.selection.exclusions_file import read_exclusions
    from dataset.selection.unused_decisions import find_misnamed

    listed = read_exclusions(data).listed
    if as_json:
        print_json({"excluded": [asdict(exclusion) for exclusion in listed]})
    else:
        for exclusion in listed:
            echo(described(exclusion))
        if not listed:
            echo(f"nothing is excluded in {data}")
    for misnamed in find_misnamed(data):
        warn(str(misnamed))


def described(exclusion: "Exclusion") -> str:
    """Write one decision in a line."""
    return (
        f"{exclusion.session}: {exclusion.part_text} ({exclusion.reason}; {exclusion.decided[:10]})"
    )


def _report(done: str, decided: "Decided", data: Path, *, as_json: bool) -> None:
    """Print the decisions that were made or revoked, and what made before them is out of date."""
    from acquire.writing import PURE, UBFC, owner_of
    from dataset.selection.decide import made_before

    stale = [
        {"path": str(path), "command": _command(path, fix, of) + data_option(data)}
        for path, fix, of in made_before(data, decided.changed)
    ]
    if as_json:
        print_json({
            done: [asdict(exclusion) for exclusion in decided.changed], "path": decided.path,
            "out_of_date": stale,
        })
        return
    for exclusion in decided.changed:
        instead = [described(exclusion), decided.instead_of(exclusion)]
        echo(f"{done.replace('_', ' ')}: {', '.join(filter(None, instead))}")
    echo(f"wrote {decided.path}")
    for old in stale:
        echo(f"  made before this: {old['path']}; make it anew with {old['command']}")
    for writing in (UBFC, PURE):
        if owner := owner_of(data, writing):
            echo(f"  {owner} writes {writing.what}: it tells at its end if this is not in them")


def _command(path: Path, fix: Fix, of: str) -> str:
    """Return what makes anew what is at a path: of a split, as it was split."""
    from dataset.selection.split_file import read_split

    if fix is Fix.SPLIT_AGAIN:
        with suppress(AcqError, OSError):
            return split_again(read_split(path))
    return _ANEW[fix].format(of=shlex.quote(of))


def include(
    session: SessionFiles,
    from_time: FromTime = None,
    to_time: ToTime = None,
    data: ExistingData = Path("data"),
    as_json: Json = False,
) -> None:
    """Undo `acq exclude`: all of a session, or the one part that --from and --to name."""
    from dataset.selection import decide

    from_s, to_s = parse_time(from_time, "--from"), parse_time(to_time, "--to")
    part = None if from_s is None and to_s is None else (from_s, to_s)
    # the file may be gone
    ids = [Path(text).name.removesuffix(".h5") for text in session]
    _report("included_again", decide.include(data, ids, part), data, as_json=as_json)
