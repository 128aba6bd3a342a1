"""The description beside kept face frames says which video they are of."""

import pytest

from acquire.errors import CurationError
from dataset.face.kept_frames import KeptOf, read_kept_of


def test_the_video_is_named(tmp_path):
    path = tmp_path / "0f.json"
    path.write_text('{"video": "vid.avi", "video_sha256": "ab12", "box": {}}')
    assert read_kept_of(path) == KeptOf("ab12", "vid.avi")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"video_sha256": 5}'])
def test_a_damaged_description_is_named(tmp_path, text):
    path = tmp_path / "0f.json"
    path.write_text(text)
    with pytest.raises(CurationError, match="expected the description of face frames") as caught:
        read_kept_of(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
