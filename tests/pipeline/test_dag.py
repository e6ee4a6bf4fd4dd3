import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.dag import Node, dot, mermaid, picture
from tests.conftest import Mlo
from tests.pipeline.conftest import Run

SETTINGS = """\
params: {use: false}
steps:
  prepare: {cmd: cp raw.csv table, deps: [raw.csv], outs: [table], desc: the table}
  train:
    foreach: [1, 2, 3]
    cmd: cp table m-${key}
    deps: [table]
    outs: ["m-${key}"]
  report: {cmd: cat m-* > report, deps: ["m-*", extra], outs: [report], frozen: true}
  extra: {when: use, cmd: "echo > extra", outs: [extra]}
"""


@pytest.fixture
def nodes(repo: Repository, run: Run) -> Callable[..., dict[str, Node]]:
    (repo.root / ".mlops.yaml").write_text(SETTINGS)
    run()
    (repo.root / "m-2").write_text("by hand")

    def found(*names: str, **options) -> dict[str, Node]:
        return {one.name: one for one in picture(open_repository(repo.root), names, **options)}

    return found


def test_each_step_says_how_it_stands_and_a_group_is_one(
    nodes: Callable[..., dict[str, Node]],
) -> None:
    found = nodes()
    assert {name: (one.state, one.needs) for name, one in found.items()} == {
        "prepare": ("up to date", ()),
        "train": ("stale", ("prepare",)),
        "extra": ("off", ()),
        "report": ("frozen", ("train", "extra")),
    }
    assert found["train"].steps == ("train@1", "train@2", "train@3")
    assert (found["train"].stale, found["train"].outs) == (1, ("m-1", "m-2", "m-3"))
    assert found["train"].reasons == ("its output m-2 changed",)
    assert found["prepare"].desc == "the table"
    assert found["extra"].reasons == ("'use' does not hold",)


def test_a_part_of_the_graph_leads_to_a_step_or_follows_it(
    nodes: Callable[..., dict[str, Node]],
) -> None:
    assert set(nodes("train")) == {"prepare", "train"}
    assert set(nodes("train@2")) == {"prepare", "train@2"}
    assert set(nodes("train", downstream=True)) == {"train", "report"}
    assert set(nodes(each=True)) == {
        *("prepare", "train@1", "train@2", "train@3", "extra", "report")
    }
    assert nodes(assignments=["use=true"])["extra"].state == "stale"
    with pytest.raises(RequestError, match="there is no step 'trian'"):
        nodes("trian")


def test_groups_that_need_each_other_are_taken_apart(repo: Repository) -> None:
    (repo.root / ".mlops.yaml").write_text(
        "steps:\n"
        "  a: {foreach: [1, 2], cmd: x, deps: ['b${key}'], outs: ['a${key}']}\n"
        "  b: {foreach: [2, 3], cmd: x, deps: ['a1'], outs: ['b${key}']}\n"
        "  c: {cmd: x, deps: ['a2', 'b3']}\n"
    )
    found = {one.name: one.needs for one in picture(open_repository(repo.root))}
    assert found == {"a@1": (), "b": ("a@1",), "a@2": ("b",), "c": ("a@2", "b")}


def test_other_programs_can_draw_it(nodes: Callable[..., dict[str, Node]]) -> None:
    every = list(nodes().values())
    drawn = mermaid(every, outs=True).splitlines()
    assert drawn[0] == "flowchart TD"
    assert '    s1["train (3 steps)"]:::stale' in drawn
    assert "    s0 --> s1" in drawn
    assert '    s0o0(["table"])' in drawn
    assert '    s0 [label="prepare", fillcolor="#e6f4ea"];' in dot(every).splitlines()
    hostile = Node('a"<b>\\', ("x",), (), (), "stale", (), 1, None)
    assert '["a#quot;#lt;b#gt;\\"]' in mermaid([hostile])
    assert 'label="a\\"<b>\\\\"' in dot([hostile])


def test_the_command_draws_the_steps_beside_how_they_stand(
    nodes: Callable[..., dict[str, Node]], mlo_here: Mlo, project: Path
) -> None:
    assert mlo_here("dag").stdout.splitlines() == [
        "●    prepare          up to date",
        "○    train (3 steps)  1 stale: its output m-2 changed",
        "│ ·  extra            off: 'use' does not hold",
        "├─╯",
        "■    report           frozen",
    ]
    assert mlo_here("dag", "train@2", "--outs").stdout.splitlines() == [
        "●  prepare  up to date",
        "│    table",
        "○  train@2  stale: its output m-2 changed",
        "     m-2",
    ]
    found = json.loads(mlo_here("dag", "train", "--downstream", "--json").stdout)
    assert [one["name"] for one in found] == ["train", "report"]
    assert mlo_here("dag", "--mermaid").stdout.startswith("flowchart TD\n")
    assert mlo_here("dag", "--dot", "--outs").stdout.endswith("}\n")
    assert "dag STEP --downstream" in mlo_here("dag", "--downstream", code=2).stderr
    (project / ".mlops.yaml").write_text("params: {a: 1}\n")
    assert mlo_here("dag").stdout == "there are no steps in .mlops.yaml\n"


def test_a_graph_too_wide_to_draw_is_a_list(project: Path, mlo_here: Mlo) -> None:
    many = ", ".join(map(str, range(40)))
    (project / ".mlops.yaml").write_text(
        f"steps:\n  t: {{foreach: [{many}], cmd: x, deps: ['a'], outs: ['o/${{key}}']}}\n"
        "  s: {cmd: x, deps: [o]}\n  a: {cmd: x, outs: [a]}\n"
    )
    lines = mlo_here("dag", "--each").stdout.splitlines()
    assert lines[:3] == [
        "○  a  stale: it has never run",
        "○  t@0  stale: it has never run",
        "     after a",
    ]
    assert lines[-1] == "     after t@0, t@1, t@2 and 37 more"
    assert len(mlo_here("dag").stdout.splitlines()) == 3
