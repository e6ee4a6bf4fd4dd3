"""`mlo validate` beside pandera and Great Expectations: time and memory of whole commands."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.drift.peers import Peer
from benchmarks.machine import machine
from benchmarks.measure import MLO, Cost, Row, medians
from benchmarks.page import Section
from benchmarks.table import table

ROWS = 1_000_000
PANDERA = Peer("pandera", ("pandera==0.35.0", "pandas==3.1.1", "pyarrow==26.0.1"))
EXPECTATIONS = Peer(
    "Great Expectations", ("great_expectations==1.24.1", "pandas==3.1.1", "pyarrow==26.0.1")
)
_SCRIPTS = {PANDERA: "pandera_script.py", EXPECTATIONS: "great_expectations_script.py"}
_HERE = Path(__file__).parent
_EACH = (
    *(f"  n{at}: {{type: number, min: -10, max: 10, nullable: false}}" for at in range(8)),
    *(f"  i{at}: {{type: integer, min: 0, max: 999}}" for at in range(4)),
    *(f"  c{at}: {{type: text, values: [free, basic, pro, team]}}" for at in range(4)),
)
SCHEMA = """\
columns:
EACH
  id: {type: integer, unique: true, nullable: false}
  mail: {type: text, pattern: '[^@]+@[^@]+\\.org', length: {max: 40}}
  start: {type: datetime, min: 2025-01-01}
  end: {type: datetime}
extra: error
rules:
  - start <= end
""".replace("EACH", "\n".join(_EACH))


def measure(*, times: int, where: Path | None) -> tuple[list[Row], Section]:
    """Return a row for each tool and kind of file, and the section for the page."""
    with tempfile.TemporaryDirectory(prefix="mlo-validation-", dir=where) as name:
        folder = Path(name)
        _project(folder)
        found = {
            kind: medians(_commands(f"table.{kind}"), times=times, cwd=folder)
            for kind in ("csv", "parquet")
        }
    rows = [row for kind, costs in found.items() for row in _rows(kind, costs)]
    text = (
        f"Measured on {machine()}: whole commands, start included, on {ROWS:,} rows of 20 columns "
        "with the same checks (types, bounds, allowed words, a pattern, a length, a unique id, a "
        "rule about two columns).\n\n"
    )
    return rows, Section(text + table(rows))


def _project(folder: Path) -> None:
    script = str(_HERE / "scripts" / "table_script.py")
    subprocess.run([sys.executable, script, str(ROWS), str(folder)], check=True)
    (folder / "schema.yaml").write_text(SCHEMA)
    subprocess.run([MLO, "init"], cwd=folder, check=True, capture_output=True)


def _commands(file: str) -> Mapping[str, Sequence[str]]:
    ours = [MLO, "validate", file, "--schema", "schema.yaml"]
    commands: dict[str, Sequence[str]] = {"mlo": [*ours, "--no-cache"], "known": ours}
    for peer, script in _SCRIPTS.items():
        home = peer.folder()
        if home is not None:
            python = str(home / "bin" / "python")
            commands[peer.name] = [python, str(_HERE / "scripts" / script), file]
    return commands


def _rows(kind: str, costs: Mapping[str, Cost]) -> list[Row]:
    ours = costs["mlo"]
    rows = []
    for peer in _SCRIPTS:
        name = f"{peer.name} {peer.version}"
        theirs = costs.get(peer.name)
        limit = 0.5 if peer is EXPECTATIONS else 1.0
        if theirs is None:
            rows.append(Row(f"{kind}, time", ours.seconds, f"{name}: not there", None, limit))
            continue
        rows.append(Row(f"{kind}, time", ours.seconds, name, theirs.seconds, limit))
        rows.append(Row(f"{kind}, memory", ours.peak_mib, name, theirs.peak_mib, limit, unit="MiB"))
    known = costs["known"]
    rows.append(Row(f"{kind}, verdict known", known.seconds, "reading it", ours.seconds, 0.5))
    return rows
