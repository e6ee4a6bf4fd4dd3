"""A lock has what serving needs, in the versions of the run, with the hashes of its lock file."""

from importlib.metadata import version

from mlops_cli.registry.packaging import lock

HASHES = ["sha256:" + digit * 64 for digit in "abc"]
UV = f"""
version = 1
[[package]]
name = "joblib"
version = "9.9"
sdist = {{ url = "u", hash = "{HASHES[0]}" }}
wheels = [{{ url = "u", hash = "{HASHES[1]}" }}]
"""


def test_versions_are_those_of_the_run_and_else_those_installed_here() -> None:
    found = lock.lock(["uvicorn", "joblib"], {"packages": {"joblib": "9.9"}}, {})
    versions = {one.name: one.version for one in found.packages}
    assert versions["joblib"] == "9.9"
    assert versions["uvicorn"] == version("uvicorn")
    assert {"click", "h11"} <= versions.keys()
    assert f"h11 {version('h11')} is from here: the run did not have it" in found.notes


def test_what_only_extras_need_is_left_out() -> None:
    found = lock.lock(["uvicorn"], None, {})
    assert {"websockets", "watchfiles"}.isdisjoint(one.name for one in found.packages)
    assert found.notes == ()


def test_hashes_come_from_the_lock_files_that_the_run_had() -> None:
    environment = {"packages": {"joblib": "9.9"}, "hashes": {"joblib": "f" * 32}}
    needs = lock.lock(["joblib"], environment, {}).packages
    found = lock.lock(["joblib"], environment, {"uv.lock": UV.encode()})
    (joblib,) = [one for one in found.packages if one.name == "joblib"]
    assert joblib.hashes == tuple(HASHES[:2])
    assert joblib.record == "f" * 32
    assert found.whole == (len(needs) == 1)
    requirements = f"joblib==9.9 \\\n  --hash={HASHES[2]}\nother==1\n"
    found = lock.lock(["joblib"], environment, {"requirements.txt": requirements.encode()})
    assert (HASHES[2],) in [one.hashes for one in found.packages if one.name == "joblib"]


def test_a_lock_of_another_version_or_a_damaged_one_tells_nothing() -> None:
    files = {"uv.lock": UV.encode(), "poetry.lock": b"[[package]\xff", "pdm.lock": b"package = 3"}
    found = lock.lock(["joblib"], {"packages": {"joblib": "9.8"}}, files)
    assert found.packages[0].hashes == ()


def test_hashes_are_written_for_all_or_none() -> None:
    with_hash = lock.Package("a", "1", (HASHES[0],))
    whole = lock.text(lock.Lock((with_hash,)), "mlo.whl", "d" * 64)
    assert f"a==1 \\\n    --hash={HASHES[0]}\n./wheels/mlo.whl \\\n    --hash=sha256:ddd" in whole
    partly = lock.text(lock.Lock((with_hash, lock.Package("b", "2"))), "mlo.whl", "d" * 64)
    assert partly.splitlines()[1:] == ["a==1", "b==2", "./wheels/mlo.whl"]


def test_what_is_nowhere_is_told() -> None:
    found = lock.lock(["no-such-package"], {"packages": {}}, {})
    assert found.packages == ()
    assert found.notes == (
        "no-such-package is neither in the run's environment nor installed here",
    )
