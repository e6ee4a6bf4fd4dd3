"""What `mlo canary`, `mlo ab` and `mlo shadow` print."""

import pytest

from mlops_cli.cli.routed import tell
from mlops_cli.data.servers import Counted, OnTrial, Running
from mlops_cli.registry.routed import Logged, Routed
from mlops_cli.registry.routes import Arm


def test_who_shares_the_requests_fits_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    began = "2026-01-30T09:15:00.123456Z"
    arm = Arm("ab", "production", 12, 1 / 3, "header:X-User", "salt", began)
    old = Counted("churn", 9, "ab", 3_400_000, 1_700)
    new = Counted("churn", 12, "ab", 120_000, 240)
    trial = OnTrial("churn", "ab", old, new, 204_800)
    server = Running("http://127.0.0.1:8000", began, (old, new), (trial,))
    logged = Logged("ab", 12, began, 120_000, 3_400_000)
    tell(Routed("churn", "production", 9, (arm,), (logged,), servers=(server,)))
    told = capsys.readouterr().out
    assert "v12 answers 33.33%, in an experiment, by header:X-User" in told
    assert "logged since 2026-01-30 09:15 UTC: 120,000 predictions; 3,400,000 of v9" in told
    assert "v12, in an experiment: 120,000 requests, 240 failed" in told
    assert "v12 against v9 failed on 240 of 120,000, against 1,700 of 3,400,000" in told
    assert "v12 is judged again when it has had 204,800 requests" in told
    assert max(map(len, told.splitlines())) <= 80
