"""What only the servers of a model count: how long answers take, and how many fail.

Servers count from their start. What is told here is what was added within a window, as
`rate` and `histogram_quantile` of Prometheus do, so a rule needs two checks to say anything.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from blake3 import blake3

from mlops_cli.core import exposition
from mlops_cli.core.config_monitor import ErrorsRule, LatencyRule
from mlops_cli.errors import ExternalError, MloError
from mlops_cli.monitor.watch import web
from mlops_cli.monitor.watch.alerts import Finding, Sample
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked
from mlops_cli.monitor.watch.standing import stamp, when
from mlops_cli.registry import events, models

_TIMES = "mlo_request_seconds_bucket"
_REQUESTS = "mlo_requests_total"
_FAILED = "mlo_model_errors_total"
_PAGES = ("/", "/health", "/ready", "/metrics")
"""What is asked of a server that is no prediction."""
_MOST_KEPT = 60
Counts = Mapping[str, float]


def latency(asked: Asked) -> Finding:
    """Return whether so many of the answers took at most so long; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, LatencyRule):
        raise about.unexpected(rule)
    counts, kept, notes = _since(asked, rule.window_s)
    if counts is None:
        return _begun(kept, notes)
    buckets = {float(key[1:]): n for key, n in counts.items() if key.startswith("<")}
    total = buckets.get(math.inf, 0.0)
    if total < rule.min_requests:
        return _too_few(total, rule.min_requests, kept, notes)
    took = quantile(buckets, rule.quantile)
    samples = (_sample(asked, "model_latency_seconds", took, quantile=f"{rule.quantile:g}"),)
    broken = took > rule.max_s
    said = (
        f"{rule.quantile:.4g} of {total:,.0f} answers took up to {about.ago(took)},"
        f" {about.ago(rule.max_s)} are allowed"
    )
    found = Finding(
        "broken" if broken else "holds",
        said,
        took,
        rule.max_s,
        facts={"requests": total},
        samples=samples,
        kept=kept,
        notes=notes,
    )
    return about.naming(asked, rule.window_s, found)


