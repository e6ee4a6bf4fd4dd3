"""What `mlo runs show` prints."""

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlops_cli.cli import show
from mlops_cli.cli.runs_list import shown, tags

if TYPE_CHECKING:
    from mlops_cli.runs.record import Run
    from mlops_cli.runs.reproduced import Statement
    from mlops_cli.runs.restore import Restored
    from mlops_cli.runs.standing import Relative, Standing

_CHILDREN = 5
_FACT = 10  # columns of the name of a fact


def tell(found: "Standing") -> None:
    """Print what a run was made from and what came of it."""
    run = found.run
    for name, value in _facts(found):
        if value:
            lines = str(value).replace("\n", "\n" + " " * _FACT)
            show.line(f"{name:<{_FACT}}{lines}", rest=" " * _FACT)
    _pairs("parameters", run.params)
    _tell_metrics(run)
    _pairs("seeds", run.seeds)
    if run.steps:
        show.line("steps")
        rows = [(step.name, step.state, f"{step.seconds:.1f} s") for step in run.steps]
        show.table(["step", "state", "took"], rows, indent=2)
    groups = (("inputs", run.inputs), ("outputs", run.outputs), ("files", run.files))
    for title, artifacts in groups:
        if artifacts:
            show.line(title)
            kept = [(one.path, one.oid[:10], one.kind, show.size(one.size)) for one in artifacts]
            show.table(["path", "id", "kind", "size"], kept, indent=2)
    _pairs("environment", _environment(found.environment))
    for option, what in _more(run):
        show.line(f"{what}: mlo runs {option}")


def tell_restored(found: "Restored") -> None:
    """Print the branch that has a run's code, and what is left to do."""
    show.line(f"branch {found.branch} has the code of {found.run}: {found.commit[:10]}")
    for name, value in found.params.items():
        show.line(f"  {name} is {shown(value)}, as it was set for that run")
    for name in found.unset:
        show.note(f"could not write the parameter {name} to .mlops.yaml; give it: --set {name}=...")
    if not found.checked_out:
        data = " && mlo checkout" if found.outputs else ""
        show.note(f"see it: git switch {found.branch}{data}")
    elif found.outputs:
        show.note(f"bring back {show.number(found.outputs, 'output')}: mlo checkout")


def _facts(found: "Standing") -> Iterator[tuple[str, Any]]:
    run = found.run
    yield "run", f"{run.name}  {run.key}" + ("  (removed)" if found.removed else "")
    yield "id", run.id
    yield "command", run.command if isinstance(run.command, str) else shlex.join(run.command)
    yield "status", _status(run)
    yield "began", f"{run.started[:19].replace('T', ' ')} UTC, took {run.seconds:.1f} s"
    yield "used", ", ".join(_usage(run.usage))
    yield "disk", ", ".join(_disk(run.usage))
    yield "gpu", f"{run.usage['gpu_mean']:.0%} busy" if "gpu_mean" in run.usage else ""
    yield "by", f"{run.who.get('name')} on {run.host}" + (f", {run.engine}" if run.engine else "")
    yield "commit", _commit(run)
    yield "part of", "" if found.parent is None else _relative(found.parent)
    yield "parts", _children(found)
    yield "tags", tags(found.tags)
    yield "note", found.note
    if found.statement is not None:
        yield "again", _stated(found.statement)


def _stated(said: "Statement") -> str:
    """Return what was found when a run was made again, and whether who said so signed it."""
    words = {"identical": "the same bytes", "equal": "equal within tolerance"}
    what = words.get(said.verdict, "came out otherwise")
    causes = said.body.get("causes") if said.verdict == "differs" else ()
    if causes and causes[0].get("proven"):
        what += f", because of {causes[0]['name']}"
    signed = "not signed"
    if said.signature is not None:
        signed = {
            "good": f"signed by {said.signature.who}",
            "unknown key": f"signed by an unknown key, {said.signature.who}",
            "bad": "THE SIGNATURE IS BAD",
        }.get(said.signature.standing, "signed; there is no ssh-keygen to check it")
    return f"{what}, {said.when[:10]} by {said.who['name']}, {signed}"


