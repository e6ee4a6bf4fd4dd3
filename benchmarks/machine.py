"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version


def machine() -> str:
    """Return the machine, Python and `mlo`, in one line."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{platform.system()} {platform.release()}, {platform.machine()}, {cores} cores, "
        f"{memory_gib:.0f} GiB, Python {platform.python_version()}, typer {version('typer')}, "
        f"mlo {version('mlo')}"
    )
