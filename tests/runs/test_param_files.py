from pathlib import Path

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.runs.param_files import ParamFiles

TEXTS = {
    "a.toml": 'title = "x"\nwhen = 2024-01-01\n[train]\ndepth = 3\nrates = [0.1, inf]\n',
    "a.json": '{"train": {"depth": 3}, "seed": null}',
    "a.yaml": "train: {depth: 3, rate: 1e-4}\nname: b\n",
    "empty.yaml": "",
}


@pytest.fixture
def files(tmp_path: Path) -> ParamFiles:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    return ParamFiles(tmp_path)


@pytest.mark.parametrize("file", ["a.toml", "a.json", "a.yaml"])
def test_keys_of_every_kind_of_file_are_picked(files: ParamFiles, file: str) -> None:
    assert files.pick(file, ["train.depth"], step="fit") == {f"{file}:train.depth": 3}


def test_without_keys_all_of_a_file_counts(files: ParamFiles) -> None:
    assert files.pick("a.yaml", [], step="fit") == {
        "a.yaml:train.depth": 3,
        "a.yaml:train.rate": 1e-4,
        "a.yaml:name": "b",
    }
    assert files.pick("empty.yaml", [], step="fit") == {}


def test_what_a_lock_file_cannot_hold_becomes_text(files: ParamFiles) -> None:
    found = files.pick("a.toml", ["when", "train.rates"], step="fit")
    assert found == {"a.toml:when": "2024-01-01", "a.toml:train.rates": [0.1, "inf"]}


@pytest.mark.parametrize(
    ("file", "text", "keys", "message", "hint"),
    [
        ("b.toml", None, ["x"], "reads parameters from 'b.toml', which is not there", "make it"),
        ("b.toml", "= 1", [], "'b.toml' is not valid TOML: ", None),
        ("b.json", "{", [], "'b.json' is not valid JSON: ", None),
        ("b.json", "[1]", [], "'b.json' must hold parameters by name", None),
        ("b.yaml", "a: [", [], "b.yaml:2: is not valid YAML", None),
        ("b.yaml", "a: no", [], "b.yaml:1: 'a' is no, which YAML 1.1 and 1.2", "write true"),
        ("b.yaml", "depth: 3", ["dept"], "needs 'dept' of 'b.yaml', which is not there", "did you"),
        ("b.yaml", "depth: 3", ["q.z"], "needs 'q.z' of 'b.yaml', which is not", "there are depth"),
    ],
)
def test_what_cannot_be_read_is_told(
    tmp_path: Path, file: str, text: str | None, keys: list[str], message: str, hint: str | None
) -> None:
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(RequestError) as caught:
        ParamFiles(tmp_path).pick(file, keys, step="fit")
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert (caught.value.hint or "").startswith(hint or "")
