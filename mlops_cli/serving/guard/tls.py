"""TLS: a certificate and its key from files, for HTTP/1.1 and for gRPC alike."""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

from mlops_cli.errors import RequestError
from mlops_cli.serving.guard.stamp import Stamp, stamp

LOOK_S = 1.0
"""Files that changed take effect within twice that time."""


class Tls:
    """What new connections are kept secret with; follows its files."""

    def __init__(
        self,
        certificate: Path,
        key: Path | None,
        *,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the certificate, and the key, which is in the same file if there is no `key`.

        `say` is told when they change, and when they cannot be used any more.

        Raises:
            RequestError: a file is missing, or no such thing, or the two do not belong together.
        """
        self._certificate, self._key = certificate, key
        self._say = say
        self._clock = clock
        self._look_at = clock() + LOOK_S
        self._read = self._seen = self._stamps()
        self.context = context(certificate, key)
        self.failure: str | None = None
        """Why the files that are there now are not used."""

    def follow(self, *, quietly: bool = False) -> None:
        """Take files that have changed for new connections; what is no good leaves the old ones.

        Both files are replaced one after the other, so they count once nothing has changed for
        one look. `quietly` is for one of several processes, of which another tells.
        """
        if self._clock() < self._look_at:
            return
        self._look_at = self._clock() + LOOK_S
        before, self._seen = self._seen, self._stamps()
        if self._seen == self._read or self._seen != before:
            return
        self._read = self._seen
        try:
            self.context = context(self._certificate, self._key)
        except RequestError as error:
            self.failure = error.message
            said = f"{error.message}: the certificate from before goes on being used"
        else:
            self.failure = None
            said = f"the certificate in '{self._certificate}' changed: new connections get it"
        if not quietly:
            self._say(said)

    def _stamps(self) -> tuple[Stamp, Stamp]:
        return stamp(self._certificate), stamp(self._key)


def context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return what a server needs for TLS 1.2 and newer; without `key` it is in `certificate`.

    Who can speak HTTP/1.1 is answered so; HTTP/2 is for those who speak nothing else, as gRPC
    does.

    Raises:
        RequestError: a file is missing, or no such thing, or the two do not belong together.
    """
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1", "h2"])
    for path in (certificate, key):
        if path is not None and not path.is_file():
            raise RequestError(f"there is no file '{path}' to take the certificate or key from")
    try:
        made.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise RequestError(
            f"'{certificate}' and '{key or certificate}' are not a certificate and its key:"
            f" {_why(error)}",
            hint="both in PEM, the key without a password",
        ) from error
    return made


def _no_password() -> str:
    raise ValueError("the key is protected by a password")


def _why(error: Exception) -> str:
    said = str(getattr(error, "reason", None) or error).lower().replace("_", " ")
    return "one of them is not in PEM" if "pem lib" in said else said
