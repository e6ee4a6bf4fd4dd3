"""What a protocol is: how predictions are asked for, and how they are answered."""

from collections.abc import Mapping
from typing import Protocol

from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.validate import Table


class Way(Protocol):
    """How predictions are asked for and answered; a module of `protocols` is one."""

    def read(self, body: bytes, headers: Mapping[bytes, bytes], live: Live, /) -> Table:
        """Return the checked table of a request; it may be a subclass that says more.

        Raises:
            Refused: the request is none, or does not fit the model.
        """
        ...

    def write(self, answered: Answered, table: Table, /) -> Reply:
        """Return the answer to the request that `table` was read from."""
        ...
