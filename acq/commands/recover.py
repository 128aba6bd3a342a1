"""The verb `acq recover`."""

from dataclasses import asdict
from pathlib import Path

from acq.options import Data, Json, Quiet, SessionFile
from acq.terminal.printing import echo, print_json
from acq.terminal.progress import show_progress
from dataset.common.wording import counted


def recover(
    session: SessionFile,
    data: Data = Path("data"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turn a recording that was killed, cut short or damaged into a clean session.

    The file as it was found is kept as FILE.killed.
    """
    from dataset.recovery.recover import recover as recover_session
    from dataset.session.find import session_path
    from dataset.session.reader import Session

    file = session_path(data, session)
    with show_progress(quiet=quiet) as on_progress:
        recovered = recover_session(file, on_progress=on_progress)
    if as_json:
        body = None
        if recovered is not None:
            body = asdict(recovered)
            body = {"path": body.pop("path"), "survivor": body.pop("kept_as"), **body}
        print_json(body)
    elif recovered is None:
        with Session(file) as whole:
            echo(
                f"nothing to recover: {file} was closed, and all {len(whole.frames)} frames "
                "decode"
            )
    else:
        with Session(Path(recovered.path)) as saved:
            one_sided = saved.sync_one_sided
        bound = (
            f"sync {one_sided}"
            if one_sided
            else "no sync bound"
            if recovered.sync_bound_ms is None
            else f"sync within {recovered.sync_bound_ms:.2f} ms"
        )
        echo(
            f"recovered {recovered.path}: {counted(recovered.frames, 'frame')}, "
            f"{counted(recovered.samples, 'sample')}, "
            f"{bound}"
        )
        echo(
            f"dropped {counted(recovered.dropped_frames, 'frame')} and "
            f"{counted(recovered.dropped_samples, 'sample')} "
            "that were "
            "not whole"
        )
        echo(f"kept what was found as {recovered.kept_as}")
