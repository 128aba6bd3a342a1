"""The registry: networks of other packages, and entry points that are none."""

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.published_nets import registry, titles
from models.published_nets.attention import deepphys

MINE = replace(deepphys.SPEC, name="mine", title="Mine")
NOT_A_NETWORK = object()


@pytest.fixture
def entries(monkeypatch):
    """Let other packages have these entry points: a function of name and object."""

    def install(**objects):
        found = [
            EntryPoint(name, f"{__name__}:{value}", registry.GROUP)
            for name, value in objects.items()
        ]
        monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])
        monkeypatch.setattr(titles, "entry_points", lambda group: found)
        titles.entries.cache_clear()

    yield install
    titles.entries.cache_clear()
    registry.loaded.pop("mine", None)


def test_a_network_of_another_package_stands_last(entries):
    entries(mine="MINE")
    assert [*registry.networks()] == [*registry.OWN, "mine"]
    assert [*titles.titles()] == [*registry.OWN, "mine"]
    assert titles.titles()["mine"] == registry.networks()["mine"].title == "Mine"


def test_a_wrong_name_is_told_of_before_a_package_that_is_broken(entries):
    from models.training.beside import check_beside, choose_teacher
    from models.training.recipe import Recipe

    entries(mine="MISSING")
    asked = r"entry point mine =.*leave that network out"
    with pytest.raises(TrainingError, match="did you mean physnet"):
        check_beside(("physnett",))
    with pytest.raises(TrainingError, match="did you mean physnet"):
        choose_teacher(Recipe(teacher="physnett"))
    assert check_beside(()) == ()
    for name in ("mine", "all"):
        with pytest.raises(TrainingError, match=asked):
            check_beside((name,))
    with pytest.raises(TrainingError, match=asked):
        choose_teacher(Recipe(teacher="mine"))


def test_a_package_that_is_broken_harms_nobody_who_does_not_ask_for_it(entries):
    from models.nets.can import Student, describe_net, find_kind
    from models.training.beside import check_beside, choose_teacher
    from models.training.recipe import Recipe

    entries(broken="MISSING", mine="MINE", student="MISSING", can="MISSING")
    assert registry.find_network("student") is registry.find_network("can") is None
    assert check_beside(("mine", "physnet")) == ("physnet", "mine")
    assert choose_teacher(Recipe(teacher="mine")).teacher == "mine"
    assert describe_net(Student())["net"] == "student"
    assert find_kind("mine") == (MINE.net, MINE.config)
    assert find_kind("nowhere") is None
    assert titles.titles()["broken"] == "broken"


def test_a_name_that_two_networks_have_is_refused_where_it_is_asked_for(entries):
    entries(deepphys="MINE", mine="MINE")
    assert registry.find_network("mine") is MINE
    with pytest.raises(TrainingError, match=r"one network of the name deepphys.*entry point deep"):
        registry.find_network("deepphys")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        pytest.param("mine", "NOT_A_NETWORK", "found object", id="no network"),
        pytest.param("yours", "MINE", "found mine", id="another name"),
        pytest.param("mine", "MISSING", "found 'MISSING'", id="nothing there"),
    ],
)
def test_an_entry_point_that_is_none_is_refused_with_its_name(entries, name, value, found):
    entries(**{name: value})
    with pytest.raises(TrainingError, match=f"{found}.*entry point {name} ="):
        registry.find_network(name)
