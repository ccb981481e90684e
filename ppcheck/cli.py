"""The `ppcheck` command: `validate` specs without a model, print the `schema` for editors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ppcheck.errors import SpecError
from ppcheck.spec.load import Entry


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 1 where a spec is not valid."""
    parser = argparse.ArgumentParser(prog="ppcheck", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    validate = commands.add_parser("validate", help="check specs without a model")
    validate.add_argument("files", nargs="+", type=Path, metavar="FILE", help="spec or folder")
    commands.add_parser("schema", help="print the JSON Schema of specs")
    options = parser.parse_args(arguments)
    if options.command == "schema":
        return _schema()
    return _validate(options.files)


def _schema() -> int:
    from ppcheck.measure.registry import schema_text

    sys.stdout.write(schema_text())
    return 0


def _validate(paths: Sequence[Path]) -> int:
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec

    failed = False
    for path in _specs(paths):
        try:
            spec = load_spec(path, CHECKS)
            problems = [problem for entry in spec.entries for problem in _problems(entry)]
        except SpecError as error:
            problems = [str(error)]
        failed = failed or bool(problems)
        for problem in dict.fromkeys(problems):
            sys.stdout.write(f"{problem}\n")
        if not problems:
            sys.stdout.write(f"{path}: {len(spec.entries)} claims, no problem\n")
    return 1 if failed else 0


def _specs(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.pp.yaml"))
        else:
            yield path


def _problems(entry: Entry) -> Iterator[str]:
    """What is wrong with one claim, its prompts expanded."""
    if entry.error is not None:
        yield str(entry.error)
    elif entry.claim is not None and entry.grid is not None:
        try:
            entry.grid.select(entry.claim.on)
        except SpecError as error:
            yield str(error)
