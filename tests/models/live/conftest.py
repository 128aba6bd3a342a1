"""A video of a virtual subject and what `acq predict` reads of it, made once for all processes."""

import json

import pytest

from tests.support.kept_files import folder_of_all


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Sixteen seconds of a virtual subject, lossless."""
    from tests.support.subject_video import film_subject

    with folder_of_all(tmp_path_factory, "video") as root:
        path = root / "face.mkv"
        if not path.exists():
            film_subject(root / "half.mkv")
            (root / "half.mkv").chmod(0o444)
            (root / "half.mkv").rename(path)
    return path


@pytest.fixture(scope="session")
def as_live(video, tmp_path_factory):
    """What `acq predict` prints of the video, read as live, and the table it writes."""
    from tests.support.subject_video import acq

    with folder_of_all(tmp_path_factory, "as-live") as root:
        said, table = root / "said.json", root / "pulse.csv"
        if not said.exists():
            done = acq("predict", video, "--as-live", "--json", "--table", table)
            assert done.exit_code == 0, done.output
            said.write_text(done.output)
    return json.loads(said.read_text()), table
