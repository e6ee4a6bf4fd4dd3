"""Where the settings name a path: what to look at when it is moved or no longer versioned."""

import re

from mlops_cli.core.files import read_regular
from mlops_cli.core.layout import SETTINGS
from mlops_cli.core.repository import Repository


def mentions(repo: Repository, path: str) -> tuple[str, ...]:
    """Return the lines of the settings that name a path, or what is in it, as `FILE:LINE`.

    Commands count: the text is searched, but for comments, so broken settings are no error.
    """
    try:
        text = read_regular(repo.layout.settings).decode("utf-8", "surrogateescape")
    except OSError:
        return ()
    return tuple(
        f"{SETTINGS}:{number}"
        for number, line in enumerate(text.splitlines(), 1)
        if names(line, path)
    )


def names(line: str, path: str) -> bool:
    """Return whether a line names a path, and not one that only begins or ends like it.

    >>> names("deps: [./data/raw.csv]", "data/raw.csv"), names("data/raw.csv.bak", "data/raw.csv")
    (True, False)
    """
    said = re.split(r"(?:^|\s)#", line, maxsplit=1)[0]
    return re.search(rf"(?<![\w/.-])(?:\./)*{re.escape(path)}(?![\w-]|\.\w)", said) is not None
