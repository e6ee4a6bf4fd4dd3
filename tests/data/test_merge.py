"""Merging folders file by file: what one side changed is there, what both changed is told."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind, ObjectStore
from mlops_cli.core.tree import Entry, Mode
from mlops_cli.data.merge import Merged, merge_trees
from mlops_cli.errors import MissingObject

Files = dict[str, str]
"""Content by path; a content of `x!...` is executable, of `->...` a link."""


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    (tmp_path / "packs").mkdir()
    (tmp_path / "tmp").mkdir()
    return ObjectStore(tmp_path / "packs", tmp_path / "tmp")


def put(store: ObjectStore, files: Files) -> ObjectId:
    entries: list[Entry] = []
    below: dict[str, Files] = {}
    for path, text in files.items():
        name, _, rest = path.partition("/")
        if rest or path.endswith("/"):
            below.setdefault(name, {}).update({rest: text} if rest else {})
            continue
        mode = {"x!": Mode.EXECUTABLE, "->": Mode.SYMLINK}.get(text[:2], Mode.FILE)
        content = text[2:] if mode is not Mode.FILE else text
        entries.append(Entry(name, mode, len(content), store.put(content.encode())))
    for name, inner in below.items():
        oid = put(store, inner)
        size = sum(entry.size for entry in tree.decode(store.get(oid)))
        entries.append(Entry(name, Mode.FOLDER, size, oid))
    return store.put(tree.encode(entries), Kind.TREE)


def listing(store: ObjectStore, oid: ObjectId) -> Files:
    marks = {Mode.EXECUTABLE: "x!", Mode.SYMLINK: "->", Mode.FILE: ""}
    found: Files = {}
    for path, entry in tree.walk(store, oid):
        if entry.mode is Mode.FOLDER:
            if not tree.decode(store.get(entry.oid)):
                found[path + "/"] = ""
        else:
            found[path] = marks[entry.mode] + store.get(entry.oid).decode()
    return found


def merged(store: ObjectStore, base: Files | None, ours: Files, theirs: Files) -> Merged:
    was = None if base is None else put(store, base)
    return merge_trees(store, was, put(store, ours), put(store, theirs))


def test_each_side_keeps_what_it_changed(store: ObjectStore) -> None:
    base = {"same": "1", "a": "1", "b": "1", "gone": "1", "deep/er/a": "1", "deep/er/b": "1"}
    ours = {
        "same": "1",
        "a": "2",
        "b": "1",
        "gone": "1",
        "deep/er/a": "2",
        "deep/er/b": "1",
        "n": "1",
    }
    theirs = {"same": "1", "a": "1", "b": "3", "deep/er/a": "1", "deep/er/b": "3", "m/x": "1"}
    done = merged(store, base, ours, theirs)
    assert done.conflicts == ()
    expected = {"same": "1", "a": "2", "b": "3", "deep/er/a": "2", "deep/er/b": "3", "n": "1"}
    assert listing(store, done.oid) == {**expected, "m/x": "1"}
    assert (done.files, done.size) == (7, 7)


def test_the_merged_tree_is_the_one_that_adding_the_same_files_gives(store: ObjectStore) -> None:
    done = merged(store, {"d/a": "1", "d/b": "1"}, {"d/a": "22", "d/b": "1"}, {"d/a": "1"})
    assert done.oid == put(store, {"d/a": "22"})


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "path", "said"),
    [
        ({"a": "1"}, {"a": "2"}, {"a": "3"}, "a", ("changed", "changed")),
        ({"a": "1"}, {}, {"a": "3"}, "a", ("deleted", "changed")),
        ({"a": "1"}, {"a": "2"}, {}, "a", ("changed", "deleted")),
        ({}, {"a": "2"}, {"a": "3"}, "a", ("added", "added")),
        ({}, {"a": "2"}, {"a/b": "3"}, "a", ("added", "added")),
        ({"a": "1"}, {"a": "2"}, {"a/b": "3"}, "a", ("changed", "made a folder")),
        ({"a": "1"}, {"a": "x!1"}, {}, "a", ("made executable", "deleted")),
        ({"a": "x!1"}, {"a": "1"}, {}, "a", ("made not executable", "deleted")),
        ({"a": "1"}, {"a": "->1b"}, {"a": "2"}, "a", ("made a link", "changed")),
        ({"a/b": "1"}, {"a/b": "2"}, {"a": "1"}, "a", ("changed", "made a file")),
        ({"d/a": "1", "d/b": "1"}, {"d/a": "2", "d/b": "1"}, {}, "d/a", ("changed", "deleted")),
    ],
)
def test_what_both_changed_is_a_conflict_and_stays_as_ours(
    store: ObjectStore, base: Files, ours: Files, theirs: Files, path: str, said: tuple[str, str]
) -> None:
    done = merged(store, base, ours, theirs)
    (conflict,) = done.conflicts
    assert (conflict.path, (conflict.ours, conflict.theirs)) == (path, said)
    kept = {name: text for name, text in ours.items() if name.startswith(path)}
    assert listing(store, done.oid) == kept


def test_content_and_the_bit_to_execute_are_merged_apart(store: ObjectStore) -> None:
    done = merged(store, {"a": "1"}, {"a": "x!1"}, {"a": "2"})
    assert done.conflicts == ()
    assert listing(store, done.oid) == {"a": "x!2"}


def test_a_folder_that_one_side_deleted_keeps_only_what_the_other_changed(
    store: ObjectStore,
) -> None:
    base = {"d/a": "1", "d/b": "1"}
    assert listing(store, merged(store, base, {}, base).oid) == {}
    done = merged(store, base, {}, {**base, "d/c": "new"})
    assert listing(store, done.oid) == {"d/c": "new"}
    assert done.conflicts == ()


def test_empty_folders_are_kept_as_both_sides_have_them(store: ObjectStore) -> None:
    base = {"d/a": "1", "d/b": "1"}
    done = merged(store, base, {"d/a": "1"}, {"d/b": "1"})
    assert listing(store, done.oid) == {"d/": ""}


def test_without_a_base_equal_files_agree_and_others_conflict(store: ObjectStore) -> None:
    done = merged(store, None, {"same": "1", "a": "1"}, {"same": "1", "a": "2", "b": "3"})
    assert [conflict.path for conflict in done.conflicts] == ["a"]
    assert listing(store, done.oid) == {"same": "1", "a": "1", "b": "3"}


def test_theirs_can_be_taken_file_by_file(store: ObjectStore) -> None:
    trees = [put(store, dict.fromkeys("ab", side)) for side in "123"]
    done = merge_trees(store, *trees, choose=lambda path: "theirs" if path == "b" else "ours")
    assert listing(store, done.oid) == {"a": "2", "b": "3"}
    assert [conflict.path for conflict in done.conflicts] == ["a", "b"]


def test_contents_need_not_be_here_but_listings_must(store: ObjectStore) -> None:
    absent = ObjectId("0" * 64)
    ours = store.put(tree.encode([Entry("a", Mode.FILE, 1, absent)]), Kind.TREE)
    base, theirs = put(store, {}), put(store, {"b": "1"})
    assert merge_trees(store, base, ours, theirs).files == 2
    with pytest.raises(MissingObject):
        merge_trees(store, base, ours, absent)


_texts = st.sampled_from(["1", "2", "x!1", "->t"])
_some = st.dictionaries(st.sampled_from(["a", "b", "d/a", "d/b", "d/e/c"]), _texts)


@settings(max_examples=60, deadline=None)
@given(base=_some, ours=_some, theirs=_some)
def test_a_merge_loses_nothing_and_does_not_depend_on_who_merges(
    tmp_path_factory: pytest.TempPathFactory, base: Files, ours: Files, theirs: Files
) -> None:
    folder = tmp_path_factory.mktemp("store")
    (folder / "packs").mkdir()
    (folder / "tmp").mkdir()
    store = ObjectStore(folder / "packs", folder / "tmp")
    here, there = merged(store, base, ours, theirs), merged(store, base, theirs, ours)
    assert {one.path for one in here.conflicts} == {one.path for one in there.conflicts}
    if not here.conflicts:
        assert here.oid == there.oid
    for path in {*base, *ours, *theirs}:
        if ours.get(path) == theirs.get(path) or theirs.get(path) == base.get(path):
            expected = ours.get(path)
        elif ours.get(path) == base.get(path):
            expected = theirs.get(path)
        else:
            continue
        assert listing(store, here.oid).get(path) == expected
