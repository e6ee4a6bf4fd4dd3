"""Metrics of labels are those of scikit-learn, also for rows that count several times."""

import warnings

import numpy as np
import pytest
from sklearn import metrics

from mlops_cli.registry.evaluation import classification
from mlops_cli.registry.evaluation.answers import Labelled, part
from mlops_cli.registry.evaluation.calibration import bins


def some(labels: int, rows: int = 200, *, ties: bool = True, seed: int = 3) -> Labelled:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, rows)
    shares = rng.dirichlet(np.ones(labels), rows) + 0.3 * np.eye(labels)[truth]
    shares = np.round(shares, 1 if ties else 12) + 1e-3
    shares /= shares.sum(1, keepdims=True)
    names = tuple("abcdefg"[:labels])
    positive = 1 if labels == 2 else None
    return Labelled(names, truth, shares.argmax(1), shares, positive)


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_what_counts_settle_is_what_scikit_learn_says(labels: int) -> None:
    one = some(labels)
    counts = classification.confusion(one)
    assert (counts == metrics.confusion_matrix(one.truth, one.predicted)).all()
    found = classification.of_counts(counts.astype(float), positive=one.positive)
    average = "binary" if labels == 2 else "macro"
    wanted = {
        "accuracy": metrics.accuracy_score(one.truth, one.predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(one.truth, one.predicted),
        "precision": metrics.precision_score(one.truth, one.predicted, average=average),
        "recall": metrics.recall_score(one.truth, one.predicted, average=average),
        "f1": metrics.f1_score(one.truth, one.predicted, average=average),
        "mcc": metrics.matthews_corrcoef(one.truth, one.predicted),
    }
    assert {name: float(value) for name, value in found.items()} == pytest.approx(wanted)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("ties", [True, False])
def test_what_probabilities_settle_is_what_scikit_learn_says(
    labels: int, ties: bool, weighted: bool
) -> None:
    one = some(labels, ties=ties)
    assert one.shares is not None
    each = np.random.default_rng(1).integers(0, 4, one.rows).astype(float) if weighted else None
    score = one.shares[:, 1] if labels == 2 else one.shares
    truth = one.truth
    wanted = {
        "log_loss": metrics.log_loss(truth, one.shares, sample_weight=each),
        "brier": metrics.brier_score_loss(truth, score, sample_weight=each)
        if labels == 2
        else metrics.brier_score_loss(truth, score, sample_weight=each, scale_by_half=False),
    }
    if labels == 2:
        wanted["roc_auc"] = metrics.roc_auc_score(truth, score, sample_weight=each)
        wanted["average_precision"] = metrics.average_precision_score(
            truth, score, sample_weight=each
        )
    else:
        wanted["roc_auc"] = metrics.roc_auc_score(
            truth, score, multi_class="ovr", sample_weight=each
        )
    found = {name: metric(each) for name, metric in classification.of_rows(one).items()}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)


def test_a_label_that_was_never_predicted_has_the_precision_0() -> None:
    one = Labelled(("a", "b", "c"), np.array([0, 1, 2, 2]), np.array([0, 1, 1, 1]))
    found = classification.of_counts(classification.confusion(one).astype(float), positive=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = metrics.precision_score(one.truth, one.predicted, average="macro")
    assert float(found["precision"]) == pytest.approx(wanted)


def test_without_both_labels_there_is_no_area_under_the_curve() -> None:
    one = some(2)
    only = part(one, one.truth == 1)
    assert np.isnan(classification.of_rows(only)["roc_auc"](None))


def test_bins_of_calibration_are_what_scikit_learn_draws() -> None:
    from sklearn.calibration import calibration_curve

    one = some(2, ties=False)
    assert one.shares is not None
    came, said = calibration_curve(one.truth, one.shares[:, 1], n_bins=10)
    found = bins(one)
    assert [one.came for one in found] == pytest.approx(list(came))
    assert [one.said for one in found] == pytest.approx(list(said))
    error = sum(each.rows * abs(each.said - each.came) for each in found) / one.rows
    assert classification.of_rows(one)["calibration_error"](None) == pytest.approx(error)
