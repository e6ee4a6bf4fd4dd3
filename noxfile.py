"""The one check: what CI runs and what you run before you push is `nox`."""

import nox

nox.needs_version = ">=2026.10.20"
nox.options.error_on_missing_interpreters = True


WITH_EXTRAS = (
    "tests/benchmarks/test_drift_speed.py",
    "tests/cli/commands/test_drift_large.py",
    "tests/cli/commands/test_profile.py",
    "tests/data/tables/test_compare.py",
    "tests/data/test_table.py",
    "tests/data/test_table_blocks.py",
    "tests/data/validation/test_tables.py",
    "tests/fs/test_arrow.py",
    "tests/fs/test_page.py",
    "tests/monitor/retrain/test_window.py",
    "tests/monitor/sources",
    "tests/registry/batch",
    "tests/registry/test_predict.py",
    "tests/runs/test_carbon.py",
    "tests/runs/test_export.py",
    "tests/user/test_predictions.py",
)
"""Tests that read Parquet or estimate carbon; the others run without, as mlo mostly does."""


SHARED = ("--numprocesses=logical", "--dist=loadfile")
"""Every core runs tests; those of one file stay together, and so do the servers they start."""


@nox.session
def check(session: nox.Session) -> None:
    """Format, lint, types, layers, then every test; `nox -- tests/cli -x` picks tests."""
    session.install("--quiet", "--editable", ".[check]")
    session.install("--quiet", "--no-deps", "nannyml==0.13.1")  # for its tables
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache")
    chosen = session.posargs or [*SHARED, "--cov", "--cov-report=term:skip-covered"]
    session.run("pytest", *chosen)
    if not session.posargs:
        session.install("--quiet", "--editable", ".[check,carbon,parquet]")
        session.run("pytest", "--quiet", *SHARED, *WITH_EXTRAS)
