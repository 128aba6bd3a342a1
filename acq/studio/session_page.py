"""The page of one session: its player, and what the player asks for."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from acq.web.answers import BadRequest, NotThere
from acquire.data_folder import is_session_id
from acquire.errors import CurationError, SessionError
from dataset.catalogue.listing import Listing
from dataset.catalogue.row import Row
from dataset.quality.curves import Curve, curves_to_draw
from dataset.quality.result import read_current_quality
from dataset.selection.exclusions_file import read_exclusions
from dataset.session.find import find_session
from dataset.timeline import KEPT_CURVES, SessionPlayer

JPEG_QUALITY = 85
MOST_DAYS = 12


def session_file(data: Path, name: str) -> Path:
    """Return the recording that an address names.

    Raises
    ------
    NotThere : there is none of that name, or two
    """
    try:
        if not is_session_id(name):
            raise CurationError(expected="a session id", found=name, fix="choose one of the list")
        return find_session(data, name)
    except CurationError as error:
        raise NotThere(
            expected=error.expected, found=error.found, where=error.where, fix=error.fix,
            **({"of": error.of} if error.of else {}),
        ) from error


@dataclass(frozen=True)
class Day:
    """One recording of a subject, beside its others."""

    name: str
    is_here: bool                        # the one whose page it is
    row: Row                             # of the catalogue
    hr_s: list[float]                    # times [s after its start] of the finger's heart rates
    hr_bpm: list[float | None]           # as they were graded; empty where they were not


def has_others(path: Path) -> bool:
    """Return whether the subject of a recording has others."""
    return any(
        other != path and other.name[0] != "." for other in path.parent.glob("*.h5")
    )


def days_of(path: Path, listing: Listing) -> list[Day]:
    """Return the recordings of a subject that can be read, the oldest first, at most `MOST_DAYS`.

    The one at `path` is among them; of many others the newest are.
    """
    rows = {
        row.file: row for row in listing.rows
        if Path(row.file).parent.name == path.parent.name and row.state != "unreadable"
        and is_session_id(Path(row.file).stem)
    }
    files = sorted(rows, key=lambda file: (rows[file].started or "", file))
    others = [file for file in files if Path(file).name != path.name][-(MOST_DAYS - 1):]
    shown = [file for file in files if file in others or Path(file).name == path.name]
    return [_day(path.with_name(Path(file).name), path, rows[file]) for file in shown]


def _day(file: Path, here: Path, row: Row) -> Day:
    try:
        _, quality = read_current_quality(file)
    except (CurationError, OSError):     # the row says that it is unreadable
        quality = None
    curve = curves_to_draw(file, quality.session_hash).get("ppg_hr") if quality else None
    return Day(
        file.stem, file.name == here.name, row,
        *((curve.x.tolist(), curve.y.tolist()) if curve else ([], [])),
    )


def timeline(player: SessionPlayer, data: Path) -> dict[str, object]:
    """Return what the player's page shows at once."""
    shown = player.timeline()
    excluded = read_exclusions(data).of(shown.session_id)
    return {
        **asdict(shown), "frames": len(player.frame_s), "labels": KEPT_CURVES,
        "excluded": [
            {**asdict(exclusion), "part": exclusion.part_text, "whole": exclusion.is_whole}
            for exclusion in excluded
        ],
    }


def curves(player: SessionPlayer, from_text: str, to_text: str) -> dict[str, dict[str, object]]:
    """Return the curves of a part, whose ends [s] are text of an address.

    Raises
    ------
    BadRequest : they are no part
    """
    try:
        from_s, to_s = float(from_text), float(to_text)
    except ValueError:
        from_s = to_s = float("nan")
    if not from_s < to_s:
        raise BadRequest(
            expected="from and to in seconds", found=f"{from_text!r} and {to_text!r}",
            fix="load the page again",
        )
    return {name: _as_lists(curve) for name, curve in player.curves(from_s, to_s).items()}


def _as_lists(curve: Curve) -> dict[str, object]:
    return {"x": curve.x.tolist(), "y": curve.y.tolist(), "unit": curve.unit}


def frame_times(player: SessionPlayer) -> bytes:
    """Return when each frame's light fell [s after the start], as little-endian float64."""
    return player.frame_s.astype("<f8").tobytes()


def jpeg(player: SessionPlayer, at: int) -> bytes:
    """Return a frame as JPEG.

    Raises
    ------
    NotThere : there is no such frame
    SessionError : it does not decode
    """
    import cv2

    try:
        frame = player.frame(at)
    except IndexError as error:
        raise NotThere(expected="a frame of the session", found=error, fix="choose another") \
            from error
    is_made, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(frame[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not is_made:
        raise SessionError(expected=f"frame {at} as JPEG", found="none", where=player.path)
    return data.tobytes()
