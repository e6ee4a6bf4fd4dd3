"""Tables of which it is known what changed. Peers read this file too, in their own environments."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

Make = Callable[[np.random.Generator, int], pd.DataFrame]

SIZES = (
    (100, 100),
    (200, 200),
    (285, 285),
    (900, 900),
    (5_000, 5_000),
    (20_000, 20_000),
    (10_000, 100),
)
SHIFT = 0.3


def numbers(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Return nine columns of numbers: with heavy tails, rounded, half zero, counts."""
    return pd.DataFrame(
        {
            "normal": rng.normal(size=rows),
            "uniform": rng.random(rows),
            "skewed": rng.lognormal(size=rows),
            "heavy": rng.standard_t(2, rows),
            "rounded": rng.normal(size=rows).round(1),
            "half_zero": np.where(rng.random(rows) < 0.5, 0.0, rng.lognormal(size=rows)),
            "counts": rng.poisson(2, rows),
            "ages": rng.integers(18, 90, rows),
            "waiting": rng.exponential(size=rows),
        }
    )


def categories(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Return nine columns of two to twenty categories, alike and unlike in how common they are."""
    made = {}
    for kinds in (2, 3, 4, 5, 8, 12, 20):
        rare = 1 / np.arange(1, kinds + 1) ** 1.5
        made[f"of_{kinds}"] = _chosen(rng, rows, rare)
    made["even_10"] = _chosen(rng, rows, np.ones(10))
    made["rare_2"] = _chosen(rng, rows, np.array([0.97, 0.03]))
    return pd.DataFrame(made)


def mixed(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Return nine columns of both, some with gaps."""
    rare = 1 / np.arange(1, 13) ** 1.5
    gaps = pd.Series(_chosen(rng, rows, np.ones(2)), dtype=object)
    return pd.DataFrame(
        {
            "normal": rng.normal(size=rows),
            "uniform": rng.random(rows),
            "skewed": rng.lognormal(size=rows),
            "counts": rng.poisson(2, rows),
            "holes": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "flag": rng.random(rows) < 0.2,
            "of_3": _chosen(rng, rows, np.ones(3)),
            "of_12": _chosen(rng, rows, rare),
            "gaps": gaps.where(rng.random(rows) < 0.9),
        }
    )


KINDS: Mapping[str, Make] = {"mixed": mixed, "numbers": numbers, "categories": categories}


def unchanged(
    kind: str, rows: tuple[int, int], splits: int
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield pairs of tables that are drawn alike, always the same ones."""
    rng = np.random.default_rng([len(kind), *rows])
    for _ in range(splits):
        yield KINDS[kind](rng, rows[0]), KINDS[kind](rng, rows[1])


def shifted(columns: int, rows: int, splits: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield pairs of tables of normal columns, of which the first moved by 0.3 deviations."""
    rng = np.random.default_rng([columns, rows])
    for _ in range(splits):
        names = [f"c{i}" for i in range(columns)]
        made = [pd.DataFrame(rng.normal(size=(rows, columns)), columns=names) for _ in range(2)]
        made[1]["c0"] += SHIFT
        yield made[0], made[1]


def halves(splits: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield random halves of the first nine columns of the breast cancer data."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame.iloc[:, :9]
    rng = np.random.default_rng(569)
    for _ in range(splits):
        order = rng.permutation(len(frame))
        yield frame.iloc[order[:285]], frame.iloc[order[285:]]


def together(rng: np.random.Generator, rows: int, correlation: float = 0.0) -> pd.DataFrame:
    """Return `mixed` with two columns more, which go together as `correlation` says."""
    x = rng.normal(size=rows)
    y = correlation * x + np.sqrt(1 - correlation**2) * rng.normal(size=rows)
    return mixed(rng, rows).assign(x=x, y=y)


def pairs() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield pairs of samples of numbers, which statistics are compared on."""
    for seed, (m, n) in enumerate([(80, 80), (300, 200), (500, 900)]):
        rng = np.random.default_rng(seed)
        yield f"normal {m}", rng.normal(size=m), rng.normal(0.3, 1.2, size=n)
        yield f"skewed {m}", rng.lognormal(size=m), rng.lognormal(0.2, size=n)
        yield f"rounded {m}", rng.normal(size=m).round(1), rng.normal(size=n).round(1)


def counts() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield pairs of samples of categories as whole numbers, which statistics are compared on."""
    for seed, kinds in enumerate((2, 3, 7)):
        rng = np.random.default_rng([seed, kinds])
        weights = np.arange(1, kinds + 1) / np.arange(1, kinds + 1).sum()
        yield f"of {kinds}", rng.choice(kinds, 400, p=weights), rng.choice(kinds, 250)


def _chosen(rng: np.random.Generator, rows: int, weights: np.ndarray) -> np.ndarray:
    names = np.array([f"c{i}" for i in range(len(weights))], dtype=object)
    return names[rng.choice(len(weights), rows, p=weights / weights.sum())]
