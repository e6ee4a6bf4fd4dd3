"""What `.mlops.yaml` says of what runs record beside what they always do."""

from mlops_cli.core import config_values
from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value


@dataclass(frozen=True, slots=True)
class Tracking:
    """What runs record, and what not."""

    env: tuple[str, ...] = ()
    """Variables of the environment; one that ends in `*` stands for all that begin so."""
    system: bool = True
    """Whether runs note what they take of processor, memory, disk and GPU while they go on."""
    carbon: bool = False
    """Whether energy and carbon are estimated too; takes `mlo[carbon]`."""
    country: str | None = None
    """Where the machine is, as ISO 3166 writes it in three letters, for its mix of power."""


def read(value: Value) -> Tracking:
    """Return what the mapping `tracking` says."""
    return value.record(
        Tracking,
        {"env": _variables, "system": Value.boolean, "carbon": Value.boolean, "country": _country},
    )


def _variables(value: Value) -> tuple[str, ...]:
    return tuple(_variable(one) for one in value.each())


def _variable(value: Value) -> str:
    written = value.word()
    hint = "name one, as in CUDA_VISIBLE_DEVICES, or those that begin alike, as in SLURM_*"
    config_values.check_variable(written.removesuffix("*"), value, hint=hint)
    return written


def _country(value: Value) -> str:
    written = value.word()
    if not (len(written) == 3 and written.isalpha() and written.isupper()):
        raise value.fail("is no country", hint="write three letters of ISO 3166, as in DEU")
    return written
