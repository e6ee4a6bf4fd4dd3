"""The outline of settings is what the settings say, also when they were not read again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.outline import FILE, Outline, outline
from mlops_cli.core.repository import create
from mlops_cli.errors import RequestError

Says = Callable[[str], Outline]


@pytest.fixture
def says(tmp_path: Path) -> Says:
    """Return what tells the outline of settings, in a project where others were read before."""

    def told(settings: str) -> Outline:
        (tmp_path / ".mlops.yaml").write_text(settings)
        return outline(create(tmp_path))

    return told


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert outline(create(tmp_path)) == Outline(0, ())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("# nothing\n", Outline(0, ())),
        ("remotes: {origin: ../a, backup: ../b}\n", Outline(0, ("origin", "backup"))),
        (
            "steps: {train: {cmd: python train.py}}\nremotes: {origin: ../a}\n",
            Outline(1, ("origin",)),
        ),
        ("params: {lr: 1}\n", Outline(0, ())),
    ],
)
def test_it_is_the_same_when_asked_again(says: Says, settings: str, expected: Outline) -> None:
    assert [says(settings), says(settings)] == [expected, expected]


def test_other_settings_are_read(says: Says) -> None:
    assert says("remotes: {origin: ../a}\n").remotes == ("origin",)
    assert says("remotes: {other: ../a}\n").remotes == ("other",)
    assert says("steps: {train: {cmd: python train.py}}\n").steps == 1


def test_a_mistake_is_told_every_time(says: Says) -> None:
    for _ in range(2):
        with pytest.raises(RequestError, match="remote"):
            says("remotess: {origin: ../a}\n")


def test_a_mistake_in_a_file_of_parameters_is_told(says: Says, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("lr: 1\n")
    assert says("params: params.yaml\n") == Outline(0, ())
    (tmp_path / "params.yaml").write_text("lr: [\n")
    with pytest.raises(RequestError, match=r"params\.yaml"):
        says("params: params.yaml\n")


@pytest.mark.parametrize("junk", ["", "[", "{}", "[1]", '["x", 7]', "\xff"])
def test_what_is_kept_may_be_anything(says: Says, tmp_path: Path, junk: str) -> None:
    assert says("remotes: {origin: ../a}\n").remotes == ("origin",)
    (tmp_path / ".mlo" / FILE).write_text(junk, encoding="latin-1")
    assert says("remotes: {origin: ../a}\n").remotes == ("origin",)


def test_it_is_read_from_what_was_kept(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    says("remotes: {origin: ../a}\n")
    monkeypatch.delattr("mlops_cli.core.config.load")
    assert says("remotes: {origin: ../a}\n").remotes == ("origin",)
