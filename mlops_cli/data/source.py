r"""Where imported data came from, as its pointer keeps it.

The lines after `source:` in a pointer:

    source:
      url: "https://example.org/raw.csv"
      etag: "\"33a64df5\""
      modified: "Wed, 21 Oct 2015 07:28:00 GMT"

Values are JSON strings, which YAML reads alike; so a pointer that nobody has edited by hand is
read without a YAML parser.
"""

import json

from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value

LINES = rb'(?:  [a-z0-9]+: "(?:[^"\\\n]|\\[^\n])*"\n)+'
"""A pattern for the lines of a source, without the one that says `source:`."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was asked for, and how the source itself named the version that it gave.

    Attributes:
        url: a URL without credentials; a local path, from the project's root unless absolute.
        path: within the project at `url`, when that is a project.
        revision: of that project, as it was asked for; None for its newest commit.
        commit: what the revision was then.
        etag, modified: what a web server or object store said.
        listing: BLAKE3 of what an object store listed, for a folder.
        checksum: what the content had to have, such as `sha256:` and hex digits.
    """

    url: str
    path: str | None = None
    revision: str | None = None
    commit: str | None = None
    etag: str | None = None
    modified: str | None = None
    listing: str | None = None
    checksum: str | None = None

    @property
    def name(self) -> str:
        """What people are told: the URL, and the path and revision within a project."""
        if self.path is None:
            return self.url
        return f"{self.url}#{self.path}" + (f"@{self.revision}" if self.revision else "")


KEYS: tuple[str, ...] = Source.__match_args__


def encode(source: Source) -> str:
    """Return the lines of a source in a pointer."""
    lines = ["source:\n"]
    for key in KEYS:
        value = getattr(source, key)
        if value is not None:
            lines.append(f"  {key}: {_quoted(value)}\n")
    return "".join(lines)


def decode(lines: bytes) -> Source | None:
    """Return the source that lines like those of `encode` hold; None if they are not so."""
    found: dict[str, str] = {}
    for line in lines.splitlines():
        key, _, value = line.decode("utf-8", "surrogateescape").strip().partition(": ")
        if key not in KEYS or key in found:
            return None
        try:
            found[key] = json.loads(value)
        except ValueError:
            return None
    return Source(**found) if found.get("url") else None


def read(value: Value) -> Source:
    """Return the source in a pointer that was laid out by hand.

    Raises:
        RequestError: it names file and line.
    """
    return value.record(Source, dict.fromkeys(KEYS, Value.word), required=("url",))


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    try:
        quoted.encode()
    except UnicodeEncodeError:  # a name that is no text
        return json.dumps(text)
    return quoted
