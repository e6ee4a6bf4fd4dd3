"""A fitted model as an ONNX file: columns of any kind in, probabilities or predictions out.

What comes before the numbers (encoders of categories, fillings of their gaps) is not translated
but asked: each value that an encoder knows, a gap and an unknown one are put to it once, and what
it answers is looked up in a table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core import canonical
from mlops_cli.registry.compiled import boosters, finals, steps
from mlops_cli.registry.compiled.categories import Known
from mlops_cli.registry.compiled.graph import INPUT, Graph, NotCompiledError
from mlops_cli.registry.compiled.layout import Layout, Place
from mlops_cli.registry.compiled.parts import order, parted
from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.signature import Column, Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas

_BY_VALUE = frozenset(
    {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "SimpleImputer", "passthrough"}
)
"""What treats each column alone and each value alike, so that its answers can be tabulated."""
_NUMBERS = frozenset({"number", "integer", "boolean"})
_UNHEARD = "mlo: a value that was never seen"
_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """An ONNX file."""

    data: bytes
    layout: Layout


def convert(model: Any, signature: Signature, classes: tuple[Any, ...] | None) -> Compiled:
    """Return a fitted model of scikit-learn, XGBoost or LightGBM as ONNX.

    Raises:
        NotCompiledError: it has no compiled form; the message says why.
    """
    if not type(model).__module__.startswith("sklearn.") and boosters.library(model) is None:
        name = type(model).__name__
        raise NotCompiledError(f"{name} is no model of scikit-learn, XGBoost or LightGBM")
    before, final = parted(model)
    walk = _Walk(signature)
    columns = order(model, signature)
    if before:
        first, *rest = before
        x, width = walk.block(first, columns)
        for step in rest:
            x, width = steps.add(walk.graph, step, x, width)
    else:
        x, width = walk.numbers(columns, boosters.categories(final))
    end = finals.add(walk.graph, final, x, width)
    walk.graph.width = len(walk.places)
    layout = Layout(len(signature.columns), tuple(walk.places), end.output, classes)
    metadata = canonical.encode(layout.to_dict()).decode()
    return Compiled(
        walk.graph.to_bytes(end.name, end.output, whole=end.whole, metadata=metadata), layout
    )


class _Walk:
    """The columns of a signature on their way into a graph."""

    def __init__(self, signature: Signature) -> None:
        self.graph = Graph(0)
        self.places: list[Place] = []
        self._columns = signature.columns
        self._build = compile_frame(signature)
        self._names = list(signature.names)

    def block(self, step: Any, columns: Sequence[int]) -> tuple[str, int]:
        """Add a transformer of columns of the signature; return its output and how wide it is."""
        kind = type(step).__name__
        if kind == "ColumnTransformer":
            return self._joined(
                [(one, self._chosen(places, columns)) for one, places in _parts(step)]
            )
        if kind == "FeatureUnion" and not step.transformer_weights:
            return self._joined([(one, columns) for _, one in step.transformer_list])
        if _is_by_value(step) and self._wants_codes(step, columns):
            return self._coded(step, columns)
        if kind == "Pipeline":
            x, width = self.block(step.steps[0][1], columns)
            for _, part in step.steps[1:]:
                x, width = steps.add(self.graph, part, x, width)
            return x, width
        x, width = self.numbers(columns)
        return steps.add(self.graph, step, x, width)

    def numbers(self, columns: Sequence[int], known: Known | None = None) -> tuple[str, int]:
        """Add the choice of columns that hold numbers, or of which the categories are known."""
        known = known or {}
        for at, place in enumerate(columns):
            column = self._columns[place]
            if at in known:
                continue
            if column.kind not in _NUMBERS and not _is_numeric_category(column):
                raise NotCompiledError(f"the model takes '{column.name}' as {column.kind}")
        places = [Place(column, known.get(at)) for at, column in enumerate(columns)]
        return self._take(places), len(columns)

    def _joined(self, parts: Sequence[tuple[Any, Sequence[int]]]) -> tuple[str, int]:
        made = [self.block(step, columns) for step, columns in parts if len(columns)]
        if not made:
            raise NotCompiledError("it takes no columns")
        if len(made) == 1:
            return made[0]
        width = sum(width for _, width in made)
        return self.graph.add("Concat", *(name for name, _ in made), axis=1), width

    def _chosen(self, places: Any, columns: Sequence[int]) -> list[int]:
        """Return the columns that a part of a ColumnTransformer takes."""
        import numpy as np

        if isinstance(places, slice):
            return list(columns)[places]
        found = np.atleast_1d(np.asarray(places))
        if found.dtype == bool:
            return [columns[place] for place in np.flatnonzero(found).tolist()]
        if found.dtype.kind in "iu":
            return [columns[int(place)] for place in found]
        by_name = {self._names[column]: column for column in columns}
        try:
            return [by_name[str(name)] for name in found]
        except KeyError as error:
            raise NotCompiledError(f"it takes a column {error} that is not known") from error

    def _take(self, wanted: Sequence[Place]) -> str:
        """Return the output that holds some places of the table, which are added where new."""
        for place in wanted:
            if place not in self.places:
                self.places.append(place)
        at = [self.places.index(place) for place in wanted]
        # whether these will be all places is known only at the end, so this node stays
        return self.graph.add("Gather", INPUT, self.graph.whole(at), axis=1)

    def _wants_codes(self, step: Any, columns: Sequence[int]) -> bool:
        encodes = any(type(one).__name__.endswith("Encoder") for one in _stages(step))
        return encodes or any(self._columns[column].kind not in _NUMBERS for column in columns)

    def _coded(self, step: Any, columns: Sequence[int]) -> tuple[str, int]:
        """Add tables of what a step answers to each value of each column."""
        import numpy as np

        known = [self._known(step, columns, at) for at in range(len(columns))]
        tables = _Asked(self, step, columns, known).tables()
        x = self._take(
            [Place(column, values) for column, values in zip(columns, known, strict=True)]
        )
        sizes = [len(table) for table in tables]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        at = self.graph.add("Add", self.graph.cast(x, "int64"), self.graph.whole(starts))
        rows = self.graph.add("Gather", self.graph.doubles(np.concatenate(tables)), at, axis=0)
        total = self.graph.add("ReduceSum", rows, self.graph.whole(1), keepdims=0)
        return total, tables[0].shape[1]

    def _known(self, step: Any, columns: Sequence[int], at: int) -> tuple[Any, ...]:
        """Return the values of a column that a step knows, sorted."""
        column = self._columns[columns[at]]
        found: set[Any] = set(column.categories or ())
        for stage in _stages(step):
            if hasattr(stage, "categories_"):
                found.update(_plain(stage.categories_[at]))
        if column.kind == "boolean":
            found = {False, True}
        elif column.kind == "datetime":
            raise NotCompiledError(f"the model takes '{column.name}' as datetime")
        if column.kind in ("text", "category") and not _is_numeric_category(column):
            found = {value for value in found if isinstance(value, str)}
        if len(found) > _MOST_KNOWN:
            raise NotCompiledError(f"'{column.name}' has more than {_MOST_KNOWN:,} known values")
        return tuple(sorted(found, key=lambda value: (type(value).__name__, value)))

    def frame(self, columns: Sequence[int], rows: Sequence[Sequence[Any]]) -> "pandas.DataFrame":
        """Return rows of values of some columns as a model is given them."""
        every = [[_filler(column)] * len(rows) for column in self._columns]
        for at, column in enumerate(columns):
            every[column] = [row[at] for row in rows]
        built = self._build(every)
        return built[[self._names[column] for column in columns]]

    def has_gaps(self, column: int) -> bool:
        """Return whether a value of a column may be missing."""
        return self._columns[column].nullable

    def has_unknown(self, column: int) -> bool:
        """Return whether checked values of a column may be ones that the model does not know."""
        held = self._columns[column]
        return held.kind in ("text", "integer", "number") or held.categories is None


class _Asked:
    """A step that treats each value of each column alone, and what it answers."""

    def __init__(
        self, walk: _Walk, step: Any, columns: Sequence[int], known: Sequence[tuple[Any, ...]]
    ) -> None:
        self._walk, self._step, self._columns, self._known = walk, step, columns, known
        empty = [column for column, values in zip(columns, known, strict=True) if not values]
        if empty:
            name = walk._names[empty[0]]
            raise NotCompiledError(f"the values of '{name}' are not known")

    def tables(self) -> list["np.ndarray[Any, Any]"]:
        """Return for each column the answers by number of the value, zero where others answer."""
        import numpy as np

        base = [values[0] for values in self._known]
        questions = list(self._questions())
        rows = []
        for at, _, value in questions:
            row = list(base)
            row[at] = value
            rows.append(row)
        answers = self._ask([base, *rows])
        ground, answers = answers[0], answers[1:]
        made = [np.zeros((len(values) + 2, len(ground))) for values in self._known]
        owner = self._owners(questions, answers, ground)
        for (at, number, _), answer in zip(questions, answers, strict=True):
            mine = owner == at
            made[at][number, mine] = answer[mine]
        return made

    def _questions(self) -> Iterator[tuple[int, int, Any]]:
        """Yield each column's place, the number of each value, and the value."""
        for at, (column, values) in enumerate(zip(self._columns, self._known, strict=True)):
            yield from ((at, number, value) for number, value in enumerate(values))
            if self._walk.has_gaps(column):
                yield at, len(values), None
            if self._walk.has_unknown(column):
                yield at, len(values) + 1, _unheard(values)

    def _ask(self, rows: Sequence[Sequence[Any]]) -> "np.ndarray[Any, Any]":
        import numpy as np

        frame = self._walk.frame(self._columns, rows)
        given = frame if hasattr(self._first(), "feature_names_in_") else frame.to_numpy()
        try:
            found = self._step.transform(given)
        except (ValueError, TypeError) as error:
            raise NotCompiledError(
                f"{type(self._first()).__name__} refuses a value that a request may have"
            ) from error
        found = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        try:
            return found.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise NotCompiledError("text goes on to its later steps") from error

    def _first(self) -> Any:
        return next(_stages(self._step))

    def _owners(
        self,
        questions: Sequence[tuple[int, int, Any]],
        answers: "np.ndarray[Any, Any]",
        ground: "np.ndarray[Any, Any]",
    ) -> "np.ndarray[Any, Any]":
        """Return which column each output depends on; the first one's where it depends on none."""
        import numpy as np

        owner = np.full(len(ground), -1)
        for (at, _, _), answer in zip(questions, answers, strict=True):
            moved = ~((answer == ground) | (np.isnan(answer) & np.isnan(ground)))
            if ((owner[moved] != -1) & (owner[moved] != at)).any():
                raise NotCompiledError("its encoder mixes columns")
            owner[moved] = at
        owner[owner == -1] = 0
        return owner


