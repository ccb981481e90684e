"""`ppcheck validate`: what is wrong with specs, and what no model could decide."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppcheck.cli.specs import found
from ppcheck.errors import SpecError
from ppcheck.report.text import counted
from ppcheck.spec.load import Spec


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
        sys.stdout.write(f"{path}: there is no spec (*.pp.yaml) in this folder\n")
        return False
    valid = [_is_valid_spec(spec) for spec in specs]
    return all(valid)


def _is_valid_spec(path: Path) -> bool:
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec

    try:
        spec = load_spec(path, CHECKS)
    except SpecError as error:
        sys.stdout.write(f"{error}\n")
        return False
    problems = dict.fromkeys(_problems(spec))
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    if not problems:
        for warning in _warnings(spec):
            sys.stdout.write(f"{path}:{warning}\n")
        sys.stdout.write(f"{path}: {counted(len(spec.entries), 'claim')}, no problem\n")
    return not problems


def _warnings(spec: Spec) -> Iterator[str]:
    """What is seldom meant, prompts that repeat others, and claims that no model can decide,
    because they have too few independent units.
    """
    from ppcheck.judge.interval import MIN_UNITS
    from ppcheck.spec.doubts import doubts

    grids = {id(entry.grid): entry.grid for entry in spec.entries if entry.grid is not None}
    for warning in (each for grid in grids.values() for each in doubts(grid)):
        yield f"{warning.line}: warning: {warning.message}"
    for entry in spec.entries:
        if entry.claim is None or entry.grid is None:
            continue
        wanted = MIN_UNITS * (2 if getattr(entry.claim, "top", None) else 1)
        units = entry.claim.units(entry.grid)
        if repeats := entry.claim.repeats(entry.grid):
            yield (
                f"{entry.line}: warning: {repeats:,} of the prompts of {entry.id} repeat others: "
                "prompts that are equal are one unit"
            )
        if units < wanted:
            yield (
                f"{entry.line}: warning: {entry.id} has {units} independent units and needs "
                f"{wanted} to be decided: give more words to {', '.join(entry.grid.unit_names)}"
            )


def _problems(spec: Spec) -> Iterator[str]:
    """What is wrong with each claim, its prompts and pairs expanded."""
    for entry in spec.entries:
        try:
            entry.expand()
        except SpecError as error:
            yield str(error)
