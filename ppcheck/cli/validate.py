"""`ppcheck validate`: what is wrong with specs, and what no model could decide."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ppcheck.cli.output import tell
from ppcheck.report.text import counted
from ppcheck.spec.files import SUFFIX, found

if TYPE_CHECKING:
    from ppcheck.judge.ceiling import Ceiling
    from ppcheck.measure.core.check import Check
    from ppcheck.spec.survey import Survey


def add(commands: Any) -> None:
    parser = commands.add_parser("validate", help="check specs without a model")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="spec or folder")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    valid = [_is_valid(path) for path in options.paths]
    return 0 if all(valid) else 1


def _is_valid(path: Path) -> bool:
    specs = found(path)
    if not specs:
        tell(f"{path}: there is no spec (*.pp.yaml) in this folder")
        return False
    valid = [_is_valid_spec(spec) for spec in specs]
    return all(valid)


def _is_valid_spec(path: Path) -> bool:
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.survey import survey

    found = survey(path, CHECKS)
    problems = [line for problem in found.problems for line in str(problem).splitlines()]
    if not path.name.endswith(SUFFIX):
        problems.insert(0, f"{path}: pytest collects files that end in {SUFFIX}: rename it")
    for problem in problems:
        tell(problem)
    warnings = list(_warnings(found))
    for warning in warnings:
        tell(f"{path}:{warning}")
    said = [(problems, "problem"), (warnings, "warning")]
    amount = " and ".join(counted(len(each), what) for each, what in said if each)
    if found.entries:
        whole = " without a problem" if problems else ""
        tell(f"{path}: {counted(len(found.entries), 'claim')}{whole}, {amount or 'no problem'}")
    return not problems


def _warnings(found: Survey) -> Iterator[str]:
    """What is seldom meant, prompts that repeat others, and claims that no model can decide,
    because they have too few independent units.
    """
    from ppcheck.judge.ceiling import ceilings
    from ppcheck.judge.interval import MIN_UNITS
    from ppcheck.spec.prompts.doubts import doubts

    for warning in (
        *found.unused,
        *(each for grid in found.grids.values() for each in doubts(grid)),
    ):
        yield f"{warning.line}: warning: {warning.message}"
    for entry in found.entries:
        if entry.claim is None or entry.grid is None or entry.grid.prompt_set.is_fixed:
            continue
        check, names = cast("Check", entry.claim), ", ".join(entry.grid.unit_names)
        where = f"{entry.line}: warning: {entry.id}"
        if repeats := check.repeats(entry.grid):
            yield (
                f"{where}: {repeats:,} of its prompts repeat others, and prompts that are equal "
                "are one unit"
            )
        units = check.units(entry.grid)
        wanted = MIN_UNITS * (2 if check.halves else 1)
        if units < wanted:
            yield (
                f"{where} has {counted(units, 'independent unit')} and needs {wanted} to be "
                f"decided: give more words to {names}"
            )
        for ceiling in ceilings(check, entry.grid):
            yield f"{where}: {_said(ceiling, halves=check.halves)}"


def _said(ceiling: Ceiling, *, halves: bool) -> str:
    """Why the bound is out of reach, and what would bring it within."""
    from ppcheck.judge.ceiling import MOST

    low, high = ceiling.best
    judged = "judged units" if halves else "independent units"
    more = f"more than {MOST:,}" if ceiling.needed is None else f"{ceiling.needed:,}"
    twice = " (half of the units are judged)" if halves else ""
    return (
        f'`{ceiling.name}: "{ceiling.bound}"` cannot hold over {ceiling.units} {judged}{twice}: '
        f"where all of them agree its interval is [{low:.3g}, {high:.3g}]; {more} could"
    )
