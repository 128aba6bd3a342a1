"""The page of one session: its player, and what the player asks for."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from acq.web.answers import BadRequest, NotThere
from acquire.data_folder import is_session_id
from acquire.errors import CurationError, SessionError
from dataset.quality.curves import Curve
from dataset.selection.exclusions_file import read_exclusions
from dataset.session.find import find_session
from dataset.timeline import KEPT_CURVES, SessionPlayer

JPEG_QUALITY = 85


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


def other_sessions(path: Path) -> list[str]:
    """Return the names of the subject's other recordings, in order of time."""
    names = (other.stem for other in path.parent.glob("*.h5") if other != path)
    return sorted(name for name in names if is_session_id(name))


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
