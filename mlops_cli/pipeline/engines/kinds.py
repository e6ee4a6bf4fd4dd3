"""Which engine a URL means."""

from pathlib import Path

from mlops_cli.pipeline.engines.engine import Engine, Work

LOCAL = "local"


def is_local(url: str | None) -> bool:
    """Return whether tasks stay on this machine, where the project's files are."""
    return url in (None, LOCAL)


def open_engine(
    url: str | None, work: Work, *, jobs: int | None, tmp: Path | None = None
) -> Engine:
    """Return the engine at `url`, None or `local` for this machine; the caller closes it.

    `jobs` is how many tasks it does at once at most; by default one on this machine, and all
    that a cluster has room for. `tmp` is a folder for temporary files.

    Raises:
        RequestError: there is no such kind of engine, or what it needs is not installed.
        ExternalError: nobody answers there.
    """
    if is_local(url):
        from mlops_cli.pipeline.engines.local import LocalEngine

        return LocalEngine(work, jobs=jobs or 1, tmp=tmp)
    from mlops_cli.pipeline.engines.dask_futures import DaskEngine

    return DaskEngine(work, url=str(url), jobs=jobs)
