"""What a run made, beside what it made again: bytes first, then what they mean."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data.restore import write_out
from mlops_cli.errors import MissingObject, MloError
from mlops_cli.pipeline.reproduction import closeness, contents
from mlops_cli.pipeline.reproduction.closeness import Tolerance
from mlops_cli.pipeline.reproduction.contents import Likeness
from mlops_cli.pipeline.reproduction.supplies import Supplies
from mlops_cli.runs.record import Artifact, Number, Run

Verdict = Literal["identical", "equal", "differs"]
RANK: Mapping[Verdict, int] = {"identical": 0, "equal": 1, "differs": 2}
_ITSELF = ""
_MOST_BYTES = 1024**3
"""Larger files are not read to compare what they say."""
_OF_A_MODEL = frozenset({"mlo-model.json", "model.skops", "model.joblib", "model.pkl"})
"""The files of a folder that predictions speak for."""


class CompareModels(Protocol):
    """Says how alike two models are by what they predict for the rows of the first table that fits.

    Models are files or folders; None when the path is that of no model.
    """

    def __call__(
        self, then: Path, now: Path, tables: Sequence[Path], tolerance: Tolerance
    ) -> Likeness | None:
        """Return how alike two models are.

        Raises:
            MloError: they cannot be compared; the message says why, after "bytes differ, and".
        """


@dataclass(frozen=True, slots=True)
class Compared:
    """One output, or one metric, then and now.

    Attributes:
        name: the path of an output, or the name of a metric.
        step: the step that made it.
        why: what differs, empty where nothing does.
    """

    name: str
    step: str | None
    verdict: Verdict
    why: str = ""


def verdict(found: Iterable[Compared]) -> Verdict:
    """Return the worst verdict of all."""
    return max((one.verdict for one in found), key=RANK.__getitem__, default="identical")


def metrics(then: Run, now: Run, tolerance: Tolerance) -> list[Compared]:
    """Return each metric of two runs."""
    found = []
    for name in sorted(then.metrics.keys() | now.metrics.keys()):
        if name not in now.metrics:
            found.append(Compared(name, None, "differs", "was not reported again"))
        elif name not in then.metrics:
            found.append(Compared(name, None, "differs", "was not reported then"))
        else:
            found.append(_metric(name, then.metrics[name], now.metrics[name], tolerance))
    return found


def _metric(name: str, then: Number, now: Number, tolerance: Tolerance) -> Compared:
    if then == now:
        return Compared(name, None, "identical")
    one, other = closeness.number(then), closeness.number(now)
    if one is None or other is None:
        return Compared(name, None, "differs", f"{then} -> {now}")
    near = tolerance.allows(one, other, name=name)
    return Compared(name, None, "equal" if near else "differs", f"{one!r} -> {other!r}")


class Outputs:
    """Compares what two runs wrote."""

    def __init__(
        self,
        repo: Repository,
        then: Run,
        *,
        tolerance: Tolerance,
        supplies: Supplies,
        compare_models: CompareModels,
    ) -> None:
        self._repo = repo
        self._then = then
        self._tolerance = tolerance
        self._supplies = supplies
        self._compare_models = compare_models

    def compare(self, now: Run) -> list[Compared]:
        """Return each output, in the order that the steps made them."""
        rank = {step.name: at for at, step in enumerate(self._then.steps)}
        found = []
        for one in sorted(self._then.outputs, key=lambda out: rank.get(out.step or "", 0)):
            other = now.output(one.path)
            if other is None:
                found.append(Compared(one.path, one.step, "differs", "was not written"))
            elif one.oid == other.oid and one.kind == other.kind:
                found.append(Compared(one.path, one.step, "identical"))
            else:
                found.append(self._meant(one, other))
        told = {one.path for one in self._then.outputs}
        found += [
            Compared(one.path, one.step, "differs", "was not written then")
            for one in now.outputs
            if one.path not in told
        ]
        return found

    def _meant(self, then: Artifact, now: Artifact) -> Compared:
        """Return how alike two outputs are whose bytes differ."""
        if then.kind != now.kind:
            return Compared(then.path, then.step, "differs", f"a {then.kind}, a {now.kind} here")
        try:
            self._supplies.bring([then.oid], f"what run {self._then.name} wrote to '{then.path}'")
            self._supplies.bring([now.oid], f"'{then.path}'")
        except MissingObject:
            why = "bytes differ, and those of then are nowhere to compare"
            return Compared(then.path, then.step, "differs", why)
        found = self._model(then, now)
        if found is None:
            found = self._files(then, now)
        elif found.equal and then.kind == "folder":
            rest = self._files(then, now, but=_OF_A_MODEL)
            found = found if rest.equal else rest
        return Compared(then.path, then.step, "equal" if found.equal else "differs", found.why)

    def _model(self, then: Artifact, now: Artifact) -> Likeness | None:
        """Return how alike two models are; None when they are none."""
        with TemporaryDirectory(prefix="reproduce-", dir=self._repo.layout.tmp) as folder:
            room = Path(folder)
            pair = []
            for when, one in (("then", then), ("now", now)):
                pair.append(room / when / PurePosixPath(one.path).name)
                write_out(self._repo, one.oid, one.kind, pair[-1])
            tables = self._tables(then, room)
            try:
                return self._compare_models(pair[0], pair[1], tables, self._tolerance)
            except MloError as error:
                return Likeness(equal=False, why=f"bytes differ, and {error.message}")

    def _tables(self, model: Artifact, room: Path) -> list[Path]:
        """Write out tables that a model may be asked about, the one that it was fitted on first."""
        named = [one.data for one in self._then.models if one.path == model.path and one.data]
        made = {out.path: out for out in (*self._then.inputs, *self._then.outputs)}
        step = next((one for one in self._then.steps if one.name == model.step), None)
        read = [*named, *(step.deps if step else (one.path for one in self._then.inputs))]
        from mlops_cli.data import table

        found = []
        for at, path in enumerate(dict.fromkeys(read)):
            one = made.get(path)
            if one is None or one.kind != "file" or not table.is_table(path):
                continue
            target = room / str(at) / PurePosixPath(path).name
            try:
                self._supplies.bring([one.oid], f"'{path}'")
                write_out(self._repo, one.oid, one.kind, target)
            except MissingObject:
                continue
            found.append(target)
        return found

    def _files(
        self, then: Artifact, now: Artifact, *, but: frozenset[str] = frozenset()
    ) -> Likeness:
        """Return how alike all files of two outputs are, but for those of some names."""
        before, after = self._listing(then, but), self._listing(now, but)
        if before.keys() != after.keys():
            gone, fresh = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
            what = f"{gone[0]} was not written" if gone else f"{fresh[0]} was not written then"
            more = len(gone) + len(fresh) - 1
            return Likeness(equal=False, why=what + (f", and {more} more" if more else ""))
        differing = [path for path in sorted(before) if before[path] != after[path]]
        worst = Likeness(equal=True, why="modes of files differ")
        for path in differing:
            name = path or PurePosixPath(then.path).name
            found = self._contents(name, before[path], after[path])
            worst = Likeness(found.equal, f"{path}: {found.why}" if path else found.why)
            if not found.equal:
                break
        return worst

    def _contents(self, name: str, then: ObjectId, now: ObjectId) -> Likeness:
        objects = self._repo.objects
        if max(objects.size(then), objects.size(now)) > _MOST_BYTES:
            return Likeness(equal=False, why="bytes differ; it is too large to compare otherwise")
        return contents.compare(name, objects.get(then), objects.get(now), self._tolerance)

    def _listing(self, one: Artifact, but: frozenset[str]) -> dict[str, ObjectId]:
        if one.kind == "file":
            return {_ITSELF: one.oid}
        return {
            path: entry.oid
            for path, entry in tree.walk(self._repo.objects, one.oid)
            if entry.mode is not tree.Mode.FOLDER and path not in but
        }
