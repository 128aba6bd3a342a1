"""A folder with all that may be there of a subject who withdraws, made once."""

import shutil

import pytest


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    from tests.support.made_withdrawals import make_withdrawable

    data = tmp_path_factory.mktemp("withdraw") / "data"
    make_withdrawable(data)
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")
