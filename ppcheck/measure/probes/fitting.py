"""Linear probes, each fitted on some units and tested on others: logistic and ridge regression."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppcheck.arrays import Floats, Labels
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import texts
from ppcheck.spec.prompts.grid import Prompt

STEPS = 1000
"""Most iterations of one logistic fit."""
ALPHAS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
"""Penalties of the ridge; leave-one-out within the training part chooses among them."""
_ROUNDING = 1e-5  # relative: what float32 activations of equal prompts differ by
_WORD = r"\w+|[^\w\s]"


@dataclass(frozen=True)
class Predictions:
    """Out-of-fold predictions [labelling, prompt]: log-odds of the first class, or doses.

    ``fits`` counts logistic fits, ``unfinished`` those that `STEPS` did not bring to an end.
    """

    values: Floats
    fits: int = 0
    unfinished: int = 0


@dataclass(frozen=True, eq=False)
class ProbeTask:
    """What probes predict of prompts: the first of two classes (1) or the second (0), or doses.

    ``labels`` [prompt]. No fold has prompts of one of the ``groups`` [prompt] on both its sides,
    nor, where they are given, of one of the ``words`` [prompt] that are held out. Raises
    MeasurementError where there are not two classes or doses, or too few groups or words to fold.
    """

    labels: Floats
    groups: Labels
    classes: bool
    folds: int
    seed: int
    words: Labels | None = None

    def __post_init__(self) -> None:
        if len(np.unique(self.labels)) < 2:
            wanted = "both classes" if self.classes else "two doses to follow"
            raise MeasurementError(f"{len(self.labels)} prompts have not {wanted}")
        of = "a class has" if self.classes else "there are"
        if (fewest := self._fewest(self.groups)) < self.folds:
            raise MeasurementError(
                f"{of} {fewest} independent units, too few for {self.folds} folds: give more of "
                f"them{f', or `folds: {fewest}`' if fewest > 1 else ''}"
            )
        if self.words is not None and (fewest := self._fewest(self.words)) < 2:
            raise MeasurementError(f"{of} {fewest} word, too few to hold some out: give more words")
        if self.classes and any(len(np.unique(self.labels[train])) < 2 for train, _ in self.splits):
            raise MeasurementError(
                f"some of {self.folds} folds leave one class alone to fit: give more units"
            )

    @cached_property
    def splits(self) -> list[tuple[Labels, Labels]]:
        """The prompts to fit on and those to test on, in each fold.

        Where words are held out, each fold of units is one for each part of the words.
        """
        from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

        kind = StratifiedGroupKFold if self.classes else GroupKFold
        folding = kind(self.folds, shuffle=True, random_state=self.seed)
        by_unit = list(folding.split(self.labels[:, None], self.labels, self.groups))
        if self.words is None:
            return by_unit
        part = self._word_parts(self.words)
        crossed = [
            (train[part[train] != number], test[part[test] == number])
            for train, test in by_unit
            for number in np.unique(part)
        ]
        return [(train, test) for train, test in crossed if len(test)]

    def _word_parts(self, words: Labels) -> Labels:
        """In which part each prompt's word is, [prompt]; all parts have as many of each class.

        Otherwise the larger class of the words fitted would be the wrong one for those held out.
        """
        of_word = np.unique(words, return_inverse=True)[1]
        share = np.bincount(of_word, self.labels) / np.bincount(of_word)
        alike = np.where(np.isin(share, (0, 1)), share, 0.5) if self.classes else 0 * share
        parts, random = min(self.folds, self._fewest(words)), np.random.default_rng(self.seed)
        part = np.empty(len(share), dtype=np.int64)
        for kind in np.unique(alike):
            some = random.permutation(np.flatnonzero(alike == kind))
            part[some] = np.arange(len(some)) % parts
        return part[of_word]

    def _fewest(self, groups: Labels) -> int:
        """How many of the groups the class has that has fewest of them."""
        sides = [self.labels == 1, self.labels == 0] if self.classes else [self.labels > -np.inf]
        return min(len(np.unique(groups[side])) for side in sides)

    def labellings(self, shuffles: int) -> Floats:
        """The labels, and as often shuffled ones, [1 + shuffles, prompt].

        Where each group has one label, the groups change theirs, else the prompts of all groups.
        """
        random = np.random.default_rng(self.seed)
        _, first, group = np.unique(self.groups, return_index=True, return_inverse=True)
        of_groups = self.labels[first]
        whole = bool((of_groups[group] == self.labels).all())
        drawn = [
            random.permutation(of_groups)[group] if whole else random.permutation(self.labels)
            for _ in range(shuffles)
        ]
        return np.stack([self.labels, *drawn])

    def predict(self, features: Floats, labellings: Floats) -> Predictions:
        """Predict each labelling [labelling, prompt] from features [prompt, width].

        Features are standardised over the training part of each fold; those that differ by no more
        than the rounding of the model's arithmetic count as equal.
        """
        from sklearn.preprocessing import StandardScaler

        features = _settled(features)
        values = np.empty(labellings.shape)
        fits = unfinished = 0
        with _one_thread():
            for train, test in self.splits:
                scaler = StandardScaler().fit(features[train])
                shown, hidden = scaler.transform(features[train]), scaler.transform(features[test])
                if not self.classes:
                    values[:, test] = _ridge(shown, labellings[:, train], hidden)
                    continue
                for row, labels in enumerate(labellings):
                    values[row, test], done = _logistic(shown, labels[train], hidden)
                    fits, unfinished = fits + 1, unfinished + (not done)
        return Predictions(values, fits, unfinished)


def word_counts(prompts: Sequence[Prompt]) -> Floats:
    """How often each word or mark stands in each prompt's text, [prompt, word]."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(token_pattern=_WORD, lowercase=False)
    counts: Floats = counter.fit_transform(texts(prompts)).toarray().astype(np.float64)
    return counts


