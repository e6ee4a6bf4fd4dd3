"""Starting up: what every command pays."""

import subprocess
import sys
from pathlib import Path

from benchmarks.measure import MLO, Row, medians

TIMES = 15
_EMPTY = """
import typer

app = typer.Typer(add_completion=False)


@app.command()
def main() -> None:
    pass


app()
"""


def rows(folder: Path) -> list[Row]:
    """Measure `--help`, `--version`, `status` and `run -- true` in a small project."""
    project = folder / "small"
    project.mkdir()
    (folder / "empty.py").write_text(_EMPTY)
    for command in ([MLO, "init"], [MLO, "add", "data.csv"]):
        (project / "data.csv").write_text("a,b\n1,2\n")
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    commands = {
        "typer": [sys.executable, "-c", "import typer"],
        "empty": [sys.executable, str(folder / "empty.py")],
        "--help": [MLO, "--help"],
        "--version": [MLO, "--version"],
        "status": [MLO, "status"],
        "run": [MLO, "run", "--", "true"],
    }
    cost = medians(commands, times=TIMES, cwd=project)
    floor = 'python -c "import typer"'
    return [
        *(
            Row(f"mlo {name}", cost[name].seconds, floor, cost["typer"].seconds, 2.0)
            for name in ("--help", "--version", "status")
        ),
        Row(
            "mlo run -- true",
            cost["run"].seconds,
            "empty typer command",
            cost["empty"].seconds,
            5.0,
        ),
    ]
