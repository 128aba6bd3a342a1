"""The verb `acq convert`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acq.advice import advise, word_fix
from acq.options import (
    ExistingData,
    Force,
    JobsByWork,
    Json,
    Quiet,
    Reasons,
    Scheduler,
    choose_workers,
)
from acq.terminal.printing import complain, echo, note, print_json
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from acquire.errors import CurationError, Fix
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.common.workers import Workers
    from dataset.convert.plan import ConversionPlan
    from dataset.convert.settings import RequestedSettings
    from dataset.convert.tasks import FailedSession
    from dataset.convert.to_ubfc import Conversion
    from dataset.export.targets import Target
    from dataset.layouts.manifest import Entry, FrameSpan


class Codec(str, Enum):
    """How vid.avi is stored."""

    RAWVIDEO = "rawvideo"
    MAGICYUV = "magicyuv"
    FFV1 = "ffv1"
    AUTO = "auto"


class To(str, Enum):
    """Whose layout is written."""

    UBFC = "ubfc"
    PURE = "pure"
    PURE_FLAT = "pure-flat"
    BIDS = "bids"


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
    To | None,
    typer.Option("--to", help="ubfc (default): what training reads; pure, pure-flat: the PURE "
                              "layout, for other tools; bids: every recording as a BIDS data set, "
                              "DATA/bids."),
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
    typer.Option("--codec", help="rawvideo (default): read everywhere; magicyuv: a third of the "
                                 "size; ffv1: a little smaller, much slower; auto: by the disk."),
]
PlanOnly = Annotated[
    bool,
    typer.Option("--plan", help="Say what it takes, in bytes and minutes of each codec, and write "
                                "nothing."),
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
    to: ToLayout = None,
    tool: ForTool = None,
    plan: PlanOnly = False,
    fold: FoldNumber = None,
    codec: VideoCodec = None,
    ppg: PpgRow = None,
    fps: FrameRate = None,
    holes: LostFrames = None,
    jobs: JobsByWork = None,
    scheduler: Scheduler = None,
    data: ExistingData = Path("data"),
    reasons: Reasons = False,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the sessions of the split as UBFC folders, DATA/ubfc, and check every frame."""
    from acq.terminal.conversion_plan import show_plan, why_codec
    from dataset.convert.settings import RequestedSettings
    from dataset.export.targets import find_target

    workers, by_disk = choose_workers(jobs, scheduler), codec is Codec.AUTO
    if to is To.BIDS:
        others = {"for": tool, "plan": plan or None, "fold": fold, "ppg": ppg, "fps": fps,
                  "holes": holes, "reasons": reasons or None}
        _to_bids(data, others, codec, workers, force=force, quiet=quiet, as_json=as_json)
        return
    layout = to.value if to else _layout_there(data, tool)
    is_for_others = tool or layout != To.UBFC.value
    target = find_target(layout, tool.value if tool else "") if is_for_others else None
    if target and target.layout != To.UBFC.value and codec:
        raise typer.BadParameter(
            "expected no --codec with --to pure: its pictures are PNG", param_hint="--codec"
        )
    asked = RequestedSettings(
        codec.value if codec and codec is not Codec.AUTO else None, ppg and ppg.value, fps,
        holes and holes.value,
    )
    if plan or by_disk:
        planned = _plan(
            data, target, fold=fold, asked=asked, by_disk=by_disk, workers=workers, quiet=quiet
        )
        if plan:
            show_plan(planned, _failure_lines(planned.failed), as_json=as_json)
            return
        if planned.sessions:                # else all of them are there
            note(why_codec(planned))
        asked = replace(asked, codec=planned.codec)
    if target:
        _export(
            data, target=target, fold=fold, asked=asked, reasons=reasons, force=force,
            workers=workers, quiet=quiet, as_json=as_json,
        )
        return
    _to_ubfc(
        data, fold=fold, asked=asked, reasons=reasons, force=force, workers=workers, quiet=quiet,
        as_json=as_json,
    )


def _layout_there(data: Path, tool: Tool | None) -> str:
    """Return the layout of the export for a tool that is there already, else that of training."""
    from acquire.data_folder import tool_dir
    from dataset.layouts.export_manifest import read_export_manifest

    try:
        return read_export_manifest(tool_dir(data, tool.value)).layout if tool else To.UBFC.value
    except CurationError:
        return To.UBFC.value


