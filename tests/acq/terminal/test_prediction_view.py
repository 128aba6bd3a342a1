"""The last line of a file in which nothing was read says what to do, where that is known."""

from pathlib import Path

import pytest

from acq.terminal.prediction_view import echo_prediction
from models.live.predict import Prediction, PredictionRow
from models.live.states import DARK, FACE_LOST, LOOKING, SETTLING, LiveReading


@pytest.mark.parametrize(("seconds", "states", "is_live", "last"), [
    (12.0, [(0, LOOKING), (7.9, FACE_LOST)], False,
     "; 8 s without a face: where people lie on their side or upside down in it, turn the video "
     "first"),
    (10.0, [(0, LOOKING), (0.3, SETTLING)], True,
     "; as live it takes 11 s of a face: without --as-live 6 s are enough"),
    (20.0, [(0, SETTLING), (8, FACE_LOST)], True, ""),
    (5.0, [(0, SETTLING)], False, ""),
    (12.0, [(0, DARK)], False, ""),
])
def test_the_last_line_says_what_to_do(capsys, seconds, states, is_live, last):
    readings = [LiveReading(begin_s, state, state) for begin_s, state in states]
    ends = [*(reading.time_s for reading in readings[1:]), seconds]
    spans = [(one.time_s, end, one) for one, end in zip(readings, ends, strict=True)]
    echo_prediction(
        Prediction(
            Path("v.mp4"), False, 100, seconds, [PredictionRow(one, None) for one in readings], 0,
            "", 1.0, states=None if is_live else spans,
        ), "a network", reference="finger",
    )
    assert capsys.readouterr().out.splitlines()[-1] == f"no heart rate was read{last}"
