"""The sketch is built with the tools that are there, and written by tools that only log calls."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from acquire.errors import DeviceError
from acquire.sensor import flash


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A PATH with nothing but the tools that the test adds; each tool logs its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name, *, fails=0, says="", makes=""):
        """Install a tool.

        `fails` of its calls end with 1 and print `says`; `makes` is the file that it writes to
        --output-dir.
        """
        (folder / name).write_text(
            f"#!{sys.executable}\n"
            "import json, pathlib, sys\n"
            "log = pathlib.Path(__file__ + '.log')\n"
            "calls = json.loads(log.read_text()) if log.exists() else []\n"
            "log.write_text(json.dumps([*calls, sys.argv[1:]]))\n"
            f"if len(calls) < {fails}: sys.exit({says!r})\n"
            f"if {makes!r}: pathlib.Path(sys.argv[sys.argv.index('--output-dir') + 1], "
            f"{makes!r}).write_text(':00000001FF')\n"
            f"print({says!r})\n"
        )
        (folder / name).chmod(0o755)

    def called(name):
        return json.loads((folder / f"{name}.log").read_text())

    return SimpleNamespace(add=add, called=called, folder=folder)


@pytest.fixture
def board(program):
    """The port of a twin: what answers with HELLO after it was written to."""
    with subprocess.Popen(
        [program, "--duration", "20", "--max30102", "0"], stdout=subprocess.PIPE, text=True
    ) as twin:
        assert twin.stdout
        yield twin.stdout.readline().split()[1]
        twin.terminate()


def port(device, vid=None, description="n/a"):
    return SimpleNamespace(device=device, vid=vid, description=description)


@pytest.mark.twin
def test_builds_with_avr_gcc(acq_here, program, tmp_path):
    done = acq_here("firmware", "build", "--out", "here")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/ppg_logger.hex").read_text().startswith(":")
    assert "by avr-gcc: flash " in done.stdout
    assert " of 32256 B (" in done.stdout
    again = acq_here("firmware", "build", "--out", "here")
    assert again.stdout == done.stdout                  # also where nothing was left to do


def test_builds_with_arduino_cli_where_there_is_no_compiler(tools, tmp_path):
    tools.add("arduino-cli", says="Sketch uses 7000 bytes", makes="ppg_logger.ino.hex")
    built = flash.build_sketch(tmp_path / "out")
    assert built == flash.BuiltSketch(
        tmp_path / "out/ppg_logger.ino.hex", "arduino-cli", "Sketch uses 7000 bytes"
    )
    (call,) = tools.called("arduino-cli")
    assert call[:3] == ["compile", "--fqbn", "arduino:avr:uno"]
    assert (Path(call[-1]) / "ppg_logger.ino").exists()


def test_a_build_that_fails_says_why(tools, tmp_path):
    tools.add("arduino-cli", fails=9, says="Error during build: Platform 'arduino:avr' not found")
    with pytest.raises(flash.AcqError, match="Platform 'arduino:avr' not found"):
        flash.build_sketch(tmp_path / "out")


@pytest.mark.parametrize(
    ("platform", "advice"),
    [
        ("linux", "apt-get install make gcc-avr"), ("darwin", "brew install arduino-cli"),
        ("win32", "winget install Arduino"),
    ],
)
def test_without_tools_it_says_how_to_get_them(tools, tmp_path, monkeypatch, platform, advice):
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(flash.AcqError, match=advice):
        flash.build_sketch(tmp_path / "out")
    with pytest.raises(flash.AcqError, match="expected avrdude or arduino-cli"):
        flash.write_sketch(tmp_path / "x.hex", "/dev/ttyX")


@pytest.mark.real_time
@pytest.mark.twin
def test_writes_with_avrdude_at_either_bootloader_s_speed(board, tools, tmp_path):
    tools.add(
        "avrdude", fails=1, says="avrdude: stk500_getsync() attempt 1 of 10: not in sync: resp=0x00"
    )
    tools.add("arduino-cli")
    progress = []
    done = flash.write_sketch(tmp_path / "x.hex", board, say=progress.append)
    assert (done.port, done.tool, flash.describe_firmware(done.hello)) == (
        board, "avrdude", "ppg_logger 0.2.0, sensor MAX30102",
    )
    assert [call[call.index("-b") + 1] for call in tools.called("avrdude")] == ["115200", "57600"]
    assert all(
        f"flash:w:{tmp_path / 'x.hex'}:i" in call and board in call
        for call in tools.called("avrdude")
    )
    assert progress == [
        f"avrdude: writing to {board}, 115200 baud", f"avrdude: writing to {board}, 57600 baud",
    ]
    assert not (tools.folder / "arduino-cli.log").exists()


@pytest.mark.real_time
@pytest.mark.twin
def test_writes_with_arduino_cli(board, tools, tmp_path):
    tools.add("arduino-cli")
    assert flash.write_sketch(tmp_path / "x.hex", board).tool == "arduino-cli"
    assert tools.called("arduino-cli") == [
        [
            "upload", "--fqbn", "arduino:avr:uno", "--port", board, "--input-file",
            str(tmp_path / "x.hex"),
        ]
    ]


def test_a_bootloader_that_does_not_answer_is_one_line(tools, tmp_path):
    tools.add("avrdude", fails=9, says="avrdude: stk500_recv(): programmer is not responding")
    with pytest.raises(
        DeviceError, match=r"115200 baud: .*not responding; 57600 baud: .*not responding"
    ):
        flash.write_sketch(tmp_path / "x.hex", "/dev/ttyX")


@pytest.mark.real_time
@pytest.mark.twin
def test_the_command_writes_to_the_board_it_is_told(acq_here, board, tools):
    tools.add("avrdude")
    tools.add("arduino-cli", says="Sketch uses 7000 bytes", makes="ppg_logger.ino.hex")
    done = acq_here("firmware", "flash", "--port", board)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{board} now says: ppg_logger 0.2.0, sensor MAX30102\n"
    assert [call[0] for call in tools.called("arduino-cli")] == ["compile"]


def test_nothing_at_a_port_is_nobody():
    assert flash.identify_board("/dev/null") is None


@pytest.mark.parametrize(
    ("ports", "answers", "expected"),
    [
        pytest.param(
            [port("/dev/ttyS0"), port("/dev/ttyACM0", 0x2341)], {}, "/dev/ttyACM0",
            id="the one on USB",
        ),
        pytest.param(
            [port("COM3", 0x1A86), port("COM7", 0x0403)], {"COM7": "ppg_logger"}, "COM7",
            id="the one that runs it",
        ),
    ],
)
def test_finds_the_board(ports, answers, expected):
    assert flash.find_board(ports, identify=answers.get) == expected


@pytest.mark.parametrize(
    ("ports", "answers", "message"),
    [
        pytest.param([], {}, "no serial port at all", id="nothing"),
        pytest.param([port("/dev/ttyS0")], {}, r"found /dev/ttyS0 \(n/a\)", id="no adapter"),
        pytest.param(
            [port("COM3", 0x1A86), port("COM7", 0x0403)], {}, r"COM3 \(CH340: no answer\), COM7",
            id="neither",
        ),
        pytest.param(
            [port("COM3", 0x1A86), port("COM7", 0x0403)], {"COM3": "x", "COM7": "y"},
            r"found 2: COM3 .*; name the port", id="both",
        ),
    ],
)
def test_refuses_to_guess(ports, answers, message):
    with pytest.raises(DeviceError, match=message):
        flash.find_board(ports, identify=answers.get)


def test_a_wheel_s_sketch_is_found_and_whole(repo, tmp_path):
    """What setup.py puts beside the modules is all that the build needs."""
    shutil.copytree(
        repo / "acquire", tmp_path / "acquire",
        ignore=shutil.ignore_patterns("portrait", "__pycache__"),
    )
    code = "from acquire.sensor.flash import sketch_folder; print(sketch_folder())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run():
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True,
            text=True, check=False,
        )

    assert "expected the sketch, found none in" in run().stderr
    shutil.copytree(repo / "firmware/ppg_logger", tmp_path / "acquire/firmware/ppg_logger")
    assert run().stdout.strip() == str(tmp_path / "acquire/firmware")
