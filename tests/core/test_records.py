"""Records made by us are as those of the standard library, in all that the project asks of one."""

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from mlops_cli.core import records
from tests.conftest import unwatched


def made(library: ModuleType) -> type[Any]:
    @library.dataclass(frozen=True, slots=True)
    class Point:
        """A point."""

        x: int
        y: float = 0.5
        names: list[str] = library.field(default_factory=list)
        note: str = library.field(default="", compare=False, repr=False)
        total: float = library.field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "total", self.x + self.y)

        @property
        def double(self) -> float:
            """Twice the sum."""
            return 2 * self.total

    return Point


Ours: Any = made(records)
Theirs: Any = made(dataclasses)
Ours.__qualname__ = "Ours"  # so that pickle finds it


def test_it_is_made_and_shown_like_one_of_the_library() -> None:
    for kind in (Ours, Theirs):
        point = kind(1, names=["a"], note="n")
        assert (point.x, point.y, point.names, point.note, point.double) == (1, 0.5, ["a"], "n", 3)
        assert repr(point).endswith("(x=1, y=0.5, names=['a'], total=1.5)")
    assert Ours.__doc__ == Theirs.__doc__
    assert Ours.__match_args__ == Theirs.__match_args__
    assert Ours.__slots__ == Theirs.__slots__
    ours, theirs = (list(inspect.signature(kind.__init__).parameters) for kind in (Ours, Theirs))
    assert ours == theirs


@pytest.mark.parametrize("given", [(), (1, 2, [], "", 3), ("x", 1, [], "", 5, 6)])
def test_wrong_arguments_are_refused(given: tuple[Any, ...]) -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError, match="__init__"):
            kind(*given)


def test_equal_ones_are_equal_and_a_field_that_is_not_compared_does_not_count() -> None:
    assert Ours(1, note="a") == Ours(1, note="b") != Ours(2)
    assert Ours(1) != Theirs(1)
    assert hash(Ours(1, names=(), note="a")) == hash(Ours(1, names=(), note="b"))
    with pytest.raises(TypeError):
        hash(Ours(1))


def test_nothing_can_be_set_or_deleted() -> None:
    point = Ours(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.other = 2


def test_replace_makes_another() -> None:
    for replace in (records.replace, dataclasses.replace):
        assert replace(Ours(1, 2.0, ["a"]), x=5) == Ours(5, 2.0, ["a"])
        with pytest.raises(ValueError, match="init=False"):
            replace(Ours(1), total=5)
        with pytest.raises(TypeError):
            replace(Ours(1), unknown=5)
    assert records.replace(Theirs(1), x=5) == Theirs(5)


def test_what_the_library_asks_it_answers() -> None:
    point = Ours(1, names=["a"])
    assert dataclasses.is_dataclass(Ours)
    assert dataclasses.is_dataclass(point)
    assert dataclasses.asdict(point) == dataclasses.asdict(Theirs(1, names=["a"]))
    for ours, theirs in zip(dataclasses.fields(Ours), dataclasses.fields(Theirs), strict=True):
        assert (ours.name, ours.type, ours.init, ours.repr) == (
            theirs.name,
            theirs.type,
            theirs.init,
            theirs.repr,
        )
    assert Ours.__dataclass_params__.frozen


def test_it_can_be_copied_and_pickled() -> None:
    point = Ours(1, names=["a"])
    assert copy.deepcopy(point) == copy.copy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point


def test_an_open_one_can_be_changed_and_is_not_hashed() -> None:
    @records.dataclass(slots=True)
    class Count:
        value: int = 0

    count = Count()
    count.value += 1
    assert count == Count(1)
    with pytest.raises(TypeError):
        hash(count)
    with pytest.raises(AttributeError):
        count.other = 1  # type: ignore[attr-defined]


def test_those_without_equality_are_themselves_only() -> None:
    @records.dataclass(frozen=True, slots=True, eq=False)
    class Thing:
        value: int

    one = Thing(1)
    assert one == one
    assert one != Thing(1)
    assert len({one, Thing(1)}) == 2


def test_methods_of_its_own_stay() -> None:
    @records.dataclass(frozen=True, slots=True)
    class Word:
        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Word) and self.text.lower() == other.text.lower()

        def __hash__(self) -> int:
            return hash(self.text.lower())

        def __repr__(self) -> str:
            return f"<{self.text}>"

    assert Word("A") == Word("a")
    assert {Word("A"), Word("a")} == {Word("A")}
    assert repr(Word("A")) == "<A>"


def test_a_number_that_is_none_equals_itself_as_in_a_tuple() -> None:
    @records.dataclass(frozen=True, slots=True)
    class Value:
        value: float

    nan = float("nan")
    assert Value(nan) == Value(nan)


def test_one_adds_to_another() -> None:
    for library in (records, dataclasses):

        @library.dataclass(frozen=True, slots=True)
        class Out:
            path: str
            kept: bool = True

        @library.dataclass(frozen=True, slots=True)
        class Plot(Out):
            x: str | None = None
            kept: bool = False

        assert repr(Plot("a", x="b")) == f"{Plot.__qualname__}(path='a', kept=False, x='b')"
        assert Plot("a") != Out("a", kept=False)
        assert Plot("a", x="b") == copy.deepcopy(Plot("a", x="b"))
        assert [one.name for one in dataclasses.fields(Plot)] == ["path", "kept", "x"]
        assert [one.name for one in dataclasses.fields(Out)] == ["path", "kept"]
        assert not hasattr(Plot("a"), "__dict__")


def test_other_forms_are_left_to_the_library() -> None:
    @records.dataclass
    class Base:
        value: int = records.field(default=3, repr=False)

    @records.dataclass(slots=True)
    class Derived(Base):
        more: int = 4

    assert (Derived().value, Derived().more, repr(Derived())) == (
        3,
        4,
        f"{Derived.__qualname__}(more=4)",
    )
    assert type(dataclasses.fields(Base)[0]) is dataclasses.Field
    assert records.replace(Derived(), more=1) == Derived(3, 1)


def test_mistakes_are_refused_as_by_the_library() -> None:
    for library in (records, dataclasses):
        with pytest.raises(TypeError, match="non-default argument"):

            @library.dataclass(frozen=True, slots=True)
            class Late:
                one: int = 1
                two: int

        with pytest.raises(ValueError, match="mutable default"):

            @library.dataclass(frozen=True, slots=True)
            class Shared:
                one: list[int] = []  # noqa: RUF012


def test_making_one_loads_neither_dataclasses_nor_inspect() -> None:
    code = (
        "import sys; from mlops_cli.core.config_steps import Plot; "
        "from mlops_cli.core.layout import Layout; from pathlib import Path; Plot('a'); "
        "Layout(Path('.')) == Layout(Path('.')); "
        "sys.exit(' '.join({'dataclasses', 'inspect'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], env=unwatched(), check=True)
