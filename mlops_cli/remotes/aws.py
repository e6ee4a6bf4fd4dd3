"""What the standard AWS settings say: the environment, `~/.aws/config` and `~/.aws/credentials`.

obstore asks web identity, containers and instances for credentials itself, but reads neither file.
"""

import re
from collections.abc import Callable, Mapping
from configparser import Error as ParserError
from configparser import RawConfigParser
from datetime import UTC, datetime
from pathlib import Path

from mlops_cli.core.records import dataclass, field
from mlops_cli.errors import ExternalError

DEFAULT_REGION = "us-east-1"
_ELSEWHERE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Where these are set, obstore finds out the rest."""
_PROCESS_TIMEOUT_S = 60
_SET = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs a request; never shown."""

    access: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(repr=False, default=None)
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Aws:
    """Where S3 is, and how to sign in.

    Attributes:
        endpoint: None means Amazon's own for the region.
        ca_bundle: certificates to trust besides the usual, PEM.
        keys: returns keys that are valid now; None leaves it to web identity, the container or
            the instance.
    """

    region: str
    endpoint: str | None
    ca_bundle: Path | None
    keys: Callable[[], Keys] | None


def settings(environment: Mapping[str, str]) -> Aws:
    """Return what the environment and the files that it names say.

    Raises:
        ExternalError: a file cannot be read, the profile is not there, or its way to sign in
            is one that is not known here.
    """
    profile = _Profile.of(environment)
    return Aws(
        region=_first(environment, "AWS_REGION", "AWS_DEFAULT_REGION")
        or profile.values.get("region")
        or DEFAULT_REGION,
        endpoint=_endpoint(environment, profile),
        ca_bundle=_bundle(environment, profile),
        keys=_keys(environment, profile),
    )


@dataclass(frozen=True, slots=True)
class _Profile:
    name: str
    values: Mapping[str, str]
    services: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "_Profile":
        home = Path(environment.get("HOME") or "~").expanduser()
        config = _parsed(environment.get("AWS_CONFIG_FILE"), home / ".aws" / "config")
        shared = _parsed(
            environment.get("AWS_SHARED_CREDENTIALS_FILE"), home / ".aws" / "credentials"
        )
        asked = _first(environment, "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        name = asked or "default"
        titles = [name, "profile default"] if name == "default" else [f"profile {name}"]
        found = [config[title] for title in titles if title in config]
        found += [shared[name]] if name in shared else []
        if asked and not found:
            raise ExternalError(
                f"there is no AWS profile '{asked}' in ~/.aws/config or ~/.aws/credentials",
                hint="correct AWS_PROFILE, or run: aws configure --profile " + asked,
            )
        values = {key: value for section in found for key, value in section.items()}
        services = config.get(f"services {values.get('services', '')}", {})
        return cls(name, values, services)


def _parsed(named: str | None, usual: Path) -> dict[str, dict[str, str]]:
    """Return an ini file's sections. An error says where, not what: a line may be a secret."""
    path = Path(named).expanduser() if named else usual
    parser = RawConfigParser(default_section="", strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{path}': {reason}") from error
    except (ParserError, UnicodeDecodeError):
        raise ExternalError(f"'{path}' is not laid out as AWS settings are") from None
    return {
        " ".join(title.split()).replace('"', ""): dict(parser[title]) for title in parser.sections()
    }


def _endpoint(environment: Mapping[str, str], profile: _Profile) -> str | None:
    named = _first(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if named or environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return named
    nested = re.search(r"^\s*endpoint_url\s*=\s*(\S+)", profile.services.get("s3", ""), re.M)
    return nested[1] if nested else profile.values.get("endpoint_url")


def _bundle(environment: Mapping[str, str], profile: _Profile) -> Path | None:
    named = _first(environment, "AWS_CA_BUNDLE") or profile.values.get("ca_bundle")
    return Path(named).expanduser() if named else None


def _keys(environment: Mapping[str, str], profile: _Profile) -> Callable[[], Keys] | None:
    """Return how to get keys: the order is that of the AWS tools."""
    access, secret = (
        environment.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    )
    if access or secret:
        return _given(access, secret, environment.get("AWS_SESSION_TOKEN"), "the environment")
    if environment.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true"):
        return None
    if environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return None
    values, where = profile.values, f"the AWS profile '{profile.name}'"
    if "role_arn" in values:
        raise _not_known(profile, "takes on a role")
    access, secret = values.get("aws_access_key_id"), values.get("aws_secret_access_key")
    if access or secret:
        return _given(access, secret, values.get("aws_session_token"), where)
    if "credential_process" in values:
        return _Process(values["credential_process"], where)
    if "sso_session" in values or "sso_start_url" in values:
        raise _not_known(profile, "signs in by SSO")
    # obstore would take an empty key, as CI sets for who may not have it, for a key
    disabled = environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    if (disabled or "AWS_ACCESS_KEY_ID" in environment) and not any(
        environment.get(name) for name in _ELSEWHERE
    ):
        raise no_credentials()
    return None


def no_credentials() -> ExternalError:
    """Return the error for when no link of the chain has anything."""
    return ExternalError("no AWS credentials were found", hint=_SET)


def _given(
    access: str | None, secret: str | None, token: str | None, where: str
) -> Callable[[], Keys]:
    if not access or not secret:
        have, lack = ("access", "secret") if access else ("secret", "access")
        raise ExternalError(f"{where} has an AWS {have} key, but no {lack} key", hint=_SET)
    for one in (access, secret, token or ""):
        if not (one.isascii() and one.isprintable()):
            raise ExternalError(
                f"an AWS key in {where} has characters that no key has: a line break, maybe",
                hint=_SET,
            )
    keys = Keys(access, secret, token or None)
    return lambda: keys


def _not_known(profile: _Profile, does: str) -> ExternalError:
    return ExternalError(
        f"the AWS profile '{profile.name}' {does}, which mlo leaves to the AWS command line",
        hint=f'eval "$(aws configure export-credentials --profile {profile.name} --format env)"',
    )


@dataclass(frozen=True, slots=True)
class _Process:
    """A command of the user's that prints keys, as `credential_process` is specified."""

    command: str
    where: str

    def __call__(self) -> Keys:
        import json
        import shlex
        import subprocess

        try:
            done = subprocess.run(
                shlex.split(self.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                timeout=_PROCESS_TIMEOUT_S,
                check=True,
            )
            found = json.loads(done.stdout)
            keys = _given(
                found["AccessKeyId"], found["SecretAccessKey"], found.get("SessionToken"), "it"
            )()
            return Keys(keys.access, keys.secret, keys.token, _when(found.get("Expiration")))
        except subprocess.CalledProcessError as error:
            raise self._failed(f"ended with {error.returncode}") from None
        except subprocess.TimeoutExpired:
            raise self._failed(f"took longer than {_PROCESS_TIMEOUT_S} s") from None
        except OSError as error:
            raise self._failed((error.strerror or str(error)).lower()) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._failed("did not print keys as JSON") from None

    def _failed(self, why: str) -> ExternalError:
        return ExternalError(f"the credential_process of {self.where} {why}")


def _when(text: str | None) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _first(environment: Mapping[str, str], *names: str) -> str | None:
    """Return the first that is set; an empty one counts as unset."""
    return next((environment[name] for name in names if environment.get(name)), None)
