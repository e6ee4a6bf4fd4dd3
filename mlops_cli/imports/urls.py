"""What may stand in a URL that is remembered: no credentials, ever."""

import re
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from mlops_cli.errors import RequestError
from mlops_cli.runs.secrets import MASK, is_secret

_SIGNATURES = re.compile(
    r"sig|signature|awsaccesskeyid|googleaccessid|key-pair-id|policy|access_token|api_?key|key"
    r"|token|auth|x-(amz|goog)-(signature|credential|security-token)",
    re.IGNORECASE,
)
"""Parameters of a query that let whoever has the URL in."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")


def scheme_of(url: str) -> str | None:
    """Return the scheme of a URL in lower case; None for a path.

    >>> scheme_of("HTTPS://example.org/x"), scheme_of("data/x.csv"), scheme_of("git@host:a/b")
    ('https', None, None)
    """
    found = _SCHEME.match(url)
    return found[0].lower() if found else None


def refuse_password(url: str) -> None:
    """Raise RequestError if a URL has no host, or a password or token before it."""
    scheme = scheme_of(url)
    if scheme is None:
        return
    if scheme in ("http", "https") and not urlsplit(url).hostname:
        raise RequestError(f"'{url}' names no host", hint=f"{scheme}://HOST/PATH")
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    if at and (":" in user or scheme in ("http", "https", "s3")):
        raise RequestError(
            "the URL holds credentials, and where data came from is committed to git",
            hint="take them out of the URL, and put them in ~/.netrc, or what git or AWS reads",
        )


def safe(url: str) -> str:
    """Return a URL as it may be shown and kept: what signs it is masked.

    >>> safe("https://example.org/a.csv?version=2&X-Amz-Signature=abc")
    'https://example.org/a.csv?version=2&X-Amz-Signature=***'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.query:
        return urlunsplit(parts._replace(fragment="")) if parts.scheme else url
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if not any(_lets_in(name) for name, _ in pairs):
        return urlunsplit(parts._replace(fragment=""))
    query = "&".join(
        f"{quote(name)}={MASK if _lets_in(name) else quote(value)}" for name, value in pairs
    )
    return urlunsplit(parts._replace(query=query, fragment=""))


def is_masked(url: str) -> bool:
    """Return whether something was masked in a URL, so that it leads nowhere by itself."""
    return f"={MASK}" in url


def _lets_in(name: str) -> bool:
    return bool(_SIGNATURES.fullmatch(name)) or is_secret(name)
