"""Prompts drawn from declared strategies, at random and by hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.relation import EVERY, Relations
from ppcheck.spec.prompts.strategy import Strategy
from ppcheck.spec.prompts.variable import Word

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

AT_ONCE = 16
"""How many prompts hypothesis may put into one example, so that they are read in one batch."""
_TRIES = 100
"""How many draws are made, at the most, for one that meets what is asked of its words."""


class _BrokenError(Exception):
    """Tells hypothesis that an example breaks the condition."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """Every prompt that some of a grid's prompts become when strategies give their words.

    What is drawn and does not meet ``where`` is none of them.
    """

    grid: Grid
    prompts: Sequence[Prompt]
    forall: Mapping[str, Strategy]
    where: Relations = EVERY

    def draws(self, number: int, seed: int) -> list[Prompt]:
        """Independent draws, each prompt, number, length and word being as likely as any other.

        Raises MeasurementError where almost none of them meets ``where``.
        """
        rng = np.random.default_rng(seed)
        drawn: list[Prompt] = []
        tries = _TRIES * (number + _TRIES)
        for _ in range(tries):
            prompt = self._drawn(rng)
            drawn += [prompt] * self.where.accepts(prompt.words)
            if len(drawn) == number:
                return drawn
        raise MeasurementError(
            f"{len(drawn)} of {tries:,} draws meet `{self.where}`: give strategies of which more do"
        )

    def smallest(
        self,
        broken: Callable[[Sequence[Prompt]], Sequence[bool]],
        tries: int,
        seed: int,
        database: Path | None,
    ) -> Prompt | None:
        """The simplest prompt found that is ``broken``, after ``tries`` examples, or None.

        Numbers shrink towards 0, words towards the first, and texts towards fewer words. What
        earlier runs left in the folder ``database`` is tried first.
        """
        import hypothesis
        from hypothesis import HealthCheck, Phase, Verbosity
        from hypothesis.database import DirectoryBasedExampleDatabase
        from hypothesis.strategies import lists

        found: list[Prompt] = []

        # `settings` stand outside, since `seed` by itself turns the database off.
        @hypothesis.settings(
            max_examples=tries,
            deadline=None,
            phases=(Phase.reuse, Phase.generate, Phase.shrink),
            database=None if database is None else DirectoryBasedExampleDatabase(database),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
        )
        @hypothesis.seed(seed)
        @hypothesis.given(lists(self._strategy(), min_size=1, max_size=AT_ONCE))
        def none_is_broken(prompts: list[Prompt]) -> None:
            worst = [p for p, bad in zip(prompts, broken(prompts), strict=True) if bad]
            if worst:
                found[:] = worst[:1]
                raise _BrokenError

        try:
            none_is_broken()
        except _BrokenError:
            return found[0]
        return None

    def _drawn(self, rng: np.random.Generator) -> Prompt:
        words = {name: _drawn(strategy, rng) for name, strategy in self.forall.items()}
        return self._prompt(words, int(rng.integers(len(self.prompts))))

    def _strategy(self) -> SearchStrategy[Prompt]:
        from hypothesis import strategies as st

        words = st.fixed_dictionaries({n: _searched(s) for n, s in self.forall.items()})
        drawn = st.builds(self._prompt, words, st.integers(0, len(self.prompts) - 1))
        return drawn.filter(lambda prompt: self.where.accepts(prompt.words))

    def _prompt(self, texts: Mapping[str, str], number: int) -> Prompt:
        words = {name: Word(text, text) for name, text in texts.items()}
        drawn = self.grid.with_words(self.prompts[number], words)
        return replace(drawn, unit=drawn.key)  # each draw by itself


def _drawn(strategy: Strategy, rng: np.random.Generator) -> str:
    if strategy.kind == "integers":
        return str(rng.integers(strategy.least, strategy.most, endpoint=True))
    size = int(rng.integers(strategy.least, strategy.most, endpoint=True))
    which = rng.choice(len(strategy.words), size, replace=strategy.kind == "filler")
    if strategy.kind == "subset":
        which = np.sort(which)
    return " ".join(strategy.words[number] for number in which)


def _searched(strategy: Strategy) -> SearchStrategy[str]:
    from hypothesis import strategies as st

    if strategy.kind == "integers":
        return st.integers(strategy.least, strategy.most).map(str)
    if strategy.kind == "subset":
        # Lists of unique numbers shrink badly, and a set of flags well.
        flags = st.tuples(*(st.booleans() for _ in strategy.words))
        return flags.map(lambda chosen: _subset(strategy, chosen))
    number = st.integers(0, len(strategy.words) - 1)
    several = st.lists(number, min_size=strategy.least, max_size=strategy.most)
    return several.map(lambda which: " ".join(strategy.words[number] for number in which))


def _subset(strategy: Strategy, chosen: Sequence[bool]) -> str:
    """The words that are chosen, or as many of them, or as many more, as there may be."""
    flags = list(chosen)
    for number, flag in enumerate(chosen):
        if not flag and sum(flags) < strategy.least:
            flags[number] = True
        if flag and sum(flags[: number + 1]) > strategy.most:
            flags[number] = False
    return " ".join(compress(strategy.words, flags))
