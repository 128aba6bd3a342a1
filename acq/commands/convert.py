"""The verb `acq convert`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acq.advice import advise, word_fix
from acq.options import ExistingData, Force, Jobs, Json, Quiet, Reasons, Scheduler
from acq.terminal.printing import complain, echo, print_json
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from acquire.errors import Fix
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.convert.tasks import FailedSession
    from dataset.convert.to_ubfc import Conversion
    from dataset.layouts.manifest import Entry


class Codec(str, Enum):
    """How vid.avi is stored."""

    RAWVIDEO = "rawvideo"
    FFV1 = "ffv1"


class To(str, Enum):
    """Whose layout is written."""

    UBFC = "ubfc"
    PURE = "pure"
    PURE_FLAT = "pure-flat"


class Tool(str, Enum):
    """Which tool reads what is written."""

    RPPG_TOOLBOX = "rppg-toolbox"
    PYVHR = "pyvhr"
    REMOTEBIOSENSING = "remotebiosensing"


class Ppg(str, Enum):
    """What stands in the first row."""

    FILTERED = "filtered"
    RAW = "raw"


class Holes(str, Enum):
    """What becomes of lost frames."""

    KEEP = "keep"
    REPEAT = "repeat"
    CUT = "cut"


ToLayout = Annotated[
    To,
    typer.Option("--to", help="ubfc: what training reads; pure, pure-flat: the PURE layout, for "
                              "other tools."),
]
ForTool = Annotated[
    Tool | None,
    typer.Option("--for", help="Write what this tool reads rightly into DATA/for, in the layout "
                               "of --to."),
]
FoldNumber = Annotated[
    int | None,
    typer.Option("--fold", metavar="K", help="Which fold, where the split has several."),
]
VideoCodec = Annotated[
    Codec | None,
    typer.Option("--codec", help="rawvideo (default): read everywhere; ffv1: a third of the size, "
                                 "slower."),
]
PpgRow = Annotated[
    Ppg | None,
    typer.Option("--ppg", help="filtered (default): 0.7 to 4 Hz; raw: the sensor's values on the "
                               "frames' times."),
]
FrameRate = Annotated[
    str | None,
    typer.Option("--fps", metavar="RATE",
                 help="native, or an even grid of RATE frames per second; unless given native in "
                      "DATA/ubfc, else 30."),
]
LostFrames = Annotated[
    Holes | None,
    typer.Option("--holes", help="keep: the time row jumps; repeat: the last picture stands in; "
                                 "cut: parts of 5 s or more."),
]


def convert(
    to: ToLayout = To.UBFC,
    tool: ForTool = None,
    fold: FoldNumber = None,
    codec: VideoCodec = None,
    ppg: PpgRow = None,
    fps: FrameRate = None,
    holes: LostFrames = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    data: ExistingData = Path("data"),
    reasons: Reasons = False,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the sessions of the split as UBFC folders, DATA/ubfc, and check every frame."""
    from dataset.common.workers import Workers

    if to is not To.UBFC and codec:
        raise typer.BadParameter(
            "expected no --codec with --to pure: its pictures are PNG", param_hint="--codec"
        )
    if tool or to is not To.UBFC:
        from dataset.convert.settings import RequestedSettings
        from dataset.export.targets import find_target

        asked = RequestedSettings(
            codec and codec.value, ppg and ppg.value, fps, holes and holes.value
        )
        _export(
            data, target=find_target(to.value, tool.value if tool else ""), fold=fold, asked=asked,
            reasons=reasons, force=force, workers=Workers(jobs, scheduler), quiet=quiet,
            as_json=as_json,
        )
        return
    from dataset.convert.to_ubfc import convert_sessions

    with show_progress(quiet=quiet) as on_progress:
        done = convert_sessions(
            data, fold=fold, codec=codec and codec.value, ppg=ppg and ppg.value, fps=fps,
            holes=holes and holes.value, reasons=reasons, force=force,
            workers=Workers(jobs, scheduler), on_progress=on_progress,
        )
    if as_json:
        body = {
            "data_hash": done.manifest.data_hash, "manifest": done.manifest.body(),
            "written": done.written, "kept": done.kept, "failed": _failure_lines(done.failed),
        }
        print_json(body)
    else:
        _print(done, data)
    _fail(done.failed)


