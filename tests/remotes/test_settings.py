"""Editing remotes keeps all that the user wrote."""

from pathlib import Path

import pytest
import yaml

from mlops_cli.core.config import Encryption, RemoteSettings, load
from mlops_cli.errors import RequestError
from mlops_cli.remotes import settings
from mlops_cli.remotes.kinds import open_transport

LAYOUTS = {
    "none": None,
    "empty": "",
    "other keys": "# mine\nparams: {seed: 7}  # seven\n",
    "no last newline": "params: {seed: 7}",
    "block": "remotes:\n  first: /one  # the first\n\n# after\nparams:\n  seed: 7\n",
    "wide block": "remotes:\n    first: /one\n    second: /two\nparams: {seed: 7}\n",
    "flow": "params: {seed: 7}\nremotes: {first: /one}\n",
    "a mapping": "remotes:\n  first:\n    url: /one  # the first\n\n# after\nparams: {seed: 7}\n",
    "null": "remotes:\nparams: {seed: 7}\n",
    "block at the end, no newline": "remotes:\n  first: /one",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_added_remote_is_there_and_all_else_as_it_was(tmp_path: Path, layout: str) -> None:
    path, text = tmp_path / ".mlops.yaml", LAYOUTS[layout]
    if text is not None:
        path.write_text(text)
    before = yaml.safe_load(text or "") or {}
    settings.add(path, "origin", RemoteSettings("../my store: x"))
    after = yaml.safe_load(path.read_text())
    assert after["remotes"] == {**(before.get("remotes") or {}), "origin": "../my store: x"}
    assert {key: after[key] for key in before if key != "remotes"} == {
        key: value for key, value in before.items() if key != "remotes"
    }
    for comment in ("# mine", "# seven", "# the first", "# after"):
        assert (comment in path.read_text()) == (comment in (text or ""))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_encrypted_remote_is_added_with_its_key(tmp_path: Path, layout: str) -> None:
    path = tmp_path / ".mlops.yaml"
    path.write_text(LAYOUTS[layout] or "")
    remote = RemoteSettings("ssh://host/a, b", Encryption(key_file="~/a: key"))
    settings.add(path, "origin", remote)
    assert load(path).remotes["origin"] == remote
    settings.add(path, "third", RemoteSettings("x"))
    if "first" in (LAYOUTS[layout] or "") and layout != "flow":
        settings.remove(path, "first")
        assert {"origin", "third"} <= set(load(path).remotes) <= {"origin", "second", "third"}


@pytest.mark.parametrize("layout", ["block", "wide block", "none", "a mapping"])
def test_a_removed_remote_is_gone_and_all_else_as_it_was(tmp_path: Path, layout: str) -> None:
    path, text = tmp_path / ".mlops.yaml", LAYOUTS[layout] or ""
    path.write_text(text)
    before = yaml.safe_load(text)
    settings.add(path, "origin", RemoteSettings("../store"))
    settings.remove(path, "origin")
    assert yaml.safe_load(path.read_text() or "null") == before


def test_the_last_remote_takes_its_key_along(tmp_path: Path) -> None:
    path = tmp_path / ".mlops.yaml"
    path.write_text("params: {seed: 7}\n\nremotes:\n  origin: x\n")
    settings.remove(path, "origin")
    assert path.read_text() == "params: {seed: 7}\n\n"


def test_a_name_that_is_taken_or_unknown_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".mlops.yaml"
    settings.add(path, "origin", RemoteSettings("x"))
    with pytest.raises(RequestError, match="already"):
        settings.add(path, "origin", RemoteSettings("y"))
    with pytest.raises(RequestError, match="known: origin"):
        settings.remove(path, "other")


def test_what_cannot_be_edited_safely_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ".mlops.yaml"
    text = "remotes: {first: /one, second: /two}\n"
    path.write_text(text)
    with pytest.raises(RequestError, match="safely"):
        settings.remove(path, "first")
    assert path.read_text() == text


def test_a_password_in_a_url_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        open_transport("s3://me:secret@host/bucket", tmp_path)
    assert "secret" not in caught.value.message
