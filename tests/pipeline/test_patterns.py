from pathlib import Path

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.pipeline import patterns
from mlops_cli.pipeline.patterns import matches, touches

FILES = (
    "data/a.csv",
    "data/b.csv",
    "data/.hidden.csv",
    "data/sub/c.csv",
    "data/sub/deep/d.csv",
    "data/sub/deep/e.txt",
    "top.csv",
    "__pycache__/x.csv",
    ".git/y.csv",
    "größe/ü.csv",
    "away/one.csv.mlo",
    "away/two.csv.mlo",
    "away/two.csv",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "data/link.csv").symlink_to(tmp_path / "top.csv")
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("data/*.csv", ["data/a.csv", "data/b.csv"]),
        ("data/*", ["data/a.csv", "data/b.csv", "data/sub"]),
        ("data/.*", ["data/.hidden.csv"]),
        ("data/[ab].csv", ["data/a.csv", "data/b.csv"]),
        ("data/?.csv", ["data/a.csv", "data/b.csv"]),
        ("data/**", ["data/a.csv", "data/b.csv", *(f for f in FILES if "sub" in f)]),
        ("data/**/*.csv", ["data/a.csv", "data/b.csv", "data/sub/c.csv", "data/sub/deep/d.csv"]),
        ("**/d*.csv", ["data/sub/deep/d.csv"]),
        ("*/sub/*", ["data/sub/c.csv", "data/sub/deep"]),
        ("*.csv", ["top.csv"]),
        ("größe/*", ["größe/ü.csv"]),
        ("linked/*.csv", []),
        ("nowhere/*.csv", []),
        ("top.csv/*", []),
        ("away/*", ["away/one.csv", "away/two.csv"]),
        ("away/*.mlo", []),
    ],
)
def test_a_pattern_matches_what_people_expect(root: Path, pattern: str, found: list[str]) -> None:
    assert matches(root, pattern) == found


@pytest.mark.parametrize(
    ("pattern", "path", "does"),
    [
        ("data/*.csv", "data/a.csv", True),
        ("data/*.csv", "data", True),
        ("data/*.csv", "data/a.txt", False),
        ("data/*", "data/sub/c.csv", True),
        ("data/**", "data/sub/c.csv", True),
        ("data/**/*.csv", "data/sub", True),
        ("data/**/*.csv", "data/clean.json", False),
        ("data/**/*.csv", "data/x/y/z.csv", True),
        ("*/m", "a/m", True),
        ("*/m", "a/n", False),
    ],
)
def test_what_a_step_writes_may_match(pattern: str, path: str, *, does: bool) -> None:
    assert touches(pattern, path) is does


def test_a_pattern_that_matches_too_much_names_the_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "MOST", 2)
    with pytest.raises(RequestError) as caught:
        matches(root, "data/**")
    assert caught.value.message == "'data/**' matches more than 2 paths"
    assert caught.value.hint == "depend on the folder as a whole: data"
