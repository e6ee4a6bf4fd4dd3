"""Writes a store with many runs that nobody ran: true records, in true packs, with audit entries.

    python -m benchmarks.many_runs FOLDER [COUNT]

The same seed gives the same bytes. Most runs are as trials of sweeps are, of which many add up.
"""

import random
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlops_cli.audit import chain
from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import Kind
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.repository import Repository, create
from mlops_cli.runs.names import name_of
from mlops_cli.runs.record import Artifact, Code, Number, Run, Status, StepRun, encode

_START = datetime(2026, 1, 1, tzinfo=UTC)
_STATUSES: tuple[Status, ...] = ("done",) * 17 + ("failed", "interrupted", "killed")
_DATA = object_id(b"data")


def write(repo: Repository, count: int, *, seed: int = 1) -> None:
    """Record `count` runs, an hour apart at most, and tell the audit chain of each."""
    source = random.Random(seed)
    name = chain.PREFIX + repo.clone_id
    with repo.writing():
        with repo.objects.writer() as writer:
            head = _put(writer, source, count, _environment(writer))
        repo.refs.move({name: (None, head)})


def _put(
    writer: PackWriter, source: random.Random, count: int, environment: ObjectId
) -> ObjectId | None:
    head: ObjectId | None = None
    for number, run in enumerate(_runs(source, count, environment), 1):
        record, data = encode(run)
        writer.put(data, Kind.RUN)
        entry = {
            "v": chain.VERSION,
            "prev": head,
            "seq": number,
            "time": run.ended,
            "who": dict(run.who),
            "action": "run",
            "subject": run.key,
            "detail": {"run": record.id, "status": run.status, "commit": run.code.commit},
            "moved": {},
        }
        head = writer.put(canonical.encode(entry), Kind.AUDIT)
    return head


def _environment(writer: PackWriter) -> ObjectId:
    packages = {f"package-{number}": f"1.{number}.0" for number in range(120)}
    facts = {"python": "3.11.9", "os": "Linux", "machine": "x86_64", "cpu": "a cpu", "cpus": 8}
    held = {**facts, "threads": {}, "variables": {}, "packages": packages}
    return writer.put(canonical.encode(held))


def _runs(source: random.Random, count: int, environment: ObjectId) -> Iterator[Run]:
    at = _START
    for _ in range(count):
        at += timedelta(seconds=source.uniform(1, 200))
        yield _run(source, at, environment)


def _run(source: random.Random, at: datetime, environment: ObjectId) -> Run:
    key = f"{source.getrandbits(48):012x}"
    seconds = source.uniform(0.1, 100)
    params = _params(source)
    metrics = _metrics(source)
    step = _step(source, key, params, metrics, seconds)
    return Run(
        id=ObjectId(""),
        key=key,
        name=name_of(key),
        command=f"mlo run train --set depth={params['train.depth']}",
        started=_time(at),
        ended=_time(at + timedelta(seconds=seconds)),
        seconds=round(seconds, 3),
        status=source.choice(_STATUSES),
        exit_code=0,
        who={"name": "Ann Example", "email": "ann@example.com"},
        host="laptop",
        code=Code(f"{source.getrandbits(160):040x}", "main"),
        params=params,
        environment=environment,
        inputs=(Artifact("data/train.csv", _DATA, "file", 1000),),
        outputs=tuple(step.outs.values()),
        metrics=metrics,
        history=_some_id(source),
        log=_some_id(source),
        steps=(step,),
    )


def _params(source: random.Random) -> dict[str, Any]:
    return {
        "seed": source.randrange(1000),
        "model": source.choice(("tree", "forest", "linear", "boosted")),
        "train.depth": source.randrange(2, 12),
        "train.lr": round(10 ** source.uniform(-4, -1), 6),
        "train.trees": source.randrange(50, 500),
        "train.subsample": round(source.uniform(0.5, 1), 3),
        "train.balanced": source.random() < 0.5,
        "features.scale": source.choice(("none", "standard", "robust")),
        "features.columns": ["age", "income", "region"],
        "split.share": 0.2,
    }


def _metrics(source: random.Random) -> dict[str, Number]:
    auc = min(source.gauss(0.85, 0.05), 1.0)
    found: dict[str, Number] = {
        name: round(auc - source.random() / 10, 6)
        for name in ("accuracy", "f1", "precision", "recall")
    }
    loss: Number = "nan" if source.random() < 0.01 else round(1 - auc, 6)
    return {"auc": round(auc, 6), **found, "loss": loss}


def _step(
    source: random.Random,
    key: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Number],
    seconds: float,
) -> StepRun:
    return StepRun(
        name="train",
        key=_some_id(source),
        cmd="python train.py",
        deps={"data/train.csv": _DATA, "train.py": object_id(b"code")},
        params=params,
        outs={"model": Artifact("model", _some_id(source), "folder", 10_000, "train")},
        metrics=metrics,
        state="ran",
        seconds=round(seconds, 3),
        exit_code=0,
        run=key,
    )


def _some_id(source: random.Random) -> ObjectId:
    return ObjectId(f"{source.getrandbits(256):064x}")


def _time(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(create(folder), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
