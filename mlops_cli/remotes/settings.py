"""Editing `remotes` in the settings file, leaving every other byte as the user wrote it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlops_cli.core import config
from mlops_cli.core.config import RemoteSettings
from mlops_cli.core.files import write_whole
from mlops_cli.errors import RequestError


def add(settings: Path, name: str, remote: RemoteSettings) -> None:
    """Add a remote; the file is made when there is none.

    Raises:
        RequestError: there is a remote of this name, or the file's layout is too unusual to
            be edited safely; it is left as it is then.
    """
    text = _read(settings)
    before = _parse(text)
    remotes = before.get("remotes") or {}
    refuse_taken(config.read(text.encode(), where=settings.name).remotes, name)
    written = _written(remote)
    edited = _inserted(text, f"{name}: {_on_one_line(written)}")
    _replace(settings, edited, {**before, "remotes": {**remotes, name: written}})


def refuse_taken(remotes: Mapping[str, RemoteSettings], name: str) -> None:
    """Raise RequestError if there is a remote of this name."""
    if name in remotes:
        raise RequestError(
            f"there is a remote '{name}' already: {remotes[name].url}",
            hint=f"mlo remote remove {name}",
        )


def remove(settings: Path, name: str) -> None:
    """Remove a remote; what it holds is not touched.

    Raises:
        RequestError: there is none of this name, or the file cannot be edited safely.
    """
    text = _read(settings)
    config.read(text.encode(), where=settings.name)
    before = _parse(text)
    remotes = dict(before.get("remotes") or {})
    if name not in remotes:
        known = ", ".join(sorted(remotes)) or "none"
        raise RequestError(f"there is no remote '{name}' (known: {known})")
    del remotes[name]
    edited = _removed(text, name, last=not remotes)
    _replace(settings, edited, {**before, "remotes": remotes} if remotes else _without(before))


def _without(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "remotes"}


def _read(settings: Path) -> str:
    try:
        return settings.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _parse(text: str) -> dict[str, Any]:
    import yaml

    found = yaml.safe_load(text)
    return found if isinstance(found, dict) else {}


def _written(remote: RemoteSettings) -> str | dict[str, Any]:
    """Return a remote as it is written: just its URL where there is no more to say."""
    if remote.encryption is None:
        return remote.url
    where = {key: value for key, value in asdict(remote.encryption).items() if value is not None}
    return {"url": remote.url, "encryption": where}


def _on_one_line(value: str | dict[str, Any]) -> str:
    """Return a value as YAML, quoted only where it must be."""
    import yaml

    text = yaml.safe_dump(
        value, allow_unicode=True, width=10_000, default_flow_style=True, sort_keys=False
    )
    return text.removesuffix("\n...\n").strip()


def _last_line(node: Any) -> int:
    """Return the line that a value ends on; a block is said to end where the next thing begins."""
    if getattr(node, "flow_style", True) or not node.value:
        return int(node.end_mark.line)
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _block(text: str) -> Any:
    """Return the nodes of key and value of the top-level `remotes`, or None."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, value in getattr(root, "value", []):
        if key.value == "remotes":
            return key, value
    return None


def _inserted(text: str, line: str) -> str:
    found = _block(text)
    if found is None:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}remotes:\n  {line}\n"
    key, value = found
    lines = text.splitlines(keepends=True)
    if not value.value:
        lines[key.start_mark.line] = f"remotes:\n  {line}\n"
    elif value.flow_style:
        at = value.end_mark.index - 1
        return f"{text[:at].rstrip()}, {line}{text[at:]}"
    else:
        last = _last_line(value)
        indent = " " * value.value[0][0].start_mark.column
        if not lines[last].endswith("\n"):
            lines[last] += "\n"
        lines.insert(last + 1, f"{indent}{line}\n")
    return "".join(lines)


def _removed(text: str, name: str, *, last: bool) -> str:
    key, value = _block(text)
    lines = text.splitlines(keepends=True)
    if last:
        end = max(_last_line(value), key.start_mark.line)
        return "".join(lines[: key.start_mark.line] + lines[end + 1 :])
    for entry, remote in value.value:
        if entry.value == name and not value.flow_style:
            del lines[entry.start_mark.line : _last_line(remote) + 1]
    return "".join(lines)


def _replace(settings: Path, edited: str, expected: dict[str, Any]) -> None:
    if _parse_or_none(edited) != expected:
        raise RequestError(
            f"'{settings.name}' is laid out in a way that cannot be edited safely",
            hint=f"edit `remotes` in {settings.name} by hand",
        )
    data = edited.encode("utf-8")
    config.read(data, where=settings.name)
    write_whole(settings, data)


def _parse_or_none(text: str) -> dict[str, Any] | None:
    import yaml

    try:
        return _parse(text)
    except yaml.YAMLError:
        return None
