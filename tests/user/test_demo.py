"""The tour of the loop, as a newcomer starts it."""

from pathlib import Path

import pytest

from tests.conftest import Mlo, git


def test_in_a_stranger_s_clone_the_demo_goes_round_and_leaves_that_clone_alone(
    mlo: Mlo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the README asks for first: `mlo demo` in a clone of mlo, here by somebody new to git."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Theirs")
    nobody = tmp_path / "nobody"
    nobody.write_text("[user]\n\tuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(nobody))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))  # as in a hook of theirs
    done = mlo("demo", tmp_path / "demo", "--json", cwd=tmp_path, wait_s=300)
    monkeypatch.delenv("GIT_DIR")
    found = done.json
    assert git(tmp_path, "log", "--format=%s") == "Theirs\n"
    assert git(tmp_path, "status", "--short") == "?? demo/\n?? nobody\n"
    assert "$ git init --quiet\n$ mlo init --template tabular\n" in done.stderr
    assert "$ git -c user.name=Demo -c user.email=demo@example.org commit" in done.stderr
    assert "Train on all patients" in git(Path(found["clone"]), "log", "--format=%s")
    assert found["lost_requests"] == 0
    assert found["requests"] > 169
    assert found["drifted"] == ["mean_smoothness", "mean_texture"]
    for command in ("mlo run --set train.depth=8", "mlo drift cancer@production", "mlo pull"):
        assert f"$ {command}" in done.stderr
    project = Path(found["project"])
    assert mlo("status", "--exit-code", cwd=project).code == 0
    assert (project / "data/raw.csv").read_bytes() == (
        Path(found["clone"]) / "data/raw.csv"
    ).read_bytes()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_demo_overwrites_nothing(mlo_here: Mlo, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "mine"
    if kind == "file":
        place.write_text("precious")
    else:
        place.mkdir()
        (place / "precious").touch()
    done = mlo_here("demo", place, code=2)
    assert "is not empty" in done.stderr
