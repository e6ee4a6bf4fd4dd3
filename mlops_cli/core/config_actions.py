"""What `.mlops.yaml` says is done when a rule of `mlo monitor` breaks: whom to tell, and how.

Loaded only by projects that have a monitor. The first key of an action tells its kind. Secrets are
named by where they are; the file is committed to git.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from mlops_cli.core import config_values
from mlops_cli.core.config_values import as_written, named, span
from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value

RETRAIN = "retrain"
"""The action that every project has, without naming it under `actions`."""
_URL = re.compile(r"https?://[^\s/?#]+\S*")
_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@]*:[^/@]*@.*")
_ADDRESS = re.compile(r"[^\s@<>,]+@[^\s@<>,]+")
_MODEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(@\S+)?")


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is: a variable of the environment, or a file; never the secret itself."""

    env: str | None = None
    file: str | None = None
    """A path from the project's root, absolute, or from `~`."""


@dataclass(frozen=True, slots=True)
class WebhookAction:
    """The alert as JSON, by POST to a URL."""

    webhook: str | Secret
    """The address, or where it is kept where it is a secret."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer`."""
    resolved: bool = True
    """Whether it is told too that all is well again."""


@dataclass(frozen=True, slots=True)
class SlackAction:
    """A message to Slack, Mattermost, Discord's `/slack` or what else takes their form."""

    slack: Secret
    """Where the address is kept: whoever knows it may write there."""
    resolved: bool = True


@dataclass(frozen=True, slots=True)
class EmailAction:
    """A mail by SMTP."""

    email: tuple[str, ...]
    sender: str
    host: str
    port: int = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    resolved: bool = True

    def written(self) -> dict[str, Any]:
        """Return it by the keys of the settings."""
        return as_written(self, sender="from")


@dataclass(frozen=True, slots=True)
class CommandAction:
    """A command, with the alert as JSON on its standard input and in variables `MLO_ALERT_*`."""

    command: str | tuple[str, ...]
    """A shell line, or the words of a command that no shell reads."""
    timeout_s: float = 60.0
    resolved: bool = False

    def written(self) -> dict[str, Any]:
        """Return it by the keys of the settings."""
        return as_written(self)


@dataclass(frozen=True, slots=True)
class RetrainAction:
    """A new version of a model, as `mlo retrain` makes it; None: of the rule's model."""

    retrain: str | None = None


ActionSettings = WebhookAction | SlackAction | EmailAction | CommandAction | RetrainAction


def read(value: Value) -> dict[str, ActionSettings]:
    """Return what the mapping `monitor.actions` says, by name."""
    return dict(_each(value))


def first_key(value: Value, known: Mapping[str, Any], what: str) -> str:
    """Return the key that tells the kind of a rule or an action.

    Raises:
        RequestError: there is none, or more than one.
    """
    written = dict(value.items())
    kinds = [kind for kind in known if kind in written]
    if len(kinds) != 1:
        many = f"is {len(kinds)} {what}s at once: {', '.join(kinds)}" if kinds else f"is no {what}"
        raise value.fail(many, hint="give it one of: " + ", ".join(known))
    return kinds[0]


def model(value: Value) -> str:
    """Return a model, or a version of it."""
    written = value.word()
    if not _MODEL.fullmatch(written):
        raise value.fail(f"is '{written[:80]}', which is no model", hint="as in churn@production")
    return written


def is_url(text: str) -> bool:
    """Return whether it is an address of the web.

    >>> is_url("https://example.org/x"), is_url("hooks.example.org"), is_url("http://[::1/")
    (True, False, False)
    """
    try:
        return _URL.fullmatch(text) is not None and urlsplit(text).port != 0
    except ValueError:
        return False


def url(value: Value) -> str:
    """Return an address without a password in it."""
    written = value.text()
    if not is_url(written):
        raise value.fail(f"is '{written[:80]}', which is no address", hint="http://HOST:PORT/PATH")
    if _PASSWORD.fullmatch(written):
        raise value.fail(
            "holds a password, and this file is committed to git",
            hint="keep the whole address in a variable: {env: NAME}",
        )
    return written


def _each(value: Value) -> Iterator[tuple[str, ActionSettings]]:
    for name, inner in named(value):
        yield name, _READERS[first_key(inner, _READERS, "action")](inner)


def _secret(value: Value) -> Secret:
    hint = "write {env: NAME}, a variable, or {file: PATH}; this file is committed to git"
    if not value.is_mapping:
        raise value.fail("is a secret, and must say where it is", hint=hint)
    found = value.record(Secret, {"env": _variable, "file": Value.text})
    if (found.env is None) == (found.file is None):
        raise value.fail("must say where the secret is", hint=hint)
    return found


def _variable(value: Value) -> str:
    hint = "name one that holds the secret, as in SLACK_URL"
    return config_values.check_variable(value.word(), value, hint=hint)


def _webhook(value: Value) -> WebhookAction:
    def address(inner: Value) -> str | Secret:
        return _secret(inner) if inner.is_mapping else url(inner)

    keys = {"webhook": address, "token": _secret, "resolved": Value.boolean}
    return value.record(WebhookAction, keys)


def _slack(value: Value) -> SlackAction:
    return value.record(SlackAction, {"slack": _secret, "resolved": Value.boolean})


def _email(value: Value) -> EmailAction:
    def make(**found: Any) -> EmailAction:
        return EmailAction(sender=found.pop("from"), **found)

    keys: dict[str, Callable[[Value], Any]] = {
        "email": lambda one: tuple(map(_address, one.each() if one.is_list else (one,))),
        "from": _address,
        "host": Value.text,
        "port": lambda one: one.integer(minimum=1, maximum=65535),
        "tls": lambda one: one.choice("starttls", "tls", "none"),
        "user": Value.text,
        "password": _secret,
        "resolved": Value.boolean,
    }
    found = value.record(make, keys, required=("from", "host"))
    if not found.email:
        raise value.fail("names nobody", hint="email: [ops@example.org]")
    if (found.user is None) != (found.password is None):
        raise value.fail("needs both user and password, or neither")
    if found.password is not None and found.tls == "none":
        raise value.fail("would send its password in the clear", hint="tls: starttls, or tls")
    return found


def _address(value: Value) -> str:
    written = value.text()
    if not _ADDRESS.fullmatch(written) or not written.isprintable():
        raise value.fail(
            f"is '{written[:80]}', which is no address of mail", hint="as in ops@example.org"
        )
    return written


def _command(value: Value) -> CommandAction:
    def command(inner: Value) -> str | tuple[str, ...]:
        found = config_values.words(inner) if inner.is_list else inner.text()
        if not found:
            raise inner.fail("says nothing", hint="write it as command: python page.py")
        if "\0" in "".join(found):
            raise inner.fail("has a character that no command can have: NUL")
        return found

    return value.record(
        lambda command, timeout=60.0, resolved=False: CommandAction(command, timeout, resolved),
        {"command": command, "timeout": span, "resolved": Value.boolean},
    )


def _retrain(value: Value) -> RetrainAction:
    return value.record(RetrainAction, {"retrain": model})


_READERS: Mapping[str, Callable[[Value], ActionSettings]] = {
    "webhook": _webhook,
    "slack": _slack,
    "email": _email,
    "command": _command,
    "retrain": _retrain,
}
KINDS = tuple(_READERS)
"""The keys that tell kinds of actions."""
