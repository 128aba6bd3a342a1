"""A network of another package, found by its entry point: trained, saved, read, in the tables."""

import shutil
import sys

import pytest

pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.evaluation.compare import compare_methods
from models.evaluation.methods import TITLES
from models.experiment.run import train_kd
from models.published_nets import registry, titles
from models.report.method import method
from models.report.tables import results
from models.training.recipe import Recipe
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.pages import Tables

MODULE = '''
from dataclasses import dataclass, replace

from models.published_nets.attention import deepphys

@dataclass(frozen=True)
class Config(deepphys.DeepPhysConfig):
    channels: tuple[int, int] = (4, 6)
    hidden: int = 8
    clip: int = 6

class Net(deepphys.DeepPhys):
    def __init__(self, config=None):
        super().__init__(config or Config())

SPEC = replace(
    deepphys.SPEC, name="mynet", title="A net of mine", reference="Me, 2026", net=Net,
    config=Config,
)
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package as pip leaves it, with an entry point of ours, and one that is broken."""
    (tmp_path / "foreign_net.py").write_text(MODULE)
    about = tmp_path / "foreign_net-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-net\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        f"[{registry.GROUP}]\nbroken = foreign_net.nothere:SPEC\nmynet = foreign_net:SPEC\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "foreign_net", raising=False)
    titles.entries.cache_clear()
    yield
    titles.entries.cache_clear()
    registry.loaded.pop("mynet", None)


def test_a_network_of_another_package_is_trained_read_again_and_named(
    installed, tmp_path, monkeypatch
):
    data = write_curated_folders(tmp_path / "data", three_entries())
    recipe = Recipe(epochs=1, teacher_epochs=1, precision="float32", also=("mynet",))
    monkeypatch.setattr("models.report.write.write_report", lambda *_, **__: None)
    run = train_kd(data, recipe=recipe, device="cpu")
    assert (run.folder / "mynet.safetensors").is_file()
    videos = run.metrics["methods"]["mynet"]["videos"]
    again = compare_methods(data, [run.folder.name]).summary()["methods"]
    assert again[f"{run.folder.name}/mynet"]["videos"] == videos
    assert "A net of mine" in [row[0] for row in Tables(results(run.metrics)).all[0]]
    assert "A net of mine (Me, 2026): its change is summed up to a pulse" in method(run.metrics)
    uninstall(tmp_path)
    with pytest.raises(TrainingError, match=r"found mynet in .*install the package that"):
        compare_methods(data, [f"{run.folder.name}/mynet"])
    assert [*compare_methods(data, [f"{run.folder.name}/student", "pos"]).videos][1] == "pos"


def uninstall(folder):
    shutil.rmtree(folder / "foreign_net-1.dist-info")
    titles.entries.cache_clear()
    del registry.loaded["mynet"]


def test_a_title_is_the_name_where_the_package_cannot_be_loaded(installed, tmp_path):
    """As on a board without torch, where tables of runs are read."""
    (tmp_path / "foreign_net.py").write_text("import no_such_torch")
    assert TITLES["mynet"] == "mynet"
