"""Whether texts that hardly repeated became few, or few became texts that hardly repeat."""

from __future__ import annotations

from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.statistics import categorical
from mlops_cli.monitor.tested import Result, percent


def compare(reference: Distribution, current: Distribution) -> Result | None:
    """Return the test that names on one side (see `Distribution`) repeat on the other.

    The share of rows with a text of their own falls with the number of rows, so that both sides
    are looked at as of equally many. How often names repeat is not known, so that of more of them
    the share is taken as it is, which is too low, and the test finds less than there is.

    None where both sides hold names or none does, and where the names repeat no less.
    """
    if reference.names == current.names:
        return None
    names, few = (reference, current) if reference.names else (current, reference)
    rows = min(names.present, few.present)
    own = names.distinct / names.present
    repeated = distinct_of(few, rows) / rows
    if repeated >= own:
        return None
    hits = (round(repeated * rows), rows), (round(own * names.present), names.present)
    z, p = categorical.two_proportions(*hits)
    shares = (own, repeated) if reference.names else (repeated, own)
    change = f"distinct texts {percent(shares[0])} -> {percent(shares[1])}"
    return Result("distinct texts", z, p, own - repeated, change)


def distinct_of(few: Distribution, rows: int) -> float:
    """Return how many different texts so many rows of a column have, in the mean.

    Texts that the column does not tell are taken to be equally frequent, which is the most that
    there can be.

    >>> distinct_of(Distribution("category", 4, categories={"a": 3, "b": 1}, distinct=2), 2)
    1.375
    """
    import numpy as np

    if rows >= few.present:
        return float(few.distinct)
    counts = np.fromiter(few.categories.values(), np.float64, len(few.categories))
    left = 1 - rows / few.present
    found = float((1 - left**counts).sum())
    if few.others:
        more = max(1, few.distinct - len(counts))
        found += more * (1 - left ** (few.others / more))
    return found
