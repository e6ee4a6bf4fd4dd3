"""The table that a model was fitted on, read a block of rows at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.repository import Repository
from mlops_cli.data import table
from mlops_cli.data.restore import write_out
from mlops_cli.data.table_blocks import ROWS, blocks
from mlops_cli.registry.models import Input

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Training:
    """A training table, in a file of its own for as long as it is open."""

    path: Path
    name: str

    def blocks(
        self, *, rows: int = ROWS, as_text: frozenset[str] = frozenset()
    ) -> "Iterator[pd.DataFrame]":
        """Yield the rows in order, at most `rows` at a time.

        Raises:
            RequestError, ExternalError: as of `table_blocks.blocks`.
        """
        return blocks(self.path, self.name, rows=rows, as_text=as_text)

    def head(self, rows: int) -> "pd.DataFrame":
        """Return the first rows."""
        import pandas as pd

        first = next(self.blocks(rows=rows), None)
        return pd.DataFrame() if first is None else first

    def whole(self) -> "pd.DataFrame":
        """Return all rows, with the types that all of them together have."""
        return table.read(self.path, self.name)


@contextmanager
def opened(repo: Repository, data: Input | None) -> "Iterator[Training | None]":
    """Yield the table that `data` is, None when it is none or not known.

    Raises:
        MissingObject, IntegrityError: as of the object store.
    """
    if data is None or data.kind != "file" or not table.is_table(data.path):
        yield None
        return
    with TemporaryDirectory(dir=scratch_files.folder(repo.layout), prefix="training-") as folder:
        path = Path(folder) / "table"
        write_out(repo, data.oid, data.kind, path)
        yield Training(path, data.path.rpartition("/")[2])
