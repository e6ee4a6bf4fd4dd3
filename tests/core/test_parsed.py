from pathlib import Path

import pytest

from mlops_cli.core import config, parsed
from mlops_cli.errors import RequestError

TEXT = """\
params: {seed: 7, name: "7", share: 1e-4, on: true, none: null, list: [1, [2, 3]]}
steps:
  a:
    cmd: echo ${seed}
    outs: [a]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / ".mlo").mkdir()
    found = tmp_path / ".mlops.yaml"
    found.write_text(TEXT)
    return found


def test_settings_are_the_same_when_they_were_parsed_before(file: Path) -> None:
    first = config.load(file)
    assert (file.parent / ".mlo" / parsed.FILE).exists()
    assert config.load(file) == first


def test_they_come_from_the_cache_without_a_parser(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.load(file)
    monkeypatch.setattr(parsed, "parse", None)
    assert config.load(file).params["share"] == 1e-4


def test_a_mistake_is_told_with_its_line_the_second_time_too(file: Path) -> None:
    file.write_text(TEXT + "    dep: [x]\n")
    for _ in range(2):
        with pytest.raises(RequestError, match=r"^.mlops.yaml:6: 'steps.a.dep'"):
            config.load(file)


def test_changed_settings_are_read_anew(file: Path) -> None:
    config.load(file)
    file.write_text(TEXT.replace("seed: 7", "seed: 8"))
    assert config.load(file).params["seed"] == 8


@pytest.mark.parametrize("junk", [b"", b"null", b'["x"]', b"\xff", b"[" * 100_000, b"{}"])
def test_a_damaged_cache_counts_as_none(file: Path, junk: bytes) -> None:
    first = config.load(file)
    (file.parent / ".mlo" / parsed.FILE).write_bytes(junk)
    assert config.load(file) == first


def test_aliases_are_not_written_out(file: Path) -> None:
    file.write_text("params: {a: &x [1, 2], b: *x}\n")
    assert config.load(file).params == {"a": [1, 2], "b": [1, 2]}
    assert not (file.parent / ".mlo" / parsed.FILE).exists()


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    file = tmp_path / ".mlops.yaml"
    file.write_text(TEXT)
    (tmp_path / ".mlo").write_text("a file")
    assert config.load(file).params["seed"] == 7
