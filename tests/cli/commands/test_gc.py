"""What `mlo gc` says and takes."""

import json
from pathlib import Path

import pytest

from mlops_cli.cli.commands.gc import seconds
from mlops_cli.errors import RequestError
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