def errors(asked: Asked) -> Finding:
    """Return whether few enough requests failed; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, ErrorsRule):
        raise about.unexpected(rule)
    counts, kept, notes = _since(asked, rule.window_s)
    if counts is None:
        return _begun(kept, notes)
    total, bad = counts.get("requests", 0.0), counts.get("errors", 0.0)
    if total < rule.min_requests:
        return _too_few(total, rule.min_requests, kept, notes)
    share = bad / total
    facts: dict[str, Any] = {"requests": total, "errors": bad}
    if share > rule.max and (failing := _failing(asked, counts)):
        facts["failed"] = failing
    found = Finding(
        "broken" if share > rule.max else "holds",
        f"{100 * share:.3g} % of {total:,.0f} requests failed, {100 * rule.max:.3g} % may fail",
        share,
        rule.max,
        facts=facts,
        samples=(_sample(asked, "model_errors_ratio", share),),
        kept=kept,
        notes=notes,
    )
    return about.naming(asked, rule.window_s, found)


def quantile(buckets: Mapping[float, float], q: float) -> float:
    """Return a quantile of counts by upper bound, each with all below it, as Prometheus does.

    Within a bucket values count as evenly spread. What is above the last finite bound is taken
    as that bound.

    >>> quantile({1.0: 50.0, 2.0: 100.0, math.inf: 100.0}, 0.75)
    1.5
    """
    bounds = sorted(buckets)
    rank, low, below = q * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank and buckets[bound] > below:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (rank - below) / (buckets[bound] - below)
        if not math.isinf(bound):
            low = bound
        below = buckets[bound]
    return low


def _since(
    asked: Asked, window_s: float
) -> tuple[dict[str, float] | None, dict[str, Any], tuple[str, ...]]:
    """Return what was counted within the window, what to keep, and which servers are silent.

    None where nothing was counted before.

    Raises:
        ExternalError: no server answers.
    """
    held = asked.kept or {"servers": {}, "sums": [], "total": {}}
    total: dict[str, float] = dict(held["total"])
    servers: dict[str, dict[str, float]] = dict(held["servers"])
    settings = asked.repo.settings.monitor
    urls = () if settings is None else settings.metrics_urls
    silent = []
    for url in urls:
        try:
            now = counted(web.page(url))
        except MloError as error:
            silent.append(error.message)
            continue
        name = blake3(url.encode()).hexdigest(8)
        if name in servers:
            _add(total, increase(servers[name], now))
        servers[name] = now
    if len(silent) == len(urls):
        raise ExternalError(silent[0] if silent else "no server is named: monitor.metrics_url")
    sums = [*held["sums"], [stamp(asked.now), dict(total)]]
    first = _first(sums, asked, window_s)
    kept = {"servers": servers, "sums": _thinned(sums[first:]), "total": total}
    if len(sums) == 1:
        return None, kept, tuple(silent)
    base = sums[first][1]
    return {key: n - base.get(key, 0.0) for key, n in total.items()}, kept, tuple(silent)


def _first(sums: list[list[Any]], asked: Asked, window_s: float) -> int:
    """Return the place of the last count that is as old as the window, else of the first."""
    start = asked.now - timedelta(seconds=window_s)
    old = [place for place, (time, _) in enumerate(sums) if when(time) <= start]
    return old[-1] if old else 0


def _thinned(sums: list[list[Any]]) -> list[list[Any]]:
    """Return every other count, and the first and last, where there are many."""
    if len(sums) <= _MOST_KEPT:
        return sums
    return [one for place, one in enumerate(sums) if place % 2 == 0 or place == len(sums) - 1]


def counted(page: str) -> dict[str, float]:
    """Return what a page of `mlo serve` tells of answers: how long they took, how many failed."""
    found: dict[str, float] = {"requests": 0.0, "errors": 0.0}
    for name, labels, value in exposition.samples(page):
        if name == _TIMES:
            key = f"<{labels.get('le', '')}"
            found[key] = found.get(key, 0.0) + value
        elif name == _REQUESTS and labels.get("path") not in _PAGES:
            found["requests"] += value
            found["errors"] += value if labels.get("status", "").startswith("5") else 0.0
        elif name == _FAILED and labels.keys() >= {"model", "version"}:
            key = _of_version(labels["model"], labels["version"])
            found[key] = found.get(key, 0.0) + value
    return found


def _of_version(model: str, version: str) -> str:
    return f"!{model}@v{version}"


def _failing(asked: Asked, counts: Counts) -> list[dict[str, Any]]:
    """Return the versions that failed on requests; what fails on all leaves no prediction."""
    name = asked.rule.model
    found: list[dict[str, Any]] = []
    for version in models.model(asked.repo, name).versions if events.head(asked.repo, name) else ():
        failed = counts.get(_of_version(version.model, str(version.number)), 0.0)
        if failed > 0:
            found.append({"version": version.id, "number": version.number, "errors": failed})
    return sorted(found, key=lambda one: -one["errors"])[: about.MOST_VERSIONS]


def increase(before: Counts, now: Counts) -> dict[str, float]:
    """Return what was added; where a count has fallen, the server was started anew.

    >>> increase({"a": 5, "b": 9}, {"a": 7, "b": 10}), increase({"a": 5, "b": 9}, {"a": 7, "b": 2})
    ({'a': 2, 'b': 1}, {'a': 7, 'b': 2})
    """
    if any(value < before.get(key, 0.0) for key, value in now.items()):
        return dict(now)
    return {key: value - before.get(key, 0.0) for key, value in now.items()}


def _add(total: dict[str, float], more: Counts) -> None:
    for key, value in more.items():
        total[key] = total.get(key, 0.0) + value


def _begun(kept: Any, notes: tuple[str, ...]) -> Finding:
    said = "counting has begun: the next check can tell"
    return Finding("no verdict", said, kept=kept, notes=notes)


def _too_few(total: float, least: int, kept: Any, notes: tuple[str, ...]) -> Finding:
    requests = "1 request" if total == 1 else f"{total:,.0f} requests"
    said = f"{requests}, too few to tell: {least} are needed"
    return Finding("no verdict", said, facts={"requests": total}, kept=kept, notes=notes)


def _sample(asked: Asked, family: str, value: float, **labels: str) -> Sample:
    return Sample(family, {"model": asked.rule.model, **labels}, value)
