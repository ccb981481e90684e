"""`ppcheck validate`: what is wrong with specs, and what no model could decide."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppcheck.cli.output import tell
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
        tell(f"{path}: there is no spec (*.pp.yaml) in this folder")
        return False
    valid = [_is_valid_spec(spec) for spec in specs]
    return all(valid)


def _is_valid_spec(path: Path) -> bool:
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec

    try:
        spec = load_spec(path, CHECKS)
    except SpecError as error:
        tell(error)
        return False
    problems = dict.fromkeys(_problems(spec))
    for problem in problems:
        tell(problem)
    if not problems:
        for warning in _warnings(spec):
            tell(f"{path}:{warning}")
        tell(f"{path}: {counted(len(spec.entries), 'claim')}, no problem")
    return not problems


def _warnings(spec: Spec) -> Iterator[str]:
    """Claims that no model can decide, because they have too few independent units."""
    from ppcheck.judge.interval import MIN_UNITS

    for entry in spec.entries:
        if entry.claim is None or entry.grid is None:
            continue
        wanted = MIN_UNITS * (2 if getattr(entry.claim, "top", None) else 1)
        units = len({prompt.unit for prompt in entry.grid.select(entry.claim.on)})
        if units < wanted:
            yield (
                f"{entry.line}: warning: {entry.id} has {units} independent units and needs "
                f"{wanted} to be decided: give more words to {', '.join(entry.grid.unit_names)}"
            )


def _problems(spec: Spec) -> Iterator[str]:
    """What is wrong with each claim, its prompts and pairs expanded."""
    for entry in spec.entries:
        try:
            if entry.error is not None:
                raise entry.error
            if entry.claim is not None and entry.grid is not None:
                entry.claim.expand(entry.grid)
        except SpecError as error:
            placed = error if error.path else SpecError(error.message, spec.path, entry.line)
            yield str(placed)