def _export(data: Path, *, quiet: bool, as_json: bool, **kwargs: Any) -> None:
    """Write the sessions for another tool, and print what was written."""
    from dataset.export.notes import NOTE
    from dataset.export.write import export_sessions

    with show_progress(quiet=quiet) as on_progress:
        done = export_sessions(data, on_progress=on_progress, **kwargs)
    if as_json:
        entries = [asdict(entry) for entry in done.entries]
        body = {"root": done.root, "entries": entries, "failed": _failure_lines(done.failed)}
        print_json(body)
    elif not done.failed:
        if done.untrusted:
            echo(
                f"the finger's rate cannot be told in {counted(done.untrusted, 'row')}: other "
                "tools do not know, and train on them"
            )
        if (note := done.root / NOTE).exists():
            echo(f"how to use it: {note}")
        echo(f"wrote {counted(len(done.entries), 'recording')}: {done.root}")
    _fail(done.failed)


def _failure_lines(failed: "Sequence[FailedSession]") -> list[str]:
    return [f"{failure.session}: {advise(failure.error, 'convert')}" for failure in failed]


def _fail(failed: "Sequence[FailedSession]") -> None:
    """Print which sessions are missing, a line each, and exit with 1 where there are any."""
    for line in _failure_lines(failed):
        complain(line)
    if failed:
        raise typer.Exit(1)


def _untrusted_lines(entries: "Sequence[Entry]") -> Iterator[str]:
    """Yield at how many rows the finger's rate cannot be told, over all and in each folder."""
    looked_at = [entry for entry in entries if entry.untrusted_frames is not None]
    untrusted = [entry for entry in looked_at if entry.untrusted_frames]
    if untrusted:
        rows = sum(entry.frames for entry in looked_at)
        count = sum(entry.untrusted_frames or 0 for entry in untrusted)
        yield (
            f"the finger's rate cannot be told in {counted(count, 'row')} of {rows}, "
            f"{100 * count / rows:.1f} %: marked, not trained on, in no figure"
        )
        for entry in untrusted:
            share = 100 * (entry.untrusted_frames or 0) / entry.frames
            yield f"  {entry.folder}  {share:.0f} %"
    if len(looked_at) < len(entries):
        yield (
            f"{counted(len(entries) - len(looked_at), 'folder')} of an earlier version without "
            "marks: training looks at the PPG"
        )


def _print(done: "Conversion", data: Path) -> None:
    from rich.table import Table

    from acquire.data_folder import ubfc_dir

    table = Table()
    for name in ("folder", "subject", "session"):
        table.add_column(name)
    for name in ("frames", "trimmed", "repeated", "lost", "bpm"):
        table.add_column(name, justify="right")
    for entry in done.manifest.entries:
        trimmed = sum(span.frames for span in entry.rows.trimmed)
        table.add_row(
            entry.folder, entry.subject,
            entry.key + ("" if entry.source.complete else " (incomplete)"),
            str(entry.frames), str(trimmed), str(sum(span.frames for span in entry.rows.repeated)),
            str(entry.source.lost_frames), f"{entry.labels.hr_bpm:.1f}",
        )
    show(table)
    for line in _untrusted_lines(done.manifest.entries):
        echo(line)
    if done.manifest.fps == "native":
        echo(
            "frames stand at the camera's own times; pyVHR takes the rate for constant, "
            "rPPG-Toolbox and remotebiosensing for 30 frames/s: "
            + word_fix(Fix.EXPORT_FOR_TOOL, "convert")
        )
    kept = f", {len(done.kept)} were there already" if done.kept else ""
    echo(
        f"wrote {counted(len(done.written), 'folder')}{kept}: {ubfc_dir(data)}, data hash "
        f"{done.manifest.data_hash[:12]}"
    )
    if done.failed:
        missing = (
            "1 session is missing"
            if len(done.failed) == 1
            else f"{len(done.failed)} sessions are missing"
        )
        echo(f"{missing}: training waits until all are there, or excluded")
