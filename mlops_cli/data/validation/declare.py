"""Naming a schema in `.mlops.yaml`, leaving every other byte as the user wrote it."""

from typing import Any

from mlops_cli.core import config, yaml_text
from mlops_cli.core.files import write_whole
from mlops_cli.core.layout import SETTINGS
from mlops_cli.core.repository import Repository
from mlops_cli.data.validation.write import word
from mlops_cli.errors import RequestError


def declare(repo: Repository, path: str, schema: str) -> bool:
    """Name the schema of a path; return whether that was needed.

    Raises:
        RequestError: the file says something else already, or is written in a way that cannot be
            edited safely; it is left as it is then.
    """
    file = repo.layout.settings
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    before = config.read(text.encode(), where=SETTINGS, beside=repo.root).data
    if path in before and before[path].schema is not None:
        if before[path].schema == schema:
            return False
        raise RequestError(
            f"{SETTINGS} names another schema for '{path}': {before[path].schema}",
            hint=f"mlo validate {path} --infer --schema {before[path].schema} --force",
        )
    edited = _edited(text, path, schema)
    _check(edited, repo, path, schema, before)
    write_whole(file, edited.encode(), aside=repo.layout.tmp)
    return True


def lines(path: str, schema: str) -> str:
    """Return what to write into `.mlops.yaml`."""
    return f"data:\n  {word(path)}:\n    schema: {word(schema)}"


def _edited(text: str, path: str, schema: str) -> str:
    root = yaml_text.compose(text.encode(), SETTINGS)
    said = f"schema: {word(schema)}"
    data = _child(root, "data")
    if data is None or data.id != "mapping" or not data.value:
        if data is not None and (data.id != "scalar" or data.value):
            return text  # `_check` refuses it
        if data is not None:  # `data:` with nothing behind it
            return _after_line(text, data.start_mark.line, f"  {word(path)}:\n    {said}\n")
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}{lines(path, schema)}\n"
    entry = _child(data, path)
    if entry is None:
        return _inserted(text, data, word(path) + ": {" + said + "}", f"{word(path)}:", said)
    if entry.id == "mapping" and entry.value:
        return _inserted(text, entry, said, said, None)
    return text


def _child(node: Any, name: str) -> Any:
    if node.id != "mapping":
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _inserted(text: str, node: Any, flowing: str, line: str, below: str | None) -> str:
    """Return the text with an entry as the first of a mapping."""
    mark = node.start_mark
    starts = text.splitlines(keepends=True)
    at = sum(map(len, starts[: mark.line])) + mark.column
    if node.flow_style:
        return text[: at + 1] + flowing + ", " + text[at + 1 :]
    indent = " " * mark.column
    added = f"{indent}{line}\n" + (f"{indent}  {below}\n" if below else "")
    return text[: at - mark.column] + added + text[at - mark.column :]


def _after_line(text: str, line: int, added: str) -> str:
    parts = text.splitlines(keepends=True)
    if not parts[line].endswith("\n"):
        parts[line] += "\n"
    return "".join([*parts[: line + 1], added, *parts[line + 1 :]])


def _check(edited: str, repo: Repository, path: str, schema: str, before: Any) -> None:
    """Refuse an edit by which the file would say anything else than is meant."""
    try:
        after = config.read(edited.encode(), where=SETTINGS, beside=repo.root).data
    except RequestError:
        after = {}
    key = before[path].key if path in before else ()
    if after != {**before, path: config.DataSettings(key, schema)}:
        raise RequestError(
            f"{SETTINGS} is written in a way that cannot be edited safely",
            hint="write into it: " + lines(path, schema).replace("\n", " "),
        )
