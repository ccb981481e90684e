"""The self-test of a model, run once for all runs that share a cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.replay import Replay
from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.model.rounding import Rounding
from ppcheck.subject.operations import self_test
from ppcheck.subject.store import Store


@dataclass(frozen=True)
class KnownSelfTest:
    """The self-test, without what ``store`` knows that ``model`` has passed.

    A model that fails is tried again by each run, so that the reason is always the present one.
    """

    model: str
    store: Store

    def fault(self, engine: Engine, replay: Replay) -> str | None:
        return self._unless_passed("replay", lambda: self_test.fault(engine, replay))

    def tree_fault(self, engine: Engine, replay: Replay) -> str | None:
        return self._unless_passed("tree", lambda: self_test.tree_fault(engine, replay))

    def rounding(self, engine: Engine) -> Rounding:
        return self_test.rounding(engine)

    def _unless_passed(self, part: str, run: Callable[[], str | None]) -> str | None:
        family = digest(self.model, "self-test")
        if self.store.load(family, [part]):
            return None
        found = run()
        if found is None:
            self.store.save(family, {part: np.ones(1)})
        return found
