"""Write `docs/commands/` from the help of the commands: `python docs/write_commands.py`."""

import os
from pathlib import Path
from typing import Any

from mlops_cli.cli.group import LazyGroup, load
from mlops_cli.cli.table import SECTIONS

FOLDER = Path(__file__).parent / "commands"


def pages() -> dict[str, str]:
    """Return every page of the folder by its file name."""
    group = LazyGroup(name="mlo")
    lines = ["# Commands", "", "In the order of the loop; each page is what `--help` prints.", ""]
    written = {}
    with group.make_context("mlo", ["init"], resilient_parsing=True) as top:
        for title, rows in SECTIONS:
            lines += [f"## {title.capitalize()}", ""]
            for name, line in rows:
                lines.append(f"- [mlo {name}]({name}.md): {line[0].lower()}{line[1:]}")
                written[f"{name}.md"] = _page(name, top)
            lines.append("")
    written["README.md"] = "\n".join(lines).rstrip() + "\n"
    return written


def _page(name: str, top: Any) -> str:
    command: Any = load(name)
    context = command.context_class(command, info_name=name, parent=top)
    parts = [f"# mlo {name}", _block(context)]
    for below, inner in getattr(command, "commands", {}).items():
        parts += [
            f"## mlo {name} {below}",
            _block(inner.context_class(inner, info_name=below, parent=context)),
        ]
    return "\n\n".join(parts) + "\n"


def _block(context: Any) -> str:
    return f"```text\n{context.get_help()}\n```"


def main() -> None:
    """Write the pages, and drop those of commands that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    main()
