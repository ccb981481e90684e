"""What is run to read a metric under an intervention: prompts, or for a loss their beginnings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.measure.core.loss import Unrolled, unrolled
from ppcheck.measure.core.metrics import VocabularyReadout, own_readout
from ppcheck.spec.expectations.metric import Metric, Reading
from ppcheck.spec.prompts.prompt_set import Pool
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded


@dataclass(frozen=True, eq=False)
class Rows:
    """``reader`` reads after each row of ``encoded``; of a loss these are ``unrolled``."""

    encoded: Encoded
    reader: Readout
    unrolled: Unrolled | None = None

    @classmethod
    def of(cls, subject: Subject, encoded: Encoded, metric: Metric, pool: Pool) -> Rows:
        """Raises MeasurementError as `unrolled` and `own_readout` do."""
        if metric.reading is not Reading.LOSS:
            return cls(encoded, own_readout(subject, encoded, metric, pool))
        rows = unrolled(encoded, metric.variable)
        return cls(rows.encoded, loss_readout(rows), rows)

    def values(self, found: Floats) -> Floats:
        """The metric, [..., prompt], from what was read, [..., row]."""
        return found if self.unrolled is None else self.unrolled.losses(found)

    def vectors(self, vectors: Floats) -> Floats:
        """For an edit of each row; [token, width] are a whole prompt's, of which rows have some."""
        if self.unrolled is None or vectors.ndim == 1:
            return vectors
        return np.broadcast_to(vectors, (len(self.encoded), *vectors.shape))


def loss_readout(unrolled: Unrolled) -> Readout:
    """The log-probability of what follows each row: a loss is made of these."""
    return VocabularyReadout(Reading.LOG_PROB, unrolled.following[:, None], "sum")
