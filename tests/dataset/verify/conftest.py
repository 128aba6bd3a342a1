"""A data folder in which nothing is broken, made once."""

import shutil

import pytest


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    from tests.support.whole_folders import make_whole

    data = tmp_path_factory.mktemp("verify") / "data"
    make_whole(data)
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")
