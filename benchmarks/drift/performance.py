"""How often `mlo performance` is wrong: alarms on models that do as before, and drops not found.

    python -m benchmarks.drift.performance [--times N]

Prints the tables of `docs/design/performance.md`.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from mlops_cli.core.config_performance import PerformanceSettings
from mlops_cli.core.ids import ObjectId
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.monitor.concept import watch
from mlops_cli.monitor.performance import estimates, judge, look
from mlops_cli.monitor.performance.blocks import Block
from mlops_cli.monitor.performance.estimator import Estimator
from mlops_cli.monitor.performance.gather import Gathered
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.registry.evaluation.answers import Answers, Label, Labelled, Measured
from mlops_cli.registry.evaluation.record import Data

Maker = Callable[[np.random.Generator, int], Answers]
TWO = "two of them"
NONE = Estimator(None, {}, {})
HELD_OUT = Data("held_out.csv", ObjectId(""), "")


@dataclass(frozen=True)
class _Held:
    """As much of an evaluation as is looked at."""

    labels: tuple[Label, ...] | None
    positive: str | None
    data: Data


def two(
    rng: np.random.Generator,
    rows: int,
    *,
    steep: float = 3.0,
    base: float = 0.0,
    wrong: float = 0.0,
) -> Labelled:
    """Return answers of a classifier whose probabilities are right, but for a share `wrong`."""
    logit = rng.normal(size=rows) * steep + base
    share = 1 / (1 + np.exp(-logit))
    truth = (rng.random(rows) < share) ^ (rng.random(rows) < wrong)
    shares = np.column_stack([1 - share, share])
    return Labelled(("no", "yes"), truth.astype(np.intp), (share > 0.5).astype(np.intp), shares, 1)


def three(rng: np.random.Generator, rows: int) -> Labelled:
    """Return answers to three classes, one of them rare."""
    shares = rng.dirichlet([0.5, 0.4, 0.1], rows)
    truth = (shares.cumsum(1) < rng.random(rows)[:, None]).sum(1).clip(0, 2)
    return Labelled(("a", "b", "c"), truth, shares.argmax(1), shares)


def numbers(rng: np.random.Generator, rows: int, *, heavy: bool = False) -> Measured:
    """Return answers of a regressor; errors are normal, or have heavy tails."""
    off = rng.standard_t(3, rows) if heavy else rng.normal(size=rows)
    truth = rng.normal(size=rows) * 3
    return Measured(truth, truth + off)


KINDS: dict[str, Maker] = {
    "two classes alike": two,
    "one class in ten": lambda rng, rows: two(rng, rows, base=-5.0),
    "three classes": three,
    "numbers": numbers,
    "numbers, heavy tails": lambda rng, rows: numbers(rng, rows, heavy=True),
}


def seen(past: Answers, now: Answers, windows: int, *, labelled: bool) -> look.Look:
    """Return predictions as `performance.check` looks at them."""
    labels = past.labels if isinstance(past, Labelled) else ()
    held = _Held(labels or None, "yes" if "yes" in labels else None, HELD_OUT)
    reference = Past(cast("Any", held), past)
    rows = np.arange(now.rows)
    shares = now.shares if isinstance(now, Labelled) else None
    zeros = np.zeros(now.rows, dtype=np.int64)
    block = Block(rows, zeros, rows, now.predicted, shares, {}, now.truth, zeros)
    known = block if labelled else block.take(rows[:0])
    found = Gathered(
        labels=labels,
        asked=block,
        known=known,
        newest=known,
        rows=now.rows,
        labelled=len(known),
        segments=("0" * 16,),
        unusable=0,
        hidden=(),
        sampled=False,
        tally=Tally(),
    )
    guess = NONE
    if not labelled:
        guess = estimates.estimator(cast("Any", None), reference, found, "model")
    wide = str(now.rows // windows)
    return look.look(reference, found, PerformanceSettings(), wide, guess)


def alarms(
    maker: Maker, before: int, rows: int, *, windows: int, times: int, labelled: bool = True
) -> tuple[float, float]:
    """Return the share of tries in which performance dropped, and in which any window did."""
    dropped = some = 0
    for seed in range(times):
        rng = np.random.default_rng(seed)
        it = seen(maker(rng, before), maker(rng, rows * windows), windows, labelled=labelled)
        dropped += judge.judge(it).verdict == "dropped"
        some += any(part.dropped for part in judge.parts(it, [[cut] for cut in it.cuts]))
    return dropped / times, some / times


def found(
    before: int, rows: int, wrong: float, *, windows: int, since: int, times: int
) -> tuple[float, float]:
    """Return how often a drop of the newest windows is found by labels, and by window."""
    dropped = hit = 0
    for seed in range(times):
        rng = np.random.default_rng(seed)
        old, new = two(rng, rows * (windows - since)), two(rng, rows * since, wrong=wrong)
        both = Labelled(
            old.labels,
            np.concatenate([old.truth, new.truth]),
            np.concatenate([old.predicted, new.predicted]),
            np.concatenate([old.shares, new.shares]),
            1,
        )
        it = seen(two(rng, before), both, windows, labelled=True)
        dropped += judge.judge(it).verdict == "dropped"
        hit += judge.parts(it, [[cut] for cut in it.cuts])[-1].dropped
    return dropped / times, hit / times


def streams(rate: float, *, rows: int, times: int, higher: float | None = None) -> dict[str, Any]:
    """Return how often each detector alarms in `rows` errors, or how late it finds a rise."""
    first: dict[str, list[int]] = {"ADWIN": [], "Page-Hinkley": [], "DDM": [], TWO: []}
    for seed in range(times):
        rng = np.random.default_rng(seed)
        rates = np.full(rows, rate)
        if higher is not None:
            rates[rows // 4 :] = higher
        errors = (rng.random(rows) < rates).astype(float)
        usual = rate, float(np.sqrt(rate * (1 - rate)))
        begun = 0 if higher is None else rows // 4
        seen_by: dict[str, int] = {}
        for one in watch.changes(errors, usual=usual):
            if one.place >= begun and one.after > one.before:
                seen_by.setdefault(one.detector, one.place - begun)
        if len(seen_by) > 1:
            seen_by[TWO] = sorted(seen_by.values())[1]
        for name, place in seen_by.items():
            first[name].append(place)
    if higher is None:
        return {name: f"{len(places) / times:.1%}" for name, places in first.items()}
    return {
        name: f"{np.median(places):.0f} ({len(places) / times:.0%})" if places else "-"
        for name, places in first.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=400)
    times = parser.parse_args(arguments).times
    print("| reference, window | " + " | ".join(KINDS) + " |\n|" + " --- |" * (len(KINDS) + 1))
    for before, rows in ((200, 50), (1000, 100), (1000, 1000), (10_000, 100), (10_000, 1000)):
        cells = [alarms(one, before, rows, windows=10, times=times) for one in KINDS.values()]
        told = " | ".join(f"{100 * all_:.1f} % / {100 * any_:.1f} %" for all_, any_ in cells)
        print(f"| {before:,}, 10 of {rows:,} | {told} |", flush=True)
    print("\nestimated (CBPE)")
    classes = list(KINDS)[:3]
    for before, rows in ((200, 50), (1000, 100), (1000, 1000), (10_000, 100), (10_000, 1000)):
        cells = [
            alarms(KINDS[one], before, rows, windows=10, times=times // 4, labelled=False)
            for one in classes
        ]
        told = " | ".join(f"{100 * all_:.1f} % / {100 * any_:.1f} %" for all_, any_ in cells)
        print(f"| {before:,}, 10 of {rows:,} | {told} |", flush=True)
    print("\nfound")
    for wrong in (0.03, 0.05, 0.1):
        for rows in (100, 300, 1000):
            cells2 = found(5000, rows, wrong, windows=10, since=3, times=times // 4)
            told = " | ".join(f"{100 * one:.0f} %" for one in cells2)
            print(f"| {wrong}, {rows} | {told} |", flush=True)
    print("\ndetectors")
    for rate, higher in ((0.02, 0.04), (0.1, 0.15), (0.3, 0.4)):
        print(rate, streams(rate, rows=10_000, times=times // 4), flush=True)
        print(rate, higher, streams(rate, rows=10_000, times=times // 8, higher=higher), flush=True)


if __name__ == "__main__":
    main()
