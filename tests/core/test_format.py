"""What `docs/design/format.md` shows is what the code reads and writes."""

import re
from dataclasses import fields
from pathlib import Path

from mlops_cli.core import refs, tree
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import Kind, ObjectStore
from mlops_cli.runs.environment import collect

PAGE = (Path(__file__).parents[2] / "docs/design/format.md").read_text()
TREE_ID = ObjectId("ed36de312287f89c5147dc139e1d1947abcabb3df89d005d4cc252f7726f535b")


def dumps() -> list[bytes]:
    blocks = re.findall(r"```hex\n(.*?)```", PAGE, re.S)
    return [
        bytes.fromhex("".join(line.split("  ")[1] for line in block.splitlines()))
        for block in blocks
    ]


def test_the_pack_in_the_page_is_the_one_a_store_writes(tmp_path: Path) -> None:
    for name in ("packs", "tmp"):
        (tmp_path / name).mkdir()
    oid = ObjectStore(tmp_path / "packs", tmp_path / "tmp").put(b"hello\n")
    (pack,) = (tmp_path / "packs").iterdir()
    assert pack.read_bytes() == dumps()[0]
    assert pack.name.startswith("9dc5a507")
    assert pack.name.endswith("03e6b1.pack")
    reader = ObjectStore(tmp_path / "packs", tmp_path / "tmp")
    assert reader.get(oid) == b"hello\n"
    assert reader.kind(oid) is Kind.BLOB


def test_the_tree_in_the_page_decodes() -> None:
    data = dumps()[1]
    hello = object_id(b"hello\n")
    assert tree.decode(data) == [tree.Entry("a.txt", tree.Mode.FILE, 6, hello)]
    assert tree.encode(tree.decode(data)) == data
    assert object_id(data) == TREE_ID


def test_the_refs_in_the_page_decode() -> None:
    (block,) = re.findall(r"```text\n(mlo refs 1.*?)```", PAGE, re.S)
    assert refs.decode(block.encode(), where="page") == {"models/churn": TREE_ID}
    assert refs.encode({"models/churn": TREE_ID}) == block.encode()


def test_the_page_names_every_field_of_the_record_of_a_run() -> None:
    from mlops_cli.runs import head, open_run, record

    section = PAGE[PAGE.index("## Runs\n") : PAGE.index("## Environment\n")]
    names = {field.name for kind in (record.Run, record.Code) for field in fields(kind)}
    names |= {field.name for kind in (record.StepRun, record.Artifact) for field in fields(kind)}
    names.discard("id")
    names |= {field.name for kind in (head.Head, head.End) for field in fields(kind)}
    assert sorted(name for name in names if f"`{name}`" not in section) == []
    section = PAGE[PAGE.index("## Environment\n") :]
    told = collect({}, "/nowhere")
    assert sorted(name for name in told if f"`{name}`" not in section) == []
    page = (Path(__file__).parents[2] / "docs/design/runs.md").read_text()
    files = [name for name in vars(open_run).values() if str(name).endswith(".jsonl")]
    assert len(files) == 4
    assert [name for name in files if name not in page] == []


def test_the_page_names_every_field_of_the_record_of_a_version() -> None:
    from mlops_cli.registry import description, example, models, profile, signature

    section = PAGE[PAGE.index("## Events of models\n") : PAGE.index("## The journal of a sweep\n")]
    names = {field.name for kind in (models.Version, models.Input) for field in fields(kind)}
    names |= {
        field.name for kind in (profile.Profile, profile.ColumnProfile) for field in fields(kind)
    }
    names |= {field.name for kind in (example.Example, signature.Column) for field in fields(kind)}
    names |= description.to_record(description.Description("skops", "model.skops")).keys()
    assert sorted(name for name in names - {"id"} if f"`{name}`" not in section) == []
