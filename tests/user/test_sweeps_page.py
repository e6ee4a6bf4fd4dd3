"""What the page on sweeps promises."""

import json
from pathlib import Path

from tests.user.pages import type_blocks


def test_every_block_does_what_the_page_says(tmp_path: Path) -> None:
    told = type_blocks("sweeps.md", tmp_path)
    for promised in ("sweep rates done", "use it: mlo run train --set rate=", "goes on with rates"):
        assert promised in told
    found = json.loads((tmp_path / "descent/found.json").read_text())
    assert (found["status"], len(found["trials"])) == ("done", 6)
