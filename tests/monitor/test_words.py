"""The next texts of one kind bring as many unseen words as each text did to the others."""

import numpy as np
import pytest

from mlops_cli.monitor import words


def some_texts(rng, rows, *, vocabulary=3000, shift=0):
    """Return texts of about eight words, commoner and rarer ones, as in a language."""
    weights = 1 / np.arange(1, vocabulary + 1)
    lengths = rng.poisson(8, rows) + 1
    picked = rng.choice(vocabulary, lengths.sum(), p=weights / weights.sum()) + shift
    parts = np.split(picked, np.cumsum(lengths)[:-1])
    return [" ".join(f"w{one}" for one in part) for part in parts]


@pytest.mark.parametrize(("rows", "others"), [(100, 400), (2000, 200), (500, 500)])
def test_shares_of_unseen_words_are_alike_on_texts_of_one_kind(rows, others):
    rng = np.random.default_rng(rows)
    found = [
        words.unseen(
            words.of_texts(some_texts(rng, rows), rows),
            words.of_texts(some_texts(rng, others), others),
        )
        for _ in range(15)
    ]
    usual, new = np.mean(found, axis=0)
    assert usual == pytest.approx(new, rel=0.1)


def test_words_of_another_vocabulary_are_all_unseen():
    rng = np.random.default_rng(1)
    before = words.of_texts(some_texts(rng, 300), 300)
    now = words.of_texts(some_texts(rng, 300, shift=5000), 300)
    assert words.unseen(before, now)[1] == 1.0
    assert words.newest(before, now, 1) == ["w5000"]


def test_of_many_texts_some_are_read_evenly_chosen():
    texts = [f"text number {i}" for i in range(45_000)]
    assert words.of_texts(texts, len(texts)).rows == 15_000


def test_case_does_not_matter_and_a_word_counts_once_a_text():
    found = words.of_texts(["Buy buy BUY now", "ÄRGER über Preise"], 2)
    assert found.counts == {"buy": 1, "now": 1, "ärger": 1, "über": 1, "preise": 1}


def test_words_of_two_parts_add_up():
    texts = ["a b", "b c", "7"]
    assert words.of_texts(texts[:1], 1) + words.of_texts(texts[1:], 2) == words.of_texts(texts, 3)
    assert words.of_texts(texts, 3).numbers == 1


def test_names_are_not_text():
    assert not words.of_texts(["Ada Lovelace", "Alan Turing"], 2).make_text
    assert not words.of_texts([], 0).make_text
    assert words.of_texts(["they sent the wrong size"], 1).make_text
