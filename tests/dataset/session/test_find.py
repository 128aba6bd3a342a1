"""What a person names is found, or the nearest name is told."""

import pytest

from acquire.errors import CurationError, Fix, SessionError
from dataset.session.find import check_data_folder, find_session, session_path
from tests.support.made_sessions import make_session

ID = "S01-20260101T090001Z"


@pytest.fixture
def data(tmp_path):
    make_session(tmp_path / "data", "S01", seconds=1.0)
    return tmp_path / "data"


def test_a_session_is_named_by_its_id_or_its_path(data, tmp_path, monkeypatch):
    path = data / "sessions" / "S01" / f"{ID}.h5"
    assert session_path(data, ID) == path
    assert session_path(data, str(path)) == path
    assert find_session(data, ID) == find_session(data, str(path)) == path
    monkeypatch.chdir(path.parent)
    assert session_path(data, path.name).resolve() == path
    assert session_path(data, "video.mp4").name == "video.mp4"     # for its reader to say
    assert session_path(data, "no/such.h5").name == "such.h5"


@pytest.mark.parametrize(
    ("named", "fix"),
    [
        ("S01-20260101T090001", f"did you mean {ID}?"),
        ("s01-20260101t090001z", f"did you mean {ID}?"),
        ("S01-20260101T090010Z", f"did you mean {ID}?"),
        ("s01", f"s01 is a subject, so name a recording of it, such as {ID}"),
        ("foo", Fix.LIST_SESSIONS),
    ],
)
def test_an_id_that_is_none_names_the_nearest(data, named, fix):
    with pytest.raises(SessionError) as caught:
        session_path(data, named)
    assert caught.value.fix == fix
    with pytest.raises(CurationError) as caught:
        find_session(data, named)
    assert caught.value.fix == fix


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("daat", "found nothing at {0}/daat; did you mean {0}/data?"),
        ("dat", "did you mean {0}/data?"),
        ("Data/sessions", "did you mean {0}/data/sessions?"),
        ("elsewhere", "name another data folder"),
        ("a/b/c", "name another data folder"),
        ("file", "found a file at {0}/file"),
        ("circle", "found a link that leads in a circle at {0}/circle"),
        ("data/sessions", "found recordings right in {0}/data/sessions; did you mean {0}/data?"),
        ("data/sessions/S01", "right in {0}/data/sessions/S01; did you mean {0}/data?"),
        ("data/sessions/S01/..", "did you mean {0}/data?"),
    ],
)
def test_a_data_folder_that_is_not_there_is_named(data, tmp_path, named, says):
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    check_data_folder(data)
    with pytest.raises(CurationError) as caught:
        check_data_folder(tmp_path / named)
    assert says.format(tmp_path) in str(caught.value)
