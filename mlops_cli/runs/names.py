"""A run's name: two words made from its key, easier to say than hex digits."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository

REPRODUCES = "reproduces:"
"""Before the key of a run, it tags what was run to reproduce it."""
MIN_PREFIX = 4
"""Fewer hex digits than this are taken for a name."""
SHARED = "-steps"
"""Behind a sweep's name, it names the run of the steps that its trials share."""
_OWN = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_TAG = re.compile(r"\w[\w.:/=@+-]{0,99}")
_KINDS = (
    "agile amber ample arid balmy bold brave brief bright brisk calm chilly civil clear clever "
    "cosy crisp curly damp dapper deft dusky eager early fair faint firm fleet fond frank fresh "
    "frosty gentle glad golden grand hardy hasty hazy humble icy jolly keen kind late lively "
    "lofty loyal lucid lunar mellow merry mild misty modest neat nimble noble pale patient plain"
)
_THINGS = (
    "acorn alder aspen badger beaver beech birch bison brook canyon cedar cliff clover comet "
    "coral cove crane creek delta dune eagle egret elm falcon fern finch fjord gannet glacier "
    "grove gull harbor hare hazel heath heron hill ibis island ivy jay juniper kestrel lagoon "
    "lake larch lark linden lynx maple marsh meadow moss oak osprey otter owl pebble pine plover"
)


def name_of(key: str) -> str:
    """Return the name of the run with this key. Names may repeat; keys do not.

    >>> name_of("00000000002a")
    'agile-kestrel'
    """
    number = int(key, 16)
    kinds, things = _KINDS.split(), _THINGS.split()
    kind, thing = divmod(number % (len(kinds) * len(things)), len(things))
    return f"{kinds[kind]}-{things[thing]}"


def names_of(repo: "Repository", keys: Sequence[str]) -> list[str]:
    """Return the names of the runs with these keys; of one that is not here, its two words.

    The index is asked as it is, which is quicker than bringing it up to date: a name never changes.
    """
    import sqlite3
    from contextlib import closing

    known: dict[str, str] = {}
    try:
        with closing(sqlite3.connect(repo.layout.database.as_uri() + "?mode=ro", uri=True)) as held:
            for key in keys:
                for (name,) in held.execute("SELECT name FROM runs WHERE key = ?", (key,)):
                    known[key] = str(name)
    except sqlite3.Error:
        known = {}
    if len(known) < len(keys):
        from mlops_cli.runs.index import open_index

        with open_index(repo) as index:
            return [index.name_of(key) for key in keys]
    return [known[key] for key in keys]


def means(text: str, key: str, name: str) -> bool:
    """Return whether a text is a run's name, or its key or the beginning of that.

    >>> means("ab12", "ab12cd34ef56", "calm-otter"), means("ab", "ab12cd34ef56", "calm-otter")
    (True, False)
    """
    return text == name or (len(text) >= MIN_PREFIX and key.startswith(text))


def check_name(name: str) -> None:
    """Raise RequestError unless a user may give a run this name.

    Names that would be read as an id, or as `last` or `best:...`, are not allowed.
    """
    if not _OWN.fullmatch(name) or name == "last" or re.fullmatch("[0-9a-f]{4,}", name):
        raise RequestError(
            f"'{name}' cannot name a run",
            hint="use letters, digits, '.', '_' and '-', a letter first; not an id, not 'last'",
        )


def check_free(repo: "Repository", name: str) -> None:
    """Raise RequestError when there is a run of this name already, or one at work."""
    from mlops_cli.runs import open_run
    from mlops_cli.runs.index import open_index

    with open_index(repo) as index:
        taken = bool(index.ids("name = ?", [name], limit=1))
    if taken or any(run.head.name == name for run in open_run.each(repo)):
        raise RequestError(
            f"there is a run '{name}' already",
            hint=f"another --name, or take it off the list: mlo runs rm {name}",
        )


def check_tag(tag: str) -> None:
    """Raise RequestError unless this can be a tag: one word, such as `baseline` or `team=risk`."""
    if not _TAG.fullmatch(tag):
        raise RequestError(
            f"'{tag}' cannot be a tag",
            hint="use one word of letters, digits, and any of . _ : / = @ + - behind the first",
        )
