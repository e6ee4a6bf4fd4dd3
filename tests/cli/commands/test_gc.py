"""What `mlo gc` says and takes."""

import json
import os
from pathlib import Path

import pytest

from mlops_cli.cli.commands.gc import seconds
from mlops_cli.core.lock import hold
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.reproduction import environments
from mlops_cli.pipeline.reproduction.environments import WHOLE, cache_folder
from tests.conftest import Mlo


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0d", 0), ("90s", 90), ("30m", 1800), ("12h", 43200), ("14d", 1209600), ("2w", 1209600)],
)
def test_an_age_is_a_number_and_a_unit(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "d", "14", "-1d", "nand", "infd", "1y", "d14"])
def test_any_other_age_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is no age"):
        seconds(text)


def test_it_says_what_would_go_what_went_and_what_is_too_young(
    project: Path, mlo_here: Mlo
) -> None:
    (project / "data").write_text("first")
    mlo_here("add", "data")
    (project / "data").write_text("second version")
    mlo_here("add", "data")
    assert mlo_here("gc").stdout == (
        "nothing went\n"
        "keeps 2 objects, 127 B\n"
        "  nothing needs 1 object, 59 B of that, but it is younger than 14d\n"
    )
    assert mlo_here("gc", "--older-than", "0d", "--dry-run").stdout == (
        "would drop 1 object, 59 B\nkeeps 1 object, 68 B\nbiggest:\n  22896bcbc3  blob   5 B\n"
    )
    assert json.loads(mlo_here("gc", "--older-than", "0d", "--json").stdout)["objects"] == 1
    assert mlo_here("gc", "--older-than", "0d").stdout == "nothing went\nkeeps 1 object, 68 B\n"
    assert mlo_here("gc", "--older-than", "soon", code=2).stdout == ""


def test_environments_that_nobody_used_for_long_go_too(
    project: Path, mlo_here: Mlo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = cache_folder(os.environ)
    for name in ("old", "used", "half"):
        (kept / name).mkdir(parents=True)
        (kept / name / WHOLE).write_text("x" * 2048)
    (kept / "half" / WHOLE).unlink()
    os.utime(kept / "old" / WHOLE, (0, 0))
    os.utime(kept / "half", (0, 0))
    environments.note_use(kept / "used")
    said = mlo_here("gc", "--dry-run").stdout
    assert "would drop 2 unused environments of mlo reproduce, 2.0 KiB" in said
    with hold(kept / "old.lock", purpose="mlo reproduce"):
        assert mlo_here("gc", "--json").json["environments"] == 1
    assert sorted(path.name for path in kept.iterdir() if path.is_dir()) == ["old", "used"]
    assert "dropped 1 unused environment of mlo reproduce" in mlo_here("gc").stdout
    assert mlo_here("gc", "--json").json["environments"] == 0
