import importlib.metadata
import os
import sys
from pathlib import Path

from mlops_cli.core.ids import object_id
from mlops_cli.runs import machine
from mlops_cli.runs.environment import collect, interpreter, search_path
from mlops_cli.runs.packages import installed


def test_packages_agree_with_importlib_metadata() -> None:
    found = installed([one for one in sys.path if one.endswith("site-packages")]).versions
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
    assert installed(found.folders).versions == {"some-thing": "1.2"}


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


def install(site: Path, name: str, *, version: str = "1.0", digest: str = "aa", by: str = "pip"):
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text(
        f"{name}/__init__.py,sha256={digest},10\n"
        f"../../../bin/{name},sha256={site.name},10\n"
        f"{name}/__pycache__/x.pyc,,\n{info.name}/INSTALLER,sha256={by},4\n{info.name}/RECORD,,\n"
    )
    return info


def test_a_package_is_told_by_its_files_not_by_who_installed_it_where(tmp_path: Path) -> None:
    install(tmp_path / "a", "One_Thing", by="pip")
    install(tmp_path / "b", "One_Thing", by="uv")
    install(tmp_path / "c", "One_Thing", digest="bb")
    one, two, three = (installed([str(tmp_path / place)]).hashes for place in "abc")
    assert one == two
    assert one.keys() == {"one-thing"}
    assert one != three


def test_what_is_known_of_packages_is_kept_until_they_change(tmp_path: Path) -> None:
    site, cache = tmp_path / "site-packages", tmp_path / "cache"
    install(site, "one")
    before = installed([str(site)], cache=cache)
    kept = cache.read_bytes()
    assert installed([str(site)], cache=cache) == before
    assert cache.read_bytes() == kept
    os.utime(site, (1, 1))
    install(site, "two")
    assert installed([str(site)], cache=cache).versions == {"one": "1.0", "two": "1.0"}
    cache.write_bytes(b"{damaged")
    assert installed([str(site)], cache=cache).versions == {"one": "1.0", "two": "1.0"}
    assert installed([str(site), str(tmp_path / "gone")], cache=tmp_path / "no/cache").versions


def test_the_first_folder_that_has_a_package_wins(tmp_path: Path) -> None:
    install(tmp_path / "a", "one", version="1.0")
    install(tmp_path / "b", "one", version="2.0")
    assert installed([str(tmp_path / "a"), str(tmp_path / "b")]).versions == {"one": "1.0"}


def test_a_package_that_is_being_edited_is_told_as_such() -> None:
    found = installed([one for one in sys.path if one.endswith("site-packages")])
    assert found.editable.get("mlo", "").startswith("file://") or "mlo" not in found.versions
    assert any("openblas" in name for name in found.libraries)
    assert len(found.hashes["numpy"]) == 32


def test_lock_files_of_packages_are_named_by_their_ids(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "requirements-dev.txt").write_text("")
    (tmp_path / "requirements.md").write_text("")
    found = collect({}, os.environ["PATH"], root=tmp_path)["locks"]
    assert found.keys() == {"requirements-dev.txt", "uv.lock"}
    assert found["uv.lock"] == object_id(b"version = 1\n")


def test_the_machine_is_described_without_starting_anything() -> None:
    found = machine.describe()
    assert found["machine"] == os.uname().machine
    assert 0 < found["cpus_usable"] <= found["cpus"]
    assert found["memory_bytes"] > 2**20
    assert found["os"].startswith(os.uname().sysname)
    one = {min(os.sched_getaffinity(0))}
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, one)
    try:
        assert machine.usable_cpus() <= 1
    finally:
        os.sched_setaffinity(0, before)
