"""A batch that was killed goes on where it was, and other processes may answer its parts."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops_cli.cli.spread import doing
from mlops_cli.core.ids import ObjectId
from mlops_cli.errors import RequestError, StateError
from mlops_cli.registry import models, predict
from mlops_cli.registry.batch.answering import Answering
from mlops_cli.registry.batch.answering import answering as answering_really
from mlops_cli.registry.batch.answers import Job, Kept, beside
from mlops_cli.registry.batch.spread import Ended
from mlops_cli.registry.models import Version
from mlops_cli.registry.register import register
from tests.registry.conftest import Workshop

PROGRAM = """
import os, sys, time
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.registry import models, predict
predict.PART_ROWS = 50
from dataclasses import replace
real = predict.answering_of
def slowly(*given):
    answering = real(*given)
    def answer(frame):
        print("asked", flush=True)
        time.sleep(0.05)
        return answering.ask(frame)
    return replace(answering, ask=answer)
predict.answering_of = slowly
repo = open_repository(Path("."))
version = models.resolve(repo, "churn@v1")
predict.predict(repo, version, Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def version(workshop: Workshop) -> Version:
    return register(workshop.repo, "churn", run=workshop.run({"auc": 0.9})).version


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"income": rng.normal(size=1000).round(3), "age": range(1000)})
    frame.to_csv(path, index=False)
    return path


def interrupt(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Have the answering of a batch end with Ctrl-C after some parts."""
    seen = [0]

    def stopping(*given: Any) -> Answering:
        answering = answering_really(*given)

        def answer(frame: pd.DataFrame) -> Any:
            seen[0] += 1
            if seen[0] > after:
                raise KeyboardInterrupt
            return answering.ask(frame)

        return replace(answering, ask=answer)

    monkeypatch.setattr(predict, "answering_of", stopping)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_was_answered_is_not_asked_again(
    workshop: Workshop,
    version: Version,
    rows: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    monkeypatch.setattr(predict, "PART_ROWS", 100)
    whole, target = rows.with_name("whole" + suffix), rows.with_name("out" + suffix)
    predict.predict(workshop.repo, version, rows, whole)
    with monkeypatch.context() as patch:
        interrupt(patch, after=6)
        with pytest.raises(KeyboardInterrupt):
            predict.predict(workshop.repo, version, rows, target)
    assert not target.exists()
    damaged = beside(target) / "00000002"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    batch = predict.predict(workshop.repo, version, rows, target, resume=True)
    assert (batch.rows, batch.resumed) == (1000, 500)
    read = {".csv": pd.read_csv, ".jsonl": _json, ".parquet": pd.read_parquet}[suffix]
    first, second = read(whole), read(target)
    assert second.drop(columns="batch_id").equals(first.drop(columns="batch_id"))
    assert set(second["batch_id"].astype(str)) == {batch.id}
    assert not beside(target).exists()


def _json(path: Path) -> pd.DataFrame:
    return pd.read_json(path, lines=True, dtype={"batch_id": str})


def test_a_killed_batch_goes_on(workshop: Workshop, version: Version, rows: Path) -> None:
    target = rows.with_name("out.csv")
    command = [sys.executable, "-c", PROGRAM, str(rows), str(target)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=workshop.repo.root, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(5):
            assert child.stdout.readline() == "asked\n"
        os.kill(child.pid, signal.SIGKILL)
    assert not target.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predict, "PART_ROWS", 50)
        batch = predict.predict(workshop.repo, version, rows, target, resume=True)
    assert batch.resumed >= 150
    given = pd.read_csv(rows)
    expected = models.load(workshop.repo, version).predict(given)
    assert pd.read_csv(target)["prediction"].tolist() == expected.tolist()


def test_parts_of_another_job_are_not_taken(
    workshop: Workshop, version: Version, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "PART_ROWS", 100)
    target = rows.with_name("out.csv")
    with monkeypatch.context() as patch:
        interrupt(patch, after=2)
        with pytest.raises(KeyboardInterrupt):
            predict.predict(workshop.repo, version, rows, target)
    rows.write_text(rows.read_text().replace("999", "998"))
    with pytest.raises(RequestError, match="is of another input"):
        predict.predict(workshop.repo, version, rows, target, resume=True)
    assert predict.predict(workshop.repo, version, rows, target).resumed == 0
    assert predict.predict(workshop.repo, version, rows, target, force=True, resume=True).rows


def test_two_batches_do_not_write_one_output(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    target = rows.with_name("out.csv")
    job = Job("b" * 16, "churn", version.id, str(rows), version.id, 100)
    held = Kept.begin(target, job, resume=False)
    with pytest.raises(StateError, match=r"another mlo predict is writing '.*out\.csv'"):
        predict.predict(workshop.repo, version, rows, target)
    held.close(keep=False)


@pytest.mark.parametrize(
    ("labels", "shares"),
    [
        (np.array([1, 0, 1]), np.array([[0.1, 0.9]] * 3)),
        (np.array([1.5, np.nan, 2.0]), None),
        (np.array(["a", "ü", ""], dtype=object), np.ones((3, 1))),
        (np.array(["a", "b", "c"]), None),
        (np.array([True, False, True]), None),
    ],
)
def test_answers_come_back_as_they_were(
    tmp_path: Path, labels: np.ndarray, shares: np.ndarray | None
) -> None:
    job = Job("b" * 16, "m", ObjectId("0" * 64), "in.csv", ObjectId("1" * 64), 3)
    kept = Kept.begin(tmp_path / "out.csv", job, resume=False)
    kept.keep(0, (labels, shares))
    found = kept.find(0, 3)
    assert found is not None
    np.testing.assert_array_equal(found[0], labels)
    if shares is None:
        assert found[1] is None
    else:
        np.testing.assert_array_equal(found[1], shares)
    assert kept.find(0, 4) is None
    assert kept.find(1, 3) is None
    kept.close(keep=False)


def test_processes_answer_in_order_and_a_death_costs_a_part(
    workshop: Workshop, version: Version, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "PART_ROWS", 100)
    target, alone = rows.with_name("out.csv"), rows.with_name("alone.csv")
    predict.predict(workshop.repo, version, rows, alone)
    with doing(workshop.repo, None, 2) as (doer, _):
        assert doer is not None
        ended = doer.ended
        killed: list[int] = []

        def ended_and_killed(wait_s: float) -> list[Ended]:
            found = ended(wait_s)
            if found and not killed:
                killed.append(_workers()[0])
                os.kill(killed[0], signal.SIGKILL)
            return found

        monkeypatch.setattr(doer, "ended", ended_and_killed)
        batch = predict.predict(workshop.repo, version, rows, target, doer=doer)
    assert killed
    assert (batch.rows, batch.resumed) == (1000, 0)
    first, second = pd.read_csv(alone), pd.read_csv(target)
    assert second.drop(columns="batch_id").equals(first.drop(columns="batch_id"))


def _workers() -> list[int]:
    """Return the processes that this one started to answer."""
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    lines = {int(one): Path(f"/proc/{one}/cmdline").read_bytes() for one in found}
    return [one for one, line in lines.items() if b"popen_loky" in line]
