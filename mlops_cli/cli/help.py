"""How the help of one command is laid out, and how a wrong command line is put into words."""

import inspect
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import typer

WIDTH = 79
GAP = 2
USUAL = ("list", "watch", "status")
"""What is meant by a group without a command, as by `git remote`, if the group has it."""

COLUMN = 26  # the widest term that has its explanation beside it


def page(context: typer.Context) -> str:
    """Return the help of the context's command: usage, what it does, arguments, options."""
    command = context.command
    parts = [_usage(context), *_paragraphs(inspect.cleandoc(command.help or ""))]
    if commands := getattr(command, "commands", None):
        usual = {usual_of(command): " (default)"}
        rows = [
            (name, _first_line(below.help or "") + usual.get(name, ""))
            for name, below in commands.items()
        ]
        parts.append(_section("commands", rows))
    shown = [param for param in command.get_params(context) if not getattr(param, "hidden", False)]
    arguments = [(_metavar(param), _explain(param)) for param in shown if _is_argument(param)]
    options = [(_flags(param, context), _explain(param)) for param in shown if _is_option(param)]
    parts += [
        _section(title, rows)
        for title, rows in (("arguments", arguments), ("options", options))
        if rows
    ]
    return "\n\n".join(parts)


def usual_of(command: Any) -> str | None:
    """Return which command of a group is meant where none is typed."""
    return next((name for name in USUAL if name in getattr(command, "commands", ())), None)


def refusal(error: typer.TyperException) -> tuple[str, str | None]:
    """Return what is wrong with a command line, and what to type, in our words."""
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context else "mlo --help"
    message = _no_number(error) or " ".join(error.format_message().split()).rstrip(".")
    message = message.replace("Got unexpected extra argument(s)", "Too many arguments:")
    if possibilities := getattr(error, "possibilities", None):
        message = error.message.rstrip(".")
        near = _nearest(getattr(error, "option_name", ""), possibilities)
        hint = f"{context.command_path} {near}" if context and near else hint
    return message[:1].lower() + message[1:], hint


def _nearest(option: str, possible: Sequence[str]) -> str | None:
    """Return the option that may be meant: one that begins so, or is spelled so, dashes apart.

    >>> _nearest("--jsn", ["--all", "--json"]), _nearest("--wat", ["--all"])
    ('--json', None)
    """
    from difflib import get_close_matches

    bare = {one.lstrip("-"): one for one in possible}
    word = option.lstrip("-")
    begun = [one for one in bare if word and one.startswith(word)]
    near = begun or get_close_matches(word, bare, n=1)
    return bare[near[0]] if near else None


def _no_number(error: typer.TyperException) -> str | None:
    """Return what is wrong with a number of an option, in plain words; None if it is none."""
    param, said = getattr(error, "param", None), str(getattr(error, "message", ""))
    kind = getattr(param, "type", None)
    if param is None or kind is None or getattr(kind, "name", None) not in _NUMBERS:
        return None
    what = _NUMBERS[kind.name]
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if low is not None and high is not None:
        what += f" from {low} to {high}"
    elif low is not None:
        what += f", {low} or more"
    given = re.match(r"(.+) is not (?:a valid|in the range) ", said)
    if given is None:
        return None
    name = max(param.opts, key=len) if _is_option(param) else _metavar(param)
    return f"{name} takes {what}, not {given[1]}"


_NUMBERS = {
    "int": "a whole number",
    "int range": "a whole number",
    "float": "a number",
    "float range": "a number",
}


def _usage(context: typer.Context) -> str:
    command = context.command
    words = ["[OPTIONS]"] if len(command.get_params(context)) > 1 else []
    for param in command.get_params(context):
        if _is_argument(param):
            name = _metavar(param)
            words.append(name if param.required or name.startswith("[") else f"[{name}]")
        elif getattr(param, "required", False):
            words.append(f"{param.opts[0]} {_metavar(param)}")
    if hasattr(command, "commands"):
        words.append("COMMAND [ARGS]..." if usual_of(command) is None else "[COMMAND] [ARGS]...")
    words += getattr(command, "usage_tail", ())
    start = f"usage: {context.command_path} "
    return textwrap.fill(
        " ".join(words),
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_on_hyphens=False,
    )


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip(".")


def _paragraphs(text: str) -> list[str]:
    """Return the text's paragraphs, filled; one that is indented stays as it is."""
    parts = [part for part in text.split("\n\n") if part.strip()]
    return [
        part.rstrip()
        if part.startswith(" ")
        else textwrap.fill(" ".join(part.split()), WIDTH, break_on_hyphens=False)
        for part in parts
    ]


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    fitting = [len(term) for term, _ in rows if len(term) <= COLUMN]
    column = max(fitting, default=COLUMN) + GAP
    lines = [title]
    for term, meaning in rows:
        wrapped = textwrap.wrap(meaning, WIDTH - column - 2, break_on_hyphens=False) or [""]
        if len(term) > COLUMN:
            lines.append(f"  {term}")
            term = ""
        lines.append(f"  {term:<{column}}{wrapped[0]}".rstrip())
        lines += [" " * (column + 2) + rest for rest in wrapped[1:]]
    return "\n".join(lines)


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _is_option(param: Any) -> bool:
    return bool(param.param_type_name == "option")


def _metavar(param: Any) -> str:
    name = param.metavar or param.name.upper()
    return name if param.nargs != -1 or name.endswith("...") else f"{name}..."


def _flags(param: Any, context: typer.Context) -> str:
    names = sorted(param.opts, key=len)
    text: str = ", ".join(names)
    if param.secondary_opts:
        text = f"{text} / {', '.join(param.secondary_opts)}"
    if param.is_flag or getattr(param, "count", False):
        return text
    kind = param.metavar or param.type.get_metavar(param, context) or _kind(param)
    return f"{text} {kind}"


def _kind(param: Any) -> str:
    name: str = param.name.upper()
    return {"int": "N", "float": "NUMBER"}.get(param.type.name.split()[0], name)


def _explain(param: Any) -> str:
    text = "Print this" if param.name == "help" else (param.help or "")
    default = param.default
    if param.required:
        return text if _is_argument(param) else f"{text} (required)"
    if not param.show_default or default is None or default is False or callable(default):
        return text
    if param.show_default is not True:
        return f"{text} (default: {param.show_default})"
    if default in ("", (), []) or default is True:
        return text
    return f"{text} (default: {getattr(default, 'value', default)})"
