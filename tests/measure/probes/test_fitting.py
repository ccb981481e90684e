from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ppcheck.errors import MeasurementError
from ppcheck.measure.probes.fitting import ProbeTask, probe_direction


def test_shuffled_labels_go_by_whole_units_where_each_has_one_label() -> None:
    groups = np.repeat(np.arange(8), 3)
    labels = np.repeat([1.0, 0.0] * 4, 3)
    drawn = ProbeTask(labels, groups, True, 2, 0).labellings(20)
    np.testing.assert_array_equal(drawn[0], labels)
    of_groups = drawn.reshape(21, 8, 3)
    assert (of_groups == of_groups[:, :, :1]).all()
    assert (of_groups[:, :, 0].sum(axis=1) == 4).all()
    assert len(np.unique(of_groups[:, :, 0], axis=0)) > 10
    crossed = ProbeTask(np.tile([1.0, 0.0, 1.0], 8), groups, True, 2, 0).labellings(20)
    assert (crossed.sum(axis=1) == 16).all()
    assert (crossed.reshape(21, 8, 3).sum(axis=2) != 2).any()


@given(
    sizes=st.lists(st.integers(1, 4), min_size=6, max_size=12),
    folds=st.integers(2, 3),
    seed=st.integers(0, 99),
    classes=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_no_unit_is_on_both_sides_of_a_fold(
    sizes: list[int], folds: int, seed: int, *, classes: bool
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = (groups % 2).astype(np.float64)
    tested = []
    for train, test in ProbeTask(labels, groups, classes, folds, seed).splits:
        assert not set(groups[train]) & set(groups[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(len(groups)))


@given(
    words=st.tuples(st.integers(2, 5), st.integers(2, 5)),
    folds=st.integers(2, 4),
    seed=st.integers(0, 99),
    classes=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_no_word_that_is_held_out_and_no_unit_is_on_both_sides(
    words: tuple[int, int], folds: int, seed: int, *, classes: bool
) -> None:
    """Every unit has every word, and the first words are of one class."""
    said = np.tile(np.arange(sum(words)), 8)
    groups = np.repeat(np.arange(8), sum(words))
    labels = (said < words[0]).astype(np.float64) if classes else said.astype(np.float64)
    tested: list[int] = []
    for train, test in ProbeTask(labels, groups, classes, folds, seed, said).splits:
        assert not set(groups[train]) & set(groups[test])
        assert not set(said[train]) & set(said[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(len(groups)))


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_classes_of_as_many_words_leave_as_many_of_each_to_fit(count: int) -> None:
    said = np.tile(np.arange(2 * count), 8)
    groups, labels = np.repeat(np.arange(8), 2 * count), (said % 2).astype(np.float64)
    for train, _ in ProbeTask(labels, groups, True, 3, 0, said).splits:
        assert labels[train].mean() == 0.5


def test_a_class_of_one_word_leaves_none_to_fit() -> None:
    said = np.tile([0, 1, 2], 8)
    with pytest.raises(MeasurementError, match="a class has 1 word, too few to hold some out"):
        ProbeTask((said < 2).astype(np.float64), np.repeat(np.arange(8), 3), True, 2, 0, said)


def test_the_rounding_of_float32_is_nothing_to_learn_from() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile([1.0, 0.0], 30)
    features = 3 + 1e-7 * (rng.normal(size=(60, 5)) + labels[:, None])
    task = ProbeTask(labels, np.arange(60) // 2, True, 5, 0)
    predicted = task.predict(features, labels[None]).values[0]
    assert not ((predicted > 0) == (labels == 1)).mean() > 0.5
    assert len(np.unique(predicted.round(6))) <= 5


def test_training_labels_of_one_class_alone_are_predicted_as_that_class() -> None:
    labels = np.array([1.0, 1, 0, 0])
    task = ProbeTask(labels, np.arange(4), True, 2, 0)
    predicted = task.predict(np.arange(4.0)[:, None], np.array([[1.0, 1, 1, 1], [0.0, 0, 0, 0]]))
    np.testing.assert_array_equal(np.sign(predicted.values), [[1] * 4, [-1] * 4])


def test_a_probes_direction_is_scikit_learns_in_the_activations_own_units() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(200) < 0.5
    activations = rng.normal(size=(200, 6)) * [1, 2, 3, 4, 5, 100] + 3 * labels[:, None]
    found = probe_direction(activations, labels)
    scaler = StandardScaler().fit(activations)
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(activations), labels)
    expected = model.coef_[0] / scaler.scale_
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-9)
    along = activations @ found
    assert along[labels].mean() > along[~labels].mean()
    with pytest.raises(MeasurementError, match="both classes"):
        probe_direction(activations, np.ones(200, dtype=bool))
    with pytest.raises(MeasurementError, match="do not differ"):
        probe_direction(np.ones((200, 6)), labels)
