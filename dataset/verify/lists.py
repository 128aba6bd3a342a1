"""Verify the files that lie beside the sessions: split, exclusions, withdrawals, the rig.

Each is read as it is where it is used. And that no file lies in the place of a folder, where
nothing would be looked for.
"""

from pathlib import Path

from acquire import data_folder
from acquire.calibration.rig_file import read_rig
from acquire.errors import CalibrationError, CurationError, Fix, SplitError
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split_file import read_split
from dataset.withdraw.find_files import PLAN
from dataset.withdraw.plan import read_plan
from dataset.withdraw.record import read_withdrawals

from .result import References, Verification


def verify_lists(data: Path, verification: Verification, references: References) -> None:
    """Read split and exclusions into `references`, and the rig and the record of withdrawals."""
    path = data_folder.split_file(data)
    if data_folder.is_there(path):
        try:
            references.split = read_split(path)
        except SplitError as error:
            verification.add("broken", path, error)
    else:
        verification.add(
            "unchecked", path,
            SplitError(
                f"no split at {path}: nothing says what the recordings should be", fix=Fix.SPLIT
            ),
        )
    try:
        references.exclusions = read_exclusions(data)
    except CurationError as error:
        verification.add("broken", data_folder.exclusions_file(data), error)
    for folder in (
        data_folder.ubfc_dir(data), data_folder.runs_dir(data), data_folder.quality_dir(data),
        data_folder.pure_dir(data), data_folder.bids_dir(data), data_folder.tools_dir(data),
    ):
        if data_folder.is_there(folder) and not folder.is_dir():
            verification.add("broken", folder, CurationError(
                expected="a folder", found=data_folder.name_kind(folder), where=f"at {folder}",
                fix="move it away",
            ))
    _verify_unread(data, verification)


def _verify_unread(data: Path, verification: Verification) -> None:
    """Read what no later step needs: the rig, and what withdrawals wrote down."""
    for path, read in (
        (data_folder.rig_file(data), read_rig),
        (data_folder.withdrawals_file(data), read_withdrawals),
    ):
        try:
            read(data)
        except (CalibrationError, CurationError) as error:
            verification.add("broken", path, error)
    try:
        plan = read_plan(data)
    except CurationError as error:
        verification.add("broken", data / PLAN, error)
    else:
        if plan is not None:
            error = CurationError(
                f"a withdrawal was interrupted: {data / PLAN} is left of it",
                fix=Fix.COMPLETE_WITHDRAWAL, of=plan.subject,
            )
            verification.add("broken", data / PLAN, error)
