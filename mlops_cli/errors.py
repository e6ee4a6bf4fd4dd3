"""Every failure that can be named, and the exit code it ends in.

A message says what is wrong with which thing, starts in lower case and has no full stop;
the hint says what to type. Only `cli/main.py` catches `MloError`.
"""

INTERRUPTED = 130
_BY_SIGNAL = 128  # a shell adds the signal to it


class MloError(Exception):
    """A failure that a user can understand and act on."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class RequestError(MloError):
    """The request is wrong: arguments, an unknown name, bad settings."""

    exit_code = 2


class StateError(MloError):
    """The repository is not in a state that allows it."""

    exit_code = 3


class NotARepository(StateError):
    """No mlo repository was found where one is needed."""


class MissingObject(StateError):
    """An object is named but not in this store; `oid` is its id, where just one is meant."""

    def __init__(self, message: str, *, hint: str | None = None, oid: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.oid = oid


class Conflict(StateError):
    """Somebody else changed it first, or work that is in no store would be lost."""


class Locked(StateError):
    """Another process holds the lock and did not let go in time."""


class IntegrityError(MloError):
    """Stored bytes do not match their name, or a record breaks its format."""

    exit_code = 4


class ExternalError(MloError):
    """Something outside failed: git, a remote, the network, the file system."""

    exit_code = 5


class Terminated(KeyboardInterrupt):
    """A signal asked the program to end, `SIGTERM` or `SIGHUP`; all is cleaned up as on Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = _BY_SIGNAL + number


def exit_code_of(stop: KeyboardInterrupt) -> int:
    """Return what the program ends with that was asked to stop.

    >>> exit_code_of(KeyboardInterrupt()), exit_code_of(Terminated(15))
    (130, 143)
    """
    return stop.exit_code if isinstance(stop, Terminated) else INTERRUPTED


def stop_with(exit_code: int | None) -> KeyboardInterrupt:
    """Return what to raise where a part of the work was asked to stop, for all of it to stop.

    >>> stop_with(143), stop_with(130)
    (Terminated(15), KeyboardInterrupt())
    """
    if exit_code is None or exit_code == INTERRUPTED:
        return KeyboardInterrupt()
    return Terminated(exit_code - _BY_SIGNAL)
