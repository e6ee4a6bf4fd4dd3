"""A path of another git project at a revision: kept by mlo, by DVC, or by git itself."""

from collections.abc import Iterator
from dataclasses import replace

from mlops_cli.core import git, git_changes, git_clone, tree
from mlops_cli.data import paths
from mlops_cli.data.source import Source
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.imports import checkouts, dvc_project, listing, mlo_project
from mlops_cli.imports.arrival import Arrival, Errand
from mlops_cli.imports.checkouts import Project
from mlops_cli.imports.listing import Leaf

_MODES = {
    "100644": tree.Mode.FILE,
    "100664": tree.Mode.FILE,
    "100755": tree.Mode.EXECUTABLE,
    "120000": tree.Mode.SYMLINK,
}


def bring(source: Source, errand: Errand) -> Arrival | None:
    """Bring a path at a revision; None if the revision is the commit that it was.

    Raises:
        RequestError: there is no such project, revision or path.
        MissingObject: the project's store and remotes do not have the content.
        IntegrityError: what they have is damaged, or is not what the checksum says.
        ExternalError: git or a remote fails.
    """
    path = _inside(source)
    with checkouts.opened(errand.repo.layout, source.url, source.revision) as project:
        if project.commit == source.commit:
            return None
        said = replace(source, commit=project.commit)
        found = (
            mlo_project.bring(project, path, said, errand)
            or dvc_project.bring(project, path, said, errand)
            or _by_git(project, path, said, errand)
        )
        if found is None:
            raise _nothing(project, path)
    if source.checksum is not None and found.oid != source.checksum.removeprefix("blake3:"):
        raise IntegrityError(f"what came has the blake3 {found.oid}, not {source.checksum}")
    return found


def _inside(source: Source) -> str:
    path = (source.path or "").strip("/")
    if source.checksum is not None and not source.checksum.startswith("blake3:"):
        raise RequestError("a project names content by its BLAKE3", hint="--blake3 HEX")
    try:
        paths.check(path)
    except IntegrityError as error:
        raise RequestError(f"'{source.path}' is no path inside a project") from error
    return path


def _by_git(project: Project, path: str, source: Source, errand: Errand) -> Arrival | None:
    """Bring a file or folder that git itself keeps."""
    files = git_clone.files_at(project.root, project.commit, path)
    if not files:
        return None
    contents = git_changes.blobs(project.root, [oid for _, oid in files.values()])
    leaves: dict[str, Leaf] = {}
    for name, (mode, oid) in files.items():
        data = contents[oid]
        errand.advance(len(data))
        leaves[name] = Leaf(errand.writer.put(data), len(data), _MODES[mode])
    if path in leaves:
        one = leaves[path]
        if one.mode is tree.Mode.SYMLINK:
            raise RequestError(f"'{path}' of '{project.url}' is a symbolic link")
        executable = one.mode is tree.Mode.EXECUTABLE
        return Arrival(source, one.oid, "file", one.size, executable=executable)
    inner = {name.removeprefix(path + "/"): leaf for name, leaf in leaves.items()}
    found, size = listing.put(errand.writer, inner)
    return Arrival(source, found, "folder", size, len(inner))


def _nothing(project: Project, path: str) -> RequestError:
    known = list(_known(project))
    near = [one for one in known if one.startswith(path.rpartition("/")[0])] or known
    hint = f"there are {', '.join(near[:5])}" if near else None
    return RequestError(
        f"the project '{project.url}' has no '{path}' at {project.commit[:10]}", hint=hint
    )


def _known(project: Project) -> Iterator[str]:
    for suffix in (".mlo", ".dvc"):
        for file in git.files_at(project.root, project.commit, suffix):
            if file.rpartition("/")[2] != suffix:
                yield file.removesuffix(suffix)
