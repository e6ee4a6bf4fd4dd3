"""How near statistics are to those of other tools, where these mean the same by them."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.drift import cases
from benchmarks.drift.peers import ALIBI_DETECT, EVIDENTLY, NANNYML, SCRIPTS, Peer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Pair = tuple[str, "Array", "Array"]
Value = tuple[str, str, float, float]
"""What is compared, with whom, our value and theirs."""
_NOTES = """\
The largest relative difference over pairs of samples (80 to 900 rows; normal, skewed, rounded; 2,
3 and 7 categories). Distances over bins are taken over the bins of the other tool, and PSI only
where none is empty. alibi-detect keeps data in 32 bits."""
_TIGHT, _OF_32_BITS = 1e-9, 1e-5


def table() -> str:
    """Return the largest differences as Markdown."""
    worst: dict[tuple[str, str], tuple[float, int]] = {}
    for what, whose, ours, theirs in values():
        gap = abs(ours - theirs) / max(abs(theirs), 1e-300) if ours != theirs else 0.0
        largest, times = worst.get((what, whose), (0.0, 0))
        worst[what, whose] = max(largest, gap), times + 1
    lines = [
        "| statistic | of | values | largest difference | |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (what, whose), (gap, times) in worst.items():
        limit = _OF_32_BITS if whose == ALIBI_DETECT.name else _TIGHT
        verdict = "ok" if gap <= limit else "differs"
        lines.append(f"| {what} | {whose} | {times} | {gap:.0e} | {verdict} |")
    return _NOTES + "\n\n" + "\n".join(lines)


def values() -> Iterator[Value]:
    """Yield our values beside those of all tools that are there."""
    yield from _scipy()
    for peer, script, compare in (
        (EVIDENTLY, "evidently_values_script.py", _evidently),
        (NANNYML, "nannyml_values_script.py", _nannyml),
        (ALIBI_DETECT, "alibi_values_script.py", _alibi),
    ):
        told = _told(peer, script)
        if told:
            for what, ours, theirs in compare(told):
                yield what, peer.name, ours, theirs


def _told(peer: Peer, script: str) -> dict[str, Any]:
    folder = peer.folder()
    if folder is None:
        return {}
    command = [str(folder / "bin" / "python"), str(SCRIPTS / script)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _scipy() -> Iterator[Value]:
    import warnings

    from scipy import stats

    from mlops_cli.monitor.statistics import anderson_darling, categorical, ks

    for _, first, second in cases.pairs():
        found, theirs = ks.two_sample(first, second), stats.ks_2samp(first, second, method="exact")
        yield "Kolmogorov-Smirnov distance", "scipy", found.distance, float(theirs.statistic)
        if len({*first, *second}) == len(first) + len(second):  # scipy's p ignores ties
            yield "Kolmogorov-Smirnov p", "scipy", found.p, float(theirs.pvalue)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            squared = stats.anderson_ksamp([first, second]).statistic
        ours = anderson_darling.two_sample(first, second).statistic
        yield "Anderson-Darling statistic", "scipy", ours, float(squared)
        far = stats.wasserstein_distance(first, second)
        yield "Wasserstein distance", "scipy", _wasserstein(first, second), float(far)
    for _, first, second in cases.counts():
        a, b = _counted(first, second)
        for name, test, power in (
            ("chi-square", categorical.homogeneity, "pearson"),
            ("G-test", categorical.likelihood_ratio, "log-likelihood"),
        ):
            mine = test(a, b)
            other = stats.chi2_contingency([a, b], correction=False, lambda_=power)
            yield f"{name} statistic", "scipy", mine.statistic, float(other.statistic)
            yield f"{name} p", "scipy", mine.p, float(other.pvalue)


def _evidently(told: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    from mlops_cli.monitor.statistics import categorical, distances

    for name, first, second in cases.pairs():
        theirs = told[name]
        a, b = _binned(first, second, theirs["edges"])
        yield (
            "Wasserstein / deviation",
            _wasserstein(first, second) / first.std(),
            theirs["wasserstein"],
        )
        if a.all() and b.all():  # empty bins are filled in another way
            yield "PSI", distances.population_stability(a, b, half=0.0), theirs["psi"]
        yield "Jensen-Shannon", _in_nats(distances.jensen_shannon(a, b)), theirs["jensenshannon"]
        keys = _binned(first, second, theirs["edges_of_keys"])
        yield "Hellinger", distances.hellinger(*keys), theirs["hellinger"]
    for name, first, second in cases.counts():
        theirs = told[name]
        a, b = _counted(first, second)
        if a.all() and b.all():  # empty bins are filled in another way
            yield "PSI", distances.population_stability(a, b, half=0.0), theirs["psi"]
        yield "Jensen-Shannon", _in_nats(distances.jensen_shannon(a, b)), theirs["jensenshannon"]
        yield "Hellinger", distances.hellinger(a, b), theirs["hellinger"]
        if "z" in theirs:
            _, p = categorical.two_proportions(*_hits(a, b))
            yield "z-test of proportions, p", p, theirs["z"]


def _nannyml(told: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    from mlops_cli.monitor.statistics import categorical, distances, ks, means
    from mlops_cli.monitor.statistics.pooled import of_samples

    for name, first, second in cases.pairs():
        theirs = told[name]
        yield (
            "Kolmogorov-Smirnov distance",
            ks.two_sample(first, second).distance,
            theirs["kolmogorov_smirnov"],
        )
        yield "Wasserstein distance", _wasserstein(first, second), theirs["wasserstein"]
        a, b = _binned_with_rest(first, second, theirs["edges"])
        yield "Jensen-Shannon", distances.jensen_shannon(a, b), theirs["jensen_shannon"]
        yield "Hellinger", distances.hellinger(a, b), theirs["hellinger"]
        found = means.two_means(*of_samples(first, second))
        yield "z-test of means, z (statsmodels)", found.z, theirs["z of means"][0]
        yield "z-test of means, p (statsmodels)", found.p, theirs["z of means"][1]
    for name, first, second in cases.counts():
        theirs = told[name]
        a, b = _counted(first, second)
        yield "Jensen-Shannon", distances.jensen_shannon(a, b), theirs["jensen_shannon"]
        yield "Hellinger", distances.hellinger(a, b), theirs["hellinger"]
        if len(a) > 2:  # NannyML corrects 2 x 2 tables for continuity
            yield "chi-square statistic", categorical.homogeneity(a, b).statistic, theirs["chi2"]
        if "z of proportions" in theirs:
            z, p = categorical.two_proportions(*_hits(a, b))
            yield "z-test of proportions, z (statsmodels)", z, theirs["z of proportions"][0]
            yield "z-test of proportions, p (statsmodels)", p, theirs["z of proportions"][1]
    yield "PCA reconstruction error", _reconstruction(), told["reconstruction"]


def _alibi(told: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    from mlops_cli.monitor.statistics import categorical, ks

    for name, first, second in cases.pairs():
        found = ks.two_sample(first, second)
        yield "Kolmogorov-Smirnov distance", found.distance, told[name]["distance"]
    for name, first, second in cases.counts():
        a, b = _counted(first, second)
        if len(a) > 2:  # 2 x 2 tables are corrected for continuity
            test = categorical.homogeneity(a, b)
            yield "chi-square statistic", test.statistic, told[name]["distance"]
            yield "chi-square p", test.p, told[name]["p"]


def _reconstruction() -> float:
    import numpy as np

    from mlops_cli.monitor.multivariate import reconstruction

    rng = np.random.default_rng(7)
    directions = reconstruction.fit(cases.numbers(rng, 1000).to_numpy(np.float64))
    return float(directions.errors(cases.numbers(rng, 1000).to_numpy(np.float64)).mean())


def _wasserstein(first: "Array", second: "Array") -> float:
    from mlops_cli.monitor.statistics.distances import wasserstein
    from mlops_cli.monitor.statistics.pooled import of_samples

    return wasserstein(*of_samples(first, second))


def _counted(first: "Array", second: "Array") -> "tuple[Array, Array]":
    from mlops_cli.monitor.statistics.pooled import of_samples

    _, a, b = of_samples(first, second)
    return a, b


def _hits(first: "Array", second: "Array") -> tuple[tuple[int, int], tuple[int, int]]:
    return (int(first[1]), int(first.sum())), (int(second[1]), int(second.sum()))


def _binned(first: "Array", second: "Array", edges: list[float]) -> "tuple[Array, Array]":
    import numpy as np

    a, b = (np.histogram(one, edges)[0] for one in (first, second))
    return a, b


def _binned_with_rest(first: "Array", second: "Array", edges: list[float]) -> "tuple[Array, Array]":
    """Return counts in bins, and of what is beyond them in one bin more, as NannyML does."""
    import numpy as np

    a, b = _binned(first, second, edges)
    return np.append(a, len(first) - a.sum()), np.append(b, len(second) - b.sum())


def _in_nats(distance: float) -> float:
    from math import log, sqrt

    return distance * sqrt(log(2))


Compare = Callable[[Mapping[str, Any]], Iterator[tuple[str, float, float]]]
