"""The promises of refs."""

import multiprocessing
from pathlib import Path

import pytest

from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.refs import decode
from mlops_cli.core.repository import create, open_repository
from mlops_cli.errors import Conflict, IntegrityError, RequestError

A, B = object_id(b"a"), object_id(b"b")


def test_a_ref_is_where_it_was_moved(tmp_path: Path) -> None:
    create(tmp_path).refs.move({"models/churn": (None, A)})
    refs = open_repository(tmp_path).refs
    assert refs.get("models/churn") == A
    refs.move({"models/churn": (A, B), "audit/x": (None, A)})
    assert refs.all() == {"audit/x": A, "models/churn": B}
    assert refs.all("models/") == {"models/churn": B}
    refs.move({"models/churn": (B, None)})
    assert refs.get("models/churn") is None


def test_of_several_moves_all_happen_or_none(tmp_path: Path) -> None:
    refs = create(tmp_path).refs
    refs.move({"models/churn": (None, A)})
    with pytest.raises(Conflict, match="models/churn"):
        refs.move({"models/other": (None, B), "models/churn": (B, A)})
    assert refs.all() == {"models/churn": A}


@pytest.mark.parametrize("name", ["", "models", "../x", "models/", "models/..", "models/a b", "/a"])
def test_names_that_could_be_paths_or_lines_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError):
        create(tmp_path).refs.move({name: (None, A)})


@pytest.mark.parametrize("change", ["flip", "cut", "empty"])
def test_a_damaged_file_is_refused(tmp_path: Path, change: str) -> None:
    repo = create(tmp_path)
    repo.refs.move({"models/churn": (None, A)})
    data = bytearray(repo.layout.refs.read_bytes())
    if change == "flip":
        data[20] ^= 1
    repo.layout.refs.write_bytes(data[: {"flip": None, "cut": 50, "empty": 0}[change]])
    with pytest.raises(IntegrityError, match="refs"):
        repo.refs.all()


def test_a_line_that_could_escape_is_refused_though_the_sum_is_right() -> None:
    body = f"mlo refs 1\n{A} ../../etc/passwd\n"
    data = f"{body}{object_id(body.encode())} .\n".encode()
    with pytest.raises(IntegrityError, match="bad line"):
        decode(data, where="remote")


def _climb(root: str, count: int) -> None:
    repo = open_repository(Path(root))
    done = 0
    while done < count:
        now = repo.refs.get("models/counter")
        number = int(repo.objects.get(now)) if now else 0
        new: ObjectId = repo.objects.put(str(number + 1).encode())
        try:
            repo.refs.move({"models/counter": (now, new)})
            done += 1
        except Conflict:
            continue


def test_two_processes_that_move_one_ref_lose_no_move(tmp_path: Path) -> None:
    repo = create(tmp_path)
    spawn = multiprocessing.get_context("spawn")
    climbers = [spawn.Process(target=_climb, args=(str(tmp_path), 25)) for _ in range(2)]
    for climber in climbers:
        climber.start()
    for climber in climbers:
        climber.join()
        assert climber.exitcode == 0
    now = repo.refs.get("models/counter")
    assert now is not None
    assert repo.objects.get(now) == b"50"
