"""What NVIDIA's GPUs do, as `nvidia-smi` tells while a run goes on; nothing where there is none."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from mlops_cli.runs import machine

_QUERY = (
    "--query-gpu=index,utilization.gpu,memory.used,power.draw", "--format=csv,noheader,nounits",
    "--loop=2",
)  # fmt: skip
_FIELDS = 4
_MIB = 1024 * 1024


class Gpus:
    """The GPUs of this machine, watched by one program of the driver's from when first asked."""

    def __init__(self, program: str | None = None) -> None:
        """`program` is `nvidia-smi`, looked for only where the driver says that there are GPUs."""
        self._program = program or (shutil.which("nvidia-smi") if machine.gpus() else None)
        self._child: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._last: dict[str, Mapping[str, float]] = {}

    def look(self) -> list[Mapping[str, float]]:
        """Return what each GPU was last told to do: `use` in 0..1, `memory` in bytes, `watts`."""
        if self._program is None:
            return []
        if self._child is None:
            self._start(self._program)
        self._read()
        return [self._last[index] for index in sorted(self._last)]

    def close(self) -> None:
        """Stop watching."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            if self._child.stdout is not None:
                self._child.stdout.close()

    def _start(self, program: str) -> None:
        try:
            self._child = subprocess.Popen(
                [program, *_QUERY], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, bufsize=0,
            )  # fmt: skip
        except OSError:
            self._program = None
            return
        if self._child.stdout is not None:
            os.set_blocking(self._child.stdout.fileno(), False)

    def _read(self) -> None:
        if self._child is None or self._child.stdout is None:
            return
        with suppress(BlockingIOError):
            while data := os.read(self._child.stdout.fileno(), 65536):
                self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            fields = [field.strip() for field in line.decode("ascii", "replace").split(",")]
            if len(fields) == _FIELDS:
                self._last[fields[0]] = _facts(fields)


def _facts(fields: list[str]) -> Mapping[str, float]:
    """Return the numbers of one line; what a GPU does not tell is left out."""
    found: dict[str, float] = {}
    for name, text, unit in zip(
        ("use", "memory", "watts"), fields[1:], (0.01, _MIB, 1), strict=True
    ):
        with suppress(ValueError):
            found[name] = round(float(text) * unit, 4)
    return found
