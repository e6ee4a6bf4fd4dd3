"""Where files go that are needed for a while only, by commands that change nothing."""

import os
import tempfile
from pathlib import Path

from mlops_cli.core.layout import Layout


def folder(layout: Layout) -> Path:
    """Return the project's folder for such files, the system's where that cannot be written."""
    try:
        layout.tmp.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return layout.tmp if os.access(layout.tmp, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
