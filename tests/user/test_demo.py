"""The tour of the loop, as a newcomer starts it."""

from pathlib import Path

import pytest

from tests.conftest import Mlo


def test_the_demo_goes_once_round_and_loses_no_request(mlo: Mlo, tmp_path: Path) -> None:
    done = mlo("demo", tmp_path / "demo", "--json", wait_s=300)
    found = done.json
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
