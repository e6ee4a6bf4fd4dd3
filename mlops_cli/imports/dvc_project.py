"""A path of a DVC project at a revision: from its cache, or from a remote, without DVC."""

from collections.abc import Iterator
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.files import read_regular
from mlops_cli.data import dvc_files
from mlops_cli.data.dvc_files import Digest, Out
from mlops_cli.data.source import Source
from mlops_cli.errors import MissingObject, RequestError
from mlops_cli.imports import dvc_places, listing
from mlops_cli.imports.arrival import Arrival, Errand
from mlops_cli.imports.checkouts import Project
from mlops_cli.imports.dvc_content import Bringer, Lacking
from mlops_cli.imports.dvc_places import CONFIG, LOCAL_CONFIG


def bring(project: Project, path: str, source: Source, errand: Errand) -> Arrival | None:
    """Bring a path that the project keeps with DVC at its commit; None if it does not.

    Raises:
        RequestError: a file of DVC's there is malformed.
        MissingObject: neither its cache nor its remotes have the content whole.
        IntegrityError: a list of files has a path that leaves the folder.
    """
    out = _out(project, path)
    if out is None or out.digest is None:
        return None
    local = _read(project.root / LOCAL_CONFIG) if project.here else None
    config = dvc_places.read_config(git.show(project.root, project.commit, CONFIG), local)
    places, skipped = dvc_places.places(project.root, config, cached=project.here)
    bringer = Bringer(errand.writer, places, advance=errand.advance)
    try:
        return _arrival(bringer, out, path, source, errand)
    except Lacking as error:
        said = "; ".join([error.message, *skipped])
        raise MissingObject(
            f"the content of '{path}' of '{project.url}' cannot be had: {said}",
            hint="push it from where it was made: dvc push",
        ) from error


def _arrival(
    bringer: Bringer, out: Out, path: str, source: Source, errand: Errand
) -> Arrival | None:
    digest = out.digest
    assert digest is not None
    if out.path == path:
        kept = bringer.bring(digest, like=errand.before)
        return Arrival(source, *kept, out.executable and kept.kind == "file")
    inner = path.removeprefix(out.path + "/")
    files = bringer.files(digest) if digest.folder else {}
    if inner in files:
        one, executable = files[inner]
        kept = bringer.bring(one, like=errand.before)
        return Arrival(source, *kept, executable)
    below = {
        name.removeprefix(inner + "/"): one
        for name, one in files.items()
        if name.startswith(inner + "/")
    }
    return _folder(bringer, below, source, errand) if below else None


def _folder(
    bringer: Bringer, files: dict[str, tuple[Digest, bool]], source: Source, errand: Errand
) -> Arrival:
    leaves = {
        name: bringer.leaf(name, one, executable=executable)
        for name, (one, executable) in files.items()
    }
    oid, size = listing.put(errand.writer, leaves)
    return Arrival(source, oid, "folder", size, len(leaves))


def _out(project: Project, path: str) -> Out | None:
    """Return the output that is `path`, or that holds it."""
    for out in _outs(project):
        if out.cached and (path == out.path or path.startswith(out.path + "/")):
            return out
    below = [out.path for out in _outs(project) if out.path.startswith(path + "/")]
    if below:
        raise RequestError(
            f"'{path}' of '{project.url}' is not one output of DVC's",
            hint=f"import each by itself: {', '.join(below[:4])}",
        )
    return None


def _outs(project: Project) -> Iterator[Out]:
    for suffix in (dvc_files.SUFFIX, dvc_files.LOCKFILE):
        for file, data in git.contents_at(project.root, project.commit, suffix).items():
            if dvc_files.is_dvc_file(file):
                yield from dvc_files.outs(file, data, rev=project.commit[:10])


def _read(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None
