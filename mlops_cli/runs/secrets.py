"""Keeping secrets out of records: told by the name of an option or parameter, or by their shape.

What a command prints is kept as it is printed: a log cannot be searched for what nobody named.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

MASK = "***"

_WORDS = frozenset(
    {"password", "passwd", "passphrase", "secret", "secrets", "apikey", "credential", "credentials"}
)
_PAIRS = frozenset(
    (before, last)
    for last, befores in {
        "key": ("api", "access", "private", "secret"),
        "token": ("auth", "access", "api", "bearer", "refresh", "hf", "github", "gitlab"),
    }.items()
    for before in befores
)
_SHAPES = (
    r"\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{30,}"
    r"|\bgl(?:pat|ptt|rt|dt|cbt|soat)-[A-Za-z0-9_-]{20,}"
    r"|\bhf_[A-Za-z0-9]{30,}"
    r"|\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\bxapp-[0-9]-[A-Za-z0-9-]{20,}"
    r"|(?<=hooks\.slack\.com/services/)[A-Za-z0-9/_-]{20,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\bya29\.[A-Za-z0-9_-]{20,}"
    r"|\bnpm_[A-Za-z0-9]{36}"
    r"|\bpypi-[A-Za-z0-9_-]{50,}"
    r"|\bdapi[0-9a-f]{32}"
    r"|\bdop_v1_[0-9a-f]{64}"
    r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|(?<=AccountKey=)[A-Za-z0-9+/]{40,}={0,2}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=://)[A-Za-z0-9_-]{20,}(?=@)"
    r"|(?<=Bearer )[A-Za-z0-9._~+/-]{16,}=*"
    r"|(?<=Basic )[A-Za-z0-9+/]{12,}={0,2}"
    r"|-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|.*)"
)
"""Compiled when first needed: most runs have no text that is long enough."""
_SHORTEST = 15
_MARKS = (
    rb"A[KSRIGN][A-Z]A|gh[pousr]_|github_pat_|gl[a-z]+-|hf_|[srp]k[-_]|xox|xapp|AIza|npm_|pypi-"
    rb"|dapi|dop_v1|AccountKey=|eyJ|PRIVATE KEY|hooks\.slack|SG\.|ya29"
)
"""What most secrets have in them, to tell quickly that a file has none."""
_FILES = (
    r"\.env(?:\..+)?|.+\.env|\.netrc|\.pgpass|\.pypirc|\.npmrc|\.htpasswd|\.git-credentials"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|asc)"
    r"|(?:.*[-_.])?(?:credentials?|secrets?|service[-_]account)(?:[-_.].*)?\.(?:json|ya?ml|toml|ini|cfg|txt)"
    r"|credentials|secrets"
)
_HARMLESS_FILES = (".example", ".sample", ".template", ".dist")
_ASSIGNED = re.compile(
    r"(?P<name>-{0,2}[A-Za-z_][A-Za-z0-9_.-]*)=(?P<value>'[^']*'|\"[^\"]*\"|\S+)"
)
_FOLLOWED = re.compile(
    r"(?P<name>--?[A-Za-z][A-Za-z0-9_.-]*)(?P<gap>\s+)(?P<value>'[^']*'|\"[^\"]*\"|[^\s-]\S*)"
)


def is_secret(name: str) -> bool:
    """Return whether something of this name is likely a secret.

    >>> [is_secret(name) for name in ("db.password", "--api-key", "HF_TOKEN", "token")]
    [True, True, True, True]
    >>> [is_secret(name) for name in ("max_tokens", "pad_token", "keys", "tokenizer")]
    [False, False, False, False]
    """
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    if words[-1:] == ["token"] and len(words) == 1:
        return True
    return not _WORDS.isdisjoint(words) or any(pair in _PAIRS for pair in pairwise(words))


_OFTEN = frozenset(
    {"key", "token", "auth", "authorization", "pass", "pwd", "dsn", "signature", "sig", "cookie",
     "session", "salt", "jwt", "bearer", "pat"}
)  # fmt: skip
"""Words in the names of secrets, and of much else: only what looks random is masked."""
_RANDOM_CHARS = 16
_RANDOM_BITS = 3.3


def looks_random(value: str) -> bool:
    """Return whether a value may be a key: long, one word, letters and digits without a pattern.

    >>> looks_random("q8Zp2LxV0tYw7RkB3nDm"), looks_random("customer_id"), looks_random("a" * 40)
    (True, False, False)
    """
    if len(value) < _RANDOM_CHARS or not re.fullmatch(r"[A-Za-z0-9+/=_.~!@#$%^&*-]+", value):
        return False
    if value[0] in "/.~" or not re.search(r"[0-9]", value) or not re.search(r"[A-Za-z]", value):
        return False
    counts = [value.count(one) / len(value) for one in set(value)]
    return -sum(share * math.log2(share) for share in counts) >= _RANDOM_BITS


def _is_hidden(name: str, value: str) -> bool:
    if is_secret(name):
        return True
    words = re.split(r"[^a-z0-9]+", name.lower())
    return not _OFTEN.isdisjoint(words) and looks_random(value.strip("'\""))


def is_secret_file(name: str) -> bool:
    """Return whether a file of this name likely holds secrets.

    >>> [is_secret_file(name) for name in (".env", ".env.local", "id_rsa", "prod-credentials.json")]
    [True, True, True, True]
    >>> [is_secret_file(name) for name in (".env.example", "keys.py", "secrets.py", "train.py")]
    [False, False, False, False]
    """
    return bool(re.fullmatch(_FILES, name, re.IGNORECASE)) and not name.lower().endswith(
        _HARMLESS_FILES
    )


def shown_in(data: bytes) -> bool:
    """Return whether there is something with the shape of a secret in the bytes of a file.

    URLs with a password alone do not count: examples are full of them.
    """
    if not re.search(_MARKS, data):
        return False
    found = (match[0] for match in re.finditer(_SHAPES, data.decode("latin-1"), re.DOTALL))
    return any(re.search(_MARKS, one.encode("latin-1")) for one in found)


def masked(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters, nested or by dotted name, with secrets replaced by `***`."""
    return {name: _masked(name, value) for name, value in params.items()}


