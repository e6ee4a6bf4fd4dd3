import os
from pathlib import Path

import pytest

from mlops_cli.cli import health
from tests.conftest import Mlo, git


def states(ended_json: list[dict[str, str]]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in ended_json}


def test_a_sound_project_passes(mlo_here: Mlo, project: Path) -> None:
    found = mlo_here("doctor", "--json").json
    assert set(states(found).values()) == {"ok"}
    assert [check["name"] for check in found] == [
        "mlo", "git", "you are", "libraries", "repository", "settings", "store", "ignored", "space"
    ]  # fmt: skip
    assert "Ada Byron <ada@example.org>" in mlo_here("doctor").stdout


def test_outside_a_repository_the_installation_is_checked(mlo_here: Mlo, tmp_path: Path) -> None:
    assert states(mlo_here("doctor", "--json", cwd=tmp_path).json)["repository"] == "ok"
    assert "none here" in mlo_here("doctor", cwd=tmp_path).stdout


def test_a_missing_git_is_found_and_fails(mlo_here: Mlo, tmp_path: Path) -> None:
    ended = mlo_here("doctor", cwd=tmp_path, env={"PATH": str(tmp_path)}, code=1)
    assert "fail  git" in ended.stdout
    assert "try: install git" in ended.stdout


def test_settings_that_cannot_be_read_fail_with_their_line(mlo_here: Mlo, project: Path) -> None:
    (project / ".mlops.yaml").write_text("steps: {}\nstpes: {}\n")
    ended = mlo_here("doctor", code=1)
    assert ".mlops.yaml:2" in ended.stdout
    assert "did you mean 'steps'?" in ended.stdout


def test_a_store_that_git_does_not_ignore_or_even_tracks_fails(
    mlo_here: Mlo, project: Path
) -> None:
    (project / ".gitignore").unlink()
    assert states(mlo_here("doctor", "--json", code=1).json)["ignored"] == "fail"
    git(project, "add", "--force", ".mlo/format")
    assert "git tracks .mlo" in mlo_here("doctor", code=1).stdout


def test_a_store_that_cannot_be_written_is_told(
    mlo_here: Mlo, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    ended = mlo_here("doctor")
    assert "warn  store" in ended.stdout
    assert "it is read-only for you" in ended.stdout


def test_remotes_are_reached(mlo_here: Mlo, project: Path, tmp_path: Path) -> None:
    (project / "taken").write_text("not a folder")
    (project / ".mlops.yaml").write_text("remotes: {new: ../new, bad: 'gopher://x', file: taken}\n")
    found = states(mlo_here("doctor", "--json", code=1).json)
    assert found["remote new"] == "ok"
    assert found["remote bad"] == "fail"
    assert not (tmp_path / "new").exists()


def test_a_damaged_prediction_log_is_told_by_doctor_and_by_fsck(
    mlo_here: Mlo, project: Path
) -> None:
    folder = project / ".mlo" / "predictions" / "iris"
    folder.mkdir(parents=True)
    (folder / "00c0ffee00c0ffee.seg").touch()
    found = mlo_here("doctor").stdout
    assert "warn  predictions  the prediction log has a damaged place" in found
    assert "try: mlo fsck" in found
    ended = mlo_here("fsck", code=4)
    assert "predictions/iris/00c0ffee00c0ffee.seg\n  the head of the file is not" in ended.stdout
    assert "the prediction log is damaged: 1 place" in ended.stderr


def test_an_old_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["numpy>=999.1", "nothing>=1"])
    libraries = {check.name: check for check in health.examine(tmp_path)}["libraries"]
    assert libraries.state == "fail"
    assert "is older than 999.1" in libraries.detail
    assert "nothing is missing" in libraries.detail


def test_an_old_git_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.20.1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    checks = {check.name: check for check in health.examine(tmp_path)}
    assert checks["git"].detail == "2.20.1 is older than 2.25"


def test_little_space_is_a_warning(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    monkeypatch.setattr(health, "LITTLE_SPACE_BYTES", 2**70)
    assert {c.name: c.state for c in health.examine(project)}["space"] == "warn"