def probe_direction(activations: Floats, labels: NDArray[np.bool_]) -> Floats:
    """The direction, of length 1, along which a logistic probe's log-odds of `labels` rise most.

    It is that of the activations [prompt, width] themselves, not of standardised ones: [width].
    Raises MeasurementError where there are not both labels, or the activations do not differ.
    """
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(labels)) < 2:
        raise MeasurementError(f"{len(labels)} prompts do not have both classes")
    scaler = StandardScaler().fit(features := _settled(activations))
    with _one_thread():
        model = _fitted(scaler.transform(features), np.asarray(labels, dtype=np.float64))
    direction: Floats = model.coef_[0] / scaler.scale_
    length = float(np.linalg.norm(direction))
    if not length:
        raise MeasurementError("the activations do not differ: a probe finds no direction in them")
    return direction / length


def _one_thread() -> AbstractContextManager[Any]:
    """Fits are small: threads cost more than they give, and their number may change last digits."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


def _settled(features: Floats) -> Floats:
    scale = np.maximum(np.abs(features).max(axis=0), np.sqrt(np.mean(features**2)))
    return np.where(np.ptp(features, axis=0) <= _ROUNDING * scale, 0.0, features)


def _ridge(shown: Floats, doses: Floats, hidden: Floats) -> Floats:
    """Doses [labelling, shown] to doses [labelling, hidden]."""
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(ALPHAS, alpha_per_target=True).fit(shown, doses.T)
    predicted: Floats = np.reshape(model.predict(hidden), (len(hidden), len(doses))).T
    return predicted


def _logistic(shown: Floats, labels: Floats, hidden: Floats) -> tuple[Floats, bool]:
    """Log-odds [hidden], and whether the fit came to its end. One class is predicted as it is."""
    if len(np.unique(labels)) < 2:
        return np.full(len(hidden), 2 * labels[0] - 1), True
    model = _fitted(shown, labels)
    return model.decision_function(hidden), int(model.n_iter_[0]) < STEPS


def _fitted(features: Floats, labels: Floats) -> Any:
    """L2-penalised, C = 1. An unfinished fit is seen by its number of steps, not by a warning."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(max_iter=STEPS).fit(features, labels)
