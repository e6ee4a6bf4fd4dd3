"""What drift is measured beside, each in an environment of its own."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import environment, pinned

SCRIPTS = Path(__file__).with_name("scripts")


@dataclass(frozen=True)
class Peer:
    """Another tool, and what it needs: the first requirement pins the tool itself."""

    name: str
    requirements: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version that is pinned."""
        return pinned(self.requirements[0])

    def folder(self) -> Path | None:
        """Return its environment, made if need be; None if it cannot be made."""
        return environment(self.name, *self.requirements)


EVIDENTLY = Peer("Evidently", ("evidently==0.7.23", "pandas<3"))
NANNYML = Peer("NannyML", ("nannyml==0.13.1", "statsmodels"))
ALIBI_DETECT = Peer("alibi-detect", ("alibi-detect==0.13.0", "pyarrow<20"))
WHYLOGS = Peer(
    "whylogs", ("whylogs==1.6.4", "whylogs[viz]", "pandas<3", "pyarrow", "setuptools<81")
)
