"""The words of a column of text, and how many of them the reference has never seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_cli.monitor.distribution import Distribution

MOST_TEXTS = 20_000
"""Of more distinct texts so many are read, evenly chosen."""
_LETTERS = 2_000
_WORD = re.compile(r"\w+")
_FEW_WORDS = 3.0
"""Texts of fewer words, in the mean, are names."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of texts.

    Attributes:
        rows: how many texts were read.
        counts: in how many of them each word is.
        numbers: how many of them read as a number.
    """

    rows: int
    counts: Mapping[str, int]
    numbers: int = 0

    @property
    def in_all(self) -> int:
        """How many words the texts have, of each text every word once."""
        return sum(self.counts.values())

    @property
    def make_text(self) -> bool:
        """Whether there are enough words in a text, in the mean, for text rather than names."""
        return self.in_all >= _FEW_WORDS * self.rows > 0

    def __add__(self, other: Words) -> Words:
        """Return the words of both."""
        both = Counter(self.counts)
        both.update(other.counts)
        return Words(self.rows + other.rows, both, self.numbers + other.numbers)


def of_texts(texts: Iterable[str], distinct: int) -> Words:
    """Return the words of texts, without regard to case; of long ones those of the beginning.

    Args:
        texts: in any order; of more than MOST_TEXTS every second, third, ... is read.
        distinct: how many there are.

    >>> found = of_texts(["a red house", "The red car"], 2)
    >>> found.counts["red"], found.counts["the"], found.rows
    (2, 1, 2)
    """
    step = max(1, -(-distinct // MOST_TEXTS))
    counts: Counter[str] = Counter()
    rows = numbers = 0
    for text in islice(texts, 0, None, step):
        counts.update(_in(text))
        rows += 1
        numbers += reads_as_number(text)
    return Words(rows, counts, numbers)


def of_column(column: Distribution) -> Words | None:
    """Return the words of a column of texts that has a value; None where not all texts are known.

    Of names each is read once, of others as often as it is there.
    """
    if column.names or column.others:
        return column.words
    step = max(1, -(-len(column.categories) // MOST_TEXTS))
    counts: Counter[str] = Counter()
    rows = numbers = 0
    for text, times in islice(column.categories.items(), 0, None, step):
        for word in _in(text):
            counts[word] += times
        rows += times
        numbers += times * reads_as_number(text)
    return Words(rows, counts, numbers)


def _in(text: str) -> set[str]:
    return set(_WORD.findall(text[:_LETTERS].casefold()))


def reads_as_number(text: str) -> bool:
    """Return whether a text is a number.

    >>> reads_as_number("1e3"), reads_as_number("n/a"), reads_as_number("nan")
    (True, False, False)
    """
    try:
        value = float(text)
    except ValueError:
        return False
    return not isnan(value)


def unseen(reference: Words, current: Words) -> tuple[float, float]:
    """Return the share of unseen words in the reference and in the current texts, each in 0..1.

    A word of the reference is unseen if no other of its texts has it, a current one if no text of
    the reference has it. On texts of one kind both shares are alike at any size: the next text
    brings as many new words as each text did to the others.

    Source:
        I. J. Good, The population frequencies of species and the estimation of population
        parameters, Biometrika 40 (1953) 237-264: words seen once tell how many are unseen.

    >>> before = of_texts(["a red house", "a red car"], 2)
    >>> unseen(before, of_texts(["a red cat", "my dog"], 2))
    (0.3333333333333333, 0.6)
    """
    once = sum(count == 1 for count in reference.counts.values())
    new = sum(n for word, n in current.counts.items() if word not in reference.counts)
    return once / max(1, reference.in_all), new / max(1, current.in_all)


def newest(reference: Words, current: Words, most: int = 3) -> list[str]:
    """Return the commonest words of the current texts that the reference has never seen."""
    new = [(n, word) for word, n in current.counts.items() if word not in reference.counts]
    return [word for _, word in sorted(new, key=lambda one: (-one[0], one[1]))[:most]]
