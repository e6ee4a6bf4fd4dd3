"""Promises of rebuilding environments: only packages are asked for; an equal one is used."""

import os

import pytest

from mlops_cli.errors import IntegrityError
from mlops_cli.pipeline.reproduction import pythons
from mlops_cli.pipeline.reproduction.environments import cache_folder
from mlops_cli.pipeline.reproduction.rebuild import rebuild
from mlops_cli.runs import environment


def quiet(_: str) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "version"),
    [("--index-url", "1"), ("x @ http://evil", "1"), ("x", "1 --pre"), ("x", ""), ("x\ny", "1")],
)
def test_a_record_cannot_give_options_to_an_installer(name: str, version: str) -> None:
    with pytest.raises(IntegrityError, match="which is none"):
        rebuild({"packages": {name: version}}, os.environ, own=None, tell=quiet)
    assert not cache_folder(os.environ).exists()


def test_an_environment_equal_to_this_one_is_this_one() -> None:
    here = environment.collect(os.environ, os.environ["PATH"])
    built = rebuild(here, os.environ, own=None, tell=quiet)
    assert (built.programs, built.how) == (None, "as recorded, here")


def test_a_python_that_is_nowhere_is_replaced_by_this_one() -> None:
    found = pythons.find("3.99.0", {"PATH": "/nowhere"})
    assert found.minor == ".".join(
        environment.interpreter(os.environ["PATH"]).version.split(".")[:2]
    )  # type: ignore[union-attr]


def test_the_cache_is_where_the_system_keeps_caches() -> None:
    assert str(cache_folder({"XDG_CACHE_HOME": "/c"})) == "/c/mlo/environments"
    assert str(cache_folder({"XDG_CACHE_HOME": "c"})).endswith("/.cache/mlo/environments")