def masked_command(command: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return a command with secrets replaced by `***`.

    >>> masked_command(("fit", "--token", "abc", "--api-key=x", "--depth=3"))
    ('fit', '--token', '***', '--api-key=***', '--depth=3')
    """
    if isinstance(command, str):
        return _masked_line(command)
    words: list[str] = []
    for word in command:
        follows = bool(words) and words[-1].startswith("-") and is_secret(words[-1])
        if follows and "=" not in words[-1] and not word.startswith("-"):
            words.append(MASK)
        else:
            words.append(_masked_line(word))
    return tuple(words)


def masked_text(text: str) -> str:
    """Return a text of the user's, such as a note, with secrets replaced by `***`.

    >>> masked_text("with HF_TOKEN=abc on postgres://ada:pw@host")
    'with HF_TOKEN=*** on postgres://***@host'
    """
    return _masked_line(text)


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, str):
        return MASK if _is_hidden(name, value) else _without_shapes(value)
    if isinstance(value, list | tuple):
        return [_masked(name, one) for one in value]
    return value


@lru_cache(maxsize=64)  # many runs in a row have one command
def _masked_line(text: str) -> str:
    text = _ASSIGNED.sub(lambda m: _hidden(m, f"{m['name']}="), text)
    text = _FOLLOWED.sub(lambda m: _hidden(m, f"{m['name']}{m['gap']}"), text)
    return _without_shapes(text)


def _without_shapes(text: str) -> str:
    if len(text) < _SHORTEST and "://" not in text:
        return text
    return re.sub(_SHAPES, MASK, text, flags=re.DOTALL)


def _hidden(match: re.Match[str], start: str) -> str:
    return start + MASK if _is_hidden(match["name"], match["value"]) else match[0]
