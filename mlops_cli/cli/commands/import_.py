"""`mlo import`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import ForceFlag, JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.imports.bring import Imported


def import_(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="URL [PATH]", help="Where from, and where to; with --update imported paths"
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Bring what is new at the source of imported paths")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only ask for what is new; exit 1 if anything is")
    ] = False,
    rev: Annotated[
        str | None,
        typer.Option("--rev", help="Revision of the project named (default: its newest commit)"),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="Demand this checksum")
    ] = None,
    blake3: Annotated[
        str | None, typer.Option("--blake3", metavar="HEX", help="Demand this checksum (b3sum)")
    ] = None,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Bring outside data in, remembering where from.

    URL is http:// or https:// (a file), s3://BUCKET/KEY (an object, or a folder of all below it),
    file:// or a path of this machine, or PROJECT#PATH[@REV]: a path of another git project, here
    or at a URL that git clones, which keeps it with mlo, DVC or git. PATH is where to put it
    (default: its own name, here). The pointer says where it is from; `mlo import --update` asks
    there for what is new. Sign in by ~/.netrc, git's credentials or AWS's, never in the URL.
    """
    from mlops_cli.imports.bring import update as bring_up_to_date

    repo = repository()
    if update or check:
        paths = [Path(name) for name in names or ()]
        _refuse_checksum(sha256, blake3)
        found = bring_up_to_date(
            repo, paths, rev=rev, check=check, force=force, progress=show.progress()
        )
        show.emit(found, as_json=as_json, text=_tell_updates)
        _end(found)
        return
    imported = _import(repo, names or [], rev, _checksum(sha256, blake3), force=force)
    show.emit(imported, as_json=as_json, text=_tell)


def _import(
    repo: "Repository", names: list[str], rev: str | None, checksum: str | None, *, force: bool
) -> "Imported":
    from mlops_cli.errors import RequestError
    from mlops_cli.imports.bring import bring_in, source_of

    if len(names) not in (1, 2):
        raise RequestError("one URL, and maybe one path, is needed", hint="mlo import URL [PATH]")
    source = source_of(repo.root, Path.cwd(), names[0], rev=rev, checksum=checksum)
    own = (source.path or source.url.partition("?")[0]).rstrip("/").rpartition("/")[2]
    target = _target(repo, names[1] if len(names) == 2 else "./", own)
    url = names[0].partition("#")[0]
    return bring_in(repo, source, target, url=url, force=force, progress=show.progress())


def _target(repo: "Repository", typed: str, own: str) -> Path:
    """Return where to put what is called `own` at its source, as `cp` would find it."""
    from urllib.parse import unquote

    from mlops_cli.data import paths, pointer
    from mlops_cli.errors import RequestError

    target = Path(typed)
    is_folder = typed.endswith("/")
    if not is_folder and target.is_dir():
        is_folder = pointer.read(repo, paths.relative(repo, target)) is None
    if not is_folder:
        return target
    if own in ("", ".", ".."):
        raise RequestError("the URL has no name in it", hint="mlo import URL PATH")
    return target / unquote(own).replace("/", "_")


def _checksum(sha256: str | None, blake3: str | None) -> str | None:
    from mlops_cli.core.ids import is_id
    from mlops_cli.errors import RequestError

    if sha256 is not None and blake3 is not None:
        raise RequestError("--sha256 and --blake3 both name a checksum", hint="give one of them")
    name, digits = ("sha256", sha256) if sha256 is not None else ("blake3", blake3)
    if digits is None:
        return None
    if not is_id(digits.lower()):
        raise RequestError(f"'{digits[:80]}' is no {name}: 64 hex digits are needed")
    return f"{name}:{digits.lower()}"


def _refuse_checksum(sha256: str | None, blake3: str | None) -> None:
    from mlops_cli.errors import RequestError

    if sha256 is not None or blake3 is not None:
        raise RequestError(
            "a checksum is for one import, not for --update", hint="mlo import URL PATH"
        )


def _tell(one: "Imported") -> None:
    import shlex

    from mlops_cli.data.pointer import file_of

    _tell_updates((one,))
    folder = one.path.rpartition("/")[0]
    ignore = f"{folder}/.gitignore" if folder else ".gitignore"
    show.note(f"next: git add {shlex.join(sorted([file_of(one.path), ignore]))}, then git commit")


def _tell_updates(found: "tuple[Imported, ...]") -> None:
    from mlops_cli.core.ids import short

    if not found:
        show.note("nothing was imported yet; bring something in: mlo import URL PATH")
        return
    rows = [
        (one.state, short(one.oid), show.size(one.size), one.path, one.source.name) for one in found
    ]
    show.table(["", "version", "size", "path", "from"], rows)
    for one in found:
        if one.problem is not None:
            show.note(f"{one.path}: {one.problem}")
    if any(one.state == "updated" and one.before for one in found) and len(found) > 1:
        show.note("next: git add the pointers, then git commit")


def _end(found: "tuple[Imported, ...]") -> None:
    """End with 1 if something is outdated, or with the code of the first failure."""
    failed = next((one.exit_code for one in found if one.exit_code), 0)
    if failed or any(one.state == "outdated" for one in found):
        raise typer.Exit(failed or 1)
