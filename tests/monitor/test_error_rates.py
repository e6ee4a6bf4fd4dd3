"""How often the default decision is wrong, on data where the truth is known."""

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from mlops_cli.monitor.drift import compare_frames as compare
from tests.monitor.test_words import some_texts


def alarms(make, *, splits, seed):
    """Return in what share of the splits some column is said to have drifted."""
    rng = np.random.default_rng(seed)
    return sum(compare(*make(rng)).verdict == "drift" for _ in range(splits)) / splits


def mixed(rng, rows):
    """Nine columns: normal, skewed, whole numbers, true or false, categories common and rare."""
    names = [f"c{i}" for i in range(12)]
    rare = 1 / np.arange(1, 13) ** 1.5
    return pd.DataFrame(
        {
            "normal": rng.normal(size=rows),
            "uniform": rng.random(rows),
            "skewed": rng.lognormal(size=rows),
            "counts": rng.poisson(2, rows),
            "holes": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "flag": rng.random(rows) < 0.2,
            "three": rng.choice(names[:3], rows),
            "twelve": rng.choice(names, rows, p=rare / rare.sum()),
            "gaps": pd.Series(rng.choice(names[:2], rows)).where(rng.random(rows) < 0.9),
        }
    )


def test_unchanged_data_is_rarely_said_to_have_drifted():
    """BH bounds the chance of any alarm at 0.015; the least effect brings it lower."""
    sizes = [(50, 50), (100, 100), (450, 450), (5000, 100), (2500, 2500)]
    shares = [
        alarms(lambda rng, a=a, b=b: (mixed(rng, a), mixed(rng, b)), splits=50, seed=a * b)
        for a, b in sizes
    ]
    assert np.mean(shares) <= 0.03
    assert shares[-1] == 0.0


def test_random_halves_of_real_data_are_rarely_said_to_differ():
    frame = load_breast_cancer(as_frame=True).frame.drop(columns="target")

    def halves(rng):
        shuffled = frame.iloc[rng.permutation(len(frame))]
        return shuffled.head(285), shuffled.tail(284)

    assert alarms(halves, splits=40, seed=2) <= 0.03


def test_a_shift_of_three_tenths_of_a_standard_deviation_is_found_at_500_rows():
    """In one column of nine, which is harder than in a table of one."""

    def shifted(rng):
        reference, current = (pd.DataFrame(rng.normal(size=(500, 9))) for _ in range(2))
        current[4] += 0.3
        return reference, current

    assert alarms(shifted, splits=150, seed=5) >= 0.9


def test_unchanged_texts_and_rhythms_are_rarely_said_to_have_drifted():
    def made(rng, rows):
        moments = pd.Timestamp("2026-01-05") + pd.to_timedelta(rng.random(rows) * 35, unit="D")
        return pd.DataFrame({"said": some_texts(rng, rows), "at": moments})

    assert alarms(lambda rng: (made(rng, 400), made(rng, 150)), splits=40, seed=9) <= 0.03
