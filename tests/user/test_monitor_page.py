"""The blocks of `docs/monitor.md` run as they stand, and give what the page says."""

import re
from pathlib import Path

from tests.servers.programs import free_port, program
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_watch_a_model_as_it_says(tmp_path: Path) -> None:
    program("curl")
    printed = type_blocks("monitor.md", tmp_path, _8768=str(free_port()), _9464=str(free_port()))
    shown = re.sub(" +", " ", printed)
    for words in (
        "ok inputs plants v1 no column drifted",
        "no verdict working plants counting has begun",
        "would run echo",
        "firing inputs plants v1 1 of 2 columns (light) drifted",
        "1 rule broken",
        "still exit code 1",
        "alert firing",
        "inputs firing",
        "resolved inputs",
        "inputs is silenced until",
        "inputs is told again",
        "ok\n",
        'model_feature_drift{model="plants",version="1",feature="light",rule="inputs"}',
    ):
        assert words in shown, words
    plants = tmp_path / "plants"
    told = (plants / "alerts.txt").read_text().splitlines()
    assert told[0] == "firing: 1 of 2 columns (light) drifted"
    assert told[1] == "resolved: no column drifted"
    assert len(told) == 2
    assert "MloRuleBroken" in (plants / "rules.yml").read_text()
    assert "Traceback" not in printed
