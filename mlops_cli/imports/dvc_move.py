"""Import-dvc: a DVC project becomes an mlo project, with every version that git's history names.

The order is such that a kill leaves something to go on from: bytes, then `mlo.history`, which names
them, then pointers and settings, and last the files of DVC's that these stand for.
"""

from dataclasses import dataclass, field
from pathlib import Path

from mlops_cli.core import config, git
from mlops_cli.core.files import write_whole
from mlops_cli.core.layout import SETTINGS, STORE
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import dvc_files, dvc_history, paths, pointer
from mlops_cli.data.add import refuse_unfit
from mlops_cli.data.begin import begin
from mlops_cli.data.dvc_files import Digest, Out
from mlops_cli.data.dvc_history import FOLDER, Kept
from mlops_cli.data.ignore import ignore_all
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.restore import restore
from mlops_cli.data.source import Source
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.imports import dvc_lock, dvc_pipeline, dvc_places, dvc_plan, dvc_tree, urls
from mlops_cli.imports.dvc_content import Bringer, Lacking
from mlops_cli.imports.dvc_pipeline import Pipeline
from mlops_cli.imports.dvc_places import CONFIG, LOCAL_CONFIG, Config
from mlops_cli.imports.dvc_survey import Survey, kept_by_git, survey
from mlops_cli.imports.dvc_tree import WorkTree
from mlops_cli.imports.mode import set_executable