def _usage(used: Mapping[str, float]) -> Iterator[str]:
    """Yield what a run took of the machine, as far as that is known."""
    if "cpu_s" in used:
        busy = f" ({used['cpu_mean']:.2g} at once)" if "cpu_mean" in used else ""
        yield f"{used['cpu_s']:.3g} s of processor{busy}"
    if "memory_peak_bytes" in used:
        yield f"{show.size(int(used['memory_peak_bytes']))} of memory at most"


def _disk(used: Mapping[str, float]) -> Iterator[str]:
    for name, verb in (("read_bytes", "read"), ("written_bytes", "wrote")):
        if used.get(name):
            yield f"{verb} {show.size(int(used[name]))}"


def _tell_metrics(run: "Run") -> None:
    """Print metrics; of those that were logged more than once the least and greatest value too."""
    if not run.series:
        _pairs("metrics", run.metrics)
        return
    show.line("metrics")
    rows = []
    for name, value in run.metrics.items():
        held = run.series.get(name) or run.series.get(name.rpartition(".")[2]) or {}
        extremes = [shown(held[one]) if one in held else "" for one in ("min", "max", "count")]
        rows.append((name, shown(value), *extremes))
    show.table(["name", "value", "min", "max", "points"], rows, indent=2)


def _relative(one: "Relative") -> str:
    return f"{one.name} {one.key}"


def _children(found: "Standing") -> str:
    """Return how many parts ended in which way; the steps that trials share are none of them."""
    from mlops_cli.runs.names import SHARED

    shared = [one for one in found.children if one.name == found.run.name + SHARED]
    counted = [one for one in found.children if one not in shared]
    counts: dict[str, int] = {}
    for child in counted:
        counts[child.status] = counts.get(child.status, 0) + 1
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    names = ", ".join(_relative(child) for child in counted[:_CHILDREN])
    parts = [f"{told}: {names}{', ...' if len(counted) > _CHILDREN else ''}"] if counted else []
    return "; ".join([*parts, *(f"steps that they share: {_relative(one)}" for one in shared)])


def _environment(held: Mapping[str, Any]) -> dict[str, Any]:
    names = ("python", "os", "distribution", "container", "cpu", "cpus", "cpus_usable")
    facts = {name: held[name] for name in names if held.get(name) is not None}
    if held.get("memory_bytes"):
        facts["memory"] = show.size(held["memory_bytes"])
    for gpu in held.get("gpus") or ():
        facts["gpu"] = f"{gpu.get('model')}, driver {gpu.get('driver')}"
    facts.update(held.get("threads") or {})
    facts.update(held.get("variables") or {})
    if held.get("packages"):
        facts["packages"] = show.number(len(held["packages"]), "package")
    return facts


def _more(run: "Run") -> Iterator[tuple[str, str]]:
    if run.log:
        yield f"show {run.name} --log", "what it printed"
    if run.history:
        yield f"plot {run.name}", "its metrics over time"


def _pairs(title: str, values: Mapping[str, Any]) -> None:
    if values:
        show.line(title)
        rows = [(name, shown(value)) for name, value in values.items()]
        show.table(["name", "value"], rows, indent=2)


def _status(run: "Run") -> str:
    text = run.status if run.exit_code in (0, None) else f"{run.status}, exit code {run.exit_code}"
    return f"{text}: {run.error}" if run.error and run.error != run.status else text


def _commit(run: "Run") -> str:
    if run.code.commit is None:
        return run.code.problem or ""
    changed = ""
    if run.code.dirty:
        snapshot = f", all of it: {run.code.snapshot[:10]}" if run.code.snapshot else ""
        changed = f" with uncommitted changes{snapshot}"
    return run.code.commit[:10] + (f" on {run.code.branch}" if run.code.branch else "") + changed
