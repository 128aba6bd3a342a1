"""The verb `acq verify`."""

from pathlib import Path

import typer

from acq.advice import advise
from acq.options import ExistingData, Json, Quiet
from acq.terminal.printing import echo, print_json
from acq.terminal.progress import show_progress
from dataset.common.wording import counted


def verify(data: ExistingData = Path("data"), quiet: Quiet = False, as_json: Json = False) -> None:
    """Compute every hash again: recordings, curated folders, quality, kept frames, runs, card."""
    from dataset.verify.result import FINDING_KINDS
    from dataset.verify.verify import verify_data

    with show_progress(quiet=quiet) as on_progress:
        done = verify_data(data, on_progress=on_progress)
    if as_json:
        findings = [
            {"kind": finding.kind, "place": finding.place, "text": advise(finding.error, "verify")}
            for finding in done.findings
        ]
        print_json({"ok": done.ok, "checked": dict(done.checked), "findings": findings})
    else:
        for finding in done.findings:
            echo(
                f"{finding.kind:9} {advise(finding.error, 'verify')}",
                fg="red" if finding.kind == "broken" else None,
            )
        seen = done.checked
        echo(
            f"checked {counted(seen['sessions'], 'session')}, "
            f"{counted(seen['folders'], 'curated folder')} "
            f"({counted(seen['frames'], 'frame')}), {counted(seen['runs'], 'run')}, "
            f"{seen['bytes'] / 1e9:.2f} GB: "
            + ", ".join(
                f"{sum(finding.kind == kind for finding in done.findings)} {kind}"
                for kind in FINDING_KINDS
            )
        )
    if not done.ok:
        raise typer.Exit(1)
