import importlib.metadata
import os
import sys
from pathlib import Path

from mlops_cli.runs.environment import collect, interpreter, packages, search_path


def test_packages_agree_with_importlib_metadata() -> None:
    found = packages([one for one in sys.path if one.endswith("site-packages")])
    for name in ("numpy", "scikit-learn", "pytest"):
        assert found[name] == importlib.metadata.version(name)


def test_a_python_elsewhere_is_described_without_starting_it(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.12/site-packages"
    (site / "Some_Thing-1.2.dist-info").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "bin/python").chmod(0o755)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.4\n")
    found = interpreter(str(tmp_path / "bin"))
    assert found.version == "3.12.4"
    assert packages(found.folders) == {"some-thing": "1.2"}


def test_the_own_python_is_found_on_its_path() -> None:
    found = interpreter(os.path.dirname(sys.executable))
    assert found.version == ".".join(map(str, sys.version_info[:3]))


def test_an_active_environment_keeps_its_path() -> None:
    assert search_path({"PATH": "/a:/b", "VIRTUAL_ENV": "/a"}) == "/a:/b"


def test_without_an_active_environment_our_own_python_comes_first() -> None:
    path = search_path({"PATH": "/usr/bin"})
    own = os.path.dirname(sys.executable)
    assert path == (f"{own}:/usr/bin" if sys.prefix != sys.base_prefix else "/usr/bin")
    assert search_path({"PATH": path}) == path


def test_only_chosen_variables_are_recorded() -> None:
    environ = {"OMP_NUM_THREADS": "2", "AWS_SECRET_ACCESS_KEY": "hush"}
    found = collect(environ, os.environ["PATH"])
    assert found["threads"] == {"OMP_NUM_THREADS": "2"}
    assert "hush" not in str(found)
