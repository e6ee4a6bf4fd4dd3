"""What a regressor was given comes back as it was, of evenly chosen rows, or is refused."""

from pathlib import Path

import pandas as pd
import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import IntegrityError
from mlops_cli.registry import signature
from mlops_cli.registry.evaluation import inputs_kept


@pytest.fixture
def repo(project: Path) -> Repository:
    """Return a new project."""
    return open_repository(project)


def table(rows: int) -> pd.DataFrame:
    """Return a table of all kinds of columns, with gaps."""
    return pd.DataFrame(
        {
            "width": [None if row % 7 == 3 else row / 2 for row in range(rows)],
            "rooms": [row % 5 for row in range(rows)],
            "garden": [row % 2 == 0 for row in range(rows)],
            "town": [None if row % 11 == 5 else f"Köln {row % 3}" for row in range(rows)],
            "sold": pd.to_datetime([f"2026-01-{1 + row % 28:02d}" for row in range(rows)]),
            "price": [float(row) for row in range(rows)],
        }
    )


def test_columns_come_back_as_requests_write_them(repo: Repository) -> None:
    frame = table(50)
    oid = inputs_kept.keep(repo, frame, signature.from_frame(frame, leave_out=("price",)))
    assert oid is not None
    found = inputs_kept.read(repo, oid)
    assert found.places.tolist() == list(range(50))
    assert list(found.columns) == ["width", "rooms", "garden", "town", "sold"]
    assert [found.columns["width"][row] for row in (2, 3)] == [1.0, None]
    assert [found.columns["town"][row] for row in (4, 5)] == ["Köln 1", None]
    assert found.columns["garden"].tolist()[:2] == [True, False]
    assert found.columns["sold"][1] == "2026-01-02T00:00:00"


def test_of_many_rows_some_are_kept_evenly(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs_kept, "MOST_ROWS", 10)
    frame = table(91)
    oid = inputs_kept.keep(repo, frame, signature.from_frame(frame, leave_out=("price",)))
    assert oid is not None
    assert inputs_kept.read(repo, oid).places.tolist() == list(range(0, 91, 10))


def test_without_a_signature_nothing_is_kept(repo: Repository) -> None:
    assert inputs_kept.keep(repo, table(3), None) is None


def test_what_is_none_is_refused(repo: Repository) -> None:
    for data in (b"nothing", b'{"columns":["a"],"rows":3,"v":1}\nshort', b'{"v":1}\n'):
        with pytest.raises(IntegrityError):
            inputs_kept.read(repo, repo.objects.put(data))
