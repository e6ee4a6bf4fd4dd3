"""An evaluation for people: on a terminal, and as Markdown."""

import sys
from collections.abc import Sequence

from mlops_cli.cli import show
from mlops_cli.cli.fold import columns, width_of
from mlops_cli.cli.markdown import grid
from mlops_cli.core.ids import short
from mlops_cli.page.markdown import code, escaped
from mlops_cli.registry.evaluation.bootstrap import Estimate
from mlops_cli.registry.evaluation.latency import duration
from mlops_cli.registry.evaluation.record import Evaluation, Fairness, Metrics, Slice

_Rows = list[list[object]]
_CLASSIFIED = ("accuracy", "balanced_accuracy", "f1", "roc_auc")
_MEASURED = ("rmse", "mae", "r2", "bias")
_MOST_LABELS = 12
_WIDTH = 80
_FIRST = (
    *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc", "roc_auc"),
    *("average_precision", "log_loss", "brier", "calibration_error"),
    *("rmse", "mae", "median_ae", "mape", "bias", "r2"),
)
"""The order in which metrics are shown; records have them by name."""
_RATES = (
    *("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy"),
    *("mae", "mean_prediction"),
)


def tell(found: Evaluation) -> None:
    """Print an evaluation."""
    show.line(f"{_title(found)}, {show.number(found.rows, 'row')} ({found.data.chosen})", rest="  ")
    show.line()
    show.table(["metric", "value", "from", "to"], _metrics(found.metrics))
    if found.confusion is not None and len(found.confusion) <= _MOST_LABELS:
        show.line()
        show.table(_confusion_head(found), _confusion(found))
    if found.calibration:
        show.line()
        show.table(["probability", "rows", "said", "came"], _calibration(found))
    for head, rows in _slices(found, columns(sys.stdout) if sys.stdout.isatty() else _WIDTH):
        show.line()
        show.table(head, rows)
    for one in found.fairness:
        show.line()
        show.table(_group_head(one), _groups(one))
        show.line()
        show.table(["fairness", "value", "from", "to"], _metrics(one.metrics))
    show.line()
    show.line(_speed(found), rest="  ")
    for note in found.notes:
        show.line(f"note: {note}", rest="  ")
    show.note(f"on record as {short(found.id)}: mlo audit {found.model}@v{found.number}")


def markdown(found: Evaluation) -> None:
    """Print an evaluation as Markdown."""
    show.line(f"### {escaped(_title(found))}")
    show.line()
    show.line(f"{show.number(found.rows, 'row')}; {escaped(_speed(found))}.")
    show.line()
    _grid(["metric", "value", "from", "to"], _metrics(found.metrics))
    if found.confusion is not None and len(found.confusion) <= _MOST_LABELS:
        show.line()
        _grid(_confusion_head(found), _confusion(found))
    for head, rows in _slices(found):
        show.line()
        _grid(head, rows)
    for one in found.fairness:
        show.line()
        _grid(_group_head(one), _groups(one))
        show.line()
        _grid(["fairness", "value", "from", "to"], _metrics(one.metrics))
    for note in found.notes:
        show.line()
        show.line(f"> {escaped(note)}")


def _grid(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    cells = [
        [code(str(row[0])), *("" if one is None else str(one) for one in row[1:])] for row in rows
    ]
    grid([escaped(one) for one in head], cells)


def _title(found: Evaluation) -> str:
    return f"{found.model} v{found.number} on {found.data.path}@{short(found.data.oid)}"


def _metrics(metrics: Metrics) -> list[list[object]]:
    order = {name: place for place, name in enumerate(_FIRST)}
    return [
        [name, _number(one.value), _number(one.low), _number(one.high)]
        for name, one in sorted(metrics.items(), key=lambda one: (order.get(one[0], 99), one[0]))
    ]


def _number(value: float | None) -> float | None:
    """Return a number with as many digits as one reads."""
    if value is None:
        return None
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value, 1)


def _confusion_head(found: Evaluation) -> list[str]:
    return ["truth \\ said", *map(str, found.labels or ())]


def _confusion(found: Evaluation) -> list[list[object]]:
    rows = zip(found.labels or (), found.confusion or (), strict=True)
    return [[str(label), *counts] for label, counts in rows]


def _calibration(found: Evaluation) -> list[list[object]]:
    return [
        [f"{one.low:.1f} to {one.high:.1f}", one.rows, _number(one.said), _number(one.came)]
        for one in found.calibration
    ]


def _slices(found: Evaluation, width: int | None = None) -> list[tuple[list[str], _Rows]]:
    """Return a table for each column by which it was evaluated apart.

    In a `width` the last metrics stand without their intervals if those leave no room.
    """
    names = _CLASSIFIED if found.task == "classification" else _MEASURED
    tables = []
    for column in dict.fromkeys(one.column for one in found.slices):
        here = [one for one in found.slices if one.column == column]
        shown = [name for name in names if any(name in one.metrics for one in here)]
        head = [column, "rows", *shown]
        for sure in range(len(shown), -1, -1):
            rows = [_slice(one, shown, sure) for one in here]
            if width is None or _wide([head, *rows]) <= width:
                break
        tables.append((head, rows))
    return tables


def _slice(one: Slice, shown: Sequence[str], sure: int) -> list[object]:
    """Return a line of a table of slices; the first metrics, `sure` many, have their intervals."""
    cells = [one.metrics.get(name) for name in shown]
    plain = [None if cell is None else _number(cell.value) for cell in cells[sure:]]
    return [one.value, one.rows, *map(_spread, cells[:sure]), *plain]


def _wide(rows: Sequence[Sequence[object]]) -> int:
    """Return how many columns of a terminal a table takes."""
    most = [max(width_of(_text(row[at])) for row in rows) for at in range(len(rows[0]))]
    return sum(most) + 2 * (len(most) - 1)


def _text(cell: object) -> str:
    return "" if cell is None else f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _spread(one: Estimate | None) -> str | None:
    """Return a metric with its interval, to be read beside others."""
    if one is None or one.value is None:
        return None
    if one.low is None or one.high is None:
        return f"{one.value:.3g}"
    return f"{one.value:.3g} ({one.low:.3g}, {one.high:.3g})"


def _group_head(one: Fairness) -> list[str]:
    return [one.column, "rows", *[name.replace("_", " ") for name in _rates(one)]]


def _groups(one: Fairness) -> list[list[object]]:
    return [
        [group.name, group.rows, *(_number(group.rates.get(name)) for name in _rates(one))]
        for group in one.groups
    ]


def _rates(one: Fairness) -> list[str]:
    return [name for name in _RATES if any(name in group.rates for group in one.groups)]


def _speed(found: Evaluation) -> str:
    took = found.latency
    return (
        f"one row {duration(took.row_s)} (p99 {duration(took.row_p99_s)}), in a batch of"
        f" {took.batch_rows} {duration(took.batch_row_s)} a row; {show.size(found.size)}"
    )