@dataclass(frozen=True, slots=True)
class Missing:
    """A version whose bytes are nowhere, and a commit that names it; None for the work tree."""

    path: str
    digest: str
    commit: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a DVC project.

    Attributes:
        versions: how many contents that git's history names are in the store now, or would be.
        size: of those, in bytes.
        pointers: the paths that have a pointer now.
        steps: the steps that stages of DVC's became.
        rerun: why steps will run again, by step.
        untrack: outputs that git tracks, which mlo keeps from now on.
        kept_files: files of DVC's that still stand for something.
        notes: what could not be mapped or read.
    """

    root: str
    versions: int = 0
    size: int = 0
    missing: tuple[Missing, ...] = ()
    pointers: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    rerun: dict[str, str] = field(default_factory=dict)
    remotes: tuple[str, ...] = ()
    untrack: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept_files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dry_run: bool = False


def move(
    folder: Path, *, dry_run: bool = False, remotes: bool = False, progress: Progress = SILENT
) -> Moved:
    """Make the DVC project at `folder` an mlo project. A second call goes on where one ended.

    With `remotes` DVC's remotes that mlo knows become mlo's, in a folder of their own there. With
    `dry_run` nothing is changed.

    Raises:
        RequestError: it is no DVC project, or is a part of another mlo project.
        StateError: it is not in a git repository.
    """
    root = _root(folder)
    found = survey(root)
    settings = dvc_places.read_config(
        dvc_plan.read(root / CONFIG), dvc_plan.read(root / LOCAL_CONFIG)
    )
    pipeline = dvc_plan.pipeline(root, found)
    if dry_run:
        return _forecast(root, found, settings, pipeline)
    begin(root)
    repo = open_repository(root)
    with repo.writing():
        return _Move(repo, found, settings, progress).run(pipeline, remotes=remotes)


def _root(folder: Path) -> Path:
    root = folder.absolute()
    if not (root / FOLDER).is_dir():
        raise RequestError(f"'{folder}' is not a DVC project: it has no '{FOLDER}' folder")
    if git.toplevel(root) is None:
        raise RequestError(f"'{folder}' is not in a git repository, which has the history")
    for above in root.parents:
        if (above / SETTINGS).is_file() or (above / STORE).is_dir():
            raise RequestError(f"'{folder}' is a part of the mlo project in '{above}'")
    return root


def _forecast(root: Path, found: Survey, settings: Config, pipeline: Pipeline) -> Moved:
    from mlops_cli.core.objects import ObjectStore

    tree = WorkTree(root)
    places, skipped = dvc_places.places(root, settings, cached=True)
    store = ObjectStore(root / STORE / "packs", root / STORE / "tmp")
    with store.writer() as writer:  # which makes no file before it is given something
        bringer = Bringer(writer, [tree, *places])
        _expect(tree, bringer, found)
        lacking = {digest: bringer.lacks(digest) for digest in found.named}
    missing = _missing(root, found, {one: why for one, why in lacking.items() if why})
    gone = {one.digest for one in missing}
    files = dvc_plan.replaced(found, {one for one in found.named if str(one) not in gone}, pipeline)
    return Moved(
        str(root),
        versions=len(found.named) - len(missing),
        missing=tuple(missing),
        pointers=tuple(
            sorted(out.path for out in dvc_plan.data_outs(found, pipeline) if out.digest)
        ),
        steps=tuple(pipeline.steps),
        removed=tuple(files),
        notes=(*found.unreadable, *skipped, *pipeline.unmapped),
        dry_run=True,
    )


class _Move:
    """One move, that knows where everything is."""

    def __init__(
        self, repo: Repository, found: Survey, settings: Config, progress: Progress
    ) -> None:
        self._repo = repo
        self._root = repo.root
        self._found = found
        self._settings = settings
        self._progress = progress
        self._tree = WorkTree(repo.root)
        self._table = {
            digest: kept
            for digest, kept in dvc_history.read(repo).items()
            if repo.objects.has(kept.oid)
        }
        self._lists: Bringer | None = None

    def run(self, pipeline: Pipeline, *, remotes: bool) -> Moved:
        """Do all of it."""
        lacking, skipped = self._bring()
        missing = _missing(self._root, self._found, lacking)
        pointers = self._point(pipeline)
        if pipeline.steps and not pipeline.written:
            self._write_settings(pipeline)
        rerun = self._lock(pipeline)
        added, not_added = self._add_remotes() if remotes else ((), ())
        kept = {digest for digest in self._found.named if digest in self._table}
        removed = dvc_plan.replaced(self._found, kept, pipeline)
        for file in removed:
            (self._root / file).unlink(missing_ok=True)
        outs = self._outputs(pipeline)
        return Moved(
            str(self._root),
            versions=len(kept),
            size=sum(self._table[digest].size for digest in kept),
            missing=tuple(missing),
            pointers=tuple(pointers),
            steps=tuple(pipeline.steps),
            rerun=rerun,
            remotes=tuple(added),
            untrack=tuple(sorted(git.is_tracked(self._root, outs))),
            removed=tuple(removed),
            kept_files=tuple(file for file in self._found.current if file not in removed),
            notes=(*self._found.unreadable, *skipped, *not_added, *pipeline.unmapped),
        )

    def _bring(self) -> tuple[dict[Digest, str], list[str]]:
        """Put every version into the store, the oldest of every path first, then the next.

        So a version is told by what changed since the one before, and a kill loses one round.
        """
        places, skipped = dvc_places.places(self._root, self._settings, cached=True)
        lacking: dict[Digest, str] = {}
        rounds = max(map(len, self._found.versions.values()), default=0)
        with self._progress.task("importing", None, "B") as advance:
            for number in range(rounds):
                with self._repo.objects.writer() as writer:
                    if self._lists is None:
                        bringer = Bringer(
                            writer, [self._tree, *places], known=self._table, advance=advance
                        )
                        _expect(self._tree, bringer, self._found)
                    else:
                        bringer = self._lists.through(writer)
                    self._lists = bringer
                    for versions in self._found.versions.values():
                        if number < len(versions):
                            before = versions[number - 1] if number else None
                            _try(bringer, versions[number], before, lacking)
                self._write_table()
        return lacking, skipped

    def _write_table(self) -> None:
        named = self._found.named
        known = dvc_history.read(self._repo)
        whole = {digest: kept for digest, kept in self._table.items() if digest in named}
        if whole or known:
            dvc_history.write(self._repo, {**known, **whole})

    def _point(self, pipeline: Pipeline) -> list[str]:
        """Write pointers for what is current and no output of a step; return their paths."""
        chosen = [
            out for out in dvc_plan.data_outs(self._found, pipeline) if out.digest in self._table
        ]
        known = {one.path: one for one in pointer.each(self._repo)}
        refuse_unfit(self._repo, [out.path for out in chosen], known)
        for out in chosen:
            assert out.digest is not None
            one = _pointer(out, self._table[out.digest])
            self._unlink(one.path, one)
            self._tree.remember(self._repo, one, self._files(out))
            pointer.write(self._repo, one)
        ignore_all(self._root, [out.path for out in chosen])
        return sorted(out.path for out in chosen)

    def _files(self, out: Out) -> list[str]:
        assert out.digest is not None
        if not out.digest.folder or self._lists is None:
            return [out.path]
        return [f"{out.path}/{name}" for name in self._lists.files(out.digest)]

    def _unlink(self, path: str, one: Pointer | Kept) -> None:
        """Put bytes in the place of links into DVC's cache, which may be removed one day."""
        target = paths.locate(self._repo, path)
        cache = dvc_places.folder(self._root, self._settings.cache or "cache")
        if dvc_tree.is_link_into(target, cache):
            restore(self._repo, one.oid, one.kind, target)
            if isinstance(one, Pointer) and one.kind == "file":
                set_executable(self._repo, target, one.oid, executable=one.executable)

    def _write_settings(self, pipeline: Pipeline) -> None:
        written = dvc_plan.read(self._repo.layout.settings) or b""
        text = dvc_pipeline.settings_text(pipeline, params=pipeline.needs_params).encode()
        gap = b"\n" if written and not written.endswith(b"\n\n") else b""
        data = written + gap + text
        config.read(data, where=SETTINGS, beside=self._root)
        write_whole(self._repo.layout.settings, data, aside=self._repo.layout.tmp)
        self._repo = open_repository(self._root)

    def _lock(self, pipeline: Pipeline) -> dict[str, str]:
        data = dvc_plan.read(self._root / dvc_files.LOCKFILE)
        if not pipeline.steps:
            return {}
        ignore_all(self._root, self._outputs(pipeline))
        if data is None:
            return dict.fromkeys(pipeline.stages.values(), "it never ran")
        for outs in self._found.current.get(dvc_files.LOCKFILE, []):
            if outs.digest in self._table:
                self._unlink(outs.path, self._table[outs.digest])
        steps, why = dvc_lock.locked(self._repo, pipeline, data, self._table)
        dvc_lock.write(self._repo, steps)
        return why

    def _outputs(self, pipeline: Pipeline) -> list[str]:
        """Return what the steps write and mlo keeps."""
        steps = self._repo.settings.steps
        return [
            out.path for name in pipeline.stages.values() for out in steps[name].files if out.cache
        ]

    def _add_remotes(self) -> tuple[list[str], list[str]]:
        """Add DVC's remotes that mlo can push to, each in a folder `mlo` of its own."""
        from mlops_cli.core.config import RemoteSettings
        from mlops_cli.remotes import settings

        added: list[str] = []
        notes: list[str] = []
        for name, options in self._settings.remotes.items():
            url = options.get("url", "")
            scheme = urls.scheme_of(url)
            if scheme not in (None, "s3", "ssh") or not url:
                notes.append(f"remote '{name}': mlo has no remotes of the kind '{scheme}://'")
                continue
            if scheme is None:
                url = str(dvc_places.folder(self._root, url))
            own = "origin" if name == self._settings.default else name
            try:
                settings.add(
                    self._repo.layout.settings, own, RemoteSettings(f"{url.rstrip('/')}/mlo")
                )
                added.append(own)
            except RequestError as error:
                notes.append(f"remote '{name}': {error.message}")
        return added, notes


