"""Every failure that can be named, and the exit code it ends in.

A message says what is wrong with which thing, starts in lower case and has no full stop;
the hint says what to type. Only `cli/main.py` catches `MloError`.
"""


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
