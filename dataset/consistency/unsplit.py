"""Recordings in no split: what came since the look that a split is of, and is not used.

Apart from `of_today`, which reads manifests of exports: `acq split` asks here, and loads less.
"""

from pathlib import Path

from acquire import data_folder
from acquire.errors import Fix, SplitError
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split_file import read_split
from dataset.session.hdf5 import was_never_closed

_MOST_NAMED = 4


def find_unsplit(data: Path) -> list[SplitError]:
    """Return an error that names the recordings in no split, where there is a split.

    They take nothing from what was made without them; they are told of, and the rest is used.

    Raises
    ------
    SplitError, CurationError : the split or the exclusions cannot be read
    """
    path = data_folder.split_file(data)
    if not data_folder.is_there(path):
        return []
    split, exclusions = read_split(path), read_exclusions(data)
    used = {session.file for session in split.sessions}
    new = [
        file.stem for file in data_folder.session_files(data)
        if file.relative_to(data).as_posix() not in used and not exclusions.is_excluded(file.stem)
        and not was_never_closed(file)
    ]
    if not new:
        return []
    more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
    return [
        SplitError(
            f"recorded, imported or included since the look that {path} is of, and not used: "
            f"{', '.join(new[:_MOST_NAMED])}{more}", fix=Fix.SPLIT_AND_CONVERT_AGAIN,
        )
    ]
