"""Who answers the requests to one model: chosen by chance or by a user's key, and never slowly."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from blake3 import blake3

from mlops_cli.serving.live import Live

_SPACE = 1 << 64


@dataclass(frozen=True, slots=True)
class Beside:
    """A version beside the one that answers, and the share of the requests that are its own."""

    live: Live
    share: float


@dataclass(frozen=True, slots=True)
class Routing:
    """The versions of one model that are at work; replaced whole, never changed.

    Attributes:
        main: answers whatever nobody else does.
        rest: the same in the role of an arm, where those that have a key are in an experiment.
        beside: have a share of the requests: a canary, or the arms of an experiment.
        by: the field of a request, or `header:NAME`, that has a user's key; None for chance.
        salt: what the hash of a key begins with.
        shadow: sees requests that are answered already.
        fields: what requests may have beside the inputs of the model, for it has told or is to
            tell users apart.
    """

    main: Live
    rest: Live
    beside: tuple[Beside, ...] = ()
    by: str | None = None
    salt: str = ""
    shadow: Beside | None = None
    fields: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Live, ...]:
        """Every version that is at work, the one that answers first."""
        shadow = () if self.shadow is None else (self.shadow,)
        return (self.main, *(one.live for one in (*self.beside, *shadow)))

    @property
    def answering(self) -> tuple[Live, ...]:
        """Every version that answers some of the requests."""
        return (self.main, *(one.live for one in self.beside))

    def choose(self, key: bytes | None, chance: Callable[[], float] = random.random) -> Live:
        """Return who answers a request of the user `key`.

        The same key leads to the same version in every process, as long as versions and shares
        stay. Where users are told apart, a request without a key goes to the version that
        answers the rest.
        """
        if not self.beside or (key is None and self.by is not None):
            return self.main
        place = chance() if key is None or self.by is None else place_of(self.salt, key)
        for one in self.beside:
            place -= one.share
            if place < 0:
                return one.live
        return self.rest


def place_of(salt: str, key: bytes) -> float:
    """Return where a user stands between 0 and 1, evenly spread, the same wherever it is asked.

    >>> round(place_of("churn-1", b"user-17"), 6) == round(place_of("churn-1", b"user-17"), 6)
    True
    """
    digest = blake3(salt.encode() + b"\0" + key).digest(8)
    return int.from_bytes(digest, "big") / _SPACE
