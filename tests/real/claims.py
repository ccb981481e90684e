"""Claims of the study on a few of their prompts, and what ppcheck measures there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.measure.core.check import CheckResult, StatisticResult
from ppcheck.measure.registry import CHECKS
from ppcheck.record.examine import Examination
from ppcheck.spec.load import load_spec
from ppcheck.spec.prompts.grid import Grid, Pair, Prompt
from ppcheck.spec.source import read_source
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.real.plain import Plain

FOLDER = Path(__file__).parents[2] / "specs" / "smollm2"
FILES = ("circuits", "representation", "points", "decisions")


@dataclass(frozen=True)
class Said:
    """What ppcheck measures of one claim."""

    claim: Any
    grid: Grid
    result: CheckResult

    def found(self, name: str, member: str | None = None) -> StatisticResult:
        """One statistic. There is exactly one of this name and member."""
        (one,) = (
            each
            for each in self.result.statistics
            if (each.statistic.name, each.statistic.member) == (name, member)
        )
        return one

    def values(self, name: str, member: str | None = None) -> Floats:
        return self.found(name, member).statistic.values()

    def estimate(self, name: str, member: str | None = None) -> float:
        statistic = self.found(name, member).statistic
        return float(statistic.estimate(np.ones((1, statistic.n_units)))[0])

    def members(self, name: str) -> list[str | None]:
        return [
            one.statistic.member for one in self.result.statistics if one.statistic.name == name
        ]

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        return self.grid.select(self.claim.on)

    def judged(self, name: str, member: str | None = None) -> list[Prompt]:
        """The prompts that a statistic's examples are, in their order."""
        by_text = {prompt.text: prompt for prompt in self.prompts}
        return [by_text[text] for text in self.found(name, member).examples]

    def pairs(self, plain: Plain) -> list[Pair]:
        """Clean and corrupted prompts that differ in some token."""
        return [
            pair
            for pair in self.grid.pairs(self.claim.on, self.claim.pairs)
            if plain.text(pair.clean).ids != plain.text(pair.corrupted).ids
        ]


def claims_of(kind: str) -> list[tuple[Path, dict[str, Any]]]:
    """The first two claims of a check, with the files that they stand in."""
    found = []
    for name in FILES:
        path = FOLDER / f"{name}.pp.yaml"
        claims = read_source(path).data["claims"]
        found += [(path, claim) for claim in claims if claim["check"] == kind]
    return found[:2]


def said(
    path: Path,
    claim: dict[str, Any],
    folder: Path,
    subject: Subject,
    *,
    units: int,
    words: int = 1,
    **changed: Any,
) -> Said:
    """The claim on ``units`` units and the first ``words`` of each class of its prompt set.

    ``changed`` are fields that cost much and are not compared, such as the random draws.
    """
    data = dict(read_source(path).data)
    name = re.split(r"\[", claim["on"])[0]
    prompts = dict(data["prompts"][name])
    # A half keeps about one of two units.
    prompts["sample"] = 2 * units if "half" in prompts else units
    varied = prompts.get("vary", {}).items()
    prompts["vary"] = {key: _first_words(some, claim["on"], words) for key, some in varied}
    data |= {"prompts": {name: prompts}, "claims": [claim | changed]}
    for table in path.parent.glob("*.csv"):
        shutil.copy(table, folder)
    small = folder / path.name
    small.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")  # JSON is YAML, too
    spec = load_spec(small, CHECKS)
    (entry,) = spec.entries
    measured = Examination(spec, entry, subject.info.name, seed=0).measured(Memo(subject, Memory()))
    assert measured.result is not None, measured.lacks
    checked, grid = entry.expand()
    return Said(checked, grid, measured.result)


def _first_words(of_classes: Any, on: str, number: int) -> Any:
    """Some words of each class, those that the claim selects by name among them."""
    if not isinstance(of_classes, dict) or "ordered" in of_classes:
        return of_classes
    return {label: _few(some, on, number) for label, some in of_classes.items()}


def _few(words: Sequence[str], on: str, number: int) -> list[str]:
    named = [word for word in words if f"={word}]" in on or f"={word}," in on]
    return [*named, *(word for word in words if word not in named)][:number]
