"""TLS: a certificate and its key from files, for HTTP/1.1 and for gRPC alike."""

import ssl
from pathlib import Path

from mlops_cli.errors import RequestError


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
    reason = getattr(error, "reason", None) or str(error)
    return str(reason).lower().replace("_", " ")
