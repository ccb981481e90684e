"""The file that a search starts from: its prompt sets, each in two halves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from ppcheck.errors import SpecError
from ppcheck.judge.interval import MIN_UNITS
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.grammar import suggest
from ppcheck.spec.load import Entry, Header, Spec
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import Half, PromptSet
from ppcheck.spec.source import Source, read_source
from ppcheck.spec.wording import joined, validated

Raw = Mapping[str, Any]
"""A claim as YAML gives it."""
_CHOICES = 'choices: {yes: "yes", no: "no"}'


class _Header(Header):
    """A spec's header, whether or not it has claims; those that it has are not read."""

    claims: list[Any] = Field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Prompts:
    """One prompt set, of which one half is looked at and the other is judged."""

    name: str
    explore: Grid
    judge: Grid

    @property
    def prompt_set(self) -> PromptSet:
        return self.explore.prompt_set

    def grid(self, half: Half) -> Grid:
        return self.explore if half == "explore" else self.judge

    @cached_property
    def ratio(self) -> float:
        """Units looked at over units judged."""
        looked, judged = (
            len({p.unit for p in grid.prompts}) for grid in (self.explore, self.judge)
        )
        return looked / judged


@dataclass(frozen=True, eq=False)
class Draft:
    """A file with prompts; ``left_out`` says why nothing is looked for in a set."""

    source: Source
    header: Header
    sets: Mapping[str, Prompts]
    left_out: Mapping[str, str]

    def spec(self, *entries: Entry) -> Spec:
        """A spec of these claims, as the file's."""
        header, models = self.header, tuple(self.header.models)
        path, sha256 = self.source.path, self.source.sha256
        return Spec(path, header.title, header.source, models, entries, sha256)

    def entry(self, raw: Raw, half: Half) -> Entry:
        """The claim as it is loaded from a file. Raises SpecError for what is wrong with it."""
        prompts = self.sets[str(raw["on"]).partition("[")[0]]
        grid, name = prompts.grid(half), str(raw["check"])
        claim = validated(CHECKS[name](), dict(raw), self.source, ())
        problems = [
            self.source.error(problem.message) for problem in claim.problems(grid.prompt_set)
        ]
        if problems:
            raise joined(problems)
        return Entry(claim.id, 1, name, claim, grid)


def read_draft(path: Path, only: Collection[str] = ()) -> Draft:
    """The file and its prompt sets, or ``only`` those of these names.

    Raises SpecError where there is nothing to look at.
    """
    source = read_source(path)
    if not isinstance(source.data, dict):
        raise source.error("a spec to start from has the keys `ppcheck: 1`, `title` and `prompts`")
    header = validated(_Header, source.data, source, ())
    if unknown := [name for name in only if name not in header.prompts]:
        raise source.error(
            f"there are no prompts {unknown[0]!r}: {suggest(unknown[0], header.prompts)}",
            ("prompts",),
        )
    sets: dict[str, Prompts] = {}
    left_out: dict[str, str] = {}
    for name, raw in header.prompts.items():
        if only and name not in only:
            continue
        halved = _halved(source, name, raw)
        if isinstance(halved, Prompts):
            sets[name] = halved
        else:
            left_out[name] = halved
    if not sets:
        name, reason = next(iter(left_out.items()), ("", "there are none"))
        raise source.error(f"no prompts to look at: {reason}", ("prompts", name))
    return Draft(source, header, sets, left_out)


def _halved(source: Source, name: str, raw: Any) -> Prompts | str:
    """A prompt set, or why nothing can be found in it and tested on it.

    Raises SpecError where it is not valid.
    """
    written = validated(PromptSet, raw, source, ("prompts", name))
    if written.is_fixed:
        return "`population: fixed` is all there is, and leaves no other half to judge on"
    if not written.choices:
        return f"a metric needs answers to read: give {name!r} `{_CHOICES}`"
    explore, judge = (_grid(source, name, raw, half) for half in ("explore", "judge"))
    for grid in (explore, judge):
        if (units := len({prompt.unit for prompt in grid.prompts})) < MIN_UNITS:
            advice = "give more words to variables that are plain lists, or more rows"
            return f"a half has {units} independent units and needs {MIN_UNITS}: {advice}"
    return Prompts(name, explore, judge)


def _grid(source: Source, name: str, raw: Any, half: str) -> Grid:
    def place(message: str, *keys: str) -> SpecError:
        return source.error(message, ("prompts", name, *keys))

    prompt_set = validated(PromptSet, {**raw, "half": half}, source, ("prompts", name))
    return Grid(prompt_set, source.path.parent, place)
