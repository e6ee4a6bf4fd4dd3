"""The file that says what a remote holds is read whole and right, or refused."""

import pytest

from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.errors import IntegrityError, StateError
from mlops_cli.remotes import state
from mlops_cli.remotes.state import Held, State

PACK = object_id(b"pack")
SOME = State({PACK: Held(70_000, 12)}, {"models/churn": ObjectId(object_id(b"head"))})


def test_what_was_written_is_read() -> None:
    for one in (State(), SOME):
        assert state.decode(state.encode(one), where="here") == one


@pytest.mark.parametrize("at", range(0, len(state.encode(SOME)) - 1, 7))
def test_a_changed_byte_is_noticed(at: int) -> None:
    raw = bytearray(state.encode(SOME))
    raw[at] ^= 1
    with pytest.raises((IntegrityError, StateError)):
        state.decode(bytes(raw), where="here")


def test_more_packs_than_can_be_read_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_MOST_BYTES", len(state.encode(SOME)) - 70)
    with pytest.raises(StateError, match="would hold 1 packs"):
        state.encode(SOME)


def test_a_file_cut_short_is_noticed() -> None:
    raw = state.encode(SOME)
    for end in range(20, len(raw) - 1, 9):
        with pytest.raises(IntegrityError):
            state.decode(raw[:end], where="here")


@pytest.mark.parametrize(
    "one",
    [
        State({PACK: Held(100, 12)}),
        State({"../../escape": Held(70_000, 12)}),
        State({}, {"../escape": ObjectId(object_id(b"head"))}),
    ],
    ids=["smaller than its index", "a pack elsewhere", "a ref elsewhere"],
)
def test_what_would_do_harm_is_refused(one: State) -> None:
    with pytest.raises(IntegrityError):
        state.decode(state.encode(one), where="here")
