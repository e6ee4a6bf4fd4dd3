"""A lineage as Mermaid text: each thing once, arrows from cause to effect, no markup from data."""

from mlops_cli.cli.mermaid import chart
from mlops_cli.registry.lineage.node import Node

DATA = Node("data", 'raw "1".csv', "d" * 64)
RUN = Node("run", "train", "r" * 64, {"command": "python <x> #1"}, up=(DATA,))
VERSION = Node(
    "version", "churn v1", "v" * 64, up=(RUN, DATA), down=(Node("promotion", "promote", "p" * 64),)
)


def test_each_thing_is_a_box_and_arrows_lead_to_what_came_of_it() -> None:
    drawn = chart(VERSION).splitlines()
    assert drawn[0] == "flowchart LR"
    assert sum("raw" in line for line in drawn) == 1
    number = {line.split("</b> ")[1].split("<")[0].rstrip('"]'): line.split("[")[0].strip()
              for line in drawn if "</b>" in line}  # fmt: skip
    arrows = {tuple(line.split(" --> ")) for line in (d.strip() for d in drawn) if "-->" in line}
    raw = next(one for name, one in number.items() if name.startswith("raw"))
    assert arrows == {
        (number["train"], number["churn v1"]),
        (raw, number["train"]),
        (raw, number["churn v1"]),
        (number["churn v1"], number["promote"]),
    }


def test_nothing_of_the_user_s_is_markup() -> None:
    drawn = chart(VERSION)
    assert "command: python #lt;x#gt; #35;1" in drawn
    assert "raw #quot;1#quot;.csv" in drawn
