"""Curation: from recorded sessions to subject-disjoint folders in the UBFC-rPPG layout."""

from typing import TYPE_CHECKING

from acquire.lazy import public_names

if TYPE_CHECKING:
    from dataset.quality.grade_sessions import grade_sessions

    from .catalogue.listing import read_catalogue
    from .convert.to_ubfc import convert_sessions
    from .layouts.manifest_file import read_manifest
    from .selection.split_file import read_split
    from .session.reader import Session as open_session

__all__ = [
    "convert_sessions", "grade_sessions", "open_session", "read_catalogue", "read_manifest",
    "read_split",
]

__getattr__, __dir__ = public_names(__name__, {
    "convert_sessions": "dataset.convert.to_ubfc",
    "grade_sessions": "dataset.quality.grade_sessions",
    "open_session": "dataset.session.reader:Session",
    "read_catalogue": "dataset.catalogue.listing",
    "read_manifest": "dataset.layouts.manifest_file",
    "read_split": "dataset.selection.split_file",
})
