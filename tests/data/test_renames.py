"""A file with the same content at another path has moved."""

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.data.differences import Pair
from mlops_cli.data.renames import Move, with_moves


def entry(oid: str) -> tree.Entry:
    return tree.Entry("x", tree.Mode.FILE, 1, ObjectId(oid))


def test_each_file_that_is_gone_moved_once_at_most_and_keeps_its_name_if_it_can() -> None:
    gone = [Pair("a/one", entry("1"), None), Pair("a/two", entry("1"), None)]
    come = [Pair(name, None, entry("1")) for name in ("b/two", "b/x", "b/y")]
    other = Pair("c", entry("1"), entry("2"))
    assert with_moves([*gone, *come, other]) == [
        Move("a/two", Pair("b/two", entry("1"), entry("1"))),
        Move("a/one", Pair("b/x", entry("1"), entry("1"))),
        come[2],
        other,
    ]
