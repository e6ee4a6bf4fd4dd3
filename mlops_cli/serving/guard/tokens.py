"""Who may ask: tokens from a file or from the environment, compared in constant time."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mlops_cli.errors import RequestError
from mlops_cli.serving.guard.stamp import stamp
from mlops_cli.serving.refusal import Refused

VARIABLE = "MLO_SERVE_TOKENS"
"""Tokens separated by white space; a file of tokens in the settings comes before it."""
OPEN = frozenset({"/health", "/ready", "/ping", "/v2/health/live", "/v2/health/ready"})
"""Paths that probes ask for without a token."""
LOOK_S = 1.0
"""A file that changed takes effect within that time."""
_SHORTEST = 16
_HINT = "make one: openssl rand -hex 32"


class Tokens:
    """Lets in who sends `Authorization: Bearer TOKEN` with one of the tokens."""

    def __init__(
        self,
        path: Path | None,
        environment: Mapping[str, str],
        *,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the tokens of the file at `path`, or else of the environment.

        `say` is told when the file changes, and when it cannot be read any more.

        Raises:
            RequestError: there is no such file, no token in it, or one that is too short.
        """
        self._path = path
        self._say = say
        self._clock = clock
        self._look_at = clock() + LOOK_S
        self._stamp = stamp(path)
        self._complaint: str | None = None
        written = environment[VARIABLE] if path is None else _text(path)
        self._known = _digests(written, VARIABLE if path is None else f"'{path}'")

    def check(self, authorization: bytes | None) -> None:
        """Let pass the value of an `Authorization` header, or refuse it with 401."""
        if self._path is not None and self._clock() >= self._look_at:
            self._follow()
        scheme, _, token = (authorization or b"").partition(b" ")
        digest = hashlib.sha256(token.strip()).digest()
        known = False
        for one in self._known:  # all of them, so that time tells nothing
            known |= hmac.compare_digest(one, digest)
        if not known or scheme.lower() != b"bearer":
            what = "a token is needed" if authorization is None else "the token is not known here"
            raise Refused(
                401,
                f"{what}: send the header 'Authorization: Bearer TOKEN'",
                headers=[(b"www-authenticate", b'Bearer realm="mlo"')],
            )

    def _follow(self) -> None:
        """Take the tokens of a file that has changed; one that is no good leaves the old ones."""
        assert self._path is not None
        self._look_at = self._clock() + LOOK_S
        seen = stamp(self._path)
        if seen == self._stamp:
            return
        try:
            self._known = _digests(_text(self._path), f"'{self._path}'")
        except RequestError as error:
            if self._complaint != error.message:
                self._complaint = error.message
                self._say(f"{error.message}: the tokens from before go on being taken")
            return
        self._stamp, self._complaint = seen, None
        self._say(f"the tokens in '{self._path}' changed: {len(self._known)} are taken now")


def tokens(
    path: Path | None, environment: Mapping[str, str], *, say: Callable[[str], None]
) -> Tokens | None:
    """Return the tokens that are asked for; None when none are set, and everyone may ask.

    Raises:
        RequestError: they are set, but no good.
    """
    if path is None and VARIABLE not in environment:
        return None
    return Tokens(path, environment, say=say)


def _digests(written: str, where: str) -> tuple[bytes, ...]:
    lines = [line.partition("#")[0] for line in written.splitlines()]
    found = [token for line in lines for token in line.split()]
    if not found:
        raise RequestError(f"there is no token in {where}", hint=_HINT)
    for place, token in enumerate(found):
        if len(token) < _SHORTEST or not token.isascii():
            raise RequestError(
                f"token {place + 1} in {where} must have at least {_SHORTEST} characters of ASCII",
                hint=_HINT,
            )
    return tuple(hashlib.sha256(token.encode()).digest() for token in found)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise RequestError(f"cannot read the tokens in '{path}': {(why or '').lower()}") from error
