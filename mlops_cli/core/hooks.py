"""Git hooks that call `mlo`: putting them in place beside those of others, and taking them out.

A hook of ours is a few lines of shell. What was at its place is renamed to `NAME.before-mlo` and
run first, with the same arguments and input; taking ours out renames it back.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mlops_cli.core import git
from mlops_cli.core.files import current_umask, outside, write_whole
from mlops_cli.core.git_index import top_of
from mlops_cli.core.records import dataclass
from mlops_cli.errors import StateError

State = Literal["installed", "outdated", "missing", "foreign"]

HOOKS: Mapping[str, str] = {
    "pre-commit": "no large file by accident, pointers that match, data that passes its schema",
    "pre-push": "data goes before code",
    "post-checkout": "data follows git checkout",
    "post-merge": "data follows git merge and git pull",
    "post-rewrite": "data follows git rebase",
    "post-commit": "data follows a merge that was finished by hand, and git cherry-pick",
}
"""Each hook, and what it is for."""

_READ_INPUT = frozenset({"pre-push", "post-rewrite"})
_MARK = "# Kept by `mlo hooks install`;"
_BEFORE = ".before-mlo"


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook; `before` is the file name of the hook of others that it runs first.

    A state of `foreign` means that a hook of others is there, and ours is not.
    """

    name: str
    state: State
    before: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that git takes hooks from; `shared` if it is in the work tree, for all clones."""

    folder: Path
    shared: bool


def place(root: Path) -> Place:
    """Return where git looks for the hooks of the repository around `root`.

    Raises:
        StateError: `root` is in no git repository.
    """
    top = top_of(root)
    named = os.fsdecode(git.run(top, "rev-parse", "--git-path", "hooks").stdout.removesuffix(b"\n"))
    folder = Path(os.path.normpath(top / Path(named).expanduser()))
    inner = Path(os.path.normpath(top / os.fsdecode(_git_folder(top))))
    shared = folder.is_relative_to(top) and not folder.is_relative_to(inner)
    return Place(folder, shared)


def refuse_unfit(root: Path) -> None:
    """Raise StateError if the folder of hooks is kept by husky, or is that of all repositories."""
    line = 'mlo hooks run pre-commit "$@"'
    configured = git.run(
        root, "config", "--show-scope", "--get", "core.hooksPath", ok=(0, 1)
    ).stdout.decode("utf-8", "surrogateescape")
    scope, _, value = configured.strip().partition("\t")
    if ".husky" in Path(value).parts:
        raise StateError(
            "husky keeps the git hooks of this repository, and would overwrite others",
            hint=f"add a line to .husky/pre-commit: {line}; and so on for each of: "
            f"{', '.join(HOOKS)}",
        )
    if scope in ("global", "system"):
        raise StateError(
            f"git takes hooks from '{value}', for every repository of this {_whose(scope)}",
            hint="let this repository have its own: git config core.hooksPath .git/hooks; "
            f"or add lines there: {line}",
        )


def install(where: Place, program: Path | None) -> None:
    """Put our hooks in place, before or after those of others; harmless when they are there.

    `program` is the `mlo` to run, whatever the `PATH` of git is then.

    Raises:
        StateError: an earlier hook of others is in the way.
        ExternalError: the folder cannot be written.
    """
    try:
        where.folder.mkdir(parents=True, exist_ok=True)
        for name in HOOKS:
            _install(where.folder / name, script(name, None if where.shared else program))
    except OSError as error:
        raise outside(error, where.folder) from error


def uninstall(where: Place) -> None:
    """Take our hooks out, and bring back what was there before, as it was."""
    try:
        for name in HOOKS:
            hook, before = where.folder / name, where.folder / (name + _BEFORE)
            if is_ours(hook):
                hook.unlink()
            if os.path.lexists(before) and not os.path.lexists(hook):
                os.rename(before, hook)
    except OSError as error:
        raise outside(error, where.folder) from error


def look(where: Place, program: Path | None) -> tuple[Hook, ...]:
    """Return how each hook stands."""
    return tuple(_look(where, name, program) for name in HOOKS)


def _look(where: Place, name: str, program: Path | None) -> Hook:
    hook = where.folder / name
    before = name + _BEFORE if os.path.lexists(where.folder / (name + _BEFORE)) else None
    if is_ours(hook):
        wanted = script(name, None if where.shared else program)
        state: State = "installed" if _text(hook) == wanted else "outdated"
    else:
        state = "foreign" if os.path.lexists(hook) else "missing"
    return Hook(name, state, before)


def is_ours(hook: Path) -> bool:
    """Return whether a file is a hook that `install` wrote."""
    return not hook.is_symlink() and _MARK.encode() in _text(hook)


def script(name: str, program: Path | None) -> bytes:
    """Return the hook `name`, which runs `program`, or else what `PATH` calls mlo."""
    reads = name in _READ_INPUT
    give = 'printf %s "$given" | ' if reads else ""
    stops = name.startswith("pre-")
    lines = [
        "#!/bin/sh",
        f"{_MARK} `mlo hooks uninstall` brings back what was here before.",
        f"mlo={_quoted(program)}",
        f'before="${{0%/*}}/{name}{_BEFORE}"',
        *(["given=$(cat && echo .) && given=${given%.}"] if reads else []),
        *([] if stops else ["code=0"]),
        'if [ -x "$before" ]; then',
        f'  {give}"$before" "$@" || {"exit" if stops else "code=$?"}',
        "fi",
        '[ -x "$mlo" ] || mlo=$(command -v mlo) || {',
        f'  echo "mlo was not found, so its {name} hook did not run" >&2',
        f"  exit {'0' if stops else '$code'}",
        "}",
        f'{give}"$mlo" hooks run {name} "$@"' + ("" if stops else " || :"),
        *([] if stops else ["exit $code"]),
    ]
    return os.fsencode("\n".join(lines) + "\n")


def _install(hook: Path, text: bytes) -> None:
    before = hook.with_name(hook.name + _BEFORE)
    if os.path.lexists(hook) and not is_ours(hook):
        if os.path.lexists(before):
            raise StateError(
                f"the hook '{hook.name}' is not mlo's, and '{before}' is in the way of keeping it",
                hint="move one of them away, then: mlo hooks install",
            )
        os.rename(hook, before)
    write_whole(hook, text)
    hook.chmod(0o777 & ~current_umask())


def _git_folder(top: Path) -> bytes:
    return git.run(top, "rev-parse", "--git-common-dir").stdout.removesuffix(b"\n")


def _text(hook: Path) -> bytes:
    try:
        return hook.read_bytes()
    except OSError:
        return b""


def _quoted(program: Path | None) -> str:
    import shlex

    return "" if program is None else shlex.quote(str(program))


def _whose(scope: str) -> str:
    return "user" if scope == "global" else "machine"
