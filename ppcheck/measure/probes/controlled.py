"""Probes and what they are compared with: probes of the words alone, and of shuffled labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.check import unit_labels, units_of
from ppcheck.measure.probes.fitting import ProbeTask, word_counts
from ppcheck.measure.probes.skill import Skill
from ppcheck.spec.prompts.grid import Prompt


@dataclass(frozen=True)
class Folding:
    """Into how many parts units are divided, and how often labels are shuffled.

    ``held_out`` is the variable whose words are never both fitted on and tested.
    """

    folds: int
    shuffles: int
    seed: int
    held_out: str | None = None


@dataclass(frozen=True, eq=False)
class FittedProbes:
    """The probes of all inputs on some prompts, and their controls.

    ``predictions`` are [prompt] of each input; ``merits``, ``shuffled`` and ``words`` are merits
    [prompt], see `Skill`: of each input, of its shuffled labels, and of the words alone.
    """

    prompts: tuple[Prompt, ...]
    skill: Skill
    predictions: Sequence[Floats]
    merits: Sequence[Floats]
    shuffled: Sequence[Floats]
    words: Floats
    fits: int
    unfinished: int


@dataclass(frozen=True, eq=False)
class Probes:
    """One probe for each of the ``features`` [prompt, width], of classes or of doses."""

    prompts: tuple[Prompt, ...]
    labels: Floats
    features: Sequence[Floats]
    classes: bool
    folding: Folding

    def skills(self, mask: Mask) -> Floats:
        """Accuracy or r2 of each input over some of the prompts, [input]."""
        _, skill = self._skill(mask)
        truth = skill.task.labels[None]
        merits = [
            skill.merits(truth, skill.task.predict(column[mask], truth).values).sum()
            for column in self.features
        ]
        shares: Floats = np.array(merits) / skill.weight.sum()
        return shares

    def fitted(self, mask: Mask) -> FittedProbes:
        """The probes and their controls, fitted and tested on some of the prompts alone."""
        prompts, skill = self._skill(mask)
        task = skill.task
        labellings = task.labellings(self.folding.shuffles)
        found = [task.predict(column[mask], labellings) for column in self.features]
        truth = labellings[:1]
        by_words = task.predict(word_counts(prompts), truth)
        merits = [skill.merits(labellings, one.values) for one in found]
        return FittedProbes(
            prompts,
            skill,
            predictions=[one.values[0] for one in found],
            merits=[one[0] for one in merits],
            shuffled=[one[1:].mean(axis=0) for one in merits],
            words=skill.merits(truth, by_words.values)[0],
            fits=sum(one.fits for one in (*found, by_words)),
            unfinished=sum(one.unfinished for one in (*found, by_words)),
        )

    def _skill(self, mask: Mask) -> tuple[tuple[Prompt, ...], Skill]:
        prompts = tuple(compress(self.prompts, mask))
        units, how, words = units_of(prompts), self.folding, None
        if how.held_out is not None:
            words = unit_labels([prompt.words[how.held_out].text for prompt in prompts])
        task = ProbeTask(self.labels[mask], units, self.classes, how.folds, how.seed, words)
        return prompts, Skill(task, units)