def _try(
    bringer: Bringer, digest: Digest, before: Digest | None, lacking: dict[Digest, str]
) -> None:
    if digest in lacking:
        return
    try:
        bringer.bring(digest, before=before)
    except (Lacking, IntegrityError) as error:
        lacking[digest] = error.message


def _expect(tree: WorkTree, bringer: Bringer, found: Survey) -> None:
    """Have the work tree give what is current, so that nothing of it is read twice."""
    for outs in found.current.values():
        for out in outs:
            if out.digest is None or not out.cached:
                continue
            if not out.digest.folder:
                tree.expect(out.digest, out.path)
                continue
            for name, (digest, _) in _listed(tree, bringer, out.digest, out.path).items():
                tree.expect(digest, f"{out.path}/{name}")


def _listed(
    tree: WorkTree, bringer: Bringer, digest: Digest, path: str
) -> dict[str, tuple[Digest, bool]]:
    """Return the files of a folder by the list that was kept, or else by what is there."""
    try:
        return bringer.files(digest)
    except IntegrityError:
        return {}
    except Lacking:
        bringer.learn(digest, dvc_tree.list_of(tree.root, path))
    try:
        return bringer.files(digest)
    except (Lacking, IntegrityError):
        return {}


def _missing(root: Path, found: Survey, lacking: dict[Digest, str]) -> list[Missing]:
    missing: list[Missing] = []
    for digest, why in lacking.items():
        path, commit = found.named[digest]
        if not kept_by_git(root, path):
            missing.append(Missing(path, str(digest), commit, why))
    return sorted(missing, key=lambda one: (one.path, one.digest))


def _pointer(out: Out, kept: Kept) -> Pointer:
    origin = out.origin
    source = None
    if origin is not None:
        try:
            urls.refuse_password(origin.url)
            source = Source(
                urls.safe(origin.url), origin.path, origin.revision, origin.commit, origin.etag
            )
        except RequestError:
            source = None  # what cannot be kept is not remembered
    return Pointer(out.path, *kept, out.executable and kept.kind == "file", source)