def _plan(data: Path, target: "Target | None", *, quiet: bool, **kwargs: Any) -> "ConversionPlan":
    """Try the codecs on a few frames; what is asked for, is there or fits first is its codec."""
    from dataset.convert.plan import plan_conversion
    from dataset.export.write import plan_export

    with show_progress(quiet=quiet) as on_progress:
        if target:
            return plan_export(data, target=target, on_progress=on_progress, **kwargs)
        return plan_conversion(data, on_progress=on_progress, **kwargs)


def _to_ubfc(
    data: Path, *, asked: "RequestedSettings", quiet: bool, as_json: bool, **kwargs: Any
) -> None:
    """Write the sessions as curated folders, and print what was written."""
    from acquire.data_folder import ubfc_dir
    from dataset.convert.to_ubfc import convert_sessions

    with show_progress(quiet=quiet) as on_progress:
        done = convert_sessions(
            data, codec=asked.codec, ppg=asked.ppg, fps=asked.fps, holes=asked.holes,
            on_progress=on_progress, **kwargs,
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
    _look_again(data, ubfc_dir(data))


def _to_bids(
    data: Path, others: dict[str, Any], codec: Codec | None, workers: "Workers", *, force: bool,
    quiet: bool, as_json: bool,
) -> None:
    """Write every recording as a BIDS data set; options in `others` have no meaning there."""
    from dataset.bids.write import export_bids

    if asked := [f"--{name}" for name, value in others.items() if value is not None]:
        raise typer.BadParameter(f"expected no {', '.join(asked)} with --to bids, which has every "
                                 "recording as it is, in no split", param_hint=asked[0])
    if codec is Codec.AUTO:
        raise typer.BadParameter("expected a codec by its name with --to bids",
                                 param_hint="--codec")
    with show_progress(quiet=quiet) as on_progress:
        done = export_bids(
            data, codec=codec.value if codec else "ffv1", force=force, workers=workers,
            on_progress=on_progress,
        )
    if as_json:
        folders = {session: str(folder) for session, folder in done.sessions.items()}
        print_json({"root": done.root, "sessions": folders})
    else:
        echo(f"wrote {counted(len(done.sessions), 'recording')}: {done.root}")
    _look_again(data, done.root)


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
        for line in _short_part_lines((one.session, one.trimmed) for one in done.entries):
            echo(line)
        if (page := done.root / NOTE).exists():
            echo(f"how to use it: {page}")
        echo(f"wrote {counted(len(done.entries), 'recording')}: {done.root}")
    _fail(done.failed)
    _look_again(data, done.root)


def _look_again(data: Path, root: Path) -> None:
    """Print what was decided while this was written and is not in it; exit with 1 then."""
    from dataset.consistency.of_today import find_changed_meanwhile

    if changed := find_changed_meanwhile(data, root):
        complain(f"while this was written: {advise(changed, 'convert')}")
        raise typer.Exit(1)


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


def _short_part_lines(trimmed: "Iterable[tuple[str, Sequence[FrameSpan]]]") -> Iterator[str]:
    """Yield of each session how many good frames went because their part is too short."""
    from dataset.convert.rows import SHORTEST_S, TOO_SHORT
    from dataset.signals.align import SHORT, SHORTEST_RUN_S, WHY_NOT

    shortest_s = {TOO_SHORT: f"{SHORTEST_S:g} s", WHY_NOT[SHORT]: f"{SHORTEST_RUN_S:.1f} s"}
    for session, spans in trimmed:
        for reason, shortest in shortest_s.items():
            if frames := sum(span.frames for span in spans if span.reason == reason):
                yield (
                    f"{session}: {counted(frames, 'frame')} left out, in parts shorter than "
                    f"{shortest} before, between or after holes and excluded parts"
                )


def _trimmed_line(entries: "Sequence[Entry]") -> Iterator[str]:
    """Yield which frames are called trimmed, where any are: how many for each reason."""
    frames: Counter[str] = Counter()
    for span in (span for entry in entries for span in entry.rows.trimmed):
        frames[span.reason] += span.frames
    if frames:
        listed = ", ".join(f"{reason} ({count})" for reason, count in sorted(frames.items()))
        yield f"trimmed are frames of a session that no row shows: {listed}"


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
    entries = done.manifest.entries
    for line in (*_trimmed_line(entries), *_untrusted_lines(entries)):
        echo(line)
    for line in _short_part_lines((one.session, one.rows.trimmed) for one in entries):
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
