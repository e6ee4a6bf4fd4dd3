"""Tokens: several, from a file or the environment, and a file that changes takes effect."""

from pathlib import Path

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.serving.guard.tokens import LOOK_S, VARIABLE, Tokens, tokens
from mlops_cli.serving.refusal import Refused

FIRST, SECOND = "a" * 32, "b" * 32


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lets_in(known: Tokens, token: str) -> bool:
    try:
        known.check(b"Bearer " + token.encode())
    except Refused as refused:
        return refused.status != 401
    return True


def test_any_of_several_tokens_lets_in_and_nothing_else_does() -> None:
    known = tokens(None, {VARIABLE: f"{FIRST} {SECOND}\n"}, say=print)
    assert known is not None
    known.check(b"Bearer " + FIRST.encode())
    known.check(b"bearer  " + SECOND.encode())
    for bad in (
        None,
        b"",
        b"Bearer",
        b"Bearer " + FIRST[:-1].encode(),
        FIRST.encode(),
        b"\xff",
        b"Basic " + FIRST.encode(),
        b"Bearer " + FIRST.encode() + b"a",
    ):
        with pytest.raises(Refused) as refused:
            known.check(bad)
        assert refused.value.status == 401
        assert dict(refused.value.headers)[b"www-authenticate"] == b'Bearer realm="mlo"'


def test_without_tokens_everyone_may_ask() -> None:
    assert tokens(None, {}, say=print) is None


def test_a_file_that_changes_takes_effect_within_a_second(tmp_path: Path) -> None:
    path, clock, said = tmp_path / "tokens", Clock(), list[str]()
    path.write_text(f"# the old one\n{FIRST}\n")
    known = Tokens(path, {}, say=said.append, clock=clock)
    assert (lets_in(known, FIRST), lets_in(known, SECOND)) == (True, False)
    path.write_text(f"{FIRST}  # until tomorrow\n{SECOND}\n")
    clock.now += LOOK_S
    assert (lets_in(known, FIRST), lets_in(known, SECOND)) == (True, True)
    path.write_text(SECOND)
    clock.now += LOOK_S
    assert (lets_in(known, FIRST), lets_in(known, SECOND)) == (False, True)
    assert len(said) == 2
    assert FIRST not in "".join(said) + repr(known)


def test_a_file_that_is_gone_or_empty_leaves_the_tokens_from_before(tmp_path: Path) -> None:
    path, clock, said = tmp_path / "tokens", Clock(), list[str]()
    path.write_text(FIRST)
    known = Tokens(path, {}, say=said.append, clock=clock)
    for _ in range(3):
        path.write_text("")
        clock.now += LOOK_S
        assert lets_in(known, FIRST)
    path.unlink()
    clock.now += LOOK_S
    assert lets_in(known, FIRST)
    assert len(said) == 2
    assert "the tokens from before go on being taken" in said[0]
    path.write_text(SECOND)
    clock.now += LOOK_S
    assert (lets_in(known, FIRST), lets_in(known, SECOND)) == (False, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no token"),
        ("# none\n", "there is no token"),
        ("short", "at least 16"),
        (f"{FIRST}\nkürzer-und-anders", "token 2"),
    ],
)
def test_what_is_no_token_is_told_at_the_start(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(RequestError, match=words) as error:
        tokens(path, {}, say=print)
    assert "openssl rand" in (error.value.hint or "")
    with pytest.raises(RequestError):
        tokens(None, {VARIABLE: text}, say=print)
    with pytest.raises(RequestError, match="cannot read the tokens"):
        tokens(tmp_path / "missing", {}, say=print)
