"""Files are written again as they were, and what somebody changed by hand is not lost."""

from pathlib import Path

import pytest

from mlops_cli.errors import Conflict
from mlops_cli.registry.deploy.write import write

FILES = {"a.yaml": "kind: A\n", "b.yaml": "kind: B\n"}


def test_the_same_files_are_left_alone(tmp_path: Path) -> None:
    assert write(tmp_path / "to", FILES).written == ("a.yaml", "b.yaml")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "to").iterdir()}
    again = write(tmp_path / "to", FILES)
    assert (again.written, again.unchanged) == ((), ("a.yaml", "b.yaml"))
    assert before == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "to").iterdir()}


def test_what_was_written_before_makes_way(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "mine.yaml").write_text("kind: Secret\n")
    changed = write(tmp_path, {"a.yaml": "kind: C\n"})
    assert (changed.written, changed.removed) == (("a.yaml",), ("b.yaml",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "mine.yaml"]


def test_what_was_changed_by_hand_is_kept(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    for path in tmp_path.iterdir():
        path.write_text(path.read_text() + "# mine\n")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    with pytest.raises(Conflict, match=r"a.yaml' \(and 1 more\) was changed by hand"):
        write(tmp_path, FILES)
    with pytest.raises(Conflict, match="was changed by hand"):
        write(tmp_path, {})
    assert before == {path.name: path.read_text() for path in tmp_path.iterdir()}
    write(tmp_path, FILES, force=True)
    assert write(tmp_path, FILES).unchanged == ("a.yaml", "b.yaml")


def test_a_file_of_somebody_else_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Mine\n")
    with pytest.raises(Conflict, match="was changed by hand"):
        write(tmp_path, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
