"""One monitor at a time leads a repository: it checks, records and acts. Others wait, or go."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from mlops_cli.core.files import outside
from mlops_cli.core.lock import hold, wait_for
from mlops_cli.core.repository import Repository
from mlops_cli.errors import Locked
from mlops_cli.monitor.watch import memory

_PURPOSE = "mlo monitor"
_AGAIN_S = 1.0

Wait = Callable[[float], None]


@contextmanager
def leading(
    repo: Repository, *, wait: Wait | None = None, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Lead for a `with` block. The lock is the kernel's: who is killed leads no more.

    Args:
        repo: what to lead.
        wait: to let time pass until the leader is gone; None to wait for nobody.
        on_wait: is told once who leads.

    Raises:
        Locked: another process leads, and there is no `wait`.
    """
    path = memory.folder(repo) / memory.LOCK
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(hold(path, purpose=_PURPOSE, wait_s=0))
                break
            except Locked as error:
                who = _who(error)
                if wait is None:
                    raise Locked(
                        f"{who} watches this repository already", hint="mlo monitor status"
                    ) from None
                if on_wait is not None:
                    on_wait(who)
                    on_wait = None
                wait(_AGAIN_S)
        yield


def is_led(repo: Repository) -> bool:
    """Return whether a process leads; nothing is written to find out."""
    path = repo.layout.monitor / memory.LOCK
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise outside(error, path) from error
    try:
        return not wait_for(handle, fcntl.LOCK_SH, 0)
    finally:
        os.close(handle)


def _who(error: Locked) -> str:
    """Return who holds a lock, as `hold` says it."""
    return error.message.partition("locked by ")[2] or "another process"
