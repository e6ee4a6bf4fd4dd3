"""What `mlo canary`, `mlo ab` and `mlo shadow` print."""

import pytest

from mlops_cli.cli.routed import tell
from mlops_cli.registry.routed import Logged, Routed
from mlops_cli.registry.routes import Arm


def test_who_shares_the_requests_fits_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    began = "2026-01-30T09:15:00.123456Z"
    arm = Arm("ab", "production", 12, 1 / 3, "header:X-User", "salt", began)
    tell(Routed("churn", "production", 9, (arm,), (Logged("ab", 12, began, 120_000, 3_400_000),)))
    told = capsys.readouterr().out
    assert "v12 answers 33.33%, in an experiment, by header:X-User" in told
    assert "logged since 2026-01-30 09:15 UTC: 120,000 predictions; 3,400,000 of v9" in told
    assert max(map(len, told.splitlines())) <= 80
