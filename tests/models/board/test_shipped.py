"""The student that comes with acq: one network in three files, and what its card says of it."""


import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from typer.testing import CliRunner

from acq.main import app
from acquire.camera.frame_times import read_frame_times
from acquire.errors import Fix, TrainingError
from dataset.people import Person
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.windows import even_grid, to_even_grid
from models.board.onnx_net import SHIPPED, open_net
from models.export.verify import verify_net
from models.live.predict import predict
from models.live.pulse import open_live_pulse
from models.live.states import NO_PULSE, READING, SETTLING
from models.nets.can import Student, count_parameters
from models.nets.checkpoint import load_checkpoint

CHECKPOINT = SHIPPED / "student.safetensors"


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(CHECKPOINT)


def test_checkpoint_and_onnx_are_one_network(checkpoint):
    assert isinstance(checkpoint.net, Student)
    assert count_parameters(checkpoint.net) == 24_769
    assert verify_net(SHIPPED / "student.onnx", checkpoint.net) < 1e-5
    constants = open_net(SHIPPED / "student.onnx").constants
    assert (constants["data_hash"], constants["split_hash"]) == (
        checkpoint.data_hash, checkpoint.split_hash,
    )


def test_int8_says_nearly_the_same():
    motion = np.random.default_rng(0).normal(size=(200, 3, 36, 36)).astype(np.float32)
    full, small = (
        open_net(SHIPPED / name).predict(motion) for name in ("student.onnx", "student-int8.onnx")
    )
    assert np.corrcoef(full, small)[0, 1] > 0.99
    assert open_net(SHIPPED / "student-int8.onnx").constants["precision"] == "int8"


def test_each_file_is_about_a_hundred_kilobytes():
    # 99 kB of weights; the checkpoint also names 260 people
    assert (SHIPPED / "student.safetensors").stat().st_size < 125_000
    assert all(
        (SHIPPED / name).stat().st_size < 110_000
        for name in ("student.onnx", "student-int8.onnx")
    )


def test_what_ships_has_learnt_from_nobody_real_and_says_from_whom():
    for path in SHIPPED.glob("*.safetensors"):
        learnt_from = load_checkpoint(path).learnt_from
        assert learnt_from is not None
        assert not learnt_from.who_of([Person(f"S{n:02d}", "real") for n in range(1, 100)])
        assert all(person.nature == "virtual" for person in learnt_from.named)
        # people of `acq simulate --seed 51` are not tested with what learnt from them
        assert learnt_from.who_of([Person("S1", "virtual", 51)]) == ["S1"]


def test_it_is_exported_to_a_folder_that_is_named():
    result = CliRunner().invoke(app, ["export", "shipped"])
    assert isinstance(result.exception, TrainingError)
    assert result.exception.fix is Fix.EXPORT_ELSEWHERE
    assert not (SHIPPED / "board").exists()


def test_the_card_names_what_it_was_trained_on(checkpoint):
    card = (SHIPPED / "README.md").read_text()
    assert checkpoint.data_hash[:12] in card
    learnt_from = checkpoint.learnt_from
    seeds = [person.seed for person in learnt_from.named]
    assert f"{seeds.count(51)} virtual subjects of" in card
    assert f"{seeds.count(61)} people who were rendered" in card
    drawn = learnt_from.drawn
    assert all(f"seed {one.seed}" in card for one in drawn)
    assert all(f"{one.batches:,} batches" in card for one in drawn)


@pytest.mark.shared
def test_trained_on_virtual_people_it_reads_a_real_face_within_three_bpm(real_face):
    """Read as it would be live; the PPG's heart rate is that of the whole clip, by spectrum."""
    result = predict(
        open_live_pulse(), real_face / "video.mkv", times=real_face / "frames_timestamp.csv"
    )
    states = [one.state for _, _, one in result.spans]
    assert states[0] == SETTLING
    assert set(states[1:]) <= {READING, NO_PULSE}       # a number comes and goes with its window
    assert len(result.rows_with_rate) >= 1
    at_s, ppg = np.loadtxt(real_face / "ppg.csv", delimiter=",", skiprows=1).T
    fs_hz = even_grid(at_s)[1]
    assert result.hr_bpm == pytest.approx(
        heart_rate(bandpass(to_even_grid(ppg, at_s), fs_hz), fs_hz), abs=3.0
    )
    assert result.frames == len(read_frame_times(real_face / "frames_timestamp.csv"))
