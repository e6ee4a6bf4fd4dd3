"""What `mlo ab` prints of an experiment."""

import pytest

from mlops_cli.cli.commands.ab import tell
from mlops_cli.registry.experiment import Outcome, Report
from mlops_cli.registry.sequential import Interval


@pytest.mark.parametrize("until", [None, "2026-02-28T10:00:59.000001Z"])
def test_a_report_of_many_users_fits_in_80_columns(
    until: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    began = "2026-01-30T09:15:00.123456Z"
    main = Outcome(1, 0.5, 150_000, 15_000, 0.1, Interval(0.0985, 0.1015))
    other = Outcome(
        12, 1 / 3, 100_000, 24_000, 0.24, Interval(0.2374, 0.2427), Interval(1.213, 12.4), 1.3e-12
    )
    counts = (250_000, 22_000, 12)
    tell(
        Report(
            "churn",
            "production",
            "user_id",
            began,
            until,
            "prediction",
            *counts,
            0.05,
            (main, other),
        )
    )
    told = capsys.readouterr().out
    assert "churn@production, by user_id, " in told
    assert "2026-01-30 09:15" in told
    assert "counted by prediction" in told
    assert "v12      33.33%  24000 of 100000  24.00%  23.7 .. 24.3%" in told
    assert max(map(len, told.splitlines())) <= 80
