"""A remote in a bucket: Amazon S3, or what speaks its protocol and honours conditional writes."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import IO, TYPE_CHECKING, TypeVar

from mlops_cli.errors import Conflict, ExternalError, MloError
from mlops_cli.remotes import aws, s3_store
from mlops_cli.remotes.transport import MOST_WHOLE, MissingKey, too_large

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Store

_PART_BYTES = 8 * 1024 * 1024
_PARTS_AT_ONCE = 4
_NEVER_AN_ETAG = '"mlo asks whether this is compared"'

Done = TypeVar("Done")


class S3Transport:
    """Keys are objects below a prefix. May be used by several threads at once."""

    readers = 8
    """How many reads at once are worth it, for `Reader`."""

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        self.bucket, self._prefix = s3_store.place(url)
        self.url = f"s3://{self.bucket}/{self._prefix}".rstrip("/")
        self._environment = environment
        self._seen: dict[str, tuple[bytes, str | None]] = {}
        self._compares = False

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of an object, large ranges by several connections; see `Transport`."""
        with self.asking(key):
            if length is None:
                return _heard(lambda: self._read_on(key, start))
            return _heard(lambda: self._range(key, start, length))

    def _range(self, key: str, start: int, length: int) -> bytes:
        if length <= _PART_BYTES:
            return self._piece(key, start, length)
        starts = range(start, start + length, _PART_BYTES)
        with ThreadPoolExecutor(_PARTS_AT_ONCE) as threads:
            ends = [min(one + _PART_BYTES, start + length) for one in starts]
            pieces = zip(starts, ends, strict=True)
            return b"".join(threads.map(lambda at: self._piece(key, at[0], at[1] - at[0]), pieces))

    def _piece(self, key: str, start: int, length: int) -> bytes:
        import obstore
        from obstore.exceptions import GenericError

        if not length:
            self.size(key)
            return b""
        try:
            return bytes(obstore.get_range(self.reader, key, start=start, length=length))
        except GenericError as error:
            if "status code: 416" in str(error):  # it begins where the object has ended
                return b""
            raise

    def _read_on(self, key: str, start: int) -> bytes:
        import obstore

        if start:
            return self._range(key, start, max(0, self.size(key) - start))
        found = obstore.get(self.reader, key)
        if found.meta["size"] > MOST_WHOLE:
            raise too_large(key, self.url)
        data = bytes(found.bytes())
        if not key.startswith("packs/"):
            self._seen[key] = (data, found.meta["e_tag"])
        return data

    def size(self, key: str) -> int:
        """Return the size of an object; see `Transport`."""
        import obstore

        with self.asking(key):
            return _heard(lambda: obstore.head(self.reader, key)["size"])

    def write_new(self, key: str, source: Path | bytes) -> None:
        """Put an object that is not there, a large one in parts; see `Transport`.

        Parts that a killed process has sent are no object and are seen by nobody.
        """
        if isinstance(source, bytes):
            self._put_new(key, source, large=False)
            return
        try:
            with source.open("rb") as file:
                large = os.fstat(file.fileno()).st_size > _PART_BYTES
                if not (large and self._has(key)):
                    self._put_new(key, file, large=large)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ExternalError(f"cannot read '{source}': {reason}") from error

    def _put_new(self, key: str, source: IO[bytes] | bytes, *, large: bool) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self.asking(key), suppress(AlreadyExistsError):
            _heard(
                lambda: obstore.put(
                    self._writer,
                    key,
                    source,
                    mode="overwrite" if large else "create",
                    use_multipart=large,
                    chunk_size=_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                )
            )

    def _has(self, key: str) -> bool:
        try:
            self.size(key)
        except MissingKey:
            return False
        return True

    def list(self, prefix: str) -> list[str]:
        """Return the keys of a folder; see `Transport`."""
        import obstore

        with self.asking(prefix):
            found = _heard(lambda: obstore.list_with_delimiter(self.reader, prefix))
        return sorted(one["path"] for one in found["objects"])

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        """Put with If-Match or If-None-Match, which the server compares; see `Transport`.

        Raises:
            ExternalError: the server takes no notice of the conditions, so two pushes at once
                could undo each other.
        """
        seen, tag = self._seen.pop(key, (None, None))
        if old is not None and (seen != old or tag is None):
            seen, tag = self._look(key)
        if old is not None and seen != old:
            raise self._lost(key)
        if old is None:
            if not self._put_if(key, new, None):
                raise self._lost(key)
            self._prove(key, new, None)
        else:
            self._prove(key, old, _NEVER_AN_ETAG)
            if not self._put_if(key, new, tag):
                raise self._lost(key)

    def _look(self, key: str) -> tuple[bytes | None, str | None]:
        try:
            self.read(key)
        except MissingKey:
            return None, None
        return self._seen.pop(key)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        """Put `data` if the object has this tag, or with None is not there; return whether."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self.asking(key):
            try:
                mode: PutMode = "create" if tag is None else {"e_tag": tag}
                _heard(lambda: obstore.put(self._writer, key, data, mode=mode, use_multipart=False))
            except (AlreadyExistsError, PreconditionError):
                return False
            except FileNotFoundError as error:
                if tag is None or _code(error) == "NoSuchBucket":
                    raise
                return False
        return True

    def _prove(self, key: str, present: bytes, tag: str | None) -> None:
        """Once, ask for a write that must be refused; where it is not, it changes nothing."""
        if self._compares:
            return
        if self._put_if(key, present, tag):
            raise ExternalError(
                f"the server of '{self.url}' ignores conditional writes (If-Match, If-None-Match),"
                " so two pushes at once could undo each other",
                hint="use a server that honours them, such as Amazon S3, SeaweedFS, MinIO or R2",
            )
        self._compares = True

    def _lost(self, key: str) -> Conflict:
        return Conflict(f"'{key}' on the remote '{self.url}' was changed by somebody else")

    @cached_property
    def _settings(self) -> aws.Aws:
        return aws.settings(self._environment)

    @cached_property
    def reader(self) -> "S3Store":
        """What obstore reads the prefix by; use it while `asking`."""
        return s3_store.reader(self._settings, self.bucket, self._prefix)

    @cached_property
    def _writer(self) -> "S3Store":
        return s3_store.writer(self._settings, self.bucket, self._prefix)

    @contextmanager
    def asking(self, key: str) -> Iterator[None]:
        """Turn what obstore raises into what `Transport` promises."""
        from obstore.exceptions import BaseError

        try:
            yield
        except MloError:
            raise
        except FileNotFoundError as error:
            if _code(error) == "NoSuchBucket":
                raise self._failed(error) from error
            raise MissingKey(f"'{key}' is not on the remote '{self.url}'") from error
        except (BaseError, ValueError, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> ExternalError:
        text, code = str(error), _code(error)
        at = self._settings.endpoint or f"Amazon S3 ({self._settings.region})"
        if "/latest/api/token" in text or "/latest/meta-data" in text:
            return aws.no_credentials()
        if "credential provider" in text:
            return ExternalError("the AWS credentials have ended", hint="sign in again")
        if code in _SAID:
            what, hint = _SAID[code]
            return ExternalError(what.format(bucket=self.bucket, url=self.url, at=at), hint=hint)
        status = re.search(r"status code: (\d+)", text)
        if status and status[1] in ("401", "403"):
            what, hint = _SAID["AccessDenied"]
            return ExternalError(what.format(bucket=self.bucket, url=self.url, at=at), hint=hint)
        if status:
            said = f"{status[1]} {code or ''}".strip()
            return ExternalError(f"the remote '{self.url}' at {at} answered {said}")
        why = next((words for mark, words in _CAUSES if mark in text), "the connection failed")
        return ExternalError(
            f"cannot reach the remote '{self.url}' at {at}: {why}",
            hint="see whether the network is up and AWS_ENDPOINT_URL is right",
        )


_DENIED = "the account needs s3:ListBucket, s3:GetObject and, to push, s3:PutObject"
_REGION = ("the bucket '{bucket}' is in another region than '{at}'", "set AWS_REGION to its region")
_SIGN_IN = "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_SAID: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no bucket '{bucket}' at {at}", "make it, or correct the URL"),
    "InvalidBucketName": ("'{bucket}' cannot be a bucket at {at}", s3_store.FORM),
    "AccessDenied": ("the remote '{url}' at {at} forbids it", _DENIED),
    "SignatureDoesNotMatch": ("{at} refuses the AWS secret key", _SIGN_IN),
    "InvalidAccessKeyId": ("{at} does not know the AWS access key", _SIGN_IN),
    "ExpiredToken": ("the AWS session has ended", "sign in again"),
    "InvalidToken": ("{at} refuses the AWS session token", "sign in again"),
    "RequestTimeTooSkewed": ("this machine's clock differs from that of {at}", "set the clock"),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "SlowDown": ("{at} asks for fewer requests", "try again later"),
}
"""What a server's error code means for a user, and what to do."""
_CAUSES = (
    ("dns error", "no such host"),
    ("ConnectionRefused", "connection refused"),
    ("NetworkUnreachable", "the network is unreachable"),
    ("HostUnreachable", "the host is unreachable"),
    ("InvalidCertificate", "its certificate is not trusted (see AWS_CA_BUNDLE)"),
    ("UnknownIssuer", "its certificate is not trusted (see AWS_CA_BUNDLE)"),
    ("InvalidMessage", "it does not speak TLS"),
    ("kind: Timeout", "no answer in time"),
    ("TimedOut", "no answer in time"),
    ("Redirect without LOCATION", "the bucket is in another region (see AWS_REGION)"),
)


def _heard(call: Callable[[], Done]) -> Done:
    """Return what `call` returns, from a thread: obstore waits for the network deaf to Ctrl-C.

    A thread that is given up on ends with the process; parts it sent are no object.
    """
    if current_thread() is not main_thread():
        return call()
    done: Future[Done] = Future()

    def work() -> None:
        try:
            done.set_result(call())
        except BaseException as error:  # noqa: BLE001 (the caller raises it)
            done.set_exception(error)

    Thread(target=work, daemon=True).start()
    return done.result()


def _code(error: Exception) -> str | None:
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    return found[1] if found else None
