"""What patches and edits do, measured or estimated by gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ppcheck.arrays import Floats
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded

STEPS = 10
"""Gradients that are averaged along a path of inputs."""


class Intervening(Protocol):
    """What reads prompts under patches and edits: a `Subject` does."""

    def patch(
        self, target: Encoded, source: Encoded, cells: Sequence[Cell], readout: Readout
    ) -> Floats: ...

    def intervene(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats: ...


@dataclass(frozen=True)
class Estimated:
    """The same to first order, with the mean of ``steps`` gradients; see `Subject.estimate_patch`.

    Edits have no other input to begin a path at, and are estimated by the one gradient.
    """

    subject: Subject
    steps: int = 0

    def patch(
        self, target: Encoded, source: Encoded, cells: Sequence[Cell], readout: Readout
    ) -> Floats:
        gained = self.subject.estimate_patch(target, source, cells, readout, self.steps)
        return self.subject.read(target, readout) + gained

    def intervene(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        gained = self.subject.estimate_edits(encoded, cells, readout)
        return self.subject.read(encoded, readout) + gained
