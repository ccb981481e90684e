"""How well a probe predicts the labels, and how much better than its controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats, Labels
from ppcheck.measure.core.facts import Curve
from ppcheck.measure.probes.fitting import ProbeTask
from ppcheck.statistics.agreement import Ends
from ppcheck.statistics.first_layer import FirstLayer, PeakLayer
from ppcheck.statistics.scale import Scale
from ppcheck.statistics.statistics import Auroc, Gap, Mean, Ratio, Statistic

_UNDECIDED = 1e-6  # log-odds: their sign is that of a rounding error


@dataclass(frozen=True, eq=False)
class Lead(Mean):
    """The mean of the probe's right answers less the control's, between -1 and 1.

    Where every unit agrees on one lead, such as none, units that were not seen may still differ.
    """

    support: Ends = (-1.0, 1.0)

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        sizes, sums = self._sums
        means = sums / sizes
        if np.ptp(means) > 1e-12:
            return super().exceptions(tail, units)
        share, common = 1 - tail ** (1 / (units or self.effective_units)), float(means[0])
        return common - share * (common + 1), common + share * (1 - common)


class Explained(Ratio):
    """R2: a share of the variance, which is never above all of it."""

    support = (-math.inf, 1.0)


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """A statistic of out-of-fold predictions, whose units are not quite independent.

    Units that are tested in one fold are fitted on in the others. Moves from the estimate are
    therefore `widening` times as large as under independence (Nadeau & Bengio 2003, for k folds).
    Where units agree completely, its exact ends are those of the statistic itself.
    """

    inner: Mean | Ratio | Auroc | FirstLayer | PeakLayer
    folds: int

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def member(self) -> str | None:
        return self.inner.member

    @property
    def n_units(self) -> int:
        return self.inner.n_units

    @property
    def units(self) -> Labels:
        return self.inner.units

    @property
    def support(self) -> Ends:
        return self.inner.support

    @property
    def neutral(self) -> float | None:
        return self.inner.neutral

    @property
    def rounding(self) -> float:
        return self.inner.rounding

    @property
    def gap(self) -> Gap | None:
        return self.inner.gap

    @property
    def scale(self) -> Scale:
        return self.inner.scale

    def values(self) -> Floats:
        return self.inner.values()

    @property
    def widening(self) -> float:
        return math.sqrt(1 + self.folds / (self.folds - 1))

    def estimate(self, weights: Floats) -> Floats:
        weights = np.asarray(weights, dtype=np.float64)
        if isinstance(self.inner, FirstLayer | PeakLayer):
            # These compare sums that are linear in the weights: the sums are to move further.
            return self.inner.estimate(1 + self.widening * (weights - 1))
        whole = self.inner.estimate(np.ones((1, self.n_units)))
        moved: Floats = whole + self.widening * (self.inner.estimate(weights) - whole)
        return np.where((weights == 1).all(axis=1), whole, moved)

    def error(self, weights: Floats) -> Floats | None:
        error = self.inner.error(weights)
        return None if error is None else self.widening * error

    def influence(self, weights: Floats) -> Floats | None:
        influence = self.inner.influence(weights)
        return None if influence is None else self.widening * influence

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        return self.inner.exceptions(tail, units)


@dataclass(frozen=True, eq=False)
class Skill:
    """Turns predictions into statistics over the units.

    The skill of a prediction is a sum over prompts of its merit over a sum of ``weight``. For
    classes the merit is 1 where the prediction is right (1/2 where the log-odds are 0), and the
    weight 1: accuracy. For doses y of
    mean m the merit of t is (y - m)^2 - (y - t)^2, and the weight (y - m)^2: R2.
    """

    task: ProbeTask
    units: Labels

    @property
    def name(self) -> str:
        return "accuracy" if self.task.classes else "r2"

    @cached_property
    def weight(self) -> Floats:
        """Of each prompt, [prompt]."""
        if self.task.classes:
            return np.ones(len(self.task.labels))
        weight: Floats = (self.task.labels - self.task.labels.mean()) ** 2
        return weight

    def merits(self, labellings: Floats, predicted: Floats) -> Floats:
        """The merit of each prediction of each labelling, both [labelling, prompt]."""
        if self.task.classes:
            right = ((predicted > 0) == (labellings == 1)).astype(np.float64)
            return np.where(np.abs(predicted) > _UNDECIDED, right, 0.5)
        merits: Floats = (labellings - self.task.labels.mean()) ** 2 - (labellings - predicted) ** 2
        return merits

    def of(self, merits: Floats, name: str, member: str | None = None) -> Statistic:
        """The skill itself."""
        return self._judged(self._plain(merits, name, member))

    def lead(self, merits: Floats, control: Floats, name: str, member: str | None) -> Statistic:
        """The skill less the control's."""
        gained = merits - control
        if self.task.classes:
            return self._judged(Lead(gained, self.units, name, member))
        return self._judged(Ratio(gained, self.weight, self.units, name, member))

    def auroc(self, predicted: Floats, name: str, member: str | None) -> Statistic:
        return self._judged(Auroc(predicted, self.task.labels == 1, self.units, name, member))

    def first_layer(self, merits: Floats, level: float, name: str, member: str | None) -> Statistic:
        """The first layer with a skill above ``level``; merits [prompt, layer]."""
        margins = merits - level * self.weight[:, None]
        return self._judged(FirstLayer(margins, self.weight, self.units, name, member))

    def peak_layer(self, merits: Floats, name: str, member: str | None) -> Statistic:
        return self._judged(PeakLayer(merits, self.units, name, member))

    def curve(self, merits: Sequence[Floats]) -> Curve:
        """The skill in each layer, as a report draws it, each with a 95 % interval of its own."""
        points, ends = zip(*(self._point(layer) for layer in merits), strict=True)
        low, high = zip(*ends, strict=True)
        return Curve(x=tuple(range(len(points))), x_label="layer", y=points, low=low, high=high)

    def _point(self, merits: Floats) -> tuple[float, Ends]:
        """The skill with Student's interval, or the exact one where all units agree."""
        from scipy.special import stdtrit

        plain = self._plain(merits, self.name, None)
        whole, tail = np.ones((1, plain.n_units)), 0.025
        estimate, error = float(plain.estimate(whole)[0]), float(plain.error(whole)[0])
        if not error and (ends := plain.exceptions(tail)) is not None:
            return estimate, (float(ends[0]), float(ends[1]))
        reach = -float(stdtrit(plain.n_units - 1, tail)) * self._judged(plain).widening * error
        lowest, highest = plain.support
        return estimate, (max(lowest, estimate - reach), min(highest, estimate + reach))

    def _plain(self, merits: Floats, name: str, member: str | None) -> Mean | Ratio:
        if self.task.classes:
            return Mean(merits, self.units, name, member, (0.0, 1.0))
        return Explained(merits, self.weight, self.units, name, member)

    def _judged(self, plain: Mean | Ratio | Auroc | FirstLayer | PeakLayer) -> CrossValidated:
        return CrossValidated(plain, self.task.folds)
