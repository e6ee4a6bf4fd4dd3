"""What is to run: which image answers, how many of it, and which other has a share of requests."""

import math
import re
from dataclasses import dataclass

from mlops_cli.errors import RequestError
from mlops_cli.registry.models import Version

PORT = 8000
MIB = 1 << 20
_LONGEST_NAME = 48
"""Room is left for what clusters add to a name of 63 letters."""
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_CPU = re.compile(r"[0-9]+m|[0-9]+(\.[0-9]+)?")
_MEMORY = re.compile(r"([0-9]+)(Mi|Gi)")
_FIRST_MIB, _TIMES, _STEP_MIB = 256, 4, 64
"""Memory that a server takes, how often the model's size besides, and to what it is rounded."""
_MOST_TIMES = 5
"""An autoscaler may go up to so many times the least number."""


@dataclass(frozen=True, slots=True)
class Part:
    """One version that answers: in which image, and its share of the requests, in 0..1."""

    version: Version
    image: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run.

    Attributes:
        name: as clusters allow names.
        replicas: how many run at least.
        cpu: processors that each is given, as Kubernetes writes them.
        memory_mib: memory that each may take.
        gateway: the Gateway that sends requests on where a canary has a share.
        tokens: the Secret whose key `tokens` has the tokens that requests must have one of.
    """

    name: str
    stable: Part
    canary: Part | None
    replicas: int
    cpu: str
    memory_mib: int
    gateway: str
    tokens: str | None = None

    @property
    def most(self) -> int:
        """How many an autoscaler may start."""
        return self.replicas * _MOST_TIMES

    def least_of(self, part: Part) -> int:
        """Return how many of one part run at least."""
        return max(1, math.ceil(self.replicas * part.share))


def plan(
    version: Version,
    *,
    image: str | None = None,
    canary: Version | None = None,
    share: float = 0.0,
    replicas: int = 2,
    cpu: str = "250m",
    memory: str | None = None,
    gateway: str = "gateway",
    tokens: str | None = None,
) -> Plan:
    """Return what is to run.

    Args:
        version: what answers.
        image: where its image is; with `{version}`, or without a tag, each version has its own.
        canary: another version, which gets `share` of the requests.
        share: in 0..1.
        replicas: how many run at least.
        cpu: processors that each is given.
        memory: memory that each may take, as `512Mi`; else it is reckoned from the model's size.
        gateway: the name of a Gateway, for a canary on Kubernetes.
        tokens: the name of a Secret with tokens.

    Raises:
        RequestError: one of these cannot be.
    """
    if not _CPU.fullmatch(cpu):
        raise RequestError(f"'{cpu}' is no number of processors", hint="--cpu 500m, or --cpu 2")
    if canary is not None and canary.id == version.id:
        raise RequestError(
            f"v{version.number} is what answers already", hint="name another version as --canary"
        )
    if canary is not None and share >= 1:
        raise RequestError("a canary gets less than all requests", hint="--canary v4:10%")
    name = named(version.model)
    versions = [version] if canary is None else [version, canary]
    images = [_image(image, name, one, alone=canary is None) for one in versions]
    other = None if canary is None else Part(canary, images[1], share)
    stable = Part(version, images[0], 1.0 - share if canary is not None else 1.0)
    mib = _reckoned(versions) if memory is None else _mib(memory)
    for what, told in (("Gateway", gateway), ("Secret", tokens or "none")):
        if not _NAME.fullmatch(told):
            raise RequestError(f"'{told}' cannot be the name of a {what}", hint="as in my-name")
    return Plan(name, stable, other, replicas, cpu, mib, gateway, tokens)


def named(text: str) -> str:
    """Return a name that clusters allow: letters in lower case, digits and `-`.

    >>> named("Churn_v2.model")
    'churn-v2-model'
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_NAME].rstrip("-")
    return name if name[:1].isalpha() else f"m-{name}".rstrip("-")


def _image(text: str | None, name: str, version: Version, *, alone: bool) -> str:
    found = (name if text is None else text).replace("{version}", str(version.number))
    if not _REFERENCE.fullmatch(found) or found.endswith(("/", ":", "@")):
        raise RequestError(f"'{found}' is no image", hint="--image registry.example.org/team/churn")
    last = found.rpartition("/")[2]
    if ":" not in last and "@" not in last:
        return f"{found}:v{version.number}"
    if not alone and "{version}" not in (text or ""):
        raise RequestError(
            f"'{found}' is one image, and a canary needs another",
            hint="leave the tag away, or write {version} in it",
        )
    return found


def _reckoned(versions: list[Version]) -> int:
    largest = max(one.size for one in versions)
    mib = _FIRST_MIB + _TIMES * largest / MIB
    return math.ceil(mib / _STEP_MIB) * _STEP_MIB


def _mib(text: str) -> int:
    found = _MEMORY.fullmatch(text)
    if found is None or not int(found[1]):
        raise RequestError(f"'{text}' is no amount of memory", hint="--memory 512Mi, or 2Gi")
    return int(found[1]) * (1024 if found[2] == "Gi" else 1)
