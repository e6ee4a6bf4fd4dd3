"""Opening a bucket: what its URL says, where its server is, how long to wait for it."""

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.remotes.aws import Aws

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Credential, S3CredentialProvider, S3Store

FORM = "s3://BUCKET/PREFIX"
_CONNECT_S = 4
_SILENCE_S = 10
"""How long a server may say nothing while it is read from."""
_PATIENCE_S = 10
"""For how long a read that failed is tried again."""
_PART_S = 300
"""How long one part may take to be sent: four of 8 MiB at once need 0.9 Mbit/s."""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


def place(url: str) -> tuple[str, str]:
    """Return bucket and prefix. What may be a secret is not repeated."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if "@" in bucket or "?" in url or "#" in url:
        raise RequestError(
            "the URL of an S3 remote takes no credentials or options",
            hint=f"write {FORM}, and set AWS_PROFILE or AWS_ACCESS_KEY_ID where you work",
        )
    parts = [part for part in prefix.split("/") if part]
    if not _BUCKET.fullmatch(bucket):
        raise RequestError(f"'{url}' names no bucket", hint=FORM)
    if not prefix.isprintable() or {".", ".."} & set(parts):
        raise RequestError(f"{url!r} has a prefix that no bucket can keep", hint=FORM)
    return bucket, "/".join(parts)


def reader(found: Aws, bucket: str, prefix: str) -> "S3Store":
    """Return a store for reading, which gives up on a server that says nothing."""
    return _store(found, bucket, prefix, silence_s=_SILENCE_S, patience_s=_PATIENCE_S)


def writer(found: Aws, bucket: str, prefix: str) -> "S3Store":
    """Return a store that waits: what it sends may take its time, and a read came before it."""
    return _store(found, bucket, prefix, silence_s=_PART_S, patience_s=6 * _PATIENCE_S)


def _store(
    found: Aws, bucket: str, prefix: str, *, silence_s: float, patience_s: float
) -> "S3Store":
    from obstore.store import S3Store

    endpoint = _checked_endpoint(found.endpoint)
    config: S3Config = {"region": _checked_region(found.region)}
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "read_timeout": timedelta(seconds=silence_s),
        "timeout": timedelta(seconds=_PART_S),
    }
    if endpoint:
        config["endpoint"] = endpoint
        client["allow_http"] = endpoint.startswith("http://")
    if found.ca_bundle and not client.get("allow_http"):
        client["root_certificate"] = _certificates(found.ca_bundle)
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options=client,
        retry_config={"max_retries": 6, "retry_timeout": timedelta(seconds=patience_s)},
        credential_provider=_provider(found),
    )


def _checked_endpoint(endpoint: str | None) -> str | None:
    if endpoint is None:
        return None
    try:
        parts = urlsplit(endpoint)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in endpoint or not (endpoint.isascii() and endpoint.isprintable()):
        raise ExternalError(
            "the AWS endpoint URL that is set is not of the form https://HOST",
            hint="correct AWS_ENDPOINT_URL, or endpoint_url in ~/.aws/config",
        )
    return endpoint.rstrip("/")


def _checked_region(region: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", region):
        raise ExternalError("the AWS region that is set is none", hint="correct AWS_REGION")
    return region


def _certificates(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(
            f"cannot read '{path}': {reason}", hint="correct AWS_CA_BUNDLE"
        ) from error


def _provider(found: Aws) -> "S3CredentialProvider | None":
    """Return what obstore calls for keys. The first are got here, where an error is seen."""
    ask = found.keys
    if ask is None:
        return None
    first = [ask()]

    def credentials() -> "S3Credential":
        keys = first.pop() if first else ask()
        return {
            "access_key_id": keys.access,
            "secret_access_key": keys.secret,
            "token": keys.token,
            "expires_at": keys.expires,
        }

    return credentials
