"""The files of public sets beside UBFC-rPPG and PURE: whole ones, and what reads them."""

import functools
import shutil
import tempfile
from pathlib import Path

from tests.support.hostile_files import Target

_LGI_TIMES, _LGI_SAMPLES = "cv_camera_sensor_timer_stream_handler.xml", "cms50_stream_handler.xml"


@functools.cache
def made(name: str) -> Path:
    """Make one recording of a set, once; return the folder that holds the set."""
    from tests.support import pulsing_sets

    root = Path(tempfile.mkdtemp(prefix="acq-fuzz-"))
    made_with = {"make_ubfc_phys": {"seconds": 1.0}}
    getattr(pulsing_sets, name)(root, **made_with.get(name, {}))
    return root


def target(name: str, file: str, make: str, reader: str, recording: str) -> Target:
    """Return the target of one file of a set; `recording` is the path that the set's reader gets.

    Parameters
    ----------
    file : its path from the set's root
    reader : module of `dataset.public.readers`
    """
    def read(path: Path) -> None:
        import importlib

        root = Path(str(path).removesuffix(file))
        for other in made(make).rglob("*"):
            place = root / other.relative_to(made(make))
            if other.is_file() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(other, place)
        found = importlib.import_module(f"dataset.public.readers.{reader}")
        for _ in found.read_recording(root / recording).video.pictures:
            pass

    def whole() -> bytes:
        return (made(make) / file).read_bytes()

    return Target(name, file, whole, read)


SETS = (
    target("BVP", "s1/bvp_s1_T1.csv", "make_ubfc_phys", "ubfc_phys", "s1/vid_s1_T1.avi"),
    target("MMPD", "subject1/p1_0.mat", "make_mmpd", "mmpd", "subject1/p1_0.mat"),
    target("iBVP table", "p01_a/p01_a_bvp.csv", "make_ibvp", "ibvp", "p01_a"),
    target("iBVP picture", "p01_a/p01_a_rgb/00000.bmp", "make_ibvp", "ibvp", "p01_a"),
    target("COHFACE", "1/0/data.hdf5", "make_cohface", "cohface", "1/0"),
    target("LGI times", f"alex/alex_gym/{_LGI_TIMES}", "make_lgi_ppgi", "lgi_ppgi",
           "alex/alex_gym"),
    target("LGI samples", f"alex/alex_gym/{_LGI_SAMPLES}", "make_lgi_ppgi", "lgi_ppgi",
           "alex/alex_gym"),
    target("SCAMPS", "P000001.mat", "make_scamps", "scamps", "P000001.mat"),
)
