"""The verbs `acq exclude` and `acq include`: sessions and parts excluded, and included again."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.options import ExistingData, FromTime, Json, SessionFiles, ToTime, parse_time
from acq.terminal.printing import echo, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataset.selection.exclusions import Exclusion


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
    from acquire.writing import SELECTION, WAIT_S, hold
    from dataset.selection.exclusions_file import read_exclusions, write_exclusions
    from dataset.selection.make_exclusion import make_exclusion
    from dataset.session.find import find_session

    from_s, to_s = parse_time(from_time, "--from"), parse_time(to_time, "--to")
    if not session:
        if reason is not None or from_s is not None or to_s is not None:
            raise typer.BadParameter("say which session", param_hint="SESSION")
        _list(data, as_json=as_json)
        return
    if reason is None:
        raise typer.BadParameter("say why", param_hint="--reason")
    made = [
        make_exclusion(find_session(data, text), from_s=from_s, to_s=to_s, reason=reason)
        for text in session
    ]
    with hold(data, SELECTION, wait_s=WAIT_S):
        before = excluded = read_exclusions(data)
        for exclusion in made:
            excluded = excluded.adding(exclusion)
        path = write_exclusions(data, excluded)
    replaced = [old for old in before.listed if old not in excluded.listed]
    _report("excluded", made, path, data, replaced=replaced, as_json=as_json)


def _list(data: Path, *, as_json: bool) -> None:
    from dataset.selection.exclusions_file import read_exclusions

    listed = read_exclusions(data).listed
    if as_json:
        print_json({"excluded": [asdict(exclusion) for exclusion in listed]})
        return
    for exclusion in listed:
        echo(described(exclusion))
    if not listed:
        echo(f"nothing is excluded in {data}")


def described(exclusion: "Exclusion") -> str:
    """Write one decision in a line."""
    return (
        f"{exclusion.session}: {exclusion.part_text} ({exclusion.reason}; {exclusion.decided[:10]})"
    )


def _report(
    done: str, changed: "list[Exclusion]", path: Path, data: Path, *, as_json: bool,
    replaced: "Sequence[Exclusion]" = (),
) -> None:
    """Print the decisions that were made or undone, and what made before them is out of date."""
    stale = _out_of_date(data, changed)
    if as_json:
        print_json({
            done: [asdict(exclusion) for exclusion in changed], "path": path, "out_of_date": stale,
        })
        return
    for exclusion in changed:
        olds = [
            old for old in replaced
            if (old.session, old.part_text) == (exclusion.session, exclusion.part_text)
        ]
        instead = f", instead of: {olds[0].reason} ({olds[0].decided[:10]})" if olds else ""
        echo(f"{done.replace('_', ' ')}: {described(exclusion)}{instead}")
    echo(f"wrote {path}")
    for old in stale:
        echo(f"  made before this: {old['path']}; make it anew with {old['command']}")


def _out_of_date(data: Path, changed: "list[Exclusion]") -> list[dict[str, str]]:
    """Return the files made before these decisions, each with the command that makes it anew."""
    from acquire.data_folder import pure_dir, split_file, ubfc_dir
    from dataset.layouts.manifest import MANIFEST

    stale = []
    split = split_file(data)
    if any(exclusion.is_whole for exclusion in changed) and split.exists():
        stale.append({"path": str(split), "command": "acq split --force"})
    for folder, options in ((ubfc_dir(data), ""), (pure_dir(data), " --to pure")):
        if (folder / MANIFEST).exists():
            stale.append({"path": str(folder), "command": f"acq convert{options} --force"})
    return stale


def include(
    session: SessionFiles,
    from_time: FromTime = None,
    to_time: ToTime = None,
    data: ExistingData = Path("data"),
    as_json: Json = False,
) -> None:
    """Undo `acq exclude`: all of a session, or the one part that --from and --to name."""
    from acquire.writing import SELECTION, WAIT_S, hold
    from dataset.selection.exclusions_file import read_exclusions, write_exclusions

    from_s, to_s = parse_time(from_time, "--from"), parse_time(to_time, "--to")
    part = None if from_s is None and to_s is None else (from_s, to_s)
    undone: list[Exclusion] = []
    with hold(data, SELECTION, wait_s=WAIT_S):
        excluded = read_exclusions(data)
        for text in session:
            # the file may be gone
            excluded, found = excluded.removing(Path(text).name.removesuffix(".h5"), part)
            undone += found
        path = write_exclusions(data, excluded)
    _report("included_again", undone, path, data, as_json=as_json)