def _parts(step: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the transformers of a ColumnTransformer and their columns, in order."""
    for _, part, columns in step.transformers_:
        if not (isinstance(part, str) and part == "drop"):
            yield part, columns


def _stages(step: Any) -> Iterator[Any]:
    """Yield the transformers of a pipeline, or the one."""
    if type(step).__name__ == "Pipeline":
        for _, part in step.steps:
            yield from _stages(part)
    else:
        yield step


def _is_by_value(step: Any) -> bool:
    names = {one if isinstance(one, str) else type(one).__name__ for one in _stages(step)}
    return names <= _BY_VALUE


def _is_numeric_category(column: Column) -> bool:
    return column.kind == "category" and all(
        isinstance(value, int | float) for value in column.categories or ("",)
    )


def _filler(column: Column) -> Any:
    """Return some value that a frame takes in this column."""
    if column.categories:
        return column.categories[0]
    if column.kind == "datetime":
        return "2000-01-01"
    fillers: dict[str, Any] = {"boolean": False, "integer": 0, "number": 0.0}
    return fillers.get(column.kind, "")


def _plain(values: Any) -> Iterator[Any]:
    """Yield the values of an array as JSON has them, without gaps."""
    for value in values.tolist():
        if value is not None and value == value:  # NaN is not itself
            yield value


def _unheard(known: Sequence[Any]) -> Any:
    """Return a value that is not known."""
    if isinstance(known[0], str):
        return _UNHEARD
    numbers = [value for value in known if isinstance(value, int | float)]
    return type(known[0])(max(numbers) + 1)
