"""What was checked, and where a face is, as plain values for a page."""

from collections.abc import Iterable
from typing import Any

from acq.advice import PAGE, word_fix
from acquire.errors import Fix
from dataset.face.box import FaceBox
from dataset.preflight.result import FAIL, OK, WARN, Check
from dataset.preflight.view import View

_STYLES = {OK: "good", WARN: "doubtful", FAIL: "bad"}


def check_rows(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Return each check as a name, words, a style and advice."""
    return [
        {
            "name": check.name, "words": check.text, "style": _STYLES[check.status],
            "advice": word_fix(check.fix, PAGE) if isinstance(check.fix, Fix) else check.fix,
        }
        for check in checks
    ]


def view_boxes(view: View) -> dict[str, Any]:
    """Return the boxes of a view [pixels], and whether all that was checked is well."""
    return {
        "width": view.width, "height": view.height, "frame": _edges(view.frame),
        "face": None if view.face is None else _edges(view.face),
        "is_good": all(check.status == OK for check in view.checks),
    }


def _edges(box: FaceBox) -> list[int]:
    return [box.left, box.top, box.right, box.bottom]
